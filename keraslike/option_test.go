// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// permute calls f with the options in many orders and compares what comes out.
func permute[O any](t *testing.T, what string, opts []O, f func(opts ...O) string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	want := f(opts...)
	for range 40 {
		rng.Shuffle(len(opts), func(i, j int) { opts[i], opts[j] = opts[j], opts[i] })
		if got := f(opts...); got != want {
			t.Fatalf("%s with options %v is\n%s\nwant, as in another order,\n%s", what, opts, got, want)
		}
	}
}

// The order of options never matters, for any optimizer, loss or metric; those of layers
// have a test of their own.
func TestOrderOfOptions(t *testing.T) {
	adam := []k.OptimizerOption{k.Beta1(0.8), k.Beta2(0.9), k.Epsilon(1e-3), k.AMSGrad, k.ClipNorm(1), k.WeightDecay(0.1), k.AverageWeights(0.9), k.AccumulateGradients(2)}
	permute(t, "adam", adam, func(o ...k.OptimizerOption) string { return text(t, k.Adam(0.1, o...)) })
	permute(t, "adamw", adam, func(o ...k.OptimizerOption) string { return text(t, k.AdamW(0.1, o...)) })
	permute(t, "sgd", []k.OptimizerOption{k.Momentum(0.9), k.Nesterov, k.ClipValue(1), k.WeightDecay(0.1)}, func(o ...k.OptimizerOption) string { return text(t, k.SGD(0.1, o...)) })
	permute(t, "rmsprop", []k.OptimizerOption{k.Rho(0.8), k.Momentum(0.9), k.Epsilon(1e-3), k.Centered, k.GlobalClipNorm(1)}, func(o ...k.OptimizerOption) string { return text(t, k.RMSprop(0.1, o...)) })
	permute(t, "adagrad", []k.OptimizerOption{k.InitialAccumulator(0.2), k.Epsilon(1e-3), k.ClipNorm(1)}, func(o ...k.OptimizerOption) string { return text(t, k.Adagrad(0.1, o...)) })

	permute(t, "AUC", []k.MetricOption{k.Thresholds(5), k.PRCurve, k.FromLogits}, func(o ...k.MetricOption) string { return text(t, k.AUC(o...)) })
	permute(t, "AUC of labels", []k.MetricOption{k.PRGainCurve, k.Majoring, k.MultiLabel, k.LabelWeights(1, 2), k.Threshold(0.5)}, func(o ...k.MetricOption) string { return text(t, k.AUC(o...)) })
	permute(t, "precision", []k.MetricOption{k.ClassID(1), k.TopK(2), k.Threshold(0.3)}, func(o ...k.MetricOption) string { return text(t, k.Precision(o...)) })
	permute(t, "one-hot IoU", []k.MetricOption{k.IgnoreClass(1), k.SparsePredictions, k.AlongAxis(1)}, func(o ...k.MetricOption) string { return text(t, k.OneHotMeanIoU(3, o...)) })
	permute(t, "muon", []k.OptimizerOption{k.Momentum(0.5), k.PlainMomentum, k.MuonSteps(3), k.AdamFor("x"), k.MuonForEmbeddings, k.WeightDecay(0.1)}, func(o ...k.OptimizerOption) string { return text(t, k.Muon(0.1, o...)) })
	permute(t, "F1", []k.MetricOption{k.Micro, k.Threshold(0.4)}, func(o ...k.MetricOption) string { return text(t, k.F1Score(o...)) })
	permute(t, "focal", []k.LossOption{k.FocalAlpha(0.1), k.FocalGamma(3), k.ClassBalancing, k.FromLogits, k.LabelSmoothing(0.1)}, func(o ...k.LossOption) string { return text(t, k.BinaryFocalCrossentropy(o...)) })
	permute(t, "cross-entropy", []k.LossOption{k.FromLogits, k.LabelSmoothing(0.1)}, func(o ...k.LossOption) string { return text(t, k.BinaryCrossentropy.With(o...)) })
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The two layers of the case are one: windows of 3x2 that move by 1. On (4,4) they
// give (4-3)/1+1 = 2 and (4-2)/1+1 = 3 places.
func TestPoolSizeAndStrides(t *testing.T) {
	for _, opts := range [][]k.PoolOption{{k.Strides(1), k.PoolSize(3, 2)}, {k.PoolSize(3, 2), k.Strides(1)}} {
		y := k.MaxPooling2D(2, opts...).Apply(k.Input(4, 4, 1))
		if want := (k.Shape{2, 3, 1}); !y.Shape().Equal(want) {
			t.Errorf("windows of 3x2 by 1 over 4x4 give %v, want %v", y.Shape(), want)
		}
	}
	if y := k.MaxPooling2D(2, k.PoolSize(2, 1)).Apply(k.Input(4, 4, 1)); !y.Shape().Equal(k.Shape{2, 4, 1}) {
		t.Errorf("windows of 2x1 side by side give %v, want [2 4 1]", y.Shape())
	}
}

// Two different options for one setting are a mistake, the same in both orders; of
// the same option given twice the last counts.
func TestContradictingOptions(t *testing.T) {
	compile := func(l k.Layer, shape ...int) error {
		return k.Sequential("m", k.Input(shape...), l).Compile(k.SGD(0.1), k.MeanSquaredError)
	}
	wantError(t, compile(k.Conv1D(1, 2, k.SamePadding, k.CausalPadding), 4, 1), "padding: got both CausalPadding and SamePadding")
	wantError(t, compile(k.Conv1D(1, 2, k.CausalPadding, k.SamePadding), 4, 1), "padding: got both CausalPadding and SamePadding")
	wantError(t, compile(k.AveragePooling2D(2, k.SamePadding, k.ValidPadding), 4, 4, 1), "padding: got both SamePadding and ValidPadding")
	wantError(t, compile(k.Dense(1, k.ReLU, k.Tanh), 4), "activation: got both relu and tanh")
	wantError(t, compile(k.Dense(1, k.Tanh, k.ReLU), 4), "activation: got both relu and tanh")
	wantError(t, compile(k.Resizing(2, 2, k.NearestInterpolation, k.BicubicInterpolation), 4, 4, 1), "interpolation: got both bicubic and nearest")
	wantError(t, compile(k.Normalization(k.AllAxes, k.Axis(1)), 4), "axis: got both AllAxes and Axis")
	wantError(t, compile(k.Normalization(k.Axis(1), k.AllAxes), 4), "axis: got both AllAxes and Axis")
	wantError(t, compile(k.Conv2D(1, 2, k.Strides()), 4, 4, 1), "Strides: got 0 numbers, want one, or one for each spatial axis")
	wantError(t, compile(k.BatchNormalization(k.Axis(1, 2)), 4, 4), "Axis: got 2 axes, want one")
	wantError(t, compile(k.MaxPooling2D(2, k.Padding(7)), 4, 4, 1), "Padding(7): unknown")
	wantError(t, compile(k.Dense(1, k.KernelFlag("Bias")), 4), "Bias does not fit, want ActivationFunc, ")
	wantError(t, compile(k.Dense(1, k.KernelFlag("KernelInitializer")), 4), "KernelInitializer: is not a flag")
	wantError(t, compile(k.Conv2D(1, 2, k.CausalPadding, k.Strides(1, 2, 3, 4)), 4, 4, 1), "CausalPadding does not fit", "Strides: got 4 numbers")
	wantError(t, compile(k.Bidirectional(k.LSTM(1, k.Name("l"), k.ResetBefore)), 4, 1), "LSTM: ResetBefore does not fit")
	wantError(t, compile(k.TimeDistributed(k.Conv1D(1, 2, k.CausalPadding, k.SamePadding)), 3, 4, 1), "Conv1D", "padding: got both")
	if err := compile(k.Dense(1, k.ReLU, k.ReLU), 4); err != nil {
		t.Errorf("the same activation twice: %v", err)
	}
	if y := k.MaxPooling1D(2, k.Strides(3), k.Strides(1)).Apply(k.Input(4, 1)); !y.Shape().Equal(k.Shape{3, 1}) {
		t.Errorf("the last of two Strides gives %v, want [3 1]", y.Shape())
	}
}
