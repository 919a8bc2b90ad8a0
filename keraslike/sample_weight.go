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

// Weighted returns a source with sample weights, one for each sample in order. It can be used
// in Fit, Validation and Evaluate.
func Weighted(s Source, weights []float32) (Source, error) {
	n := 0
	if !isNil(s) {
		var err error
		if n, err = lenOf(s); err != nil {
			return nil, fmt.Errorf("weighted: %w", err)
		}
	}
	if isNil(s) || len(weights) != n {
		return nil, fmt.Errorf("weighted: got %d weights for %d samples", len(weights), n)
	}
	if i := badWeight(weights); i >= 0 {
		return nil, fmt.Errorf("weighted: weight %d is %v, want a finite number of at least 0", i, weights[i])
	}
	return &weightedSource{sourceWrapper{s}, weights}, nil
}

type weightedSource struct {
	sourceWrapper
	weights []float32
}

func (s *weightedSource) Weights(indices []int, to []float32) error {
	for i, j := range indices {
		to[i] = s.weights[j]
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
	classes      ClassWeights
	lowest, last int // classes
	cols         int // of a target: more than 1 for a one-hot row
	memory       []float32
}

func newBatchWeights(spec *dataSpec, data Samples, classes ClassWeights) (w batchWeights, err error) {
	w.of, _ = data.(SampleWeighter)
	if len(classes) == 0 {
		return w, nil
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
	for len(w.memory) < len(indices) {
		w.memory = append(w.memory, 0)
	}
	to := w.memory[:len(indices)]
	if w.of != nil {
		if err := w.sampleWeights(indices, to); err != nil {
			return nil, err
		}
		if i := badWeight(to); i >= 0 {
			return nil, fmt.Errorf("sample %d: weight is %v, want a finite number of at least 0", indices[i], to[i])
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
