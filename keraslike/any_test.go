// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

// formulaData are the data of testdata/golden/any_length.py: values of 1/32 from -1 to 1.
func formulaData(scale float32, shape ...int) *tensor.Dense {
	values := make([]float32, k.Shape(shape).Size())
	for n := range values {
		values[n] = float32((n*37+n/11*5)%65-32) / 32 * scale
	}
	return tensorOf(shape, values)
}

// wholeData are numbers from 1; the last steps of sample i are i·padded zeros.
func wholeData(below, samples, steps, padded int) *tensor.Dense {
	values := make([]float32, samples*steps)
	for n := range values {
		if i := n / steps; n%steps < steps-min(steps-1, i*padded) {
			values[n] = float32((n*7+n/13)%(below-1) + 1)
		}
	}
	return tensorOf([]int{samples, steps}, values)
}

// zeroData are formulaData of four samples, the second and the fourth of which end in zeros.
func zeroData(n int) *tensor.Dense {
	x := formulaData(1, 4, n, 3)
	clear(x.Float32s()[(n+n-n/4)*3 : 2*n*3])
	clear(x.Float32s()[(3*n+n-n/2)*3:])
	return x
}

// anyLengthNet is a net of testdata/golden/any_length.json.
type anyLengthNet struct {
	model     *k.Model
	optimizer k.Optimizer
	loss      k.Loss
	x, y      func(n int) *tensor.Dense
	lengths   []int // of the batches
	at        map[string]*tensor.Dense
}

func anyLengthNets() map[string]anyLengthNet {
	lengths := []int{20, 50, 20, 50}
	features := func(f int) func(n int) *tensor.Dense {
		return func(n int) *tensor.Dense { return formulaData(1, 4, n, f) }
	}
	one := func(int) *tensor.Dense { return formulaData(0.5, 4, 1) }
	perStep := func(n int) *tensor.Dense { return formulaData(0.5, 4, n, 2) }
	at := func(x func(n int) *tensor.Dense, lengths ...int) map[string]*tensor.Dense {
		all := map[string]*tensor.Dense{}
		for _, n := range lengths {
			all[fmt.Sprint(n)] = x(n)
		}
		return all
	}
	two := func(f int) func(n int) *tensor.Dense {
		return func(n int) *tensor.Dense { return formulaData(1, 2, n, f) }
	}
	series := k.Input(k.Any, 4)
	attended := k.LayerNormalization().Apply(k.Add().Apply(series, k.MultiHeadAttention(2, 3).Apply(series)))
	return map[string]anyLengthNet{
		"recurrent": {
			k.Sequential("m", k.Input(k.Any, 3), k.LSTM(4, k.ReturnSequences), k.GRU(3), k.Dense(1)),
			k.SGD(0.1, k.Momentum(0.9)), k.MSE, features(3), one, lengths, at(two(3), 1, 7, 5000),
		},
		"convolutional": {
			k.Sequential("m", k.Input(k.Any, 3), k.Conv1D(4, 3, k.SamePadding, k.ReLU), k.MaxPooling1D(2, k.SamePadding),
				k.Conv1D(3, 2, k.CausalPadding), k.GlobalAveragePooling1D(), k.Dense(1)),
			k.SGD(0.05, k.Momentum(0.9)), k.MSE, features(3), one, lengths, at(two(3), 1, 7, 5000),
		},
		"per_step": {
			k.Sequential("m", k.Input(k.Any, 3), k.Bidirectional(k.SimpleRNN(3, k.ReturnSequences)), k.BatchNormalization(), k.TimeDistributed(k.Dense(2))),
			k.RMSprop(0.01), k.MSE, features(3), perStep, lengths, at(two(3), 1, 7, 5000),
		},
		"attention": {
			k.NewModel("m", []*k.Tensor{series}, []*k.Tensor{k.Dense(1).Apply(k.GlobalMaxPooling1D().Apply(attended))}),
			k.SGD(0.05), k.MSE, features(4), one, lengths, at(two(4), 1, 7, 500),
		},
		"masked": {
			k.Sequential("m", k.Input(k.Any), k.Embedding(12, 4, k.MaskZero), k.GRU(3, k.ReturnSequences), k.LSTM(3), k.Dense(1)),
			k.SGD(0.1), k.MSE, func(n int) *tensor.Dense { return wholeData(12, 4, n, 5) }, one, lengths,
			at(func(n int) *tensor.Dense { return wholeData(12, 3, n, 2) }, 1, 7, 5000),
		},
		"masked_steps": {
			k.Sequential("m", k.Input(k.Any, 3), k.Masking(0), k.LSTM(4, k.ReturnSequences), k.Dense(2)),
			k.SGD(0.1), k.MSE, zeroData, perStep, lengths, at(zeroData, 1, 7, 5000),
		},
		"fully_convolutional": {
			k.Sequential("m", k.Input(k.Any, k.Any, 3), k.Conv2D(4, 3, k.SamePadding, k.ReLU), k.MaxPooling2D(2, k.SamePadding), k.BatchNormalization(),
				k.Conv2D(5, 3, k.SamePadding, k.ReLU), k.Conv2DTranspose(3, 2, k.Strides(2), k.ReLU), k.Conv2D(1, 1, k.Sigmoid)),
			k.SGD(0.05, k.Momentum(0.9)), k.BinaryCrossentropy,
			func(n int) *tensor.Dense { return formulaData(1, 2, n, n, 3) },
			func(n int) *tensor.Dense {
				y := formulaData(1, 2, n, n, 1)
				for i, v := range y.Float32s() {
					y.Float32s()[i] = 0
					if v > 0 {
						y.Float32s()[i] = 1
					}
				}
				return y
			},
			[]int{64, 64, 64},
			map[string]*tensor.Dense{"97x131": formulaData(1, 1, 97, 131, 3), "1x1": formulaData(1, 1, 1, 1, 3)},
		},
	}
}

