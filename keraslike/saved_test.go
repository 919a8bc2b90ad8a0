// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"path/filepath"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// TestSavedSettings compiles with every loss, metric, optimizer and schedule that has
// settings, saves, loads, trains both models on and compares weights and logs.
func TestSavedSettings(t *testing.T) {
	type setting struct {
		optimizer keraslike.Optimizer
		loss      keraslike.Loss
		options   []keraslike.CompileOption
	}
	sgd := func(o ...keraslike.OptimizerOption) keraslike.Optimizer { return keraslike.SGD(0.1, o...) }
	for name, s := range map[string]setting{
		"huber":     {keraslike.AdamW(0.01, keraslike.WeightDecay(0.1)), keraslike.Huber(0.5), nil},
		"focal":     {keraslike.Nadam(0.01, keraslike.Beta1(0.8)), keraslike.CategoricalFocalCrossentropy(keraslike.FocalGamma(3), keraslike.LabelSmoothing(0.1)), nil},
		"balanced":  {keraslike.Adamax(0.01), keraslike.BinaryFocalCrossentropy(keraslike.ClassBalancing), nil},
		"smoothed":  {keraslike.Lion(0.01, keraslike.Beta2(0.9)), keraslike.CategoricalCrossentropy.With(keraslike.LabelSmoothing(0.2)), nil},
		"logits":    {keraslike.Adagrad(0.1, keraslike.InitialAccumulator(0.5)), keraslike.BinaryCrossentropy.With(keraslike.FromLogits), nil},
		"precision": {keraslike.Adadelta(1, keraslike.Rho(0.5)), keraslike.MeanSquaredError, []keraslike.CompileOption{keraslike.Precision(keraslike.Threshold(0.3)), keraslike.Recall(), keraslike.BinaryAccuracyAt(0.7)}},
		"f1":        {sgd(keraslike.ClipValue(0.1)), keraslike.Poisson, []keraslike.CompileOption{keraslike.F1Score(keraslike.Micro, keraslike.Threshold(0.4)), keraslike.AUC(keraslike.PRCurve, keraslike.Thresholds(50))}},
		"thresholds": {sgd(keraslike.ClipValue(0.1)), keraslike.Poisson, []keraslike.CompileOption{
			keraslike.Precision(keraslike.Threshold(0.4, 0.2), keraslike.ClassID(1)), keraslike.Recall(keraslike.TopK(2)), keraslike.FalsePositives(),
			keraslike.AUC(keraslike.PRGainCurve, keraslike.Minoring, keraslike.MultiLabel, keraslike.LabelWeights(1, 2, 3)), keraslike.PrecisionAtRecall(0.3, keraslike.ClassID(0)), keraslike.FBetaScore(2)}},
		"iou": {sgd(keraslike.ClipValue(0.1)), keraslike.Poisson, []keraslike.CompileOption{
			keraslike.OneHotIoU(3, []int{0, 2}, keraslike.IgnoreClass(1)), keraslike.BinaryIoU(keraslike.TargetClasses(1)),
			keraslike.PearsonCorrelation(), keraslike.R2Score(keraslike.VarianceWeighted, keraslike.Regressors(2)), keraslike.Sum,
			keraslike.NamedMetric("smooth", keraslike.LossMetric(keraslike.CategoricalCrossentropy.With(keraslike.LabelSmoothing(0.2)))), keraslike.LossMetric(keraslike.Huber(0.5))}},
		"top":         {sgd(keraslike.ClipNorm(0.1)), keraslike.LogCosh, []keraslike.CompileOption{keraslike.TopKCategoricalAccuracy(2), keraslike.Hinge, keraslike.R2Score(), keraslike.Cosine(), keraslike.ConfusionMatrix}},
		"weighted":    {sgd(keraslike.GlobalClipNorm(0.1)), keraslike.Hinge, []keraslike.CompileOption{keraslike.WeightedMetrics(keraslike.CategoricalAccuracy)}},
		"exponential": {sgd(keraslike.WithSchedule(keraslike.ExponentialDecay{Steps: 2, Rate: 0.5, Staircase: true})), keraslike.SquaredHinge, nil},
		"restarts":    {sgd(keraslike.WithSchedule(keraslike.CosineDecayRestarts{Steps: 3, Shrink: 0.5})), keraslike.KLDivergence, nil},
		"piecewise":   {sgd(keraslike.WithSchedule(keraslike.PiecewiseConstantDecay{Boundaries: []int{3}, Factors: []float64{1, 0.1}})), keraslike.CosineSimilarity, nil},
		"accumulated": {keraslike.RMSprop(0.01, keraslike.AccumulateGradients(2), keraslike.AverageWeights(0.5)), keraslike.CategoricalHinge, nil},
	} {
		t.Run(name, func(t *testing.T) {
			x, labels := blobs(30, 6)
			hot := make([]float32, 30*toyClasses)
			for i, c := range labels.Float32s() {
				hot[i*toyClasses+int(c)] = 1
			}
			data := dataOf(t, x, tensorOf([]int{30, toyClasses}, hot))
			m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.KernelRegularizer(keraslike.L1L2(1e-4, 1e-3)), keraslike.KernelConstraint(keraslike.MaxNorm(2))), keraslike.Activation(keraslike.Softmax))
			if err := m.Compile(s.optimizer, s.loss, append(s.options, keraslike.Seed(2))...); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Fit(t.Context(), data, keraslike.BatchSize(7)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "m.safetensors")
			if err := m.Save(path, keraslike.WithOptimizer); err != nil {
				t.Fatal(err)
			}
			loaded, err := keraslike.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			one, err := m.Fit(t.Context(), data, keraslike.BatchSize(7))
			if err != nil {
				t.Fatal(err)
			}
			two, err := loaded.Fit(t.Context(), data, keraslike.BatchSize(7))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(weightsOf(m), weightsOf(loaded)) || !slices.Equal(one.Names(), two.Names()) {
				t.Fatal("the loaded model trains otherwise")
			}
			for _, series := range one.Names() {
				if a, b := one.Get(series), two.Get(series); a[0] != b[0] {
					t.Errorf("%s is %v, of the loaded model %v", series, a, b)
				}
			}
		})
	}
}

