// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"
	"math"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

// trend says in one sentence what the loss did over these epochs: whether the network
// was still learning at the end, made no progress, or had begun to memorize its
// training samples. It says nothing that the numbers do not show.
func trend(h *k.History) string {
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
