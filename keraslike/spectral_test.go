// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"slices"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// TestSpectralNormalizationOfSpecialKernels: a kernel of zeros stays, one of which u sees nothing too, and
// the kernel of a frozen layer is not changed.
func TestSpectralNormalizationOfSpecialKernels(t *testing.T) {
	for name, c := range map[string]struct {
		kernel, u []float32
		frozen    bool
	}{
		"zeros":      {kernel: []float32{0, 0, 0, 0}, u: []float32{1, 0}},
		"orthogonal": {kernel: []float32{3, 0, 0, 0}, u: []float32{0, 1}},
		"frozen":     {kernel: []float32{3, 0, 0, 1}, u: []float32{1, 0}, frozen: true},
	} {
		t.Run(name, func(t *testing.T) {
			layer := k.SpectralNormalization(k.Dense(2, k.NoBias), k.Trainable(!c.frozen), k.Name("s"))
			m := k.Sequential("m", k.Input(2), layer, k.Dense(1))
			if err := m.Compile(k.SGD(0), k.MSE); err != nil {
				t.Fatal(err)
			}
			want := [][]float32{c.kernel, c.u}
			for i, path := range []string{"s/kernel", "s/vector_u"} {
				w, err := m.Weight(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Set(want[i]); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := m.TrainOnBatch(tensorOf([]int{1, 2}, []float32{1, 2}), tensorOf([]int{1, 1}, []float32{1})); err != nil {
				t.Fatal(err)
			}
			for i, path := range []string{"s/kernel", "s/vector_u"} {
				if w, err := m.Weight(path); err != nil || !slices.Equal(w.Values(), want[i]) {
					t.Errorf("%s is %v, %v, want %v", path, w.Values(), err, want[i])
				}
			}
		})
	}
}

// TestSpectralNormalizationIsResumed: after saving and loading in the middle of a training the rest of it has
// the same bytes, since u is saved.
func TestSpectralNormalizationIsResumed(t *testing.T) {
	m := k.Sequential("m", k.Input(3), k.SpectralNormalization(k.Dense(4, k.Tanh)), k.Dense(1))
	if err := m.Compile(k.Adam(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	x, y := tensorOf([]int{2, 3}, []float32{1, -2, 3, 0, 5, 1}), tensorOf([]int{2, 1}, []float32{1, -1})
	train := func(m *k.Model, steps int) []byte {
		t.Helper()
		for range steps {
			if _, err := m.TrainOnBatch(x, y); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := m.SaveTo(&b, k.WithOptimizer); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	middle := train(m, 2)
	resumed, err := k.LoadBytes(middle)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(train(m, 3), train(resumed, 3)) {
		t.Error("resumed, the training has other bytes")
	}
}
