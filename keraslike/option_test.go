// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"encoding/json"
	"fmt"
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

// ofLayer is permute for the constructor of a layer.
func ofLayer[O any](t *testing.T, what string, make func(opts ...O) k.Layer, opts ...O) {
	t.Helper()
	permute(t, what, opts, func(opts ...O) string {
		s, err := k.Settings(make(opts...))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return s
	})
}

// The order of options never matters, for any layer, optimizer, loss or metric.
func TestOrderOfOptions(t *testing.T) {
	reg, con := k.L1L2(0.1, 0.2), k.MaxNorm(2)
	pools := []func(int, ...k.PoolOption) k.Layer{k.MaxPooling1D, k.AveragePooling1D, k.MaxPooling2D, k.AveragePooling2D}
	for i, pool := range pools {
		make := func(opts ...k.PoolOption) k.Layer { return pool(2, opts...) }
		ofLayer[k.PoolOption](t, fmt.Sprint("pooling ", i), make, k.Strides(1), k.PoolSize(3, 2), k.SamePadding{}, k.Name("p"))
		ofLayer[k.PoolOption](t, fmt.Sprint("pooling ", i), make, k.Strides2D(1, 4), k.PoolSize(3, 2), k.Name("p"))
	}
	for i, conv := range []func(int, int, ...k.ConvOption) k.Layer{k.Conv1D, k.Conv2D} {
		ofLayer[k.ConvOption](t, fmt.Sprint("convolution ", i+1), func(opts ...k.ConvOption) k.Layer { return conv(2, 3, opts...) },
			k.Strides(2), k.Dilation2D(1, 2), k.KernelSize(2, 3), k.SamePadding{}, k.ReLU, k.KernelInit(k.Ones()), k.BiasInit(k.Ones()), k.KernelL2(0.3),
			k.KernelRegularizer(reg), k.BiasRegularizer(reg), k.ActivityRegularizer(reg), k.KernelConstraint(con), k.BiasConstraint(con), k.Name("c"), k.Trainable(false))
	}
	ofLayer[k.DepthwiseOption](t, "depthwise", func(opts ...k.DepthwiseOption) k.Layer { return k.DepthwiseConv2D(3, opts...) },
		k.DepthMultiplier(2), k.Strides2D(2, 2), k.Dilation(1), k.KernelSize(2, 3), k.SamePadding{}, k.ReLU, k.NoBias{}, k.KernelL2(0.3), k.KernelRegularizer(reg), k.Name("d"))
	ofLayer[k.SeparableOption](t, "separable", func(opts ...k.SeparableOption) k.Layer { return k.SeparableConv2D(2, 3, opts...) },
		k.DepthMultiplier(2), k.Strides(2), k.Dilation2D(1, 1), k.KernelSize(2, 3), k.SamePadding{}, k.ReLU, k.NoBias{}, k.KernelL2(0.3), k.KernelRegularizer(reg), k.Name("s"))
	ofLayer[k.ConvTransposeOption](t, "transposed", func(opts ...k.ConvTransposeOption) k.Layer { return k.Conv2DTranspose(2, 3, opts...) },
		k.Strides(2), k.OutputPadding(1, 0), k.KernelSize(2, 3), k.SamePadding{}, k.ReLU, k.NoBias{}, k.KernelL2(0.3), k.KernelRegularizer(reg), k.Name("t"))
	ofLayer[k.DenseOption](t, "dense", func(opts ...k.DenseOption) k.Layer { return k.Dense(2, opts...) },
		k.ReLU, k.KernelInit(k.Ones()), k.BiasInit(k.Ones()), k.KernelL2(0.3), k.KernelRegularizer(k.L1(0.1)), k.ActivityRegularizer(reg), k.Name("d"), k.Trainable(false))
	for i, rnn := range []func(int, ...k.RecurrentOption) k.Layer{k.SimpleRNN, k.GRU, k.LSTM} {
		make := func(opts ...k.RecurrentOption) k.Layer { return rnn(2, opts...) }
		opts := []k.RecurrentOption{k.ReLU, k.InputDropout(0.1), k.RecurrentDropout(0.2), k.ReturnSequences{}, k.ReturnState{}, k.GoBackwards{}, k.ZeroOutputForMask{}, k.KernelL2(0.3),
			k.KernelRegularizer(reg), k.RecurrentL2(0.4), k.RecurrentRegularizer(reg), k.RecurrentConstraint(con), k.RecurrentInit(k.Ones()), k.BiasInit(k.Ones()), k.Name("r"), k.Trainable(false)}
		ofLayer[k.RecurrentOption](t, fmt.Sprint("recurrent ", i), make, opts...)
		ofLayer[k.BidirectionalOption](t, fmt.Sprint("bidirectional ", i), func(opts ...k.BidirectionalOption) k.Layer { return k.Bidirectional(make(), opts...) },
			k.MergeSum, k.BackwardLayer(make(k.GoBackwards{})), k.Name("b"))
	}
	ofLayer[k.AttentionOption](t, "attention", func(opts ...k.AttentionOption) k.Layer { return k.MultiHeadAttention(2, 3, opts...) },
		k.ValueDim(4), k.OutputDim(5), k.CausalMask{}, k.AttentionMask{}, k.AttentionDropout(0.1), k.NoBias{}, k.KernelL2(0.3), k.KernelRegularizer(reg), k.Name("a"))
	ofLayer[k.EmbeddingOption](t, "embedding", func(opts ...k.EmbeddingOption) k.Layer { return k.Embedding(3, 2, opts...) }, k.MaskZero{}, k.EmbeddingsInit(k.Ones()), k.Name("e"), k.Trainable(false))
	ofLayer[k.BatchNormOption](t, "batch normalization", k.BatchNormalization, k.Axis(1), k.Momentum(0.9), k.Epsilon(1e-2), k.NoScale{}, k.NoCenter{}, k.Name("b"))
	ofLayer[k.LayerNormOption](t, "layer normalization", k.LayerNormalization, k.Axes(1, 2), k.Epsilon(1e-2), k.NoScale{}, k.NoCenter{}, k.Name("l"))
	ofLayer[k.NormalizationOption](t, "normalization", func(opts ...k.NormalizationOption) k.Layer { return k.Normalization(opts...) }, k.Axis(1), k.Name("n"))
	ofLayer[k.PReLUOption](t, "PReLU", k.PReLU, k.SharedAxes(1), k.AlphaInit(k.Ones()), k.Name("p"))
	ofLayer[k.LeakyReLUOption](t, "leaky ReLU", k.LeakyReLU, k.NegativeSlope(0.1), k.Name("l"))
	ofLayer[k.ConcatenateOption](t, "concatenate", k.Concatenate, k.Axis(1), k.Name("c"))
	ofLayer[k.DotOption](t, "dot", func(opts ...k.DotOption) k.Layer { return k.Dot(1, 1, opts...) }, k.Normalized{}, k.Name("d"))
	ofLayer[k.LayerOption](t, "dropout", func(opts ...k.LayerOption) k.Layer { return k.Dropout(0.1, opts...) }, k.Name("d"), k.Trainable(false))

	adam := []k.OptimizerOption{k.Beta1(0.8), k.Beta2(0.9), k.Epsilon(1e-3), k.AMSGrad, k.ClipNorm(1), k.WeightDecay(0.1), k.AverageWeights(0.9), k.AccumulateGradients(2)}
	permute(t, "adam", adam, func(o ...k.OptimizerOption) string { return text(t, k.Adam(0.1, o...)) })
	permute(t, "adamw", adam, func(o ...k.OptimizerOption) string { return text(t, k.AdamW(0.1, o...)) })
	permute(t, "sgd", []k.OptimizerOption{k.Momentum(0.9), k.Nesterov, k.ClipValue(1), k.WeightDecay(0.1)}, func(o ...k.OptimizerOption) string { return text(t, k.SGD(0.1, o...)) })
	permute(t, "rmsprop", []k.OptimizerOption{k.Rho(0.8), k.Momentum(0.9), k.Epsilon(1e-3), k.Centered, k.GlobalClipNorm(1)}, func(o ...k.OptimizerOption) string { return text(t, k.RMSprop(0.1, o...)) })
	permute(t, "adagrad", []k.OptimizerOption{k.InitialAccumulator(0.2), k.Epsilon(1e-3), k.ClipNorm(1)}, func(o ...k.OptimizerOption) string { return text(t, k.Adagrad(0.1, o...)) })

	permute(t, "AUC", []k.MetricOption{k.Thresholds(5), k.PRCurve, k.FromLogits}, func(o ...k.MetricOption) string { return text(t, k.AUC(o...)) })
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
		y := k.MaxPooling2D(2, opts...).Of(k.Input(4, 4, 1))
		if want := (k.Shape{2, 3, 1}); !y.Shape().Equal(want) {
			t.Errorf("windows of 3x2 by 1 over 4x4 give %v, want %v", y.Shape(), want)
		}
	}
	if y := k.MaxPooling2D(2, k.PoolSize(2, 1)).Of(k.Input(4, 4, 1)); !y.Shape().Equal(k.Shape{2, 4, 1}) {
		t.Errorf("windows of 2x1 side by side give %v, want [2 4 1]", y.Shape())
	}
}

