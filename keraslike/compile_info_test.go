// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"slices"
	"testing"
)

// TestCompiled: Compiled returns what was passed to Compile, and after loading the same.
func TestCompiled(t *testing.T) {
	in := Input(3)
	m := NewModel("two", []*Tensor{in}, []*Tensor{Dense(2, Softmax, Name("a")).Apply(in), Dense(1, Name("b")).Apply(in)})
	if _, ok := m.Compiled(); ok {
		t.Error("a model that was not compiled says that it was")
	}
	if got := m.OutputNames(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("outputs are named %q", got)
	}
	err := m.Compile(Adam(0.25), Losses(SparseCategoricalCrossentropy, MeanSquaredError), LossWeights(1, 0.5), Seed(7),
		ForOutput("a", Accuracy), ForOutput("b", NamedMetric("distance", MeanAbsoluteError)))
	if err != nil {
		t.Fatal(err)
	}
	check := func(m *Model) {
		t.Helper()
		c, ok := m.Compiled()
		if !ok || c.Optimizer.Name() != "adam" || c.Seed != 7 || !slices.Equal(c.LossWeights, []float64{1, 0.5}) ||
			len(c.Losses) != 2 || c.Losses[0].Name() != "sparse_categorical_crossentropy" || c.Losses[1].Name() != "mean_squared_error" {
			t.Errorf("%v %+v", ok, c)
		}
		if len(c.Metrics) != 2 || c.Metrics[0].Name() != "accuracy" || c.Metrics[0].Output != "a" || c.Metrics[0].Weighted ||
			c.Metrics[1].Name() != "distance" || c.Metrics[1].Output != "b" || c.Metrics[1].Weighted {
			t.Errorf("metrics %+v", c.Metrics)
		}
		c.LossWeights[0] = 9 // a copy
		if again, _ := m.Compiled(); again.LossWeights[0] != 1 {
			t.Error("a change of what Compiled returned changes the model")
		}
	}
	check(m)
	path := t.TempDir() + "/m.reef"
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	check(loaded)

	one := Sequential("one", Input(3), Dense(1))
	if err := one.Compile(SGD(0.1), MeanSquaredError, WeightedMetrics(MeanAbsoluteError)); err != nil {
		t.Fatal(err)
	}
	if c, _ := one.Compiled(); len(c.Metrics) != 1 || !c.Metrics[0].Weighted || c.Metrics[0].Output != "" {
		t.Errorf("metrics %+v", c.Metrics)
	}
}

// TestOpsDiagram: the boxes of prediction have no gradients, those of training do, and arrows lead
// from operands to results.
func TestOpsDiagram(t *testing.T) {
	m := Sequential("ops", Input(3), Dense(2, ReLU, Name("hidden")), Dense(1))
	if _, err := m.OpsDiagram(1); err == nil {
		t.Error("a model without weights is drawn")
	}
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	kinds := func(batch int) map[string]int {
		d, err := m.OpsDiagram(batch)
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, b := range d.Boxes {
			n[b.Kind]++
		}
		for _, a := range d.Arrows {
			if a[0] >= a[1] {
				t.Errorf("arrow %v leads backward", a)
			}
		}
		if first := d.Boxes[0]; first.Title != "input" || first.Kind != "variable" {
			t.Errorf("first box %+v", first)
		}
		return n
	}
	if n := kinds(4); n["variable"] != 5 || n["forward"] != 2 || n["gradient"] != 0 {
		t.Errorf("boxes of prediction: %v", n)
	}
	if _, err := m.OpsDiagram(0); err == nil {
		t.Error("a batch of 0 samples is drawn")
	}
	if err := m.Compile(SGD(0.1), MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	if n := kinds(4); n["gradient"] == 0 {
		t.Errorf("boxes of training: %v", n)
	}
}
