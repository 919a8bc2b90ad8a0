// SPDX-License-Identifier: Apache-2.0

package callbacks_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

const toyFeatures, toyClasses = 6, 3

// rows is a Source of samples with one input; each of its targets is the same.
type rows struct {
	x, y    []float32
	targets int
}

func (r rows) Len() int { return len(r.y) }

func (r rows) Shapes() (inputs, targets [][]int) {
	for range r.targets {
		targets = append(targets, []int{1})
	}
	return [][]int{{toyFeatures}}, targets
}

func (r rows) Read(indices []int, inputs, targets [][]float32) error {
	for i, j := range indices {
		copy(inputs[0][i*toyFeatures:(i+1)*toyFeatures], r.x[j*toyFeatures:])
		for k := range targets {
			targets[k][i] = r.y[j]
		}
	}
	return nil
}

// blobs are n points around one center for each class, with the class as label.
func blobs(n int, seed uint64) rows {
	rng := rand.New(rand.NewPCG(seed, 1))
	r := rows{make([]float32, n*toyFeatures), make([]float32, n), 1}
	for i := range n {
		class := rng.IntN(toyClasses)
		r.y[i] = float32(class)
		for j := range toyFeatures {
			center := 0.0
			if j%toyClasses == class {
				center = 2
			}
			r.x[i*toyFeatures+j] = float32(center + rng.NormFloat64())
		}
	}
	return r
}

func toyModel(t testing.TB) *keraslike.Model {
	t.Helper()
	m := keraslike.Sequential("toy",
		keraslike.Input(toyFeatures),
		keraslike.Dense(16, keraslike.ReLU, keraslike.KernelRegularizer(keraslike.L2(1e-4))),
		keraslike.Dropout(0.25),
		keraslike.Dense(toyClasses, keraslike.Softmax),
	)
	if err := m.Compile(keraslike.Adam(0.01), keraslike.SparseCategoricalCrossentropy, keraslike.Accuracy, keraslike.Seed(7)); err != nil {
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

// wantError fails unless err holds all the parts.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", parts)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}
