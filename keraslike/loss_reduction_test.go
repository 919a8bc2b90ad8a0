// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

var reductions = map[string][]k.LossOption{
	"sum_over_batch_size": nil, "sum": {k.SumReduction}, "mean_with_sample_weight": {k.WeightedMeanReduction},
}

// TestWeightedLossesOfKeras compares the loss, the weighted metrics and the gradient of a batch with
// reductions, sample weights, weights of steps and masks with those of Keras in
// testdata/golden/losses_weighted_keras.json, which are of float32.
func TestWeightedLossesOfKeras(t *testing.T) {
	for _, c := range golden.Load(t, "losses_weighted_keras") {
		t.Run(c.Name, func(t *testing.T) {
			x, y := c.Inputs["x"], c.Inputs["y"]
			n, outputs := x.Shape[0], c.Inputs["kernel"].Shape[1]
			layers := []k.Part{k.Input(x.Shape[1:]...)}
			if c.Args.Bool("mask") {
				layers = append(layers, k.Masking(0))
			}
			activation := k.Linear
			if c.Args.String("activation") == "softmax" {
				activation = k.Softmax
			}
			layers = append(layers, k.Dense(outputs, activation, k.NoBias, k.Name("dense")))
			loss, metrics := k.MeanSquaredError, []k.Metric{k.MeanAbsoluteError, k.MeanSquaredError} // sorted by names
			if c.Args.String("loss") == "SparseCategoricalCrossentropy" {
				loss, metrics = k.SparseCategoricalCrossentropy, []k.Metric{k.SparseCategoricalAccuracy, k.SparseCategoricalCrossentropy}
			}
			r, m := &recorder{}, k.Sequential("m", layers...)
			if err := m.Compile(r, loss.With(reductions[c.Args.String("reduction")]...), k.WeightedMetrics(metrics...)); err != nil {
				t.Fatal(err)
			}
			setWeight(t, m, "dense/kernel", c.Inputs["kernel"].Float32())
			inputs, targets := tensorOf(x.Shape, x.Float32()), tensorOf(y.Shape, y.Float32())
			data := dataOf(t, inputs, targets)
			var weights []float32
			if w, ok := c.Inputs["weights"]; ok {
				weights = w.Float32()
				var err error
				if data, err = k.Weighted(data, weights, w.Shape[1:]...); err != nil {
					t.Fatal(err)
				}
			}
			result, err := m.TrainOnBatchOf([]graph.Value{inputs}, []graph.Value{targets}, weights)
			if err != nil {
				t.Fatal(err)
			}
			on := slices.Clone(result.Logs)
			golden.Close(t, "dkernel", r.gradients[0], c.Want["dkernel"], 2e-5, absolute)
			h, err := m.Fit(t.Context(), data, k.BatchSize(n), k.KeepOrder)
			if err != nil {
				t.Fatal(err)
			}
			evaluated, err := m.Evaluate(t.Context(), data, k.BatchSize(n))
			if err != nil {
				t.Fatal(err)
			}
			want := append(c.Want["loss"].Data, c.Want["metrics"].Data...)
			for i, log := range on {
				for by, got := range map[string]float64{"TrainOnBatchOf": log.Value, "Fit": h.Last(log.Name), "Evaluate": evaluated.Get(log.Name)} {
					if math.IsNaN(got) && c.Name == "MeanSquaredError_nothing_mean_with_sample_weight" && i > 0 {
						continue // a metric of nothing is NaN
					}
					if !(math.Abs(got-want[i]) <= 4e-6*math.Abs(want[i])+absolute) {
						t.Errorf("%s by %s is %.9g, want %.9g", log.Name, by, got, want[i])
					}
				}
			}
		})
	}
}

// A loss with a reduction is saved and trains on as before, whatever the loss.
func TestSavedReductions(t *testing.T) {
	for name, c := range map[string]struct {
		loss func(...k.LossOption) k.Loss
		out  int
	}{
		"mse":   {k.MSE.With, 2},
		"huber": {func(o ...k.LossOption) k.Loss { return k.Huber(0.5, o...) }, 2},
		"focal": {func(o ...k.LossOption) k.Loss { return k.BinaryFocalCrossentropy(append(o, k.FromLogits)...) }, 2},
		"own":   {func(o ...k.LossOption) k.Loss { return k.CustomLoss("own", graph.MeanAbsoluteError, o...) }, 2},
	} {
		trained := map[string]string{}
		for by, options := range reductions {
			loss := c.loss(options...)
			m := k.Sequential("m", k.Input(3), k.Dense(2))
			if err := m.Compile(k.SGD(0.01), loss, k.Seed(1)); err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := m.SaveTo(&file, k.WithOptimizer); err != nil {
				t.Fatal(err)
			}
			again, err := k.LoadBytes(file.Bytes(), k.WithCustomLoss(loss))
			if name != "own" {
				again, err = k.LoadBytes(file.Bytes())
			}
			if err != nil {
				t.Fatal(err)
			}
			y, err := k.NewArray([]float32{0, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0}, 8, 2)
			if err != nil {
				t.Fatal(err)
			}
			data, err := k.Weighted(headsData(t, y), []float32{1, 2, 0, 0.5, 1, 1, 3, 0})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []*k.Model{m, again} {
				if _, err := m.Fit(t.Context(), data, k.Epochs(2)); err != nil {
					t.Fatal(err)
				}
			}
			if trained[by] = fmt.Sprint(weightsOf(m)); trained[by] != fmt.Sprint(weightsOf(again)) {
				t.Errorf("%s, %s: trains on otherwise after loading", name, by)
			}
		}
		if trained["sum"] == trained["mean_with_sample_weight"] || trained["sum"] == trained["sum_over_batch_size"] || trained["mean_with_sample_weight"] == trained["sum_over_batch_size"] {
			t.Errorf("%s: two reductions train alike", name)
		}
	}
}

