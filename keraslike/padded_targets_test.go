// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

// A target whose sample has weight 0 may be anything, on every way to the model. The
// numbers are those of testdata/padded_targets.py.
func TestPaddedTargets(t *testing.T) {
	x, weights := tensorOf([]int{3, 2}, []float32{1, 2, 3, 4, 5, 6}), []float32{1, 0, 0.5}
	softmax := []float32{0.057126, -0.195374, 0.338249, -0.010629, 0.223038, -0.062408, -0.017755, 0.018412, -0.000657}
	for name, c := range map[string]struct {
		loss     k.Loss
		last     k.ActivationFunc
		y        *tensor.Dense
		value    float64
		accuracy float64 // not weighted: the padded target is a miss, but of rows its first largest
		after    []float32
	}{
		"binary":      {k.BinaryCrossentropy, k.Sigmoid, tensorOf([]int{3, 1}, []float32{1, -1, 0}), 0.394563, 1. / 3, []float32{0.057508, 0.011014, 0.003506}},
		"categorical": {k.CategoricalCrossentropy, k.Softmax, tensorOf([]int{3, 3}, []float32{0, 1, 0, 255, 255, 255, 0, 0, 1}), 0.501469, 2. / 3, softmax},
		"sparse":      {k.SparseCategoricalCrossentropy, k.Softmax, tensorOf([]int{3}, []float32{1, -1, 2}), 0.501469, 1. / 3, softmax},
		"too large":   {k.SparseCategoricalCrossentropy.With(), k.Softmax, tensorOf([]int{3}, []float32{1, 255, 2}), 0.501469, 1. / 3, softmax},
		"hinge":       {k.Hinge, k.Linear, tensorOf([]int{3, 1}, []float32{1, -2, 0}), 0.433333, math.NaN(), []float32{0.133333, 0.116667, 0.033333}},
		"poisson":     {k.Poisson, k.Linear, tensorOf([]int{3, 1}, []float32{1, -1, 0}), 0.736479, math.NaN(), []float32{0.15, 0.216667, 0.116667}},
		"mse":         {k.MeanSquaredError, k.Sigmoid, tensorOf([]int{3, 1}, []float32{1, 255, 0}), math.NaN(), math.NaN(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := k.Weighted(dataOf(t, x, c.y), weights)
			if err != nil {
				t.Fatal(err)
			}
			n := 1
			if c.last == k.Softmax {
				n = 3
			}
			var options []k.CompileOption
			if !math.IsNaN(c.accuracy) {
				options = append(options, k.Accuracy, k.WeightedMetrics(k.NamedMetric("weighted", k.Accuracy)))
			}
			train := map[string]func(m *k.Model) error{
				"Fit": func(m *k.Model) error {
					_, err := m.Fit(t.Context(), data, k.KeepOrder, k.Validation(data))
					return err
				},
				"Fit, read ahead": func(m *k.Model) error {
					_, err := m.Fit(t.Context(), aheadOfTime{data.(k.SampleWeighter)}, k.KeepOrder)
					return err
				},
				"TrainOnBatchOf": func(m *k.Model) error {
					_, err := m.TrainOnBatchOf([]graph.Value{x}, []graph.Value{c.y}, weights)
					return err
				},
			}
			for call, train := range train {
				m := k.Sequential("m", k.Input(2), k.Dense(n, c.last))
				if err := m.Compile(k.SGD(0.1), c.loss, options...); err != nil {
					t.Fatal(err)
				}
				kernel := slices.Concat([]float32{0.1, -0.2, 0.3}[:n], []float32{0.05, 0.2, -0.1}[:n])
				if err := m.Weights()[0].Set(kernel); err != nil {
					t.Fatal(err)
				}
				logs, err := m.Evaluate(t.Context(), data)
				if err != nil {
					t.Fatal(err)
				}
				for name, want := range map[string]float64{"loss": c.value, "accuracy": c.accuracy} {
					if got := logs.Get(name); !math.IsNaN(want) && !(math.Abs(got-want) < 1e-5) {
						t.Errorf("%s is %v, want %v", name, got, want)
					}
				}
				if err := train(m); err != nil {
					t.Fatalf("%s: %v", call, err)
				}
				for i, want := range c.after {
					if got := weightsOf(m)[i]; !(math.Abs(float64(got-want)) < 2e-6) {
						t.Errorf("behind %s weight %d is %v, want %v", call, i, got, want)
					}
				}
			}
		})
	}
}

// aheadOfTime is a source with weights that is read on a separate goroutine.
type aheadOfTime struct{ k.SampleWeighter }

