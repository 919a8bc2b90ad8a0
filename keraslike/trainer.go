// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"path"
	"slices"

	"github.com/reef-dl/reef/internal/kernel"
)

// trainer updates weights from their gradients by an optimizer and its settings. It owns
// everything that a step changes: the weights, their gradients, the state of the optimizer
// for each weight, and the step count. It does not depend on the model.
type trainer struct {
	phase           string // in the names of saved arrays, "" for a model without phases
	optimizer       Optimizer
	settings        *commonSettings
	steps           int     // batches trained on so far
	rate            float64 // of the next update
	checksGradients bool    // gradients are checked for NaN and Inf before the update

	weights []*Weight // trainable ones
	// By weight:
	each      []Optimizer   // what updates it, the optimizer unless that is a PerWeightOptimizer
	decays    []float64     // weight decay
	gradients []gradient    // of the current batch
	slots     [][][]float32 // of the optimizer, by slot
	sums      [][]float32   // of accumulated gradients; nil without AccumulateGradients
	averages  [][]float32   // of the weights; nil without AverageWeights
	copies    [][]float32   // of gradients, which may be modified
	rows      [][]int32     // of the copies
	rowWidth  []int
	byRows    []*rowUpdate
	decay     rowDecay
}

// newTrainer allocates the state that the optimizer and its settings need for each weight.
func newTrainer(o Optimizer, weights []*Weight, path func(*Weight) string) (t *trainer, err error) {
	defer caught(&err, "optimizer", o, "")
	t = &trainer{optimizer: o, settings: commonOf(o), rate: o.Rate(), weights: weights}
	if err := checkRate(t.rate); err != nil {
		return nil, fmt.Errorf("optimizer %s: %w", o.Name(), err)
	}
	if err := t.divide(path); err != nil {
		return nil, fmt.Errorf("optimizer %s: %w", o.Name(), err)
	}
	n := len(weights)
	t.gradients, t.copies, t.rows, t.rowWidth = make([]gradient, n), make([][]float32, n), make([][]int32, n), make([]int, n)
	for i, w := range weights {
		w.constraint = w.constraint.bind(w.shape)
		size := Shape(w.shape).Size()
		t.rowWidth[i] = size
		if len(w.shape) > 0 {
			t.rowWidth[i] = size / w.shape[0]
		}
		var slots [][]float32
		first, _ := t.each[i].(SlotInitializer)
		for _, name := range t.each[i].Slots() {
			s := kernel.Floats(Shape(t.slotShape(i, name)).Size())
			if first != nil {
				kernel.Fill(s, float32(first.InitialValue(name)))
			}
			slots = append(slots, s)
		}
		t.slots, t.byRows = append(t.slots, slots), append(t.byRows, newRowUpdate(t, i, w))
		if t.settings.batches() > 1 {
			t.sums = append(t.sums, kernel.Floats(size))
		}
		if t.settings.Average > 0 {
			t.averages = append(t.averages, append([]float32(nil), w.floats()...))
		}
	}
	if o := t.rowOptimizer(); o != nil {
		t.decay.init(o, n)
	}
	return t, nil
}

// updates returns the number of updates made.
func (t *trainer) updates() int { return t.steps / t.settings.batches() }

// scheduled returns the learning rate of the next batch by the optimizer's schedule, or the
// given rate if there is none. As in Keras, schedules count batches, not updates.
func (t *trainer) scheduled(rate float64) (float64, error) {
	if s := t.settings.Schedule; s.Schedule != nil {
		return s.rateAt(t.optimizer.Rate(), t.steps)
	}
	return rate, nil
}

// jointOptimizer is an Optimizer that updates all weights in one call instead of by Update.
type jointOptimizer interface {
	updateAll(weights []*Weight, gradients []gradient) error
}

// step counts a batch and updates the weights, unless gradients are still accumulating.
func (t *trainer) step(rate float64) (err error) {
	defer caught(&err, "optimizer", t.optimizer, "Update")
	t.steps++
	if t.settings.batches() > 1 {
		t.accumulate()
		if t.steps%t.settings.batches() != 0 {
			t.averageAndConstrain()
			return nil
		}
		for i := range t.weights {
			t.meanGradient(i)
		}
	} else if t.settings.clips() > 0 {
		for i := range t.weights {
			t.copyGradient(i)
		}
	}
	t.clip()
	for i, w := range t.weights {
		if o, ok := t.each[i].(SlotBeginner); ok && t.updates() == 1 {
			o.Begin(w.floats(), t.slots[i])
		}
		if t.decays[i] > 0 {
			kernel.Scale(w.floats(), w.floats(), float32(1-t.decays[i]*rate))
		}
	}
	if err := t.update(rate); err != nil {
		return err
	}
	t.averageAndConstrain()
	return nil
}

// update updates the weights by the optimizer.
func (t *trainer) update(rate float64) error {
	if joint, ok := t.optimizer.(jointOptimizer); ok {
		return joint.updateAll(t.weights, t.gradients)
	}
	for i, w := range t.weights {
		g := t.gradients[i]
		if g.sparse || g.parts != nil {
			if err := t.byRows[i].apply(g, rate); err != nil {
				return err
			}
			continue
		}
		t.decay.catchUp(i, t.slots[i], t.updates()-1)
		t.each[i].Update(w.floats(), g.values, t.slots[i], t.updates(), rate)
	}
	return nil
}

