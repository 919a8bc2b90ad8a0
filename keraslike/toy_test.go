// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/keraslike"
)

// Toy data and models of the tests of training.

const toyFeatures, toyClasses = 6, 3

// blobs are n points around one center for each class, with the class as label.
func blobs(n int, seed uint64) (x, y *tensor.Dense) {
	rng := rand.New(rand.NewPCG(seed, 1))
	points, labels := make([]float32, n*toyFeatures), make([]float32, n)
	for i := range n {
		c := rng.IntN(toyClasses)
		labels[i] = float32(c)
		for j := range toyFeatures {
			center := 0.0
			if j%toyClasses == c {
				center = 2
			}
			points[i*toyFeatures+j] = float32(center + rng.NormFloat64())
		}
	}
	return tensorOf([]int{n, toyFeatures}, points), tensorOf([]int{n}, labels)
}

func toyData(t testing.TB, n int, seed uint64) keraslike.Source {
	t.Helper()
	x, y := blobs(n, seed)
	return dataOf(t, x, y)
}

// toyModel has everything that training has to keep in step: dropout, a
// penalty, an optimizer with state.
func toyModel(t testing.TB, options ...keraslike.CompileOption) *keraslike.Model {
	t.Helper()
	m := keraslike.Sequential("toy",
		keraslike.Input(toyFeatures),
		keraslike.Dense(16, keraslike.ReLU, keraslike.KernelRegularizer(keraslike.L2(1e-4))),
		keraslike.Dropout(0.25),
		keraslike.Dense(toyClasses, keraslike.Softmax),
	)
	options = append([]keraslike.CompileOption{keraslike.Accuracy, keraslike.Seed(7)}, options...)
	if err := m.Compile(keraslike.Adam(0.01), keraslike.SparseCategoricalCrossentropy, options...); err != nil {
		t.Fatal(err)
	}
	return m
}

// weightsOf is a copy of all weights, one after another.
func weightsOf(m *keraslike.Model) []float32 {
	var all []float32
	for _, w := range m.Weights() {
		all = append(all, w.Values()...)
	}
	return all
}

// change changes the values of a weight in place.
func change(t testing.TB, w *keraslike.Weight, f func(values []float32)) {
	t.Helper()
	if err := w.Update(f); err != nil {
		t.Fatal(err)
	}
}

// spy is a source that remembers which samples were read.
type spy struct {
	keraslike.Source
	mu    sync.Mutex
	reads [][]int
}

func (s *spy) Read(indices []int, inputs, targets [][]float32) error {
	s.mu.Lock()
	s.reads = append(s.reads, slices.Clone(indices))
	s.mu.Unlock()
	return s.Source.Read(indices, inputs, targets)
}

// take is everything read since the last take, batch by batch.
func (s *spy) take() [][]int {
	reads := s.reads
	s.reads = nil
	return reads
}

// upTo is 0, 1, ..., n-1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