func (aheadOfTime) Prefetch() int { return 2 }

// Masked steps may have any target, too, alone and with weights; the others may not.
func TestPaddedSteps(t *testing.T) {
	ids := tensorOf([]int{2, 3}, []float32{1, 2, 0, 2, 0, 0})
	for name, c := range map[string]struct {
		loss k.Loss
		last k.Layer
		y    *tensor.Dense
	}{
		"binary": {k.BinaryCrossentropy, k.Dense(1, k.Sigmoid), tensorOf([]int{2, 3, 1}, []float32{1, 0, -1, 1, -1, -1})},
		"sparse": {k.SparseCategoricalCrossentropy, k.Dense(3, k.Softmax), tensorOf([]int{2, 3}, []float32{1, 0, -1, 1, 255, -1})},
	} {
		m := k.Sequential("m", k.Input(3), k.Embedding(3, 2, k.MaskZero), c.last)
		if err := m.Compile(k.SGD(0), c.loss, k.Accuracy); err != nil {
			t.Fatal(err)
		}
		if name == "binary" {
			for i, values := range [][]float32{{0.5, -0.5, 0.1, 0.2, 0.3, -0.4}, {0.1, 0.05}} {
				if err := m.Weights()[i].Set(values); err != nil {
					t.Fatal(err)
				}
			}
		}
		whole := dataOf(t, ids, c.y)
		logs, err := m.Evaluate(t.Context(), whole)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if loss := logs.Get("loss"); name == "binary" && !(math.Abs(loss-0.689839) < 1e-5) { // testdata/padded_targets.py
			t.Errorf("the loss is %v, want 0.689839", loss)
		}
		if _, err := m.Fit(t.Context(), whole); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		y := c.y.Float32s()
		y[3] = -1
		if _, err := m.Evaluate(t.Context(), dataOf(t, ids, c.y)); err == nil {
			t.Errorf("%s: a target of -1 at a step that counts is taken", name)
		} else {
			wantError(t, err, "sample 1", "is -1")
		}
		first, err := k.Weighted(dataOf(t, ids, c.y), []float32{1, 0})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Evaluate(t.Context(), first); err != nil {
			t.Errorf("%s, sample 1 with weight 0: %v", name, err)
		}
	}
}

// A metric that is not weighted and is more than a count of hits refuses them and says
// the way out, which works.
func TestPaddedTargetsInMetrics(t *testing.T) {
	x, y := tensorOf([]int{2, 1}, []float32{1, 2}), tensorOf([]int{2, 1}, []float32{1, -1})
	data, err := k.Weighted(dataOf(t, x, y), []float32{1, 0})
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range []k.Metric{k.AUC(), k.Precision(), k.F1Score(), k.BinaryCrossentropy, k.ConfusionMatrix} {
		m := k.Sequential("m", k.Input(1), k.Dense(1, k.Sigmoid))
		if err := m.Compile(k.SGD(0.1), k.BinaryCrossentropy, metric); err != nil {
			t.Fatal(err)
		}
		_, err := m.Evaluate(t.Context(), data)
		wantError(t, err, "sample 1: metric", metric.Name(), "target is -1", "its weight is 0, which only WeightedMetrics heed")
		if err := m.Compile(k.SGD(0.1), k.BinaryCrossentropy, k.WeightedMetrics(metric)); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Fit(t.Context(), data, k.Validation(data)); err != nil {
			t.Error(err)
		}
	}
}

// Whether 0 means -1 is decided for a batch, for the metrics as for the losses. The
// numbers are those of testdata/padded_targets.py.
func TestHingeMetric(t *testing.T) {
	p := []float32{0.3, -0.4, 2, 0.5}
	for _, c := range []struct {
		y              []float32
		hinge, squared float64
	}{
		{[]float32{-1, 0, 1, 0}, 0.825, 0.9225},
		{[]float32{0, 1, 1, 0}, 1.05, 1.475},
		{[]float32{0.5, 0, 1, 1}, 0.5875, 0.493125},
	} {
		for metric, want := range map[k.LossFunc]float64{k.Hinge: c.hinge, k.SquaredHinge: c.squared} {
			m, err := metric.Begin(k.Shape{1}, k.Shape{1})
			if err != nil {
				t.Fatal(err)
			}
			m.Add(4, p, c.y)
			if got := m.Value(); !(math.Abs(got-want) < 1e-6) {
				t.Errorf("%s of targets %v is %v, want %v", metric, c.y, got, want)
			}
		}
	}
}
