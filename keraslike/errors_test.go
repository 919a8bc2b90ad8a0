// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// TestAllMistakesAtOnce builds a model with five mistakes and reads them aloud.
func TestAllMistakesAtOnce(t *testing.T) {
	m := keraslike.Sequential("five mistakes",
		keraslike.Input(28, 28),
		keraslike.Flatten(keraslike.Name("flat")),
		keraslike.Dense(0, keraslike.ReLU),
		keraslike.Dropout(1.5),
		keraslike.Dense(10, keraslike.ActivationFunc("rellu"), keraslike.Name("flat")),
		keraslike.Dense(10, keraslike.KernelRegularizer(keraslike.L2(-1))),
		keraslike.Activation(keraslike.Softmax),
	)
	const want = `model "five mistakes": two layers are named "flat"
Dense "dense": units is 0, want a positive number; shapes on the way: input (batch, 28, 28) -> flat (batch, 784)
Dropout "dropout": rate is 1.5, want 0 <= rate < 1
Dense "flat": activation "rellu": unknown, want one of ["linear" "relu" "relu6" "leaky_relu" "elu" "selu" "gelu" "gelu_tanh" "silu" "mish" "softplus" "softsign" "sigmoid" "log_sigmoid" "hard_sigmoid" "hard_silu" "tanh" "exponential"], or "softmax" or "log_softmax"
Dense "dense_1": regularizer has factor -1, want a finite number of at least 0`
	for name, err := range map[string]error{
		"Build":   m.Build(1),
		"Compile": m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError),
		"Summary": m.Summary(&strings.Builder{}),
		"Save":    errors.Unwrap(m.Save(t.TempDir() + "/m")),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%s: got\n%v\nwant\n%s", name, err, want)
		}
	}
	err := m.Compile(keraslike.RMSprop(-1, keraslike.Rho(2)), nil)
	wantError(t, err, want, "compile: optimizer rmsprop: learning rate is -1", "compile: optimizer rmsprop: rho is 2, want 0 <= rho < 1", "compile: no loss")
}

