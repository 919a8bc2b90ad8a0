// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// statefulLayer is the layer of a case.
func statefulLayer(a golden.Args) k.Layer {
	opts := []k.RecurrentOption{k.Stateful}
	for name, option := range map[string]k.RecurrentOption{"return_sequences": k.ReturnSequences, "go_backwards": k.GoBackwards, "reset_before": k.ResetBefore} {
		if a.Bool(name) {
			opts = append(opts, option)
		}
	}
	switch kind := a.String("layer"); kind {
	case "Bidirectional":
		return k.Bidirectional(k.LSTM(a.Int("units"), opts...))
	case "RNN":
		return k.RNN(k.StackedRNNCells(k.GRUCell(2, k.Name("a")), k.LSTMCell(3, k.Name("b"))), opts...)
	case "ConvLSTM2D":
		return k.ConvLSTM2D(a.Int("units"), 2, k.Stateful)
	default:
		return map[string]func(int, ...k.RecurrentOption) k.Layer{"SimpleRNN": k.SimpleRNN, "GRU": k.GRU, "LSTM": k.LSTM}[kind](a.Int("units"), opts...)
	}
}

// TestStatefulValues: three batches, of which each continues the one before, the gradients of the third, and a reset.
func TestStatefulValues(t *testing.T) {
	for _, c := range golden.Load(t, "layers_stateful_keras") {
		if c.Name == "fit" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			x := func(i int) *tensor.Dense {
				a := c.Inputs[fmt.Sprint("x", i)]
				return tensorOf(a.Shape, a.Float32())
			}
			r := &recorder{}
			m := k.Sequential("m", k.Input(c.Inputs["x0"].Shape[1:]...), statefulLayer(c.Args))
			if err := m.Compile(r, weighted{}); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, w := range m.Weights() {
				name := w.Name()
				if way, rest, both := strings.Cut(name, "_lstm/"); both {
					name = way + "_" + rest
				}
				names = append(names, name)
				if err := w.Set(c.Inputs[name].Float32()); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			predicts := func(i int, want string) {
				t.Helper()
				y, err := m.PredictOnBatch(x(i))
				if err != nil {
					t.Fatal(err)
				}
				golden.Close(t, want, y, c.Want[want], layerRelative, layerAbsolute)
			}
			predicts(0, "y0")
			predicts(1, "y1")
			result, err := m.TrainOnBatch(x(2), tensorOf(c.Inputs["r"].Shape, c.Inputs["r"].Float32()))
			if err != nil {
				t.Fatal(err)
			}
			golden.Close(t, "y2", result.Outputs[0], c.Want["y2"], layerRelative, layerAbsolute)
			for i, name := range names {
				golden.Close(t, "d"+name, r.gradients[i], c.Want["d"+name], layerRelative, layerAbsolute)
			}
			m.ResetStates()
			predicts(2, "y3")
			m.ResetStates()
			predicts(0, "y0") // of two samples, which all batches of Predict then have
			rest := tensorOf(append([]int{4}, c.Inputs["x0"].Shape[1:]...), slices.Concat(c.Inputs["x1"].Float32(), c.Inputs["x2"].Float32()))
			both, err := m.Predict(k.ArrayOf(rest))
			if err != nil {
				t.Fatal(err)
			}
			n := len(both.Values()) / 2
			golden.Close(t, "y1 of Predict", both.Values()[:n], c.Want["y1"], layerRelative, layerAbsolute)
			golden.Close(t, "y2 of Predict", both.Values()[n:], c.Want["y2"], layerRelative, layerAbsolute)
		})
	}
}

