// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// noisyGAN is a GAN with batch normalization, dropout and random noise. Its data has an input of 3 numbers.
func noisyGAN(t testing.TB) (gan, generator, discriminator *k.Model) {
	t.Helper()
	generator = k.Sequential("generator", k.Input(2), k.Dense(40), k.BatchNormalization(), k.Activation(k.ReLU), k.Dense(3))
	discriminator = k.Sequential("discriminator", k.Input(3), k.Dense(40, k.Tanh), k.BatchNormalization(), k.Dropout(0.3), k.Dense(1, k.Sigmoid))
	gan = k.Models("gan", generator, discriminator)
	fakes := func(s *k.Step) *graph.Node { return s.Call(generator, s.RandomNormal(s.Batch(), 2)) }
	const yes, no = 1, 0
	labels := func(s *k.Step, of *graph.Node, value float64) *graph.Node { return s.Do(graph.Affine(of, 0, value)) }
	err := gan.Compile(k.Adam(1e-2, k.AverageWeights(0.9)), k.Phases(
		k.Phase("d", func(s *k.Step) *graph.Node {
			real, fake := s.Call(discriminator, s.Input(0, 3)), s.Call(discriminator, fakes(s))
			all, wanted := s.Do(graph.Concat(0, real, fake)), s.Do(graph.Concat(0, labels(s, real, yes), labels(s, fake, no)))
			s.Measure(k.BinaryAccuracy, all, wanted)
			return s.Do(graph.Add(s.Loss(k.BinaryCrossentropy, real, labels(s, real, yes)), s.Loss(k.BinaryCrossentropy, fake, labels(s, fake, no))))
		}, k.Trains(discriminator), k.Times(2)),
		k.Phase("g", func(s *k.Step) *graph.Node {
			fake := fakes(s)
			s.Log("size", s.Do(graph.Mean(s.Do(graph.Square(fake)))))
			judged := s.Call(discriminator, fake)
			return s.Loss(k.BinaryCrossentropy, judged, labels(s, judged, yes))
		}, k.Trains(generator), k.PhaseOptimizer(k.RMSprop(2e-3, k.ClipNorm(1))))), k.Seed(5))
	if err != nil {
		t.Fatal(err)
	}
	return gan, generator, discriminator
}