func TestShapeError(t *testing.T) {
	in := keraslike.Input(4, 3)
	a := keraslike.Dense(5, keraslike.Name("a"))
	h := a.Apply(in)
	m := keraslike.NewModel("m", []*keraslike.Tensor{in}, []*keraslike.Tensor{a.Apply(keraslike.Flatten().Apply(h))})
	err := m.Build(1)
	var shape *keraslike.ShapeError
	if !errors.As(err, &shape) {
		t.Fatalf("got %v, want a ShapeError", err)
	}
	if shape.Layer != "a" || shape.Kind != "Dense" || len(shape.In) != 1 || !shape.In[0].Equal(keraslike.Shape{20}) || shape.Err == nil {
		t.Errorf("got %+v, want layer a, a Dense, applied to (batch, 20)", shape)
	}
	var trail []string
	for _, s := range shape.Path {
		trail = append(trail, fmt.Sprint(s.Layer, s.Shape))
	}
	if want := []string{"input(batch, 4, 3)", "a(batch, 4, 5)", "flatten(batch, 20)"}; !slices.Equal(trail, want) {
		t.Errorf("trail is %v, want %v", trail, want)
	}
	want := `Dense "a": is applied again to (batch, 20), its weights were built for (batch, 4, 3); shapes on the way: input (batch, 4, 3) -> a (batch, 4, 5) -> flatten (batch, 20)`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestModelMistakes(t *testing.T) {
	in, other := keraslike.Input(3), keraslike.Input(4)
	dense := func() keraslike.Layer { return keraslike.Dense(2) }
	tensors := func(t ...*keraslike.Tensor) []*keraslike.Tensor { return t }
	two := keraslike.NewModel("two", tensors(in), tensors(dense().Apply(in), dense().Apply(in)))
	for name, c := range map[string]struct {
		model *keraslike.Model
		want  string
	}{
		"no input":      {keraslike.Sequential("m", dense()), `model "m": the first part is Dense, want an Input`},
		"late input":    {keraslike.Sequential("m", in, dense(), keraslike.Input(2)), "part 2 is an Input, which can only come first"},
		"nil part":      {keraslike.Sequential("m", in, nil), "part 1 is nil"},
		"empty":         {keraslike.Sequential("m"), `model "m": has no layers`},
		"only input":    {keraslike.Sequential("m", in), `model "m": has no layers`},
		"bad input":     {keraslike.Sequential("m", keraslike.Input(3, 0), dense()), `Input "input": axis of 0, want all axes positive or Any`},
		"slash":         {keraslike.Sequential("m", in, keraslike.Dense(1, keraslike.Name("a/b"))), `layer name "a/b" contains a slash`},
		"not UTF-8":     {keraslike.Sequential("m", in, keraslike.Dense(1, keraslike.Name("caf\xe9"))), `model "m": layer name "caf\xe9" is not valid UTF-8`},
		"number":        {keraslike.Sequential("m", keraslike.Input(), dense()), "input is one number for each sample, want at least one axis of features"},
		"lost input":    {keraslike.NewModel("m", tensors(in), tensors(dense().Apply(other))), "an output depends on an Input of shape (batch, 4) that is not among the model's inputs"},
		"inner input":   {keraslike.NewModel("m", tensors(dense().Apply(in)), tensors(dense().Apply(in))), "the output of Dense is given as an input"},
		"no outputs":    {keraslike.NewModel("m", tensors(in), nil), "got 1 input and 0 outputs"},
		"nil tensor":    {keraslike.NewModel("m", tensors(in), tensors(dense().Apply(nil))), `Dense "dense": input 0 is nil`},
		"two inputs":    {keraslike.NewModel("m", tensors(in, other), tensors(dense().Apply(in, other))), "got 2 inputs, want 1"},
		"two outputs":   {keraslike.Sequential("m", keraslike.Input(3), two), "part 1, a Model, has 2 outputs, of which a stack has no use"},
		"nested shape":  {keraslike.Sequential("m", keraslike.Input(5), keraslike.Sequential("base", keraslike.Input(3), dense())), `Model "base": Dense "dense": is applied again to (batch, 5), its weights were built for (batch, 3)`},
		"nested error":  {keraslike.Sequential("m", keraslike.Input(3), keraslike.Sequential("base", keraslike.Input(3), keraslike.Dense(-1))), `units is -1, want a positive number`},
		"orthogonal":    {keraslike.Sequential("m", in, keraslike.Dense(1, keraslike.BiasInitializer(keraslike.Orthogonal(1)))), `weight "bias": initializer orthogonal: shape [1] has fewer than two axes`},
		"nil custom":    {keraslike.Sequential("m", in, keraslike.Custom(nil)), "has no definition"},
		"nil model":     {keraslike.Sequential("m", in, (*keraslike.Model)(nil)), "part 1 is nil"},
		"huge weight":   {keraslike.Sequential("m", in, keraslike.Dense(math.MaxInt32)), `weight "kernel" would have shape [3 2147483647], which is more than `},
		"huge output":   {keraslike.Sequential("m", in, keraslike.RepeatVector(math.MaxInt32)), "output would have shape (batch, 2147483647, 3), more than "},
		"huge input":    {keraslike.Sequential("m", keraslike.Input(math.MaxInt32, math.MaxInt32), keraslike.Flatten()), "output would have shape (batch, 2147483647, 2147483647), more than "},
		"softmax alone": {keraslike.Sequential("m", keraslike.Input(), keraslike.Activation(keraslike.Softmax)), "input is one number for each sample, softmax needs a row"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, c.model.Build(1), c.want) })
	}
}

func TestCompileMistakes(t *testing.T) {
	model := func(last keraslike.Layer) *keraslike.Model {
		return keraslike.Sequential("m", keraslike.Input(4), last)
	}
	sgd := keraslike.SGD(0.1)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"one class":       {model(keraslike.Dense(1, keraslike.Softmax)).Compile(sgd, keraslike.CategoricalCrossentropy), "the model's output has shape (batch, 1), want at least two classes"},
		"loss":            {model(keraslike.Dense(1)).Compile(sgd, keraslike.LossFunc("regret")), `loss "regret": unknown, want one of ["binary_crossentropy" "categorical_crossentropy" `},
		"metric":          {model(keraslike.Dense(1)).Compile(sgd, keraslike.MeanSquaredError, keraslike.MetricFunc("luck")), `metric "luck": unknown, want one of ["accuracy" `},
		"metric twice":    {model(keraslike.Dense(1)).Compile(sgd, keraslike.MeanSquaredError, keraslike.MAE, keraslike.MAE), `compile: two series would be named "mae"`},
		"metric shape":    {model(keraslike.Dense(3, keraslike.Softmax)).Compile(sgd, keraslike.SparseCategoricalCrossentropy, keraslike.MSE), "metric mse: targets have shape (batch), want (batch, 3) for predictions (batch, 3)"},
		"optimizer":       {model(keraslike.Dense(1)).Compile(keraslike.Adam(math.NaN(), keraslike.Epsilon(-1)), keraslike.MeanSquaredError), "optimizer adam: learning rate is NaN"},
		"nothing":         {model(keraslike.Dense(1)).Compile(nil, nil), "compile: no optimizer"},
		"loss panics":     {model(keraslike.Dense(1)).Compile(sgd, keraslike.CustomLoss("mine", func(*graph.Node, *graph.Node) (*graph.Node, error) { panic("ouch") })), `model "m": loss "mine": Rows: panic: ouch`},
		"loss of nothing": {model(keraslike.Dense(1)).Compile(sgd, keraslike.CustomLoss("mine", func(*graph.Node, *graph.Node) (*graph.Node, error) { return nil, nil })), `model "m": loss "mine": the function returned no node`},
		"nothing to do":   {fitOnce(t, keraslike.Sequential("m", keraslike.Input(4), keraslike.Dense(4, keraslike.Trainable(false)))), `model "m": has no weights to train`},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, c.err, c.want) })
	}
}

