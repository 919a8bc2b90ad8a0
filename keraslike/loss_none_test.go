// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// valueAndClass has a regression and a classification of the same features.
func valueAndClass() *k.Model {
	x := k.Input(3)
	h := k.Dense(4, k.Tanh, k.Name("h")).Apply(x)
	return k.NewModel("heads", []*k.Tensor{x}, []*k.Tensor{k.Dense(2, k.Name("value")).Apply(h), k.Dense(3, k.Softmax, k.Name("class")).Apply(h)})
}

// headsData has the given targets of eight samples.
func headsData(t *testing.T, targets ...*k.Array) k.Source {
	t.Helper()
	x := exampleOf(t, 8, 3)
	s, err := k.MultiData([]*k.Array{x}, targets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exampleOf has numbers of a few digits.
func exampleOf(t *testing.T, shape ...int) *k.Array {
	t.Helper()
	values := make([]float32, k.Shape(shape).Size())
	for i := range values {
		values[i] = float32(i*7%11-5) / 4
	}
	a, err := k.NewArray(values, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func classesOf(t *testing.T, classes ...float32) *k.Array {
	t.Helper()
	a, err := k.Column(classes)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// An output with NoLoss trains like a model without it, and has no target unless it is measured.
func TestNoLoss(t *testing.T) {
	y, classes := exampleOf(t, 8, 2), classesOf(t, 0, 1, 2, 1, 0, 2, 1, 1)
	train := func(m *k.Model, data k.Source, options ...k.FitOption) *k.History {
		h, err := m.Fit(t.Context(), data, append(options, k.Epochs(3), k.BatchSize(3), k.Validation(data))...)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	compiled := func(loss k.Loss, options ...k.CompileOption) *k.Model {
		m := valueAndClass()
		if err := m.Compile(k.Adam(0.1), loss, append(options, k.Seed(3))...); err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := func(m *k.Model) string {
		return fmt.Sprint(valuesAt(t, m, "h/kernel"), valuesAt(t, m, "value/kernel"))
	}
	x := k.Input(3)
	h := k.Dense(4, k.Tanh, k.Name("h")).Apply(x)
	alone := k.NewModel("alone", []*k.Tensor{x}, []*k.Tensor{k.Dense(2, k.Name("value")).Apply(h)})
	if err := alone.Compile(k.Adam(0.1), k.MSE, k.Seed(3)); err != nil {
		t.Fatal(err)
	}
	want := train(alone, headsData(t, y))

	m := compiled(k.Losses(k.MSE, k.NoLoss), k.MAE)
	before := valuesAt(t, m, "class/kernel")
	got := train(m, headsData(t, y))
	if names := fmt.Sprint(got.Names()); names != "[loss value_mae val_loss val_value_mae]" {
		t.Errorf("series are %s", names)
	}
	if first(m) != first(alone) || !slices.Equal(got.Get("val_loss"), want.Get("val_loss")) {
		t.Errorf("trained to %s, losses %v\nwithout the output %s, %v", first(m), got.Get("val_loss"), first(alone), want.Get("val_loss"))
	}
	if !slices.Equal(before, valuesAt(t, m, "class/kernel")) {
		t.Error("the output without a loss has learned")
	}
	if out, err := m.PredictAll(exampleOf(t, 2, 3)); err != nil || len(out) != 2 {
		t.Errorf("predicted %d outputs, error %v", len(out), err)
	}

	measured := compiled(k.Losses(k.MSE, k.NoLoss), k.ForOutput("class", k.SparseCategoricalAccuracy))
	two := headsData(t, y, classes)
	got = train(measured, two)
	if names := fmt.Sprint(got.Names()); names != "[loss class_sparse_categorical_accuracy val_loss val_class_sparse_categorical_accuracy]" {
		t.Errorf("series are %s", names)
	}
	if first(measured) != first(alone) {
		t.Error("a measured output without a loss changes training")
	}
	r, err := measured.TrainOnBatchOf([]graph.Value{exampleOf(t, 8, 3).Tensor()}, []graph.Value{y.Tensor(), classes.Tensor()}, nil)
	if err != nil || len(r.Outputs) != 2 {
		t.Errorf("TrainOnBatchOf gave %v, %v", r.Logs, err)
	}

	// The first output may be the one without a loss.
	last := compiled(k.Losses(k.NoLoss, k.SparseCategoricalCrossentropy), k.Accuracy)
	train(last, headsData(t, classes))
	ranks := compiled(k.Losses(k.NoLoss, k.SparseCategoricalCrossentropy), k.Accuracy)
	train(ranks, headsData(t, classes), k.Distributed(distributed.Single(), k.Leaves(2)))

	var file bytes.Buffer
	if err := last.SaveTo(&file, k.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	again, err := k.LoadBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	train(last, headsData(t, classes))
	train(again, headsData(t, classes))
	if fmt.Sprint(weightsOf(again)) != fmt.Sprint(weightsOf(last)) {
		t.Error("a model with NoLoss trains on otherwise after loading")
	}
}

func valuesAt(t *testing.T, m *k.Model, path string) []float32 {
	t.Helper()
	w, err := m.Weight(path)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(w.Values())
}

// Without any loss, layers must add one, and then the model needs no targets.
func TestOnlyLossesOfLayers(t *testing.T) {
	model := func(parts ...k.Part) *k.Model {
		return k.Sequential("m", append([]k.Part{k.Input(3)}, parts...)...)
	}
	m := model(k.Dense(2, k.ActivityRegularizer(k.L2(0.5))))
	if err := m.Compile(k.SGD(0.1), k.NoLoss); err != nil {
		t.Fatal(err)
	}
	h, err := m.Fit(t.Context(), headsData(t), k.Epochs(20), k.BatchSize(4))
	if err != nil {
		t.Fatal(err)
	}
	if first, last := h.Get("loss")[0], h.Last("loss"); !(last < first/2) {
		t.Errorf("the loss went from %g to %g", first, last)
	}
	if _, err := m.TrainOnBatch(exampleOf(t, 8, 3).Tensor(), nil); err != nil {
		t.Error(err)
	}
	if _, err := m.Evaluate(t.Context(), headsData(t)); err != nil {
		t.Error(err)
	}
	_, err = m.TrainOnBatch(exampleOf(t, 8, 3).Tensor(), exampleOf(t, 8, 2).Tensor())
	wantError(t, err, `got targets, model "m" has NoLoss and wants nil`)
	_, err = m.Fit(t.Context(), headsData(t, exampleOf(t, 8, 2)))
	wantError(t, err, `the data has 1 target, model "m" wants 0: 1 of its 1 outputs have NoLoss and are not measured`)
	_, err = m.Fit(t.Context(), headsData(t), k.ClassWeights{1: 2})
	wantError(t, err, `class weights need targets, model "m" has NoLoss`)
	_, err = m.EvaluateWith(t.Context(), headsData(t), k.MAE)
	wantError(t, err, `metric mae: output "dense" has NoLoss, and Compile was given no metric of it`)

	measured := model(k.Dense(2, k.ActivityRegularizer(k.L2(0.5))))
	if err := measured.Compile(k.SGD(0.1), k.NoLoss, k.MAE); err != nil {
		t.Fatal(err)
	}
	if _, err := measured.Fit(t.Context(), headsData(t, exampleOf(t, 8, 2))); err != nil {
		t.Error(err)
	}

	wantError(t, model(k.Dense(2)).Compile(k.SGD(0.1), k.NoLoss), "no loss: it is NoLoss for every output, and no layer adds one by AddLoss")
	wantError(t, model(k.Dense(2)).Compile(k.SGD(0.1), nil), "no loss; NoLoss stands for none")
	wantError(t, valueAndClass().Compile(k.SGD(0.1), k.Losses(k.MSE, nil)), "loss 1 is nil; NoLoss is that of an output without one")
	wantError(t, valueAndClass().Compile(k.SGD(0.1), k.Losses(k.MSE, k.NoLoss), k.ForOutput("class", k.LossMetric(k.NoLoss))), "NoLoss stands for a loss only in Compile")
}
