// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// Weigher is a Source whose samples have weights: the loss is Σ w·l/n, where n is
// the number of samples and not the sum of the weights, as in Keras. Weighted makes
// one.
type Weigher interface {
	Source
	// Weights fills to with the weights of the samples at the indices.
	Weights(indices []int, to []float32) error
}

// Weighted gives the samples of a source weights, one for each in their order. It
// fits Fit, Validation and Evaluate.
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
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			return nil, fmt.Errorf("weighted: weight %d is %v, want a number of at least 0", i, w)
		}
	}
	return &weightedSource{s, weights}, nil
}

type weightedSource struct {
	Source
	weights []float32
}

func (s *weightedSource) Weights(indices []int, to []float32) error {
	for i, j := range indices {
		to[i] = s.weights[j]
	}
	return nil
}

// Prefetch, SparseInput and Active are those of the source, if it has them.
func (s *weightedSource) Prefetch() int {
	if p, ok := s.Source.(prefetcher); ok {
		return p.Prefetch()
	}
	return 0
}

func (s *weightedSource) SparseInput(k int) bool {
	source, ok := s.Source.(Sparse)
	return ok && source.SparseInput(k)
}

func (s *weightedSource) Active(k, i int) []int32 { return s.Source.(Sparse).Active(k, i) }

// ClassWeights weighs the samples that Fit trains on by their class, given as a
// class number, as a one-hot row or as 0 and 1. A class without a weight has 1.
// Validation is not weighted by class. The model must have one output, and the
// source no weights of its own.
type ClassWeights map[int]float64

func (w ClassWeights) applyFit(f *fit) { f.classWeights = w }

// weigher finds the weights of a batch.
type weigher struct {
	of      Weigher
	classes ClassWeights
	cols    int // of a target: more than one is a one-hot row
	memory  []float32
}

func (m *Model) newWeigher(data Samples, classes ClassWeights) (w weigher, err error) {
	w.of, _ = data.(Weigher)
	if w.classes = classes; classes == nil {
		return w, nil
	}
	if w.of != nil {
		return w, fmt.Errorf("both class weights and a source with weights are given")
	}
	if len(m.outputs) != 1 {
		return w, fmt.Errorf("class weights need one output, model %q has %d", m.name, len(m.outputs))
	}
	target := m.compiled.targets[0]
	if w.cols = target.Size(); len(target) > 1 {
		return w, fmt.Errorf("class weights need one class for each sample, targets have shape %v", target)
	}
	for class, v := range classes {
		if class < 0 || !(v >= 0) || math.IsInf(v, 0) {
			return w, fmt.Errorf("class %d has weight %g, want classes from 0 and weights of at least 0", class, v)
		}
		if out := m.outputs[0].shape; out.Size() > 1 && class >= out.Size() {
			return w, fmt.Errorf("class %d has weight %g, the output has classes 0 to %d", class, v, out.Size()-1)
		}
	}
	return w, nil
}

func (w *weigher) weighted() bool { return w.of != nil || w.classes != nil }

func (w *weigher) ask(indices []int, to []float32) (err error) {
	defer caught(&err, "source", w.of, "Weights")
	return w.of.Weights(indices, to)
}

// weigh are the weights of a batch, nil without any.
func (w *weigher) weigh(indices []int, targets [][]float32) ([]float32, error) {
	if !w.weighted() {
		return nil, nil
	}
	for len(w.memory) < len(indices) {
		w.memory = append(w.memory, 0)
	}
	to := w.memory[:len(indices)]
	if w.of != nil {
		return to, w.ask(indices, to)
	}
	for i := range to {
		class := 0
		if w.cols == 1 {
			class = int(math.Round(float64(targets[0][i])))
		} else {
			class = argmax(targets[0][i*w.cols : (i+1)*w.cols])
		}
		to[i] = 1
		if v, ok := w.classes[class]; ok {
			to[i] = float32(v)
		}
	}
	return to, nil
}