// fitOnce compiles a model of four features and trains it on two samples.
func fitOnce(t *testing.T, m *keraslike.Model) error {
	if err := m.Compile(keraslike.SGD(0.1), keraslike.MeanSquaredError); err != nil {
		return err
	}
	_, err := m.Fit(t.Context(), dataOf(t, tensorOf([]int{2, 4}, make([]float32, 8)), tensorOf([]int{2, 4}, make([]float32, 8))))
	return err
}

// TestDataMistakes: errors name the sample, also after shuffling.
func TestDataMistakes(t *testing.T) {
	const samples = 40
	fit := func(spoil func(x, y []float32)) error {
		x, y := blobs(samples, 1)
		spoil(x.Float32s(), y.Float32s())
		_, err := toyModel(t).Fit(t.Context(), dataOf(t, x, y), keraslike.BatchSize(16))
		return err
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	wantError(t, fit(func(x, _ []float32) { x[17*toyFeatures+2] = nan }), "fit: epoch 1, step ", "input 0 of sample 17: value 2 is NaN")
	wantError(t, fit(func(x, _ []float32) { x[0] = inf }), "input 0 of sample 0: value 0 is -Inf")
	wantError(t, fit(func(_, y []float32) { y[39] = nan }), "target 0 of sample 39: value 0 is NaN")
	for _, label := range []float32{3, -1, 0.5} {
		wantError(t, fit(func(_, y []float32) { y[23] = label }), "sample 23: ", fmt.Sprintf("label is %v, want an integer from 0 to 2", label))
	}
	m := toyModel(t)
	x, y := blobs(samples, 1)
	y.Float32s()[38] = 7
	_, err := m.Evaluate(t.Context(), dataOf(t, x, y), keraslike.BatchSize(16))
	wantError(t, err, "evaluate: ", "sample 38: ", "label is 7")
	x.Float32s()[5] = nan
	_, err = m.Predict(keraslike.ArrayOf(x))
	wantError(t, err, "predict: input 0 of sample 0: value 5 is NaN")
}

func TestDataThatDoesNotFit(t *testing.T) {
	zeros := func(shape ...int) keraslike.Source {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return dataOf(t, tensorOf(shape, make([]float32, n)), tensorOf(shape[:1], make([]float32, shape[0])))
	}
	m := toyModel(t)
	for name, c := range map[string]struct {
		data keraslike.Source
		want string
	}{
		"input":      {zeros(4, 7), `input 0 of the data has shape (batch, 7), model "toy" wants (batch, 6)`},
		"rank":       {zeros(4, 2, 3), `input 0 of the data has shape (batch, 2, 3), model "toy" wants (batch, 6)`},
		"no targets": {dataOf(t, tensorOf([]int{4, 6}, make([]float32, 24)), nil), `the data has 0 targets, model "toy" wants 1`},
		"targets":    {dataOf(t, tensorOf([]int{4, 6}, make([]float32, 24)), tensorOf([]int{4, 3}, make([]float32, 12))), "the targets have shape (batch, 3), sparse_categorical_crossentropy of outputs (batch, 3) wants (batch)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := m.Fit(t.Context(), c.data)
			wantError(t, err, "fit: "+c.want)
			_, err = m.Evaluate(t.Context(), c.data)
			wantError(t, err, "evaluate: "+c.want)
			if strings.HasPrefix(c.want, "input") {
				_, err = m.PredictSource(t.Context(), c.data)
				wantError(t, err, "predict: "+c.want)
			}
		})
	}
	_, err := keraslike.Data(nil, nil)
	wantError(t, err, "data: x is nil")
	_, err = keraslike.Data(keraslike.ArrayOf(tensorOf([]int{3, 1}, make([]float32, 3))), keraslike.ArrayOf(tensorOf([]int{2}, make([]float32, 2))))
	wantError(t, err, "data: x has 3 samples, y has 2")
	_, err = m.Predict(nil)
	wantError(t, err, "predict: data: x is nil")
}

