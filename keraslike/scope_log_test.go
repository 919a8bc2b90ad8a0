// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// penalized passes its input on, adds the mean of its squares to the loss and logs its mean.
type penalized struct {
	Loss, Mean, Evaluation string
	Rows                   bool
}

func (penalized) Kind() string { return "Penalized" }

func (penalized) Build(_ *k.Builder, in []k.Shape) (k.Shape, error) { return in[0], nil }

func (d penalized) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	loss, mean := s.Do(graph.Mean(s.Do(graph.Square(in[0])))), s.Do(graph.Mean(in[0]))
	if d.Rows {
		mean = in[0]
	}
	if s.AddLoss(d.Loss, loss); d.Mean != "" {
		s.Log(d.Mean, mean)
	}
	if d.Evaluation != "" && !s.Training() {
		s.Log(d.Evaluation, mean)
	}
	return in[0]
}

func penalizedModel(layers ...k.Part) *k.Model {
	return k.Sequential("m", append([]k.Part{k.Input(3)}, layers...)...)
}

// What layers add to the loss and log by name is in all logs, and the loss is the sum of its parts.
func TestNamedLosses(t *testing.T) {
	y := exampleOf(t, 8, 2)
	data := headsData(t, y)
	compile := func(m *k.Model, options ...k.CompileOption) *k.Model {
		t.Helper()
		if err := m.Compile(k.SGD(0.05), k.MSE, append(options, k.Seed(2))...); err != nil {
			t.Fatal(err)
		}
		return m
	}
	make := func() *k.Model {
		return compile(penalizedModel(k.Dense(2), k.Custom(penalized{Loss: "energy", Mean: "mean"})), k.MSE)
	}
	m := make()
	initial := bytes.Buffer{}
	if err := m.SaveTo(&initial, k.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	out, err := m.Predict(exampleOf(t, 8, 3))
	if err != nil {
		t.Fatal(err)
	}
	var energy, mean float64
	for _, v := range out.Values() {
		energy, mean = energy+float64(v)*float64(v)/16, mean+float64(v)/16
	}
	logs, err := m.Evaluate(t.Context(), data, k.BatchSize(4)) // batches of equal size
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(names(logs)); text != "[loss energy mean mse]" {
		t.Errorf("the logs have %s", text)
	}
	for name, want := range map[string]float64{"energy": energy, "mean": mean, "loss": energy + logs.Get("mse")} {
		if got := logs.Get(name); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
	r, err := m.TrainOnBatch(exampleOf(t, 8, 3).Tensor(), y.Tensor())
	if err != nil || math.Abs(r.Logs.Get("energy")-energy) > 1e-6 {
		t.Errorf("TrainOnBatch logs %v, %v", r.Logs, err)
	}

	train := func(m *k.Model, ctx context.Context, options ...k.FitOption) (*k.History, error) {
		return m.Fit(ctx, data, append(options, k.BatchSize(3), k.Epochs(3), k.Validation(data))...)
	}
	trained := make()
	h, err := train(trained, t.Context(), k.Callbacks(callbacks.EarlyStopping("val_energy")))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(h.Names()); text != "[loss energy mean mse val_loss val_energy val_mean val_mse]" {
		t.Errorf("the history has %s", text)
	}
	if !(h.Last("energy") < h.Get("energy")[0]) {
		t.Errorf("the named loss goes from %g to %g", h.Get("energy")[0], h.Last("energy"))
	}

	// An interrupted epoch keeps the sums.
	interrupted, err := k.LoadBytes(initial.Bytes(), k.WithCustomLayer(func() k.Definition { return &penalized{} }))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	if _, err := train(interrupted, ctx, k.Callbacks(k.CallbackFunc(func(e k.Event, _ *k.Training) error {
		if e == k.BatchEnd {
			if steps++; steps == 2 {
				cancel()
			}
		}
		return nil
	}))); err == nil {
		t.Fatal("was not interrupted")
	}
	resumed, err := interrupted.Fit(t.Context(), data, k.BatchSize(3), k.Until(1), k.Validation(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range h.Names() {
		if got, want := resumed.Get(name)[0], h.Get(name)[0]; got != want {
			t.Errorf("%s of the resumed epoch is %g, want %g", name, got, want)
		}
	}

	together := make()
	got, err := train(together, t.Context(), k.Distributed(distributed.Single(), k.Leaves(1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range h.Names() {
		if got, want := got.Last(name), h.Last(name); math.Abs(got-want) > 1e-5 {
			t.Errorf("%s of a distributed training is %g, want %g", name, got, want)
		}
	}

	// Two uses of one layer, one within a model, add up.
	shared := k.Custom(penalized{Loss: "energy"})
	x := k.Input(3)
	inner := k.Sequential("inner", k.Input(3), shared)
	twice := k.NewModel("twice", []*k.Tensor{x}, []*k.Tensor{k.Dense(2).Apply(inner.Apply(shared.Apply(x)))})
	logs, err = compile(twice).Evaluate(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	once, err := compile(penalizedModel(k.Custom(penalized{Loss: "energy"}), k.Dense(2))).Evaluate(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := logs.Get("energy"), 2*once.Get("energy"); got != want {
		t.Errorf("two uses of a loss are %g, want %g", got, want)
	}

	// Without a name it is a part of the loss alone.
	unnamed, err := compile(penalizedModel(k.Custom(penalized{}), k.Dense(2))).Evaluate(t.Context(), data)
	if err != nil || len(unnamed) != 1 || unnamed.Get("loss") != once.Get("loss") {
		t.Errorf("without a name the logs are %v, %v, with one %v", unnamed, err, once)
	}
}

func names(logs k.Logs) (list []string) {
	for _, l := range logs {
		list = append(list, l.Name)
	}
	return list
}

func TestNamedLossErrors(t *testing.T) {
	for want, d := range map[string][]k.Part{
		`Penalized "penalized": log "mean": the node has shape (1, 3) of float32, want a scalar of float32`: {k.Custom(penalized{Mean: "mean", Rows: true})},
		`Penalized "penalized": log "energy": another value has this name`:                                  {k.Custom(penalized{Loss: "energy", Mean: "energy"})},
		`Penalized "penalized_1": log "mean": another value has this name`:                                  {k.Custom(penalized{Mean: "mean"}), k.Custom(penalized{Mean: "mean"})},
		`two series would be named "loss"`:                                                                  {k.Custom(penalized{Loss: "loss"})},
		`two series would be named "mse"`:                                                                   {k.Custom(penalized{Mean: "mse"})},
		`its layers log ["energy" "more"] in evaluation, ["energy"] in training: want the same`:             {k.Custom(penalized{Loss: "energy", Evaluation: "more"})},
	} {
		wantError(t, penalizedModel(append(d, k.Dense(2))...).Compile(k.SGD(0.1), k.MSE, k.MSE), want)
	}
	m := penalizedModel(k.Custom(penalized{Evaluation: "more"}), k.Dense(2))
	if err := m.Compile(k.SGD(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	_, err := m.Evaluate(t.Context(), headsData(t, exampleOf(t, 8, 2)))
	wantError(t, err, `its layers log ["more"] in evaluation, [] in training`)
}

// A phase logs what the layers that it trains add by name.
func TestNamedLossesOfPhases(t *testing.T) {
	m := penalizedModel(k.Dense(2), k.Custom(penalized{Loss: "energy"}))
	err := m.Compile(k.SGD(0.1), k.Objective(func(s *k.Step) *graph.Node {
		return s.Loss(k.MSE, s.Output(0), s.Target(0, 2))
	}), k.Seed(2))
	if err != nil {
		t.Fatal(err)
	}
	data := headsData(t, exampleOf(t, 8, 2))
	h, err := m.Fit(t.Context(), data, k.Validation(data))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(h.Names()); text != "[loss energy val_loss val_energy]" {
		t.Errorf("the history has %s", text)
	}
}
