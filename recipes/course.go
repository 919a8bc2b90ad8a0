// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
)

// course says in a sentence or two what the loss did over these epochs: whether the
// network still learned at the end, stood still, or had begun to learn its examples
// by heart. What the numbers do not show is not said.
func course(h *keraslike.History) string {
	loss, unseen := h.Get("loss"), h.Get("val_loss")
	for i, v := range loss {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprintf("The loss is not a number from epoch %d on: training has diverged.", i+1)
		}
	}
	what := "training"
	series := loss
	if len(unseen) > 0 {
		what, series = "validation", unseen
	}
	n := len(series)
	switch {
	case n == 0:
		return ""
	case n == 1:
		return "A single epoch shows no trend yet."
	case slices.ContainsFunc(series, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }):
		return fmt.Sprintf("The %s loss is not a number in some epochs.", what)
	}
	lowest := slices.Min(series)
	best := slices.Index(series, lowest)
	rise := series[n-1] - lowest
	noise := 0.03 * math.Max(math.Abs(lowest), (slices.Max(series)-lowest)/4)
	after := series[best+1:]
	higher := !slices.ContainsFunc(after, func(v float64) bool { return v-lowest <= noise/3 })
	switch {
	case slices.Max(series)-lowest <= 1e-6*math.Abs(lowest):
		return fmt.Sprintf("The %s loss does not move: the network learns nothing.", what)
	case best == 0 && rise > noise && what == "validation" && loss[n-1] >= loss[0]:
		return "Both losses are lowest after the first epoch and have risen since."
	case best == n-1:
		gain := series[n-2] - lowest
		if gain <= noise/3 {
			return fmt.Sprintf("The %s loss is lowest in the last epoch, but it is hardly falling anymore.", what)
		}
		return fmt.Sprintf("The %s loss is still falling in the last epoch.", what)
	case rise > 0.1*math.Abs(lowest) && higher && len(after) >= 3 && what == "validation" && loss[n-1] < loss[best] && loss[n-1] < series[n-1]:
		return fmt.Sprintf("The validation loss is lowest in epoch %d (%.4g) and has risen to %.4g since, while the training loss kept falling: the network has begun to memorize its training samples.", best+1, lowest, series[n-1])
	case rise > noise:
		return fmt.Sprintf("The %s loss is lowest in epoch %d (%.4g); in the last epoch it is %.4g.", what, best+1, lowest, series[n-1])
	}
	return fmt.Sprintf("The %s loss is lowest in epoch %d (%.4g) and has hardly moved since.", what, best+1, lowest)
}

// caption stands under the training curves.
func (r *Report) caption() string {
	taken := ""
	if len(r.History.Get("val_loss")) == 0 {
		taken = "Loss and metrics are averages over each epoch, taken while the weights change. "
	}
	return r.which + taken + course(r.History)
}

// trainedFor says how long the training was, and where it ended before its time.
func (r *Report) trainedFor() string {
	s := fmt.Sprintf("%s on %s", text.Count(r.Epochs, "epoch"), text.Count(r.TrainSamples, "sample"))
	if r.Stopped != "" {
		s = fmt.Sprintf("%d of %s on %s", r.Epochs, text.Count(r.Planned, "epoch"), text.Count(r.TrainSamples, "sample"))
	}
	return fmt.Sprintf("%s in %.1f s, %s per second", s, r.Seconds, text.Count(int(r.SamplesPerSecond), "sample"))
}

// ended notes what kept a training from its end.
func (r *Report) ended(err error) {
	if r.Stopped == "" {
		where, _, _ := strings.Cut(err.Error(), ": "+keraslike.ErrInterrupted.Error())
		r.Stopped = strings.TrimPrefix(where, "fit: ")
	}
}

// same tells whether two series are equal but for rounding: a metric that is the loss
// once more is summed in another order.
func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool {
		return x == y || math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-5*math.Max(math.Abs(x), math.Abs(y))
	})
}
