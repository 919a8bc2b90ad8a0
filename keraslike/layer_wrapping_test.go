// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// Layers around functions, layers and models.

func TestLambda(t *testing.T) {
	shift := keraslike.Lambda(func(in ...*graph.Node) (*graph.Node, error) {
		product, err := graph.Mul(in[0], in[1])
		if err != nil {
			return nil, err
		}
		return gorgonia.Neg(product) // an op of Gorgonia
	}, keraslike.Name("minus"))
	a, b := keraslike.Input(2), keraslike.Input(2)
	m := keraslike.NewModel("m", []*keraslike.Tensor{a, b}, []*keraslike.Tensor{shift.Apply(a, b)})
	if err := m.Build(0); err != nil {
		t.Fatal(err)
	}
	x, y := tensorOf([]int{2, 2}, []float32{1, 2, 3, 4}), tensorOf([]int{2, 2}, []float32{5, 6, 7, 8})
	got, err := m.PredictSource(t.Context(), pair{dataOf(t, x, y)})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{-5, -12, -21, -32}; !slices.Equal(got[0].Values(), want) {
		t.Errorf("got %v, want %v", got[0].Values(), want)
	}
	path := filepath.Join(t.TempDir(), "model")
	err = m.Save(path)
	wantError(t, err, `save model "m": layer "minus": a Lambda is a Go function, which cannot be saved`)
	if strings.Contains(err.Error(), "json") {
		t.Errorf("error %q speaks of json", err)
	}
}

// pair is a source whose target is a second input.
type pair struct{ keraslike.Source }

func (p pair) Shapes() (inputs, targets [][]int) {
	a, b := p.Source.Shapes()
	return append(a, b...), nil
}

func (p pair) Read(indices []int, inputs, _ [][]float32) error {
	return p.Source.Read(indices, inputs[:1], inputs[1:])
}

// classifier is a softmax over the steps of a series, made of layers or of one model.
func classifier(t *testing.T, inner keraslike.Layer) *keraslike.Model {
	t.Helper()
	m := keraslike.Sequential("m", keraslike.Input(4, 5), keraslike.TimeDistributed(inner, keraslike.Name("steps")))
	if err := m.Compile(keraslike.SGD(0.5), keraslike.SparseCategoricalCrossentropy, keraslike.Seed(2)); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTimeDistributedModel trains a model on every step, saves it and loads it,
// and compares it with a layer that has the same weights.
func TestTimeDistributedModel(t *testing.T) {
	inner := keraslike.Sequential("inner", keraslike.Input(5), keraslike.BatchNormalization(keraslike.Name("norm")), keraslike.Dense(3, keraslike.Softmax, keraslike.Name("out")))
	m := classifier(t, inner)
	x, y := tensorOf([]int{6, 4, 5}, make([]float32, 120)), tensorOf([]int{6, 4}, make([]float32, 24))
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(i*i%17) / 5
	}
	for i := range y.Float32s() {
		y.Float32s()[i] = float32(i % 3)
	}
	data := dataOf(t, x, y)
	h, err := m.Fit(t.Context(), data, keraslike.Epochs(30))
	if err != nil {
		t.Fatal(err)
	}
	if loss := h.Get("loss"); loss[29] > 0.9*loss[0] {
		t.Errorf("the loss went from %v to %v", loss[0], loss[29])
	}
	for _, path := range []string{"steps/out/kernel", "steps/norm/moving_mean"} {
		if _, err := m.Weight(path); err != nil {
			t.Error(err)
		}
	}
	_, path := saved(t, m)
	reloaded := loaded(t, path)
	if !slices.Equal(predict(t, reloaded, x), predict(t, m, x)) {
		t.Error("the loaded model predicts other numbers")
	}
	if got, want := summary(t, reloaded), summary(t, m); got != want {
		t.Errorf("summary after Load:\n%s\nbefore:\n%s", got, want)
	}
	if _, err := reloaded.Fit(t.Context(), data); err != nil {
		t.Error(err)
	}
}

// TestTimeDistributedCustom loads a custom layer inside a TimeDistributed.
func TestTimeDistributedCustom(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(2, 3), keraslike.TimeDistributed(keraslike.Custom(&scale{Start: 2})))
	if err := m.Build(0); err != nil {
		t.Fatal(err)
	}
	_, path := saved(t, m)
	reloaded := loaded(t, path, keraslike.WithCustomLayer(func() keraslike.Definition { return &scale{} }))
	x := tensorOf([]int{1, 2, 3}, []float32{1, 2, 3, 4, 5, 6})
	if got, want := predict(t, reloaded, x), predict(t, m, x); !slices.Equal(got, want) {
		t.Errorf("after Load got %v, want %v", got, want)
	}
	_, err := keraslike.Load(path)
	wantError(t, err, `kind "Scale" is unknown`)
}

// TestFrozenModel: normalization in a frozen model inside another computes as in
// prediction, and nothing of it changes.
func TestFrozenModel(t *testing.T) {
	base := keraslike.Sequential("base", keraslike.Input(3), keraslike.BatchNormalization(), keraslike.Dense(2))
	m := keraslike.Sequential("m", keraslike.Input(3), base, keraslike.Dense(1))
	if err := m.SetTrainable(false, "base"); err != nil {
		t.Fatal(err)
	}
	if err := m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	before := map[string][]float32{}
	for _, w := range m.Weights() {
		before[w.Path()] = w.Values()
	}
	x, y := tensorOf([]int{2, 3}, []float32{1, 2, 3, 5, 4, 7}), tensorOf([]int{2, 1}, []float32{1, -1})
	result, err := m.TrainOnBatch(x, y)
	if err != nil {
		t.Fatal(err)
	}
	for path, v := range before {
		w, err := m.Weight(path)
		if err != nil {
			t.Fatal(err)
		}
		if changed := !slices.Equal(w.Values(), v); changed == strings.HasPrefix(path, "base/") {
			t.Errorf("training changed %s: %v", path, changed)
		}
	}
	for path, v := range before { // back, to see that training and evaluation compute the same
		setWeight(t, m, path, v)
	}
	logs, err := m.Evaluate(t.Context(), dataOf(t, x, y))
	if err != nil {
		t.Fatal(err)
	}
	if loss := result.Loss(); logs[0].Value != loss {
		t.Errorf("the loss is %v in training and %v in evaluation, want the same from a frozen normalization", loss, logs[0].Value)
	}
}

// TestSharedInner: a layer that is applied elsewhere cannot be wrapped.
func TestSharedInner(t *testing.T) {
	in := keraslike.Input(4, 5)
	dense := keraslike.Dense(5)
	y := keraslike.TimeDistributed(dense, keraslike.Name("steps")).Apply(dense.Apply(in))
	err := keraslike.NewModel("m", []*keraslike.Tensor{in}, []*keraslike.Tensor{y}).Build(0)
	wantError(t, err, `TimeDistributed "steps": the Dense is also applied elsewhere; only a model may be shared`)
}

// TestFrozenInner: Trainable(false) of the inner layer holds for the steps too.
func TestFrozenInner(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(4, 5), keraslike.TimeDistributed(keraslike.Dense(3, keraslike.Trainable(false))), keraslike.Dense(2))
	if all, trainable := m.Parameters(); all != 18+8 || trainable != 8 {
		t.Errorf("%d of %d parameters are trainable, want 8 of 26", trainable, all)
	}
}
