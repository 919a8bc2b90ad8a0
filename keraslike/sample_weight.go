// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// SampleWeighter is a Source whose samples have weights. The loss is Σ w·l/n, where n is the
// number of samples, not the sum of the weights, as in Keras. Weighted makes one.
type SampleWeighter interface {
	Source
	// Weights fills to with the weights of the samples with the given indices.
	Weights(indices []int, to []float32) error
}

// StepWeighter is a SampleWeighter with a weight for each step, or pixel, of a sample: for each value
// of the loss, which has a value for each row of the last axis. Weights of shape (steps) fit outputs of
// shape (steps, n), and weights of pixels outputs of shape (height, width, n). Weighted makes one.
type StepWeighter interface {
	SampleWeighter
	// WeightShape returns the shape of the weights of a sample, () for one weight. Weights fills to
	// with those of one sample after another.
	WeightShape() []int
}

// Weighted returns a source with sample weights, one for each sample in order. It can be used
// in Fit, Validation and Evaluate. With the shape of the weights of a sample, each of its steps or pixels
// has a weight, see StepWeighter:
//
//	s, err := k.Weighted(data, weights, 20) // of 20 steps
func Weighted(s Source, weights []float32, shape ...int) (Source, error) {
	n := 0
	if !isNil(s) {
		var err error
		if n, err = lenOf(s); err != nil {
			return nil, fmt.Errorf("weighted: %w", err)
		}
	}
	if i := slices.IndexFunc(shape, func(n int) bool { return n < 1 }); i >= 0 {
		return nil, fmt.Errorf("weighted: weights of shape %s, want lengths of at least 1", formatShape(Shape(shape).withBatch(n)))
	}
	if want := n * Shape(shape).Size(); isNil(s) || len(weights) != want {
		if len(shape) > 0 {
			return nil, fmt.Errorf("weighted: got %d weights for %d samples of %d", len(weights), n, Shape(shape).Size())
		}
		return nil, fmt.Errorf("weighted: got %d weights for %d samples", len(weights), n)
	}
	if i := badWeight(weights); i >= 0 {
		return nil, fmt.Errorf("weighted: weight %d is %v, want a finite number of at least 0", i, weights[i])
	}
	return &weightedSource{sourceWrapper{s}, weights, slices.Clone(shape)}, nil
}

type weightedSource struct {
	sourceWrapper
	weights []float32
	shape   []int // of the weights of a sample
}

func (s *weightedSource) WeightShape() []int { return s.shape }

func (s *weightedSource) Weights(indices []int, to []float32) error {
	each := Shape(s.shape).Size()
	for i, j := range indices {
		copy(to[i*each:(i+1)*each], s.weights[j*each:])
	}
	return nil
}

// ClassWeights is a FitOption that weights training samples by their class. Targets are
// class numbers, 0 and 1, one-hot rows, or distributions, of which the largest element
// counts. Classes that are not listed have weight 1. Validation is not weighted by class.
// The model must have one output, and the source must not have sample weights. A weight for
// a class that the output does not have and a target that is not a class are errors.
type ClassWeights map[int]float64

// batchWeights computes the weights of a batch.
type batchWeights struct {
	of           SampleWeighter
	each         int // weights of a sample
	classes      ClassWeights
	lowest, last int // classes
	cols         int // of a target: more than 1 for a one-hot row
	memory       []float32
}

func newBatchWeights(spec *dataSpec, data Samples, classes ClassWeights) (w batchWeights, err error) {
	w.each = 1
	if w.of, _ = data.(SampleWeighter); w.of != nil && spec.compiled != nil && spec.compiled.phases != nil && !spec.compiled.data.weighted {
		return w, errUnusedWeights
	}
	if len(classes) == 0 {
		return w, w.findSteps(spec)
	}
	if w.of != nil {
		return w, fmt.Errorf("got both class weights and a source with sample weights, want one of them")
	}
	if len(spec.outputs) != 1 {
		return w, fmt.Errorf("class weights need one output, model %q has %d", spec.model, len(spec.outputs))
	}
	if len(spec.targets) == 0 {
		return w, fmt.Errorf("class weights need targets, model %q has NoLoss", spec.model)
	}
	w.classes = classes
	target, out := spec.targets[0], spec.outputs[0]
	if w.cols = target.Size(); len(target) > 1 || len(out) > 1 {
		return w, fmt.Errorf("class weights need one class for each sample, targets have shape %v, outputs %v", target, out)
	}
	if w.last = max(1, out.Size()-1); spec.signed && w.cols == 1 {
		w.lowest = -1
	}
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		v := classes[class]
		if class < w.lowest || class > w.last {
			return w, fmt.Errorf("class %d has weight %g, the output has classes %d to %d", class, v, w.lowest, w.last)
		}
		if !(v >= 0) || math.IsInf(v, 0) {
			return w, fmt.Errorf("class %d has weight %g, want a finite number of at least 0", class, v)
		}
	}
	return w, nil
}