func noisyData(t testing.TB, n int) k.Source {
	t.Helper()
	x := make([]float32, 3*n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	a, err := k.NewArray(x, n, 3)
	if err != nil {
		t.Fatal(err)
	}
	data, err := k.Data(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func savedGAN(t *testing.T, m *k.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.SaveTo(&b, k.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPhasesGiveTheSameBytes holds that training with phases ends with the same bytes with any number of
// workers, and with others for another seed.
func TestPhasesGiveTheSameBytes(t *testing.T) {
	train := func(workers int) []byte {
		defer graph.Workers(workers)()
		gan, _, _ := noisyGAN(t)
		if _, err := gan.Fit(t.Context(), noisyData(t, 100), k.BatchSize(32), k.Epochs(2), k.ValidationSplit(0.3)); err != nil {
			t.Fatal(err)
		}
		return savedGAN(t, gan)
	}
	if want := train(1); !bytes.Equal(train(2), want) || !bytes.Equal(train(1), want) {
		t.Error("the bytes differ")
	}
}

// TestPhasesResume interrupts a training with phases after each batch, saves it, restores it in a new
// model and compares the end with that of a training that was not interrupted.
func TestPhasesResume(t *testing.T) {
	data, options := noisyData(t, 20), []k.FitOption{k.BatchSize(8), k.Until(2), k.Validation(noisyData(t, 7))}
	plateau := func() k.FitOption {
		return k.Callbacks(callbacks.ReduceLROnPlateau("g_loss", callbacks.MinDelta(10), callbacks.Patience(1), callbacks.Factor(0.5)))
	}
	gan, _, _ := noisyGAN(t)
	whole, err := gan.Fit(t.Context(), data, append(options, plateau())...)
	if err != nil {
		t.Fatal(err)
	}
	want, logs := savedGAN(t, gan), history(whole)
	for _, name := range []string{"d_loss", "g_loss", "size", "binary_accuracy", "val_d_loss", "val_g_loss", "val_size", "val_binary_accuracy"} {
		if len(whole.Get(name)) != 2 {
			t.Errorf("there is no series %q: %q", name, whole.Names())
		}
	}
	for stop := 1; stop < 6; stop++ {
		ctx, cancel := context.WithCancel(t.Context())
		batches := 0
		interrupt := k.Callbacks(k.CallbackFunc(func(e k.Event, _ *k.Training) error {
			if e == k.BatchEnd {
				if batches++; batches == stop {
					cancel()
				}
			}
			return nil
		}))
		m, _, _ := noisyGAN(t)
		first, err := m.Fit(ctx, data, append(options, plateau(), interrupt)...)
		cancel()
		if !errors.Is(err, k.ErrInterrupted) {
			t.Fatalf("after %d batches: %v", stop, err)
		}
		file := filepath.Join(t.TempDir(), "gan.safetensors")
		if err := m.Save(file, k.WithOptimizer); err != nil {
			t.Fatal(err)
		}
		m, _, _ = noisyGAN(t)
		if err := m.Restore(file); err != nil {
			t.Fatal(err)
		}
		rest, err := m.Fit(t.Context(), data, append(options, plateau())...)
		if err != nil {
			t.Fatal(err)
		}
		if got := savedGAN(t, m); !bytes.Equal(got, want) {
			t.Errorf("interrupted after %d batches: the file differs", stop)
		}
		if got := history(first, rest); got != logs {
			t.Errorf("interrupted after %d batches: logs\n%swant\n%s", stop, got, logs)
		}
	}
}

// TestPhasesLoad loads a model that was saved with phases: it isn't compiled, its parts work, and Restore
// refuses the file of other phases.
func TestPhasesLoad(t *testing.T) {
	gan, generator, _ := noisyGAN(t)
	if _, err := gan.Fit(t.Context(), noisyData(t, 20)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, options := range map[string][]k.SaveOption{"plain": nil, "state": {k.WithOptimizer}} {
		file := filepath.Join(dir, name)
		if err := gan.Save(file, options...); err != nil {
			t.Fatal(err)
		}
		m, err := k.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, compiled := m.Compiled(); compiled {
			t.Errorf("%s: the model is compiled, its phases are functions that no file has", name)
		}
		loaded, err := m.Nested("generator")
		if err != nil {
			t.Fatal(err)
		}
		x := mustArray(t, []float32{1, -1, 0.5, 2}, 2, 2)
		want, err := generator.Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := loaded.Predict(x)
		if err != nil || !slices.Equal(got.Values(), want.Values()) {
			t.Errorf("%s: the loaded generator gives %v, %v, want %v", name, got, err, want.Values())
		}
	}
	other := tinyObjective(t)
	if err := other.Restore(filepath.Join(dir, "state")); err == nil {
		t.Error("another model restored the file")
	}
	if _, err := gan.Nested("nobody"); err == nil || !strings.Contains(err.Error(), `nobody`) {
		t.Errorf("Nested of no model: %v", err)
	}
}

// tinyObjective is a model whose objective is half the mean square of the difference of output and target.
func tinyObjective(t testing.TB, options ...k.CompileOption) *k.Model {
	t.Helper()
	m := k.Sequential("m", k.Input(3), k.Dense(2, k.Tanh))
	objective := k.Objective(func(s *k.Step) *graph.Node {
		target := s.Target(0, 2)
		s.Measure(k.MeanAbsoluteError, s.Output(0), target)
		return s.Loss(k.MeanSquaredError, s.Output(0), target)
	})
	if err := m.Compile(k.SGD(0.1), objective, append(options, k.Seed(3))...); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestObjectiveIsALoss holds that an objective that computes what a loss of Compile computes trains,
// evaluates and trains on batches like it, in every bit.
func TestObjectiveIsALoss(t *testing.T) {
	x, y := mustArray(t, seventhsOf(36), 12, 3), mustArray(t, seventhsOf(24), 12, 2)
	data, err := k.Data(x, y)
	if err != nil {
		t.Fatal(err)
	}
	plain := k.Sequential("m", k.Input(3), k.Dense(2, k.Tanh))
	if err := plain.Compile(k.SGD(0.1), k.MeanSquaredError, k.MeanAbsoluteError, k.Seed(3)); err != nil {
		t.Fatal(err)
	}
	own := tinyObjective(t)
	var logs [2]string
	var batches [2]k.Logs
	for i, m := range []*k.Model{plain, own} {
		h, err := m.Fit(t.Context(), data, k.BatchSize(5), k.Epochs(3), k.ValidationSplit(0.25))
		if err != nil {
			t.Fatal(err)
		}
		e, err := m.Evaluate(t.Context(), data, k.BatchSize(5))
		if err != nil {
			t.Fatal(err)
		}
		logs[i] = history(h) + e.String()
		r, err := m.TrainOnBatch(tensor.New(tensor.WithShape(12, 3), tensor.WithBacking(seventhsOf(36))), tensor.New(tensor.WithShape(12, 2), tensor.WithBacking(seventhsOf(24))))
		if err != nil || len(r.Outputs) != 1 || len(r.Outputs[0]) != 24 {
			t.Fatalf("train on batch: %v, outputs %v", err, r.Outputs)
		}
		batches[i] = slices.Clone(r.Logs)
	}
	if logs[0] != logs[1] || !slices.Equal(batches[0], batches[1]) {
		t.Errorf("the objective logs\n%s\n%v, the loss\n%s\n%v", logs[1], batches[1], logs[0], batches[0])
	}
	for i, w := range plain.Weights() {
		if !slices.Equal(w.Values(), own.Weights()[i].Values()) {
			t.Errorf("weight %s differs", w.Path())
		}
	}
}

func seventhsOf(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i*5%7)/7 - 0.4
	}
	return v
}

// TestObjectiveOfAllOutputs trains a model with two outputs of free length by an objective of both, the
// input and the weights of the samples, without targets, and compares the first loss with the same by hand.
func TestObjectiveOfAllOutputs(t *testing.T) {
	in := k.Input(k.Any, 2)
	a, b := k.Dense(2).Apply(in), k.Dense(2).Apply(in)
	m := k.NewModel("m", []*k.Tensor{in}, []*k.Tensor{a, b})
	err := m.Compile(k.SGD(0), k.Objective(func(s *k.Step) *graph.Node {
		do := s.Do
		sum := do(graph.Add(do(graph.Add(s.Output(0), s.Output(1))), s.Input(0)))
		each := do(graph.Mean(do(graph.Square(sum)), graph.Axes(1, 2)))
		return do(graph.Mean(do(graph.Mul(each, s.Weights()))))
	}))
	if err != nil {
		t.Fatal(err)
	}
	x := mustArray(t, seventhsOf(3*4*2), 3, 4, 2)
	data, err := k.Data(x, nil)
	if err == nil {
		data, err = k.Weighted(data, []float32{1, 0, 2})
	}
	if err != nil {
		t.Fatal(err)
	}
	h, err := m.Fit(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.PredictAll(x)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for i, v := range x.Values() {
		sum := float64(v + out[0].Values()[i] + out[1].Values()[i])
		want += []float64{1, 0, 2}[i/8] * sum * sum / 24
	}
	if got := h.Get("loss")[0]; math.Abs(got-want) > 1e-6 {
		t.Errorf("loss %v, want %v", got, want)
	}
}

// TestPhasesChangeOnlyTheirWeights holds that a phase changes neither weights nor moving statistics of a
// model that it only calls, that evaluation changes nothing, and that a teacher stays as it is.
func TestPhasesChangeOnlyTheirWeights(t *testing.T) {
	base := k.Sequential("base", k.Input(3), k.Dense(4), k.BatchNormalization(), k.Dropout(0.2))
	head := k.Sequential("head", k.Input(4), k.Dense(2), k.BatchNormalization())
	teacher := k.Sequential("teacher", k.Input(3), k.Dense(2), k.BatchNormalization())
	if err := teacher.Build(8); err != nil {
		t.Fatal(err)
	}
	m := k.Models("both", base, head)
	err := m.Compile(k.SGD(0.1), k.Phases(k.Phase("top", func(s *k.Step) *graph.Node {
		x := s.Input(0, 3)
		return s.Loss(k.MeanSquaredError, s.Call(head, s.Call(base, x)), s.Call(teacher, x))
	}, k.Trains(head))))
	if err != nil {
		t.Fatal(err)
	}
	values := func(m *k.Model) (list [][]float32) {
		for _, w := range m.Weights() {
			list = append(list, w.Values())
		}
		return list
	}
	same := func(a, b [][]float32) bool { return slices.EqualFunc(a, b, slices.Equal[[]float32]) }
	kept, taught, before := values(base), values(teacher), values(head)
	if _, err := m.Fit(t.Context(), noisyData(t, 20)); err != nil {
		t.Fatal(err)
	}
	if !same(values(base), kept) || !same(values(teacher), taught) {
		t.Error("a model that the phase does not train has changed")
	}
	for i, w := range head.Weights() {
		if slices.Equal(w.Values(), before[i]) {
			t.Errorf("%s has not changed", w.Path())
		}
	}
	after := values(m)
	first, err := m.Evaluate(t.Context(), noisyData(t, 9), k.BatchSize(4))
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.Evaluate(t.Context(), noisyData(t, 9), k.BatchSize(4))
	if err != nil || !slices.Equal(first, again) || !same(values(m), after) {
		t.Errorf("two evaluations: %v and %v, %v", first, again, err)
	}
}

// TestPhasesRates holds what a change of the learning rate means for several phases.
func TestPhasesRates(t *testing.T) {
	gan, _, _ := noisyGAN(t)
	half := k.CallbackFunc(func(e k.Event, tr *k.Training) error {
		if e == k.EpochEnd {
			tr.Rate /= 2
		}
		return nil
	})
	if _, err := gan.Fit(t.Context(), noisyData(t, 8), k.Callbacks(half)); err != nil {
		t.Fatal(err)
	}
	if p := gan.Progress(); p.Rate != 5e-3 || p.Batches != 1 || p.Updates != 2 {
		t.Errorf("progress %+v, want rate 5e-3 after 1 batch of 2 updates", p)
	}
	if !bytes.Contains(savedGAN(t, gan), []byte(`\"steps\":1,\"rate\":0.001}`)) {
		t.Error("the rate of the second phase is not halved")
	}
	if err := gan.SetLearningRate(5e-4); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(savedGAN(t, gan), []byte(`\"steps\":1,\"rate\":0.0001}`)) {
		t.Error("the rate of the second phase is not a tenth")
	}
}

// TestTrainOnBatchOfPhases trains on single batches.
func TestTrainOnBatchOfPhases(t *testing.T) {
	a, _, _ := noisyGAN(t)
	b, _, _ := noisyGAN(t)
	if _, err := a.Fit(t.Context(), noisyData(t, 8), k.KeepOrder); err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 24)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	r, err := b.TrainOnBatch(tensor.New(tensor.WithShape(8, 3), tensor.WithBacking(x)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.IsNaN(r.Logs.Get("d_loss")) || math.IsNaN(r.Logs.Get("size")) {
		t.Errorf("logs %v", r.Logs)
	}
	x[4] = float32(math.NaN())
	for name, c := range map[string]struct {
		x, y graph.Value
		want string
	}{
		"shape":  {tensor.New(tensor.WithShape(8, 2), tensor.WithBacking(x[:16])), nil, "train on batch: input 0 has shape (8, 2), want (8, 3)"},
		"NaN":    {tensor.New(tensor.WithShape(8, 3), tensor.WithBacking(x)), nil, "train on batch: input 0 of sample 1: value 1 is NaN"},
		"target": {tensor.New(tensor.WithShape(8, 3), tensor.WithBacking(x)), tensor.New(tensor.WithShape(8), tensor.WithBacking(x[:8])), `train on batch: got 1 input and 1 target, the phases of model "gan" want 1 and 0`},
	} {
		if _, err := b.TrainOnBatch(c.x, c.y); err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}

// TestPhaseMistakes holds that wrong use is an error that names the phase.
func TestPhaseMistakes(t *testing.T) {
	a := k.Sequential("a", k.Input(3), k.Dense(2))
	b := k.Sequential("b", k.Input(2), k.Dense(1))
	both := k.Models("both", a, b)
	stranger := k.Sequential("stranger", k.Input(3), k.Dense(2))
	fine := func(s *k.Step) *graph.Node { return s.Do(graph.Mean(s.Call(a, s.Input(0, 3)))) }
	step := func(f func(s *k.Step) *graph.Node, o ...k.PhaseOption) k.Loss {
		return k.Phase("p", f, append(o, k.Trains(a))...)
	}
	mean := func(s *k.Step, n *graph.Node) *graph.Node { return s.Do(graph.Mean(n)) }
	sgd := k.SGD(0.1)
	for name, c := range map[string]struct {
		optimizer k.Optimizer
		loss      k.Loss
		options   []k.CompileOption
		want      string
	}{
		"no phases":       {sgd, k.Phases(), nil, "compile: got no phases"},
		"nil phase":       {sgd, k.Phases(nil), nil, "compile: phase 0 is nil"},
		"a loss":          {sgd, k.Phases(k.MeanSquaredError), nil, "compile: phase 0 is the loss mean_squared_error, want one made by Phase"},
		"of an output":    {sgd, k.Losses(k.Objective(fine), k.MeanSquaredError), nil, "a Phase or an Objective stands for all outputs"},
		"no function":     {sgd, k.Phase("p", nil), nil, `compile: phase "p": its function is nil`},
		"same name":       {sgd, k.Phases(step(fine), step(fine)), nil, `compile: phase "p": there are two phases of this name`},
		"no name":         {sgd, k.Phases(step(fine), k.Objective(fine)), nil, "compile: objective: has no name, which one of several phases needs"},
		"times":           {sgd, step(fine, k.Times(0)), nil, `compile: phase "p": Times is 0, want at least 1`},
		"nil option":      {sgd, k.Phase("p", fine, nil), nil, `compile: phase "p": option 0 is nil`},
		"trains nothing":  {sgd, k.Phase("p", fine, k.Trains()), nil, `compile: phase "p": Trains of nothing`},
		"trains nil":      {sgd, k.Phase("p", fine, k.Trains(a, nil)), nil, `compile: phase "p": Trains: part 1 is nil`},
		"stranger":        {sgd, k.Phase("p", fine, k.Trains(stranger)), nil, `compile: model "both": phase "p": trains Model "stranger", which is no part of model "both"`},
		"no optimizer":    {nil, step(fine), nil, "compile: no optimizer"},
		"nil optimizer":   {sgd, step(fine, k.PhaseOptimizer(nil)), nil, `compile: phase "p": PhaseOptimizer of nil`},
		"its optimizer":   {sgd, step(fine, k.PhaseOptimizer(k.SGD(0.1, k.ClipNorm(-1)))), nil, `compile: phase "p": optimizer sgd: clip norm is -1`},
		"metric":          {sgd, step(fine), []k.CompileOption{k.Accuracy}, "compile: metric accuracy: a phase measures its metrics by Step.Measure"},
		"loss weights":    {sgd, step(fine), []k.CompileOption{k.LossWeights(1, 2)}, "compile: LossWeights: a phase weights its losses itself"},
		"no node":         {sgd, step(func(s *k.Step) *graph.Node { fine(s); return nil }), nil, `compile: model "both": phase "p": its step returned no node, want its loss`},
		"no scalar":       {sgd, step(func(s *k.Step) *graph.Node { return s.Call(a, s.Input(0, 3)) }), nil, `phase "p": its loss has shape (2, 2) of float32, want a scalar`},
		"no input":        {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Call(a, s.RandomNormal(4, 3))) }), nil, "no phase uses an input"},
		"unused weight":   {sgd, k.Phase("p", fine), nil, `phase "p": trains weight "b/dense/kernel", which its step does not use`},
		"hole":            {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Call(a, s.Input(1, 3))) }), nil, "uses input 1 of the data, and none its input 0"},
		"two shapes":      {sgd, step(func(s *k.Step) *graph.Node { s.Input(0, 2); return fine(s) }), nil, `phase "p": input 0: has shape (batch, 3), and (batch, 2) elsewhere`},
		"with, without":   {sgd, step(func(s *k.Step) *graph.Node { s.Input(0); return fine(s) }), nil, "inputs are declared with a shape and without one"},
		"input's number":  {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Input(2)) }), nil, `input 2: model "both" has 2 inputs`},
		"output's number": {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Output(2)) }), nil, `output 2: model "both" has 2 outputs`},
		"call's shape":    {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Call(b, s.Input(0, 3))) }), nil, `call of model "b": input 0 has shape (2, 3) of float32, want (batch, 2) of float32`},
		"call's inputs":   {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Call(b)) }), nil, `call of model "b": got 0 inputs, want 1`},
		"call of nil":     {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Call(nil, s.Input(0, 3))) }), nil, "calls a model that is nil"},
		"not built":       {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Call(stranger, s.Input(0, 3))) }), nil, `call of model "stranger": it has no weights yet`},
		"call of two":     {sgd, step(func(s *k.Step) *graph.Node { return mean(s, s.Call(both, s.Input(0, 3), s.Input(1, 2))) }), nil, `Call: model "both" has 2 outputs, want 1: CallAll returns all`},
		"log twice":       {sgd, step(func(s *k.Step) *graph.Node { l := fine(s); s.Log("x", l); s.Log("x", l); return l }), nil, `log "x": is recorded twice`},
		"log of rows":     {sgd, step(func(s *k.Step) *graph.Node { s.Log("x", s.Input(0, 3)); return fine(s) }), nil, `log "x": the node has shape (2, 3) of float32, want a scalar`},
		"same series":     {sgd, step(func(s *k.Step) *graph.Node { l := fine(s); s.Log("p_loss", l); return l }), nil, `two series would be named "p_loss"`},
		"training's log": {sgd, step(func(s *k.Step) *graph.Node {
			l := fine(s)
			if s.Training() {
				s.Log("x", l)
			}
			return l
		}), nil, `logs [] and 0 metrics in evaluation, ["x"] and 0 in training`},
		"target's shape": {sgd, step(func(s *k.Step) *graph.Node {
			return s.Loss(k.MeanSquaredError, s.Call(a, s.Input(0, 3)), s.Target(0, 5))
		}), nil, "loss mean_squared_error: the target has shape (2, 5) for predictions of shape (2, 2), want (2, 2)"},
		"free input":  {sgd, step(func(s *k.Step) *graph.Node { s.Input(0, k.Any); return fine(s) }), nil, "input 0: its shape is (batch, ?), want fixed lengths"},
		"free target": {sgd, step(func(s *k.Step) *graph.Node { s.Target(0, k.Any); return fine(s) }), nil, "target 0 has shape (batch, ?), and the inputs have 0 free axes"},
		"op":          {sgd, step(func(s *k.Step) *graph.Node { return s.Do(graph.Add(s.Input(0, 3), s.Call(a, s.Input(0, 3)))) }), nil, `phase "p": add`},
		"panic":       {sgd, step(func(s *k.Step) *graph.Node { panic("oh") }), nil, `phase "p": step: panic: oh`},
	} {
		err := both.Compile(c.optimizer, c.loss, c.options...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error\n%v, want\n%s", name, err, c.want)
		}
	}
}

