// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"errors"
	"fmt"
	"math"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

// course is what the loss did over the epochs.
type course int

const (
	unknown   course = iota // no epoch
	single                  // one epoch shows nothing
	diverges                // NaN or infinite from some epoch on
	gaps                    // the validation loss is, in some epochs
	flat                    // it does not move
	rising                  // both losses are lowest after the first epoch
	falling                 // still, in the last epoch
	settling                // lowest in the last epoch, but hardly falling
	memorized               // validation rises while training falls
	worse                   // the last epoch is worse than the best
	settled                 // lowest in some epoch and hardly moved since
)

// reading is what the curves of a training show. It claims nothing that the numbers do not
// show.
type reading struct {
	course       course
	what         string // which loss: "validation" where there is one, else "training"
	epoch        int    // the best one, or the first that diverged, from 1
	lowest, last float64
	unsteady     int     // how often the training loss rose against its course
	jumps        float64 // of the validation loss against its course, relative to its lowest value
}

// read reads the curves.
func read(h *k.History) reading {
	loss, unseen := h.Get("loss"), h.Get("val_loss")
	if i := slices.IndexFunc(loss, notFinite); i >= 0 {
		return reading{course: diverges, epoch: i + 1}
	}
	r := reading{what: "training"}
	series := loss
	if len(unseen) > 0 {
		r.what, series = "validation", unseen
	}
	n := len(series)
	switch {
	case n == 0:
		return r
	case n == 1:
		r.course = single
		return r
	case slices.ContainsFunc(series, notFinite):
		r.course = gaps
		return r
	}
	r.lowest, r.last = slices.Min(series), series[n-1]
	best := slices.Index(series, r.lowest)
	r.epoch = best + 1
	r.unsteady = rises(loss)
	if len(unseen) > 0 {
		r.jumps = roughness(unseen) / math.Max(math.Abs(r.lowest), 1e-12)
	}
	rise := r.last - r.lowest
	noise := 0.03 * math.Max(math.Abs(r.lowest), (slices.Max(series)-r.lowest)/4)
	after := series[best+1:]
	higher := !slices.ContainsFunc(after, func(v float64) bool { return v-r.lowest <= noise/3 })
	validated := len(unseen) > 0
	switch {
	case slices.Max(series)-r.lowest <= 1e-6*math.Abs(r.lowest):
		r.course = flat
	case best == 0 && rise > noise && validated && loss[n-1] >= loss[0]:
		r.course = rising
	case best == n-1 && series[n-2]-r.lowest <= noise/3:
		r.course = settling
	case best == n-1:
		r.course = falling
	case rise > 0.1*math.Abs(r.lowest) && rise > 2*roughness(series) && higher && len(after) >= 3 && validated && loss[n-1] < loss[best] && loss[n-1] < r.last:
		r.course = memorized
	case rise > noise:
		r.course = worse
	default:
		r.course = settled
	}
	return r
}

func notFinite(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }

// rises counts the epochs in which a series rose by more than 2 % of its value.
func rises(series []float64) (n int) {
	for i := 1; i < len(series); i++ {
		if series[i]-series[i-1] > 0.02*math.Abs(series[i-1]) {
			n++
		}
	}
	return n
}

// roughness is the mean distance of a value from the middle of its neighbors, which is 0 for
// a straight line and small for a smooth curve; the first epochs, which are steep, do not count.
func roughness(series []float64) float64 {
	series = series[min(2, len(series)):]
	if len(series) < 4 {
		return 0
	}
	var sum float64
	for i := 1; i < len(series)-1; i++ {
		sum += math.Abs(series[i] - (series[i-1]+series[i+1])/2)
	}
	return sum / float64(len(series)-2)
}

