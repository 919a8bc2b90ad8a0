// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// Sample weights apply to each output with a loss, whichever others have none, and to weighted metrics. The batches of validation have
// the size that Fit is given, where the training samples are fewer. The numbers are those of
// testdata/several_losses.py.
func TestWeightsOfSeveralLosses(t *testing.T) {
	x := k.Input(2)
	var heads []*k.Tensor
	for _, name := range []string{"a", "b", "c"} {
		heads = append(heads, k.Dense(1, k.NoBias, k.Name(name)).Apply(x))
	}
	m := k.NewModel("m", []*k.Tensor{x}, heads)
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	for i, kernel := range [][]float32{{0.5, -0.25}, {1, 1}, {0.25, 1}} {
		if err := m.Weights()[i].Set(kernel); err != nil {
			t.Fatal(err)
		}
	}
	data := func(n, targets int) k.Source {
		rows := []float32{0.25, 0.5, 0.75, 1, 1.25, 1.5, 0.5, 0, 0.25, 0.25}
		in, err := k.NewArray(rows[:2*n], n, 2)
		if err != nil {
			t.Fatal(err)
		}
		y, err := k.NewArray([]float32{1, 0, 2, 1, 3}[:n], n, 1)
		if err != nil {
			t.Fatal(err)
		}
		var all []*k.Array
		for range targets {
			all = append(all, y)
		}
		s, err := k.MultiData([]*k.Array{in}, all)
		if err != nil {
			t.Fatal(err)
		}
		if s, err = k.Weighted(s, []float32{1, 0, 0.5, 2, 1}[:n]); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		losses  k.Loss
		targets int
		names   string
		want    []float64
		kernel  []float64 // of a
	}{
		{k.Losses(k.MSE, k.NoLoss, k.MAE), 3, "[loss a_loss c_loss b_mae b_weighted val_loss val_a_loss val_c_loss val_b_mae val_b_weighted]",
			[]float64{1.0208333731, 0.84375, 0.1770833284, 0.9166666865, 0.4166666567, 3.2127711773, 2.2439169884, 0.9688541293, 1.1499999762, 0.9166666865}, []float64{0.5895833373, -0.1291666627}},
		{k.Losses(k.MSE, k.NoLoss, k.NoLoss), 2, "[loss b_mae b_weighted val_loss val_b_mae val_b_weighted]",
			[]float64{0.6341078281, 0.9166666865, 0.4166666567, 2.0801568031, 1.1499999762, 0.9166666865}, []float64{0.6655685902, -0.0257552005}},
	} {
		if err := m.Compile(k.SGD(0.1), c.losses, k.ForOutput("b", k.MAE), k.WeightedForOutput("b", k.NamedMetric("weighted", k.MAE))); err != nil {
			t.Fatal(err)
		}
		h, err := m.Fit(t.Context(), data(3, c.targets), k.KeepOrder, k.BatchSize(8), k.Validation(data(5, c.targets)), k.ValidationSteps(1))
		if err != nil {
			t.Fatal(err)
		}
		if names := fmt.Sprint(h.Names()); names != c.names {
			t.Fatalf("series are %s, want %s", names, c.names)
		}
		for i, name := range h.Names() {
			if got := h.Last(name); math.Abs(got-c.want[i]) > 1e-6 {
				t.Errorf("%s is %.8f, want %.8f", name, got, c.want[i])
			}
		}
		for i, v := range valuesAt(t, m, "a/kernel") {
			if math.Abs(float64(v)-c.kernel[i]) > 1e-6 {
				t.Errorf("kernel of a is %v, want %v", valuesAt(t, m, "a/kernel"), c.kernel)
			}
		}
	}
}
