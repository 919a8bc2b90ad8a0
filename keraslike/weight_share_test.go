// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/keraslike"
)

// TestShare: two models have one array until one of them is trained, which leaves the other as it
// is.
func TestShare(t *testing.T) {
	kernel, bias := []float32{1, 2, 3, 4}, []float32{5, 6}
	model := func() *keraslike.Model {
		m := keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(2, keraslike.Name("d")))
		for path, values := range map[string][]float32{"d/kernel": kernel, "d/bias": bias} {
			w, err := m.Weight(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Share(values[1:]); err == nil || !strings.Contains(err.Error(), "values, want") {
				t.Errorf("too few values: error %v", err)
			}
			if err := w.Share(values); err != nil {
				t.Fatal(err)
			}
			if err := w.Share(values); err == nil || !strings.Contains(err.Error(), "has values, want Share before Build") {
				t.Errorf("shared again: error %v", err)
			}
		}
		if err := m.Compile(keraslike.SGD(0.1), keraslike.MSE, keraslike.Seed(1)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	shared := func(m *keraslike.Model) bool {
		return &keraslike.Memory(m.Weights()[0])[0] == &kernel[0] && &keraslike.Memory(m.Weights()[1])[0] == &bias[0]
	}
	a, b := model(), model()
	if !shared(a) || !shared(b) {
		t.Error("the arrays are copies")
	}
	x := tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float32{1, 10}))
	want := []float32{36, 48} // 1·1 + 10·3 + 5, 1·2 + 10·4 + 6
	if got := predict(t, a, x); !slices.Equal(got, want) {
		t.Errorf("prediction %v, want %v", got, want)
	}
	if _, err := a.TrainOnBatch(x, x); err != nil {
		t.Fatal(err)
	}
	if shared(a) || !shared(b) || slices.Equal(predict(t, a, x), want) || !slices.Equal(predict(t, b, x), want) {
		t.Error("training one model must change its weights and no others")
	}
	if !slices.Equal(kernel, []float32{1, 2, 3, 4}) || !slices.Equal(bias, []float32{5, 6}) {
		t.Errorf("the shared arrays have changed: %v, %v", kernel, bias)
	}
}