// Two different options for one setting are a mistake, the same in both orders; of
// the same option given twice the last counts.
func TestContradictingOptions(t *testing.T) {
	compile := func(l k.Layer, shape ...int) error {
		return k.Sequential("m", k.Input(shape...), l).Compile(k.SGD(0.1), k.MeanSquaredError)
	}
	wantError(t, compile(k.Conv1D(1, 2, k.SamePadding{}, k.CausalPadding{}), 4, 1), "padding: got both CausalPadding and SamePadding")
	wantError(t, compile(k.Conv1D(1, 2, k.CausalPadding{}, k.SamePadding{}), 4, 1), "padding: got both CausalPadding and SamePadding")
	wantError(t, compile(k.Conv2D(1, 2, k.Strides(2), k.Strides2D(1, 2)), 4, 4, 1), "strides: got both Strides and Strides2D")
	wantError(t, compile(k.SeparableConv2D(1, 2, k.Dilation2D(1, 2), k.Dilation(2)), 4, 4, 1), "dilation: got both Dilation and Dilation2D")
	wantError(t, compile(k.DepthwiseConv2D(2, k.Strides2D(1, 2), k.Strides(2)), 4, 4, 1), "strides: got both")
	wantError(t, compile(k.Conv2DTranspose(1, 2, k.Strides2D(1, 2), k.Strides(2)), 4, 4, 1), "strides: got both")
	wantError(t, compile(k.AveragePooling2D(2, k.Strides2D(1, 2), k.Strides(2)), 4, 4, 1), "strides: got both")
	wantError(t, compile(k.Normalization(k.AllAxes{}, k.Axis(1)), 4), "axes: got both AllAxes and Axis")
	wantError(t, compile(k.TimeDistributed(k.Conv1D(1, 2, k.CausalPadding{}, k.SamePadding{})), 3, 4, 1), "Conv1D", "padding: got both")
	if y := k.MaxPooling1D(2, k.Strides(3), k.Strides(1)).Of(k.Input(4, 1)); !y.Shape().Equal(k.Shape{3, 1}) {
		t.Errorf("the last of two Strides gives %v, want [3 1]", y.Shape())
	}
}