// TestAnyLength trains at two lengths in turn and predicts at others, as Keras does with None, and
// again after saving and loading.
func TestAnyLength(t *testing.T) {
	cases := golden.Load(t, "any_length")
	nets := anyLengthNets()
	if len(cases) != len(nets) {
		t.Fatalf("%d cases of Keras, %d nets", len(cases), len(nets))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			net := nets[c.Name]
			m := net.model
			if err := m.Compile(net.optimizer, net.loss); err != nil {
				t.Fatal(err)
			}
			for i, w := range m.Weights() {
				if err := w.Set(c.Inputs[fmt.Sprint("w", i)].Float32()); err != nil {
					t.Fatal(err)
				}
			}
			for i, n := range net.lengths {
				result, err := m.TrainOnBatch(net.x(n), net.y(n))
				if err != nil {
					t.Fatal(err)
				}
				wantKeras(t, fmt.Sprintf("loss %d", i), []float32{float32(result.Loss())}, c.Want["losses"].Float32()[i:i+1])
			}
			for i, w := range m.Weights() {
				wantKeras(t, w.Path(), w.Values(), c.Want[fmt.Sprint("w", i)].Float32())
			}
			path := filepath.Join(t.TempDir(), "m.safetensors")
			if err := m.Save(path); err != nil {
				t.Fatal(err)
			}
			loaded, err := k.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if !loaded.Inputs()[0].Shape().Equal(m.Inputs()[0].Shape()) {
				t.Errorf("loaded with input %v, want %v", loaded.Inputs()[0].Shape(), m.Inputs()[0].Shape())
			}
			for at, x := range net.at {
				y, err := m.Predict(k.ArrayOf(x))
				if err != nil {
					t.Fatal(err)
				}
				again, err := loaded.Predict(k.ArrayOf(x))
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(again.Shape(), y.Shape()) || !slices.Equal(again.Values(), y.Values()) {
					t.Errorf("at %s the loaded model predicts %v, the saved one %v", at, again, y)
				}
				if got, want := fmt.Sprint(y.Shape()), fmt.Sprint(c.Want["shape "+at].Data); got != want {
					t.Errorf("the prediction at %s has shape %s, want %s", at, got, want)
				}
				kept := y.Values()
				if len(kept) > 1000 {
					kept = nil
					for i := 0; i < len(y.Values()); i += c.Args.Int("step") {
						kept = append(kept, y.Values()[i])
					}
				}
				wantKeras(t, "prediction at "+at, kept, c.Want["y "+at].Float32())
			}
		})
	}
}