// reached returns the number of the update that this batch makes or accumulates gradients for.
func (t *trainer) reached() int { return (t.steps-1)/t.settings.batches() + 1 }

// averageAndConstrain averages and constrains the weights after every batch, whether or not it made an
// update. As in Keras, averages use the weights before the constraints are applied, and they
// are reset at each batch up to the first update, and overwrite the weights at each batch of an update.
func (t *trainer) averageAndConstrain() {
	for i, w := range t.weights {
		switch {
		case t.averages != nil && t.steps <= t.settings.batches():
			copy(t.averages[i], w.floats())
		case t.averages != nil:
			kernel.Scale(t.averages[i], t.averages[i], float32(t.settings.Average))
			kernel.AddScaled(t.averages[i], w.floats(), float32(1-t.settings.Average))
		}
		if every := t.settings.Overwrite; every > 0 && t.reached()%every == 0 {
			copy(w.floats(), t.averages[i])
		}
		w.constraint.apply(w.floats())
	}
}

// accumulate adds the gradients to their sums.
func (t *trainer) accumulate() {
	for i, g := range t.gradients {
		g.addTo(t.sums[i])
	}
}

// meanGradient replaces the gradient by the mean of the accumulated ones, in the trainer's own
// memory, and clears the sum. A sparse gradient then has the rows that are not 0.
func (t *trainer) meanGradient(i int) {
	sum, g := t.sums[i], &t.gradients[i]
	t.copies[i] = t.copies[i][:0]
	if !g.sparse {
		t.copies[i] = append(t.copies[i], sum...)
	} else {
		n := t.rowWidth[i]
		t.rows[i] = t.rows[i][:0]
		for r := range len(sum) / n {
			row := sum[r*n : (r+1)*n]
			if kernel.SumAbs(row) != 0 {
				t.rows[i] = append(t.rows[i], int32(r))
				t.copies[i] = append(t.copies[i], row...)
			}
		}
		g.rows = t.rows[i]
	}
	clear(sum)
	g.values = t.copies[i]
	kernel.Scale(g.values, g.values, 1/float32(t.settings.batches()))
}

// copyGradient replaces a gradient, whose memory belongs to the graph, by a copy that may be
// modified.
func (t *trainer) copyGradient(i int) {
	t.copies[i] = append(t.copies[i][:0], t.gradients[i].values...)
	t.gradients[i].values = t.copies[i]
}

// clip clips the gradients, which are copies.
func (t *trainer) clip() {
	s := t.settings
	switch {
	case s.ClipValue > 0:
		for _, g := range t.gradients {
			kernel.Clip(g.values, g.values, float32(-s.ClipValue), float32(s.ClipValue))
		}
	case s.ClipNorm > 0:
		for _, g := range t.gradients {
			scaleToNorm(g.values, s.ClipNorm, math.Sqrt(float64(kernel.SumSquares(g.values))))
		}
	case s.GlobalClipNorm > 0:
		var squares float64
		for _, g := range t.gradients {
			squares += float64(kernel.SumSquares(g.values))
		}
		for _, g := range t.gradients {
			scaleToNorm(g.values, s.GlobalClipNorm, math.Sqrt(squares))
		}
	}
}

// scaleToNorm scales g by limit/norm if that is below 1.
func scaleToNorm(g []float32, limit, norm float64) {
	if norm > limit {
		kernel.Scale(g, g, float32(limit/norm))
	}
}

// useAverages replaces the weights by their averages, if there are any.
func (t *trainer) useAverages() error {
	if t.averages == nil {
		return nil
	}
	return UpdateWeights(t.weights, func(i int, values []float32) { copy(values, t.averages[i]) })
}

// stateArray is one saved array of the training state.
type stateArray struct {
	name   string
	shape  []int
	values []float32
	of     string // the optimizer
}

// state returns all arrays of the trainer after the last update, named by the paths of their
// weights.
func (t *trainer) state(path func(*Weight) string) []stateArray {
	var list []stateArray
	for i, w := range t.weights {
		t.decay.catchUp(i, t.slots[i], t.updates())
		add := func(name string, shape []int, values []float32) {
			list = append(list, stateArray{"optimizer/" + t.phase + path(w) + "/" + name, shape, values, t.optimizer.Name()})
		}
		for k, name := range t.each[i].Slots() {
			add(name, t.slotShape(i, name), t.slots[i][k])
		}
		if t.sums != nil {
			add("gradient_sum", w.shape, t.sums[i])
		}
		if t.averages != nil {
			add("average", w.shape, t.averages[i])
		}
	}
	return list
}

// check is checkStored for an array of the optimizer. The velocity of SGD is signed,
// that of other optimizers is a mean of squares.
func (k stateArray) check() error {
	name, values := k.name, k.values
	slot, of := path.Base(name), k.of
	_, own := optimizerKinds[of]
	positive := own && (slices.Contains(nonNegativeSlots, slot) || slot == "velocity" && of != "sgd")
	return checkStored(name, values, !positive)
}
