// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"path/filepath"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// nest is a small convolutional base inside a classifier.
func nest(t *testing.T) (m, base *keraslike.Model) {
	t.Helper()
	base = keraslike.Sequential("base", keraslike.Input(6, 6, 1),
		keraslike.Conv2D(3, 3, keraslike.ReLU, keraslike.Name("block1")),
		keraslike.Conv2D(2, 2, keraslike.ReLU, keraslike.Name("block2")),
		keraslike.Flatten(),
	)
	m = keraslike.Sequential("classifier", keraslike.Input(6, 6, 1), base, keraslike.Dense(4, keraslike.ReLU, keraslike.Name("hidden")), keraslike.Dense(3, keraslike.Softmax, keraslike.Name("top")))
	if err := m.Build(5); err != nil {
		t.Fatal(err)
	}
	return m, base
}

func pictures(n int) *tensor.Dense {
	x := make([]float32, n*36)
	for i := range x {
		x[i] = float32((i*7)%11)/11 - 0.3
	}
	return tensorOf([]int{n, 6, 6, 1}, x)
}

func predictAll(t *testing.T, m *keraslike.Model, x *tensor.Dense) []*keraslike.Array {
	t.Helper()
	source, err := keraslike.Data(keraslike.ArrayOf(x), nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.PredictSource(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSubModel(t *testing.T) {
	m, base := nest(t)
	x := pictures(4)
	s, err := m.SubModel("hidden", "base/block2", "base", "top")
	if err != nil {
		t.Fatal(err)
	}
	got := predictAll(t, s, x)
	if want := predictAll(t, base, x)[0]; !slices.Equal(got[2].Values(), want.Values()) {
		t.Error("the nested model's output differs from the nested model's")
	}
	if want := predictAll(t, m, x)[0]; !slices.Equal(got[3].Values(), want.Values()) {
		t.Error("the last layer's output differs from the model's")
	}
	if shape := []int(got[1].Shape()); !slices.Equal(shape, []int{4, 3, 3, 2}) {
		t.Errorf("block2 gives %v, want [4 3 3 2]", shape)
	}
	// block2's output, flattened, is the base's.
	if !slices.Equal(got[1].Values(), got[2].Values()) {
		t.Error("block2's output is not what the base flattens")
	}
	// Weights are shared, and paths are the model's own.
	w, err := m.Weight("base/block1/kernel")
	if err != nil {
		t.Fatal(err)
	}
	change(t, w, func(v []float32) { v[0]++ })
	if again := predictAll(t, s, x)[3]; slices.Equal(again.Values(), got[3].Values()) {
		t.Error("a changed weight does not change the submodel")
	}
	if w.Path() != "base/block1/kernel" {
		t.Errorf("the path became %q", w.Path())
	}
	if _, err := base.Weight("block1/kernel"); err != nil {
		t.Errorf("the base lost its own paths: %v", err)
	}
	for _, path := range []string{"nowhere", "base/nowhere", "hidden/kernel", ""} {
		_, err := m.SubModel(path)
		wantError(t, err, `submodel of "classifier"`)
	}
}

// A base saves under its own paths although it is part of another model.
func TestNestedModelSavesItsOwnPaths(t *testing.T) {
	m, base := nest(t)
	file := filepath.Join(t.TempDir(), "base.safetensors")
	if err := base.Save(file); err != nil {
		t.Fatal(err)
	}
	again, err := keraslike.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Weight("block2/kernel"); err != nil {
		t.Error(err)
	}
	if _, err := m.Weight("base/block2/kernel"); err != nil {
		t.Error(err)
	}
}

// TestTrainable trains with parts frozen and looks at which weights moved.
func TestTrainable(t *testing.T) {
	all := []string{"base/block1", "base/block2", "hidden", "top"}
	for name, c := range map[string]struct {
		set  func(m *keraslike.Model) error
		want []string // the layers that move
	}{
		"all":              {func(m *keraslike.Model) error { return nil }, all},
		"layer":            {func(m *keraslike.Model) error { return m.SetTrainable(false, "hidden") }, []string{"base/block1", "base/block2", "top"}},
		"model":            {func(m *keraslike.Model) error { return m.SetTrainable(false, "base") }, []string{"hidden", "top"}},
		"inner":            {func(m *keraslike.Model) error { return m.SetTrainable(false, "base/block1") }, []string{"base/block2", "hidden", "top"}},
		"two layers":       {func(m *keraslike.Model) error { return m.SetTrainable(false, "base", "hidden") }, []string{"top"}},
		"two inner layers": {func(m *keraslike.Model) error { return m.SetTrainable(false, "base/block2", "base/flatten") }, []string{"base/block1", "hidden", "top"}},
		"fine tuning": {func(m *keraslike.Model) error {
			if err := m.SetTrainable(false, "base"); err != nil {
				return err
			}
			return m.SetTrainable(true, "base/block2")
		}, []string{"base/block2", "hidden", "top"}},
		"fine tuning of two layers": {func(m *keraslike.Model) error {
			if err := m.SetTrainable(false, "base"); err != nil {
				return err
			}
			return m.SetTrainable(true, "base/block2", "base/flatten")
		}, []string{"base/block2", "hidden", "top"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := nest(t)
			if err := c.set(m); err != nil {
				t.Fatal(err)
			}
			if err := m.Compile(keraslike.SGD(0.5), keraslike.SparseCategoricalCrossentropy, keraslike.Seed(5)); err != nil {
				t.Fatal(err)
			}
			before := map[string][]float32{}
			for _, w := range m.Weights() {
				before[w.Path()] = w.Values()
			}
			for range 3 {
				if _, err := m.TrainOnBatch(pictures(4), tensorOf([]int{4}, []float32{0, 1, 2, 1})); err != nil {
					t.Fatal(err)
				}
			}
			for _, layer := range all {
				moved := false
				for _, w := range m.Weights() {
					if filepath.Dir(w.Path()) == layer && !slices.Equal(w.Values(), before[w.Path()]) {
						moved = true
					}
				}
				if moved != slices.Contains(c.want, layer) {
					t.Errorf("%s moved: %v", layer, moved)
				}
			}
		})
	}
	m, _ := nest(t)
	wantError(t, m.SetTrainable(false, "bottom"), `no layer "bottom"`, `"hidden"`)
	wantError(t, m.SetTrainable(false, "hidden/x"), "is no model")
}

// TestMeant: unknown names get a suggestion, also of layers in nested models, by their paths.
func TestMeant(t *testing.T) {
	block := keraslike.Sequential("block", keraslike.Input(4), keraslike.Dense(4, keraslike.Name("inner")))
	base := keraslike.Sequential("base", keraslike.Input(4), block, keraslike.Dense(3, keraslike.Name("top")))
	m := keraslike.Sequential("m", keraslike.Input(4), base, keraslike.Dense(2, keraslike.Name("head")))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"haed":      `there is no layer "haed" (did you mean "head"?), layers are ["input" "base" "head"]`,
		"top":       `there is no layer "top", layers are ["input" "base" "head"]; did you mean "base/top"?`,
		"inner":     `there is no layer "inner", layers are ["input" "base" "head"]; did you mean "base/block/inner"?`,
		"bottom":    `there is no layer "bottom", layers are`,
		"base/topp": `there is no layer "topp" (did you mean "top"?), layers are ["input" "block" "top"]`,
	} {
		wantError(t, m.SetTrainable(false, name), want)
		_, err := m.SubModel(name)
		wantError(t, err, want)
	}
	_, err := m.Weight("head/kernal")
	wantError(t, err, `model "m": there is no weight "head/kernal" (did you mean "head/kernel"?), weights are ["base/block/inner/kernel"`)
}

func TestTrainableOption(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(3), keraslike.Dense(2, keraslike.Trainable(false), keraslike.Name("a")), keraslike.Dense(2, keraslike.Name("b")))
	if err := m.Compile(keraslike.SGD(1), keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	if all, free := m.Parameters(); all != 14 || free != 6 {
		t.Errorf("%d parameters, %d trainable, want 14 and 6", all, free)
	}
}

// TestSharedLayer trains a siamese pair: one layer on two inputs, whose gradients add.
func TestSharedLayer(t *testing.T) {
	shared := keraslike.Dense(2, keraslike.NoBias, keraslike.KernelInitializer(keraslike.Ones()), keraslike.Name("shared"))
	a, b := keraslike.NamedInput("a", 2), keraslike.NamedInput("b", 2)
	m := keraslike.NewModel("pair", []*keraslike.Tensor{a, b}, []*keraslike.Tensor{shared.Apply(a), shared.Apply(b)})
	if err := m.Compile(keraslike.SGD(1), keraslike.MeanSquaredError, keraslike.LossWeights(1, 3)); err != nil {
		t.Fatal(err)
	}
	one := func(v ...float32) graph.Value { return tensorOf([]int{1, 2}, v) }
	result, err := m.TrainOnBatchOf([]graph.Value{one(1, 0), one(0, 1)}, []graph.Value{one(0, 1), one(1, -1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Outputs are all 1: losses (1 + 0)/2 and (0 + 4)/2; gradients 1, 0 for the first row and 3·(0, 2).
	w, err := m.Weight("shared/kernel")
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{0, 1, 1, -5}; result.Loss() != 6.5 || !slices.Equal(w.Values(), want) {
		t.Errorf("loss %v, kernel %v, want 6.5 and %v", result.Loss(), w.Values(), want)
	}
}