func TestReductionErrors(t *testing.T) {
	compile := func(loss k.Loss, options ...k.CompileOption) error {
		return k.Sequential("m", k.Input(3), k.Dense(3, k.Softmax)).Compile(k.SGD(0.1), loss, options...)
	}
	wantError(t, compile(k.MSE.With(k.SumReduction, k.WeightedMeanReduction)), "mse: got both SumReduction and WeightedMeanReduction, want one of them")
	wantError(t, compile(k.Huber(1, k.WeightedMeanReduction, k.SumReduction)), "huber: got both")
	wantError(t, compile(k.MSE.With(k.LabelSmoothing(0.1))), "mse: not a cross-entropy or cosine_similarity, so only SumReduction and WeightedMeanReduction fit")
	wantError(t, compile(k.CustomLoss("own", graph.MeanSquaredError, k.FromLogits)), `loss "own": FromLogits does not fit, want SumReduction, WeightedMeanReduction`)
	wantError(t, compile(k.MSE, k.LossMetric(k.MSE.With(k.SumReduction))), "metric mse: a metric is a mean, so SumReduction does not fit")
	m := k.Sequential("m", k.Input(3), k.Dense(2))
	if err := m.Compile(k.SGD(0.1), k.MSE.With(k.SumReduction)); err != nil {
		t.Fatal(err)
	}
	_, err := m.Fit(t.Context(), headsData(t, exampleOf(t, 8, 2)), k.Distributed(distributed.Single()))
	wantError(t, err, `mse has the reduction "sum"; several processes compute means over their samples`)
}

// Weights of steps pass through what wraps a source, and other shapes than the output's are errors.
func TestWeightsOfSteps(t *testing.T) {
	x, y := exampleOf(t, 6, 4, 3), exampleOf(t, 6, 4, 2)
	source := func() k.Source {
		s, err := k.Data(x, y)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	weights := make([]float32, 24)
	for i := range weights {
		weights[i] = float32(i%5) / 2
	}
	weighted, err := k.Weighted(source(), weights, 4)
	if err != nil {
		t.Fatal(err)
	}
	model := func() *k.Model {
		m := k.Sequential("m", k.Input(4, 3), k.Dense(2))
		if err := m.Compile(k.SGD(0.1), k.MSE, k.WeightedMetrics(k.MAE, k.R2Score()), k.MSE, k.Seed(1)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	train := func(data k.Source, options ...k.FitOption) string {
		m := model()
		h, err := m.Fit(t.Context(), data, append(options, k.BatchSize(4), k.Epochs(2), k.Validation(data))...)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(h.Get("loss"), h.Get("mae"), h.Get("val_loss"), h.Get("val_r2_score"), weightsOf(m))
	}
	once := train(weighted)
	for what, other := range map[string]k.Source{"ahead": aheadWeighted{weighted.(k.StepWeighter)}, "padded": k.Padded(weighted)} {
		if got := train(other); got != once {
			t.Errorf("%s: %s, want %s", what, got, once)
		}
	}
	if got := train(weighted, k.Distributed(distributed.Single(), k.Leaves(2))); len(got) == 0 || got == train(source()) {
		t.Error("the weights of steps do not count in a distributed training")
	}
	if _, err := model().Evaluate(t.Context(), weighted, k.Distributed(distributed.Single())); err != nil {
		t.Error(err)
	}

	_, err = k.Weighted(source(), weights)
	wantError(t, err, "weighted: got 24 weights for 6 samples")
	_, err = k.Weighted(source(), weights, 3)
	wantError(t, err, "weighted: got 24 weights for 6 samples of 3")
	_, err = k.Weighted(source(), weights, 0)
	wantError(t, err, "weighted: weights of shape (6, 0), want lengths of at least 1")
	other, err := k.Weighted(source(), weights[:12], 2)
	if err != nil {
		t.Fatal(err)
	}
	_, err = model().Fit(t.Context(), other)
	wantError(t, err, "weights of shape (2) do not fit mse of outputs (batch, 4, 2)")
	of := []graph.Value{x.Tensor()}
	_, err = model().TrainOnBatchOf(of, []graph.Value{y.Tensor()}, weights[:12])
	wantError(t, err, "train on batch: got 12 weights for 6 samples with outputs (batch, 4, 2)")
	_, err = model().TrainOnBatchOf(of, []graph.Value{y.Tensor()}, make([]float32, 48))
	wantError(t, err, "train on batch: 48 weights do not fit the 24 values of a loss")
	bad := slices.Clone(weights)
	bad[9] = -1
	_, err = model().Fit(t.Context(), oneBadStep{weighted.(k.StepWeighter), bad})
	wantError(t, err, "sample 2: weight is -1")
}

// aheadWeighted is read into blocks.
type aheadWeighted struct{ k.StepWeighter }

func (aheadWeighted) Prefetch() int { return 2 }

type oneBadStep struct {
	k.StepWeighter
	weights []float32
}

func (b oneBadStep) Weights(indices []int, to []float32) error {
	for i, j := range indices {
		copy(to[i*4:(i+1)*4], b.weights[j*4:])
	}
	return nil
}
