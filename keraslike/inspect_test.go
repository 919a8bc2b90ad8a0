// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// Inspect, Tensor.Layer and Tensor.Inputs give the whole graph of layers.
func TestInspect(t *testing.T) {
	inner := k.Sequential("inner", k.Input(3), k.Dense(3, k.Name("d")), k.BatchNormalization(k.Trainable(false)))
	in := k.NamedInput("x", 3)
	x := inner.Apply(in)
	m := k.NewModel("m", []*k.Tensor{in}, []*k.Tensor{k.Add().Apply(x, k.Dense(3, k.ReLU).Apply(in))})
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
	var text []string
	describe := func(i k.LayerInfo) string {
		var weights []string
		for _, w := range i.Weights {
			weights = append(weights, fmt.Sprintf("%s %v", m.WeightPath(w), w.IsState()))
		}
		return fmt.Sprintf("%s %s %v auto=%v trainable=%v %v", i.Path, i.Kind, i.Output, i.AutoNamed, i.Trainable, weights)
	}
	for _, i := range m.Layers() {
		text = append(text, describe(i))
	}
	want := []string{
		"x Input (batch, 3) auto=false trainable=true []",
		"inner/d Dense (batch, 3) auto=false trainable=true [inner/d/kernel false inner/d/bias false]",
		"inner/batch_normalization BatchNormalization (batch, 3) auto=true trainable=false [inner/batch_normalization/gamma false inner/batch_normalization/beta false inner/batch_normalization/moving_mean true inner/batch_normalization/moving_variance true]",
		"dense Dense (batch, 3) auto=true trainable=true [dense/kernel false dense/bias false]",
		"add Add (batch, 3) auto=true trainable=true []",
	}
	if !slices.Equal(text, want) {
		t.Errorf("layers\n%s\nwant\n%s", strings.Join(text, "\n"), strings.Join(want, "\n"))
	}

	sum := m.Outputs()[0]
	if k.Inspect(sum.Layer()).Kind != "Add" || len(sum.Inputs()) != 2 {
		t.Errorf("the output is made by %+v of %d tensors", k.Inspect(sum.Layer()), len(sum.Inputs()))
	}
	nested := k.Inspect(sum.Inputs()[0].Layer())
	if nested.Kind != "Model" || nested.Model != inner || !nested.Model.IsSequential() || m.IsSequential() {
		t.Errorf("got %+v, want the inner model", nested)
	}
	if from := sum.Inputs()[1].Inputs(); len(from) != 1 || from[0] != m.Inputs()[0] || len(from[0].Inputs()) != 0 {
		t.Errorf("dense is applied to %v, want the input", from)
	}
	arguments, err := k.Inspect(sum.Inputs()[1].Layer()).Arguments()
	if err != nil || !strings.Contains(string(arguments), `"units":3,"activation":"relu"`) {
		t.Errorf("arguments %s, %v", arguments, err)
	}
	if other := small(t); m.WeightPath(other.Weights()[0]) != "" {
		t.Error("the weight of another model has a path")
	}
}