// strange is a definition that does what its functions say.
type strange struct {
	build   func(b *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error)
	forward func(s *keraslike.Scope, in []*graph.Node) *graph.Node
}

func (*strange) Kind() string { return "Strange" }

func (d *strange) Build(b *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	if d.build == nil {
		return in[0], nil
	}
	return d.build(b, in)
}

func (d *strange) Forward(s *keraslike.Scope, in []*graph.Node) *graph.Node {
	if d.forward == nil {
		return in[0]
	}
	return d.forward(s, in)
}

// TestLayersOfOnesOwnGoWrong: every mistake of a user's layer is an error with
// the layer's name, panics too.
func TestLayersOfOnesOwnGoWrong(t *testing.T) {
	type shapes = []keraslike.Shape
	for name, c := range map[string]struct {
		d    strange
		want string
	}{
		"build panics": {
			strange{build: func(_ *keraslike.Builder, in shapes) (keraslike.Shape, error) { return in[7], nil }},
			`Strange "mine": Build: panic: runtime error: index out of range [7] with length 1; shapes on the way: input (batch, 4)`,
		},
		"build fails": {
			strange{build: func(*keraslike.Builder, shapes) (keraslike.Shape, error) { return nil, errors.New("no such luck") }},
			`Strange "mine": no such luck`,
		},
		"build shape": {
			strange{build: func(*keraslike.Builder, shapes) (keraslike.Shape, error) { return keraslike.Shape{2, 0}, nil }},
			`Strange "mine": output would have shape (batch, 2, 0)`,
		},
		"weight shape": {strange{build: func(b *keraslike.Builder, in shapes) (keraslike.Shape, error) {
			b.Weight("w", keraslike.Zeros(), keraslike.Regularizer{}, 3, -1)
			return in[0], nil
		}}, `weight "w" would have shape [3 -1]`},
		"weight twice": {strange{build: func(b *keraslike.Builder, in shapes) (keraslike.Shape, error) {
			b.Weight("w", keraslike.Zeros(), keraslike.Regularizer{}, 3)
			b.State("w", keraslike.Zeros(), 3)
			return in[0], nil
		}}, `weight "w" is declared twice`},
		"weight unused": {strange{build: func(b *keraslike.Builder, in shapes) (keraslike.Shape, error) {
			b.Weight("w", keraslike.Zeros(), keraslike.Regularizer{}, 3)
			return in[0], nil
		}}, `weight "mine/w" was declared and is never used`},
		"forward panics": {
			strange{forward: func(*keraslike.Scope, []*graph.Node) *graph.Node { panic("ouch") }},
			`model "m": Strange "mine": Forward: panic: ouch`,
		},
		"forward shape": {
			strange{build: func(*keraslike.Builder, shapes) (keraslike.Shape, error) { return keraslike.Shape{9}, nil }},
			`model "m": Strange "mine": Forward gave shape (1, 4) of a batch of 1, Build promised (1, 9)`,
		},
		"forward nil": {
			strange{forward: func(*keraslike.Scope, []*graph.Node) *graph.Node { return nil }},
			`model "m": Strange "mine": Forward gave no node`,
		},
		"forward error": {
			strange{forward: func(s *keraslike.Scope, in []*graph.Node) *graph.Node { return s.Do(graph.Reshape(in[0], 3)) }},
			`model "m": layer "mine": reshape{to=(3)} of (1, 4): 4 elements do not fit shape (3) of 3`,
		},
		"unknown weight": {
			strange{forward: func(s *keraslike.Scope, _ []*graph.Node) *graph.Node { return s.Weight("w") }},
			`Strange "mine": asks for weight "w", which it did not declare`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := keraslike.Sequential("m", keraslike.Input(4), keraslike.Custom(&c.d, keraslike.Name("mine")), keraslike.Flatten())
			wantError(t, fitOnce(t, m), c.want)
		})
	}
}

// A model whose layer went wrong can be used again once the layer is mended:
// no lock is held, nothing is half-built.
func TestAfterAPanic(t *testing.T) {
	d := &strange{forward: func(*keraslike.Scope, []*graph.Node) *graph.Node { panic("ouch") }}
	m := keraslike.Sequential("m", keraslike.Input(4), keraslike.Dense(4), keraslike.Custom(d))
	wantError(t, fitOnce(t, m), "ouch")
	d.forward = nil
	if err := fitOnce(t, m); err != nil {
		t.Error(err)
	}
}