// findSteps asks for the shape of the weights, which must fit the outputs with a loss.
func (w *batchWeights) findSteps(spec *dataSpec) (err error) {
	of, ok := w.of.(StepWeighter)
	if !ok {
		return nil
	}
	defer caught(&err, "source", w.of, "WeightShape")
	shape := of.WeightShape()
	if w.each = Shape(shape).Size(); spec.compiled.phases != nil && len(shape) > 0 {
		return fmt.Errorf("weights of shape %s do not fit phases, want one for each sample", formatShape(shape))
	}
	for k, l := range spec.compiled.losses {
		if !isNoLoss(l) && !beginsWith(spec.outputs[k], shape) {
			return fmt.Errorf("weights of shape %s do not fit %s of outputs %v", formatShape(shape), l.Name(), spec.outputs[k])
		}
	}
	return nil
}

// beginsWith reports whether the axes of an output begin with those of weights.
func beginsWith(out Shape, weights []int) bool {
	return len(weights) <= len(out) && slices.Equal(out[:len(weights)], weights)
}

func (w *batchWeights) weighted() bool { return w.of != nil || w.classes != nil }

func (w *batchWeights) sampleWeights(indices []int, to []float32) (err error) {
	defer caught(&err, "source", w.of, "Weights")
	return w.of.Weights(indices, to)
}

// compute returns the weights of a batch, nil if there are none.
func (w *batchWeights) compute(indices []int, targets [][]float32) ([]float32, error) {
	if !w.weighted() {
		return nil, nil
	}
	n := len(indices) * w.each
	w.memory = slices.Grow(w.memory[:0], n)
	to := w.memory[:n]
	if w.of != nil {
		if err := w.sampleWeights(indices, to); err != nil {
			return nil, err
		}
		if i := badWeight(to); i >= 0 {
			return nil, fmt.Errorf("sample %d: weight is %v, want a finite number of at least 0", indices[i/w.each], to[i])
		}
		return to, nil
	}
	for i := range to {
		class, err := w.classOf(targets[0][i*w.cols : (i+1)*w.cols])
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", indices[i], err)
		}
		to[i] = 1
		if v, ok := w.classes[class]; ok {
			to[i] = float32(v)
		}
	}
	return to, nil
}

// classOf returns the class of a target.
func (w *batchWeights) classOf(target []float32) (int, error) {
	if len(target) == 1 {
		class := int(target[0])
		if float32(class) != target[0] || class < w.lowest || class > w.last {
			return 0, fmt.Errorf("target is %v, class weights need a class, an integer from %d to %d", target[0], w.lowest, w.last)
		}
		return class, nil
	}
	class := argmax(target)
	var sum, others float64 // of the row, and of |t - (-1)| except for its largest element
	within := true
	for j, t := range target {
		within = within && t >= 0 && t <= 1
		if sum += float64(t); j != class {
			others += math.Abs(float64(t) + 1)
		}
	}
	if oneHot := target[class] == 1 && others == 0; !oneHot && !(within && math.Abs(sum-1) < 1e-3) {
		return 0, fmt.Errorf("target is %v, class weights need a one-hot row or a distribution", target)
	}
	return class, nil
}

// badWeight returns the index of the first weight that is negative, infinite or NaN, -1 if
// there is none.
func badWeight(weights []float32) int {
	return slices.IndexFunc(weights, func(w float32) bool { return !(w >= 0) || math.IsInf(float64(w), 0) })
}