// TestPhasesRefuse holds what phases refuse where they are used.
func TestPhasesRefuse(t *testing.T) {
	gan, _, _ := noisyGAN(t)
	data := noisyData(t, 8)
	weighted, err := k.Weighted(data, make([]float32, 8))
	if err != nil {
		t.Fatal(err)
	}
	fit := func(d k.Samples, o ...k.FitOption) error { _, err := gan.Fit(t.Context(), d, o...); return err }
	wrong, err := k.Data(mustArray(t, seventhsOf(8), 4, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, evaluated := gan.EvaluateWith(t.Context(), data, k.Accuracy)
	_, together := gan.Evaluate(t.Context(), data, k.Distributed(distributed.Single()))
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"distributed":   {fit(data, k.Distributed(distributed.Single())), "distributed: the model is compiled with Phases or an Objective, whose loss need not be a mean"},
		"evaluated":     {together, "distributed: the model is compiled with Phases"},
		"weights":       {fit(weighted), "the samples have weights, which no phase asks for: Step.Weights"},
		"class weights": {fit(data, k.ClassWeights{0: 1}), "class weights are factors of a loss of one output"},
		"shape":         {fit(wrong), `input 0 of the data has shape (batch, 2), model "gan" wants (batch, 3)`},
		"metrics":       {evaluated, "whose metrics are those of Step.Measure"},
		"unknown log":   {fit(data, k.Callbacks(callbacks.EarlyStopping("loss"))), `"loss"`},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, c.err, c.want)
		}
	}
}

// TestPhaseDiverges names the phase, the layer and the update whose loss is NaN.
func TestPhaseDiverges(t *testing.T) {
	m := k.Sequential("m", k.Input(3), k.Dense(2))
	err := m.Compile(k.SGD(1e6), k.Phase("wild", func(s *k.Step) *graph.Node {
		return s.Do(graph.Mean(s.Do(graph.Square(s.Output(0)))))
	}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Fit(t.Context(), noisyData(t, 20), k.BatchSize(4), k.Epochs(30))
	var found *k.NotFiniteError
	if !errors.As(err, &found) || !strings.Contains(err.Error(), `phase "wild": the loss is`) {
		t.Errorf("error %v, want one that names the phase", err)
	}
}