// A model with custom parts is loaded with them, or without its settings.
func TestLoadOwnParts(t *testing.T) {
	loss := keraslike.CustomLoss("mine", graph.MeanSquaredError)
	metric := keraslike.CustomRowMetric("my_metric", func(p, t []float32) float64 { return float64(p[0] - t[0]) })
	m := keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(1))
	if err := m.Compile(&recorder{}, loss, metric); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path, keraslike.WithOptimizer); err != nil {
		t.Fatal(err)
	}
	_, err := keraslike.Load(path)
	wantError(t, err, `optimizer "recorder" is unknown; pass WithCustomOptimizer(...)`)
	_, err = keraslike.Load(path, keraslike.WithCustomOptimizer(&recorder{}))
	wantError(t, err, `loss "mine": unknown; pass WithCustomLoss(...)`)
	_, err = keraslike.Load(path, keraslike.WithCustomOptimizer(&recorder{}), keraslike.WithCustomLoss(loss))
	wantError(t, err, `metric "my_metric": unknown; pass WithCustomMetric(...)`)
	if _, err := keraslike.Load(path, keraslike.WithCustomOptimizer(&recorder{}), keraslike.WithCustomLoss(loss), keraslike.WithCustomMetric(metric)); err != nil {
		t.Error(err)
	}
	if bare, err := keraslike.Load(path, keraslike.WithoutCompile); err != nil || !slices.Equal(weightsOf(bare), weightsOf(m)) {
		t.Errorf("without its settings: %v", err)
	}
}

func TestSaveWithSolver(t *testing.T) {
	m := keraslike.Sequential("m", keraslike.Input(2), keraslike.Dense(1))
	if err := m.Compile(keraslike.FromSolver(gorgonia.NewAdamSolver()), keraslike.MeanSquaredError); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	wantError(t, m.Save(path, keraslike.WithOptimizer), "the state of a Gorgonia solver is private")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := keraslike.Load(path); err != nil {
		t.Error(err)
	}
}