// statefulModel is the model of the case fit, with layers to spare for the tests of resuming.
func statefulModel(t testing.TB, optimizer k.Optimizer, more ...k.Part) *k.Model {
	t.Helper()
	parts := append([]k.Part{k.Input(3, 2), k.LSTM(3, k.Stateful, k.ReturnSequences, k.Name("lstm")), k.GRU(2, k.Stateful, k.Name("gru"))}, more...)
	m := k.Sequential("m", append(parts, k.Dense(1, k.Name("dense")))...)
	if err := m.Compile(optimizer, k.MSE, k.Seed(3)); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestStatefulFit: training, validation, evaluation and prediction continue each other's states as in Keras.
func TestStatefulFit(t *testing.T) {
	all := golden.Load(t, "layers_stateful_keras")
	c := all[slices.IndexFunc(all, func(c golden.Case) bool { return c.Name == "fit" })]
	data := func(x, y string) k.Source {
		a, b := c.Inputs[x], c.Inputs[y]
		return dataOf(t, tensorOf(a.Shape, a.Float32()), tensorOf(b.Shape, b.Float32()))
	}
	m := statefulModel(t, k.SGD(0.25))
	for _, w := range m.Weights() {
		setWeight(t, m, w.Path(), c.Inputs[w.Path()].Float32())
	}
	h, err := m.Fit(t.Context(), data("x", "y"), k.BatchSize(2), k.Epochs(2), k.KeepOrder, k.Validation(data("x_val", "y_val")))
	if err != nil {
		t.Fatal(err)
	}
	logs, err := m.Evaluate(t.Context(), data("x_val", "y_val"), k.BatchSize(2))
	if err != nil {
		t.Fatal(err)
	}
	close := func(what string, got []float64) {
		t.Helper()
		golden.Close(t, what, got, c.Want[what], layerRelative, layerAbsolute)
	}
	close("loss", h.Get("loss"))
	close("val_loss", h.Get("val_loss"))
	close("evaluated", []float64{logs.Get("loss")})
	for _, w := range m.Weights() {
		golden.Close(t, w.Path(), w.Values(), c.Want[w.Path()], layerRelative, layerAbsolute)
	}
	out, err := m.PredictSource(t.Context(), data("x", "y"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Close(t, "predicted", out[0].Values(), c.Want["predicted"], layerRelative, layerAbsolute)
	m.ResetStates()
	x := c.Inputs["x"].Float32()
	first, err := m.PredictOnBatch(tensorOf([]int{2, 3, 2}, x[:12]))
	if err != nil {
		t.Fatal(err)
	}
	rest, err := m.Predict(k.ArrayOf(tensorOf([]int{4, 3, 2}, x[12:])))
	if err != nil {
		t.Fatal(err)
	}
	golden.Close(t, "reset", append(first, rest.Values()...), c.Want["reset"], layerRelative, layerAbsolute)
}

// sequenceData are n samples of three steps.
func sequenceData(t testing.TB, n int) k.Source {
	x, y := make([]float32, n*6), make([]float32, n)
	for i := range x {
		x[i] = float32(i*i%17)/8 - 1
	}
	for i := range y {
		y[i] = float32(i%5) / 4
	}
	return dataOf(t, tensorOf([]int{n, 3, 2}, x), tensorOf([]int{n, 1}, y))
}

// TestStatefulResume: a training that was interrupted after any batch ends with the bytes of one that was not, in the
// same process, from a file, and restored into another model.
func TestStatefulResume(t *testing.T) {
	const perEpoch, epochs = 4, 2
	data := sequenceData(t, 2*perEpoch)
	train := func(ctx context.Context, m *k.Model, more ...k.FitOption) error {
		_, err := m.Fit(ctx, data, append(more, k.BatchSize(2), k.Until(epochs), k.KeepOrder)...)
		return err
	}
	newModel := func() *k.Model { return statefulModel(t, k.Adam(0.05), k.Dropout(0.2)) }
	whole := newModel()
	if err := train(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	want, _ := saved(t, whole, k.WithOptimizer)
	for stop := 1; stop < perEpoch*epochs; stop++ {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		stopper := k.Callbacks(k.CallbackFunc(func(e k.Event, _ *k.Training) error {
			if e == k.BatchEnd {
				if n++; n == stop {
					cancel()
				}
			}
			return nil
		}))
		m := newModel()
		if err := train(ctx, m, stopper); !errors.Is(err, k.ErrInterrupted) {
			t.Fatalf("stopped after %d: %v", stop, err)
		}
		_, path := saved(t, m, k.WithOptimizer)
		loaded, err := k.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		restored := newModel()
		if _, err := restored.PredictOnBatch(tensorOf([]int{5, 3, 2}, make([]float32, 30))); err != nil { // states that Restore replaces
			t.Fatal(err)
		}
		if err := restored.Restore(path); err != nil {
			t.Fatal(err)
		}
		for name, m := range map[string]*k.Model{"in the same process": m, "loaded": loaded, "restored": restored} {
			if err := train(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got, _ := saved(t, m, k.WithOptimizer); !slices.Equal(got, want) {
				t.Errorf("stopped after %d, resumed %s: other bytes than those of a training that was not interrupted", stop, name)
			}
		}
	}
	plain, path := saved(t, whole)
	if len(plain) >= len(want) {
		t.Errorf("a file without states has %d bytes, one with them %d", len(plain), len(want))
	}
	fresh, err := k.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	x := tensorOf([]int{1, 3, 2}, []float32{1, 2, 3, 4, 5, 6})
	whole.ResetStates()
	if got, want := predict(t, fresh, x), predict(t, whole, x); !slices.Equal(got, want) {
		t.Errorf("a file without states starts with %v, want %v as after a reset", got, want)
	}
}

// TestStatefulErrors: what a stateful model cannot compute is an error that names the layer and the numbers.
func TestStatefulErrors(t *testing.T) {
	m := statefulModel(t, k.SGD(0.1))
	ctx := t.Context()
	fit := func(n int, options ...k.FitOption) error {
		_, err := m.Fit(ctx, sequenceData(t, n), options...)
		return err
	}
	wantError(t, fit(6, k.BatchSize(2)), `LSTM "lstm" is Stateful`, "KeepOrder")
	wantError(t, fit(7, k.BatchSize(2), k.KeepOrder), `LSTM "lstm" is Stateful`, "7 samples", "batch of 1", "multiple of 2")
	wantError(t, fit(4, k.BatchSize(2), k.KeepOrder, k.Validation(sequenceData(t, 3))), "validation", "3 samples", "multiple of 2")
	wantError(t, fit(7, k.BatchSize(2), k.KeepOrder, k.ValidationSplit(0.4)), "validation", "3 samples")
	if err := fit(7, k.BatchSize(2), k.KeepOrder, k.StepsPerEpoch(3), k.Validation(sequenceData(t, 3)), k.ValidationSteps(1)); err != nil {
		t.Error(err)
	}
	x := func(n int) *tensor.Dense { return tensorOf([]int{n, 3, 2}, make([]float32, 6*n)) }
	_, err := m.PredictOnBatch(x(3))
	wantError(t, err, "predict on batch", `LSTM "lstm" is Stateful`, "2 samples", "batch of 3", "ResetStates")
	_, err = m.Predict(k.ArrayOf(x(5)))
	wantError(t, err, "predict", "5 samples", "multiple of 2")
	_, err = m.TrainOnBatch(x(1), tensorOf([]int{1, 1}, []float32{0}))
	wantError(t, err, "train on batch", "batch of 1")
	_, err = m.Evaluate(ctx, sequenceData(t, 5), k.BatchSize(2))
	wantError(t, err, "evaluate", "batch of 1")
	m.ResetStates()
	if _, err := m.PredictOnBatch(x(3)); err != nil {
		t.Error(err)
	}
	m.ResetStates()
	for what, compute := range map[string]func(o k.RankOption) error{
		"fit":      func(o k.RankOption) error { return fit(4, k.BatchSize(2), k.KeepOrder, o) },
		"evaluate": func(o k.RankOption) error { _, err := m.Evaluate(ctx, sequenceData(t, 4), o); return err },
		"predict":  func(o k.RankOption) error { _, err := m.PredictSource(ctx, sequenceData(t, 4), o); return err },
	} {
		err := distributed.Local(ctx, 1, func(_ context.Context, c distributed.Comm) error { return compute(k.Distributed(c)) })
		wantError(t, err, what, `LSTM "lstm" is Stateful`, "Distributed")
	}

	_, err = m.PredictSource(ctx, sequenceData(t, 4), k.TrainingMode(1))
	wantError(t, err, "predict", `LSTM "lstm" is Stateful`, "TrainingMode")
	phases := k.Sequential("m", k.Input(3, 2), k.LSTM(2, k.Stateful), k.Dense(1))
	wantError(t, phases.Compile(k.SGD(0.1), k.Objective(func(s *k.Step) *graph.Node {
		return s.Do(graph.Mean(s.Call(phases, s.Input(0))))
	})), `LSTM "lstm" is Stateful`, "phases")

	within := k.Sequential("m", k.Input(4, 3, 2), k.TimeDistributed(k.LSTM(2, k.Stateful)), k.Flatten(), k.Dense(1))
	wantError(t, within.Compile(k.SGD(0.1), k.MSE), "TimeDistributed", "Stateful")
	wantError(t, k.Sequential("m", k.Input(3, 2), k.Bidirectional(k.LSTM(2, k.Stateful), k.BackwardLayer(k.LSTM(2, k.GoBackwards)))).Build(0), "Stateful")
	wantError(t, k.Sequential("m", k.Input(3, 2), k.RNN(k.LSTMCell(2, k.Stateful))).Build(0), "Stateful is an option of RNN")

	free := k.Sequential("m", k.Input(k.Any, 2), k.LSTM(2, k.Stateful), k.Dense(1))
	if err := free.Compile(k.SGD(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{3, 5} { // a batch may have other lengths than the one before
		if _, err := free.PredictOnBatch(tensorOf([]int{2, steps, 2}, make([]float32, 4*steps))); err != nil {
			t.Error(err)
		}
	}
	ragged, err := k.Ragged([]*k.Array{k.ArrayOf(tensorOf([]int{1, 2}, make([]float32, 2))), k.ArrayOf(tensorOf([]int{2, 2}, make([]float32, 4)))})
	if err == nil {
		_, err = free.Predict(ragged)
	}
	wantError(t, err, `LSTM "lstm" is Stateful`, "differ in length")
}

// TestStatesBelongToModels: two models with the same layers have states of their own, also of layers in nested models,
// and a layer that is used twice in a model continues within the batch.
func TestStatesBelongToModels(t *testing.T) {
	inner := statefulModel(t, k.SGD(0.1))
	in := k.Input(3, 2)
	outer := k.NewModel("outer", []*k.Tensor{in}, []*k.Tensor{inner.Apply(in)})
	if err := outer.Compile(k.SGD(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	x := tensorOf([]int{1, 3, 2}, []float32{1, -1, 0.5, 2, -2, 1})
	first := predict(t, inner, x)
	if got := predict(t, outer, x); !slices.Equal(got, first) {
		t.Errorf("a model around another one begins with %v, want %v", got, first)
	}
	second := predict(t, inner, x)
	if slices.Equal(first, second) {
		t.Error("the second batch has the outputs of the first")
	}
	if got := predict(t, outer, x); !slices.Equal(got, second) {
		t.Errorf("a model around another one continues with %v, want %v", got, second)
	}
	content, path := saved(t, outer, k.WithOptimizer)
	if !strings.Contains(string(content), "carried m/lstm/state_1") {
		t.Error("the states of a nested model are not in the file")
	}
	loaded, err := k.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := predict(t, loaded, x), predict(t, outer, x); !slices.Equal(got, want) {
		t.Errorf("a loaded model continues with %v, want %v", got, want)
	}

	twice := k.Input(3, 2)
	shared := k.GRU(2, k.Stateful)
	one, two := shared.Apply(twice), shared.Apply(twice)
	m := k.NewModel("twice", []*k.Tensor{twice}, []*k.Tensor{one, two})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	a, err := m.PredictAll(k.ArrayOf(x))
	if err != nil {
		t.Fatal(err)
	}
	again := k.Sequential("again", k.Input(3, 2), shared)
	if err := again.Build(1); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if got, want := predict(t, again, x), a[i].Values(); !slices.Equal(got, want) {
			t.Errorf("use %d within a batch gives %v, want %v as the batch after", i, want, got)
		}
	}
}

// TestStatefulGivenStates: initial states that are inputs replace those of the batch before.
func TestStatefulGivenStates(t *testing.T) {
	in, h := k.Input(3, 2), k.Input(2)
	given := k.NewModel("given", []*k.Tensor{in, h}, []*k.Tensor{k.GRU(2, k.Stateful, k.ReturnState).Apply(in, h)})
	if err := given.Build(1); err != nil {
		t.Fatal(err)
	}
	x, zeros := k.ArrayOf(tensorOf([]int{1, 3, 2}, []float32{1, 2, 3, 4, 5, 6})), k.ArrayOf(tensorOf([]int{1, 2}, []float32{0, 0}))
	var first []float32
	for i := range 2 {
		y, err := given.Predict(x, zeros)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = y.Values()
		} else if !slices.Equal(y.Values(), first) {
			t.Errorf("with initial states of 0 the second batch gives %v, want %v as the first", y.Values(), first)
		}
	}
}

// TestStatefulConcurrently: calls at the same time continue each other's states, one batch after the other, in memory
// that nothing else writes.
func TestStatefulConcurrently(t *testing.T) {
	m := statefulModel(t, k.SGD(0.01))
	x := tensorOf([]int{2, 3, 2}, make([]float32, 12))
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 20 {
				if _, err := m.PredictOnBatch(x); err != nil {
					t.Error(err)
				}
				if i == 0 {
					m.ResetStates()
				}
			}
		})
	}
	all.Go(func() {
		if _, err := m.Fit(t.Context(), sequenceData(t, 40), k.BatchSize(2), k.KeepOrder); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
}

// TestStatefulAllocatesNothing: not in a step of training, nor in a prediction.
func TestStatefulAllocatesNothing(t *testing.T) {
	m := statefulModel(t, k.SGD(0.01))
	x, y := tensorOf([]int{2, 3, 2}, make([]float32, 12)), tensorOf([]int{2, 1}, make([]float32, 2))
	out, err := k.NewArray(make([]float32, 2), 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	list, rows := []*k.Array{out}, k.ArrayOf(x)
	step := func() {
		if err := m.PredictInto(list, rows); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("a prediction allocates %g times", n)
	}
	plain := k.Sequential("m", k.Input(3, 2), k.LSTM(3, k.ReturnSequences), k.GRU(2), k.Dense(1))
	if err := plain.Compile(k.SGD(0.01), k.MSE); err != nil {
		t.Fatal(err)
	}
	count := func(m *k.Model) float64 {
		train := func() {
			if _, err := m.TrainOnBatchOf([]graph.Value{x}, []graph.Value{y}, nil); err != nil {
				t.Fatal(err)
			}
		}
		train()
		return testing.AllocsPerRun(20, train)
	}
	if got, want := count(m), count(plain); got > want {
		t.Errorf("a step allocates %g times, without states %g", got, want)
	}
}