// wantKeras compares with numbers that were computed in float32 in another order.
func wantKeras(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d values, want %d", what, len(got), len(want))
		return
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= 2e-5+1e-4*math.Abs(float64(w))) {
			t.Errorf("%s, value %d: got %v, want %v", what, i, got[i], w)
			return
		}
	}
}

// TestModelsAtOtherSizes applies models, fixed and free, to inputs of other sizes than their own:
// the weights are shared, the numbers are those of a model that was made for the size.
func TestModelsAtOtherSizes(t *testing.T) {
	conv := func() *k.Model {
		inner := k.Sequential("inner", k.Input(6, 6, 2), k.Conv2D(3, 3, k.SamePadding, k.ReLU), k.BatchNormalization())
		return k.Sequential("net", k.Input(8, 8, 2), k.Conv2D(2, 1), inner, k.MaxPooling2D(2), k.GlobalAveragePooling2D(), k.Dense(3))
	}
	base := conv()
	if err := base.Build(5); err != nil {
		t.Fatal(err)
	}
	at := func(m *k.Model, shape ...int) *k.Model {
		in := k.Input(shape...)
		outer := k.NewModel("outer", []*k.Tensor{in}, []*k.Tensor{m.Apply(in)})
		if err := outer.Build(0); err != nil {
			t.Fatal(err)
		}
		return outer
	}
	// The same net, made for another size, with the weights of base.
	made := func(h, w int) *k.Model {
		inner := k.Sequential("inner", k.Input(h, w, 2), k.Conv2D(3, 3, k.SamePadding, k.ReLU), k.BatchNormalization())
		m := k.Sequential("net", k.Input(h, w, 2), k.Conv2D(2, 1), inner, k.MaxPooling2D(2), k.GlobalAveragePooling2D(), k.Dense(3))
		if err := m.Build(0); err != nil {
			t.Fatal(err)
		}
		for i, v := range m.Weights() {
			if err := v.Set(base.Weights()[i].Values()); err != nil {
				t.Fatal(err)
			}
		}
		return m
	}
	big, free := at(base, 11, 7, 2), at(base, k.Any, k.Any, 2)
	if !slices.Equal(big.Weights(), base.Weights()) || !slices.Equal(free.Weights(), base.Weights()) {
		t.Error("a model at another size has weights of its own")
	}
	for _, size := range [][2]int{{8, 8}, {11, 7}, {2, 9}} {
		x := mustArray(t, formulaData(1, 2, size[0], size[1], 2).Float32s(), 2, size[0], size[1], 2)
		want, err := made(size[0], size[1]).Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		models := map[string]*k.Model{"free": free, "free in fixed": at(free, size[0], size[1], 2)}
		switch size {
		case [2]int{8, 8}:
			models["itself"] = base
		case [2]int{11, 7}:
			models["at another size"] = big
		}
		for name, m := range models {
			got, err := m.Predict(x)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Values(), want.Values()) {
				t.Errorf("%s at %v: %v, want %v", name, size, got, want)
			}
		}
	}
	// Parts at another size.
	sub, err := base.SubModel("inner")
	if err != nil {
		t.Fatal(err)
	}
	parts := at(sub, 5, 9, 2)
	if got := parts.Outputs()[0].Shape(); !got.Equal(k.Shape{5, 9, 3}) {
		t.Errorf("a part at another size has output %v", got)
	}
	inside, err := free.SubModel("net/inner")
	if err != nil {
		t.Fatal(err)
	}
	y, err := inside.Predict(mustArray(t, make([]float32, 4*5*2), 1, 4, 5, 2))
	if err != nil || fmt.Sprint(y.Shape()) != "[1 4 5 3]" {
		t.Errorf("part of a free model: %v, %v", y, err)
	}
	// Within TimeDistributed, and trained at two sizes.
	in := k.Input(k.Any, k.Any, k.Any, 2)
	clips := k.NewModel("clips", []*k.Tensor{in}, []*k.Tensor{k.LSTM(2).Apply(k.TimeDistributed(base).Apply(in))})
	if err := clips.Compile(k.SGD(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	for _, s := range [][]int{{2, 3, 4, 5, 2}, {2, 1, 6, 2, 2}, {2, 3, 4, 5, 2}} {
		if _, err := clips.TrainOnBatch(formulaData(1, s...), formulaData(1, 2, 2)); err != nil {
			t.Error(err)
		}
	}
	path := filepath.Join(t.TempDir(), "clips")
	if err := clips.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := k.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	x := k.ArrayOf(formulaData(1, 1, 2, 5, 5, 2))
	want, err := clips.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Predict(x); err != nil || !slices.Equal(got.Values(), want.Values()) {
		t.Errorf("loaded: %v, want %v, %v", got, want, err)
	}
}

// TestAnyMistakes are models whose layers cannot bear an axis of any length, and batches whose
// lengths the layers cannot bear.
func TestAnyMistakes(t *testing.T) {
	seq := func(parts ...k.Part) error { return k.Sequential("m", parts...).Err() }
	inner := k.Sequential("inner", k.Input(4, 4, 3), k.Conv2D(2, 3), k.Flatten(), k.Dense(2))
	unet := func(in *k.Tensor) *k.Tensor {
		down := k.MaxPooling2D(2).Apply(in)
		return k.Concatenate().Apply(in, k.UpSampling2D(2, 2).Apply(down))
	}
	image := k.Input(k.Any, k.Any, 3)
	u := k.NewModel("u", []*k.Tensor{image}, []*k.Tensor{unet(image)})
	valid := k.Sequential("v", k.Input(k.Any, 3), k.Conv1D(2, 5), k.GlobalMaxPooling1D())
	a, b := k.NamedInput("a", k.Any, 3), k.NamedInput("b", k.Any, 3)
	two := k.NewModel("two", []*k.Tensor{a, b}, []*k.Tensor{k.Add().Apply(a, b)})
	for _, m := range []*k.Model{u, valid, two} {
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
	}
	zeros := func(shape ...int) *k.Array { return mustArray(t, make([]float32, k.Shape(shape).Size()), shape...) }
	for want, err := range map[string]error{
		`Dense "dense": its weight "kernel" would have shape (?, 2), which depends on axis 1 of its input (batch, ?), a free axis`:                   seq(k.Input(k.Any, 8), k.Flatten(), k.Dense(2)),
		`shapes on the way: input (batch, ?, 8) -> flatten (batch, ?)`:                                                                               seq(k.Input(k.Any, 8), k.Flatten(), k.Dense(2)),
		`LSTM "lstm": its weight "kernel" would have shape (?, 16), which depends on axis 2 of its input (batch, 3, ?), a free axis`:                 seq(k.Input(3, k.Any), k.LSTM(4)),
		`PReLU "p": its weight "alpha" would have shape (?, 1, 3), which depends on axis 1 of its input (batch, ?, ?, 3)`:                            seq(k.Input(k.Any, k.Any, 3), k.PReLU(k.SharedAxes(2), k.Name("p"))),
		`Conv2D "conv2d": input has shape (batch, ?, 3), want (batch, height, width, channels)`:                                                      seq(k.Input(k.Any, 3), k.Conv2D(2, 3)),
		`Reshape "reshape": input has shape (batch, ?, 3) with ? elements per sample, which do not fit the target shape [5 3]`:                       seq(k.Input(k.Any, 3), k.Reshape([]int{5, 3})),
		`Model "inner": Dense "dense": is applied again to (batch, ?), its weights were built for (batch, 8)`:                                        seq(k.Input(k.Any, k.Any, 3), inner),
		`predict: model "u": Concatenate "concatenate": input 1 has shape (batch, 6, 4, 3), which differs from (batch, 7, 4, 3) in more than axis 3`: second(u.Predict(zeros(1, 7, 4, 3))),
		`predict: model "v": Conv1D "conv1d": input has shape (batch, 4, 3): `:                                                                       second(valid.Predict(zeros(1, 4, 3))),
		`predict: model "two": Add "add": input 1 has shape (batch, 5, 3), which does not fit (batch, 4, 3)`:                                         second(two.Predict(zeros(2, 4, 3), zeros(2, 5, 3))),
		`predict: input 0 of the data has shape (batch, 4, 4), model "v" wants (batch, ?, 3)`:                                                        second(valid.Predict(zeros(1, 4, 4))),
		`input 0 of the data has shape (batch, 4, 4, 3), model "v" wants (batch, ?, 3)`:                                                              second(valid.Predict(zeros(1, 4, 4, 3))),
		`Input "input": axis of -2, want all axes positive or Any`:                                                                                   seq(k.Input(-2, 3), k.Dense(1)),
		`Broken "broken": output would have shape (batch, ?)`:                                                                                        seq(k.Input(3), k.Custom(broken{})),
		`needs about`: limited(valid, zeros(1, 50, 3)),
	} {
		wantError(t, err, want)
	}
	for _, size := range []int{2, 4, 46, 200} {
		if _, err := u.Predict(zeros(1, size, 2*size, 3)); err != nil {
			t.Error(err)
		}
	}
	if _, err := valid.Predict(zeros(1, 5, 3)); err != nil {
		t.Error(err)
	}
}

// limited predicts with a limit that allows 10 steps.
func limited(m *k.Model, x *k.Array) error {
	m.SetLimits(k.Limits{Work: 5_000})
	defer m.SetLimits(k.Limits{})
	short, err := k.NewArray(x.Values()[:30], 1, 10, 3)
	if err != nil {
		return err
	}
	if _, err := m.Predict(short); err != nil {
		return err
	}
	_, err = m.Predict(x)
	return err
}

// broken is a definition that returns what only an Input may have.
type broken struct{}

func (broken) Kind() string                                     { return "Broken" }
func (broken) Build(*k.Builder, []k.Shape) (k.Shape, error)     { return k.Shape{k.Any}, nil }
func (broken) Forward(_ *k.Scope, in []*graph.Node) *graph.Node { return in[0] }

// TestAdaptAnyLength adapts a layer for any length to data of one.
func TestAdaptAnyLength(t *testing.T) {
	norm := k.Normalization()
	m := k.Sequential("m", k.Input(k.Any, 2), norm)
	data, err := k.Data(mustArray(t, []float32{1, 10, 3, 30}, 1, 2, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Adapt(context.Background(), norm, data); err != nil {
		t.Fatal(err)
	}
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	y, err := m.Predict(mustArray(t, []float32{1, 10, 2, 20, 3, 30}, 1, 3, 2))
	if err != nil || fmt.Sprint(y.Values()) != "[-1 -1 0 0 1 1]" {
		t.Errorf("%v, %v", y, err)
	}
	x, _, _ := raggedData(t, 3)
	wantError(t, k.Adapt(context.Background(), k.Normalization(), source(t, x, nil)), "the data has samples of shape (batch, ?, 2), want samples of one length")
}

// TestAnyShapesInText prints "?" in the summary, the drawing and the configuration's tensors.
func TestAnyShapesInText(t *testing.T) {
	in := k.Input(k.Any, k.Any, 3)
	x := k.Conv2D(4, 3, k.Strides(2)).Apply(in)
	m := k.NewModel("m", []*k.Tensor{in}, []*k.Tensor{k.GlobalMaxPooling2D().Apply(x), x})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	var summary, dot, ops bytes.Buffer
	if err := m.Summary(&summary); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteDOT(&dot); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteOpsDOT(&ops, 2, 9, 11); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"input (Input)                               (batch, ?, ?, 3)", "(batch, ?, ?, 4)", "(batch, 4) "} {
		if !strings.Contains(summary.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, &summary)
		}
	}
	if !strings.Contains(dot.String(), "(batch, ?, ?, 4)") || !strings.Contains(ops.String(), "(2, 4, 5, 4)") {
		t.Errorf("drawings:\n%s\n%s", &dot, &ops)
	}
	if got := m.Outputs()[1].Shape(); got.Size() != k.Any || got.String() != "(batch, ?, ?, 4)" || k.Inspect(m.Outputs()[1].Layer()).Output.String() != got.String() {
		t.Errorf("output %v of %d values", got, got.Size())
	}
}