// trend says in one sentence what the loss did over these epochs: whether the network
// was still learning at the end, made no progress, or had begun to memorize its
// training samples.
func trend(h *k.History) string {
	switch r := read(h); r.course {
	case diverges:
		return fmt.Sprintf("The loss is not a number from epoch %d on: training has diverged.", r.epoch)
	case single:
		return "A single epoch shows no trend yet."
	case gaps:
		return fmt.Sprintf("The %s loss is not a number in some epochs.", r.what)
	case flat:
		return fmt.Sprintf("The %s loss does not move: the network learns nothing.", r.what)
	case rising:
		return "Both losses are lowest after the first epoch and have risen since."
	case settling:
		return fmt.Sprintf("The %s loss is lowest in the last epoch, but it is hardly falling anymore.", r.what)
	case falling:
		return fmt.Sprintf("The %s loss is still falling in the last epoch.", r.what)
	case memorized:
		return fmt.Sprintf("The validation loss is lowest in epoch %d (%.4g) and has risen to %.4g since, while the training loss kept falling: the network has begun to memorize its training samples.", r.epoch, r.lowest, r.last)
	case worse:
		return fmt.Sprintf("The %s loss is lowest in epoch %d (%.4g); in the last epoch it is %.4g.", r.what, r.epoch, r.lowest, r.last)
	case settled:
		return fmt.Sprintf("The %s loss is lowest in epoch %d (%.4g) and has hardly moved since.", r.what, r.epoch, r.lowest)
	}
	return ""
}

// Advice is a line of plain advice for each trained model, drawn from its curves and from the
// error that ended it.
func (r *Report) Advice() (lines []string) {
	for _, v := range r.Variants {
		for _, line := range v.Advice() {
			lines = append(lines, v.Variant+": "+line)
		}
	}
	if len(r.Variants) > 0 || r.History == nil {
		return lines
	}
	if line := r.advice(); line != "" {
		lines = append(lines, r.which+line)
	}
	return lines
}

func (r *Report) advice() string {
	var bad *k.NotFiniteError
	if errors.As(r.failure, &bad) {
		where := "the loss alone is not a number"
		if bad.Layer != "" {
			where = fmt.Sprintf("the first %s that is not finite is in layer %q", bad.What, bad.Layer)
		}
		return fmt.Sprintf("The loss is not a number since step %d; %s. Try a learning rate ten times smaller, and look at the range of the inputs.", bad.Step+1, where)
	}
	if r.Stopped != "" {
		return fmt.Sprintf("Stopped early, after %d of %d epochs: the curves are those of a part of the training.", r.Epochs, r.Planned)
	}
	return read(r.History).advice(r.History)
}

// advice says what to do about what the curves show.
func (r reading) advice(h *k.History) string {
	steady := "" // a remark that comes after
	epochs := h.Epochs()
	switch {
	case epochs >= 5 && r.unsteady >= 2 && 3*r.unsteady >= epochs:
		steady = fmt.Sprintf(" The training loss rose in %d of %d epochs: a smaller learning rate or a larger batch may make it steadier.", r.unsteady, epochs)
	case epochs >= 8 && r.jumps > 0.1 && r.unsteady == 0:
		steady = fmt.Sprintf(" The validation loss jumps by about %.0f %% from epoch to epoch while the training loss falls smoothly: do not trust a single epoch; more validation samples may make it steadier.", 100*r.jumps)
	}
	return r.remedy(epochs) + steady
}

func (r reading) remedy(epochs int) string {
	switch r.course {
	case diverges:
		return fmt.Sprintf("The loss is not a number since epoch %d: try a learning rate ten times smaller.", r.epoch)
	case single:
		return "One epoch shows no trend: train for a few more."
	case gaps:
		return "The validation loss is not a number in some epochs: look at the range of the validation samples."
	case flat:
		return fmt.Sprintf("The %s loss does not move: the network learns nothing. Look for units that are always 0, for labels that do not vary and for weights that are frozen; then try another learning rate.", r.what)
	case rising:
		return "Both losses rise after the first epoch: try a smaller learning rate."
	case settling:
		return fmt.Sprintf("The %s loss is hardly falling anymore: more epochs would gain little.", r.what)
	case falling:
		if r.what == "training" {
			return "The training loss was still falling; there is no validation loss to say whether more epochs help, so try some and look at the test."
		}
		return "The validation loss was still falling: more epochs may help."
	case memorized:
		return fmt.Sprintf("Overfitting since epoch %d, where the validation loss was lowest (%.4g; now %.4g): stop there, add dropout or a penalty on weights, or get more data.", r.epoch, r.lowest, r.last)
	case worse:
		return fmt.Sprintf("The %s loss was lowest in epoch %d of %d (%.4g; now %.4g): the weights of that epoch are the ones to keep.", r.what, r.epoch, epochs, r.lowest, r.last)
	case settled:
		return fmt.Sprintf("The %s loss has hardly moved since epoch %d: that many epochs are enough.", r.what, r.epoch)
	}
	return ""
}