func small(t *testing.T) *k.Model {
	t.Helper()
	m := k.Sequential("small", k.Input(2), k.BatchNormalization(k.Name("n")))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestConfigure(t *testing.T) {
	dense := k.Dense(2, k.Name("old"))
	if err := k.Configure(dense, k.Name("new"), k.Trainable(false)); err != nil {
		t.Fatal(err)
	}
	m := k.Sequential("m", k.Input(2), dense)
	if got := k.Inspect(dense); got.Name != "new" || got.AutoNamed || got.Trainable {
		t.Errorf("got %+v", got)
	}
	if _, trainable := m.Parameters(); trainable != 0 {
		t.Errorf("%d parameters are trainable", trainable)
	}
	wantError(t, k.Configure(dense, k.Name("newer")), `layer "new" has been applied already`)
	wantError(t, k.Configure(k.Flatten(), nil), "option 0 is nil")
}

// A layer without masks gives other numbers where steps are masked.
func TestIgnoreMasks(t *testing.T) {
	x := tensorOf([]int{1, 2, 1}, []float32{1, 0})
	sum := func(wrap func(k.Layer) k.Layer) float32 {
		m := k.Sequential("m", k.Input(2, 1), k.Masking(0), wrap(k.SimpleRNN(1, k.Linear, k.KernelInitializer(k.Ones()), k.RecurrentInitializer(k.Constant(3)))))
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
		return predict(t, m, x)[0]
	}
	if with, without := sum(func(l k.Layer) k.Layer { return l }), sum(k.IgnoreMasks); with != 1 || without != 3 {
		t.Errorf("the state is %g with the mask and %g without, want 1 and 3", with, without)
	}
}

// A recurrent layer with PassMaskUnused computes as without a mask and passes it on with ReturnSequences, as
// Keras 3.15 does with initial states: the steps 1 - give 1 and 3, and the loss is of the first alone.
func TestPassMaskUnused(t *testing.T) {
	x := tensorOf([]int{1, 2, 1}, []float32{1, 0})
	for name, l := range map[string]k.Layer{
		"SimpleRNN":     k.SimpleRNN(1, k.Linear, k.KernelInitializer(k.Ones()), k.RecurrentInitializer(k.Constant(3)), k.ReturnSequences),
		"Bidirectional": k.Bidirectional(k.SimpleRNN(1, k.Linear, k.KernelInitializer(k.Ones()), k.RecurrentInitializer(k.Constant(3)), k.ReturnSequences), k.MergeSum),
	} {
		m := k.Sequential("m", k.Input(2, 1), k.Masking(0), k.PassMaskUnused(l))
		if err := m.Compile(k.SGD(0), k.MeanAbsoluteError); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		m, err := k.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		want := []float32{1, 3}
		if name == "Bidirectional" {
			want[0] = 2 // backward 1 and 0
		}
		closeTo(t, name, predict(t, m, x), want)
		logs, err := m.Evaluate(t.Context(), dataOf(t, x, tensorOf([]int{1, 2, 1}, []float32{0, 0})))
		if err != nil {
			t.Fatal(err)
		}
		if got := logs.Get("loss"); math.Abs(got-float64(want[0])) > 1e-6 {
			t.Errorf("%s: loss is %g, want %g, that of the first step", name, got, want[0])
		}
	}
	last := k.Sequential("m", k.Input(2, 1), k.Masking(0), k.PassMaskUnused(k.SimpleRNN(1, k.Linear, k.KernelInitializer(k.Ones()), k.RecurrentInitializer(k.Constant(3)))))
	if err := last.Build(1); err != nil {
		t.Fatal(err)
	}
	closeTo(t, "last", predict(t, last, x), []float32{3})
}

func TestCheckWeight(t *testing.T) {
	m := small(t)
	variance := m.Weights()[3]
	for want, values := range map[string][]float32{"has 1 values, want 2": {1}, "value 1 is -1, want none below 0": {1, -1}} {
		wantError(t, variance.Check(values), want)
	}
	if err := m.Weights()[2].Check([]float32{1, -1}); err != nil {
		t.Errorf("a mean below 0: %v", err)
	}
}

func TestErr(t *testing.T) {
	x := k.Dense(0).Apply(k.Input(2))
	wantError(t, x.Err(), "units is 0")
	y := k.Dense(1).Apply(x)
	if y.Err() != nil || y.Shape() != nil {
		t.Errorf("a tensor behind a mistake has its own: %v, shape %v", y.Err(), y.Shape())
	}
	wantError(t, k.NewModel("m", []*k.Tensor{k.Input(2)}, []*k.Tensor{y}).Err(), "units is 0")
	wantError(t, new(k.Model).Err(), "the model has no layers")
}

func TestNoLayerToConfigure(t *testing.T) {
	if k.IgnoreMasks(nil) != nil || k.PassMaskUnused(nil) != nil {
		t.Error("a layer of nil, want nil")
	}
	if err := k.Configure(nil, k.Name("x")); err == nil || err.Error() != "there is no layer to configure" {
		t.Errorf("error %v", err)
	}
}
