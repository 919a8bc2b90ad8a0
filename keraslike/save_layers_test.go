// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
)

// layerCase is a stack of layers to be saved and loaded.
type layerCase struct {
	in     []int
	layers []k.Part
}

// layerCases have every layer, with arguments that are not the defaults.
func layerCases() map[string]layerCase {
	parts := func(p ...k.Part) []k.Part { return p }
	return map[string]layerCase{
		"flat":   {[]int{5}, parts(k.Dense(4, k.ELU, k.NoBias, k.KernelRegularizer(k.L2(0.1))), k.Dropout(0.1, k.NoiseShape(1)), k.AlphaDropout(0.1, k.NoiseShape(k.Any)), k.Activation(k.LogSoftmax), k.RepeatVector(3), k.Flatten())},
		"shapes": {[]int{6, 4}, parts(k.Permute([]int{2, 1}), k.Reshape([]int{2, 2, 6}), k.UpSampling2D(2, 1), k.ZeroPadding2D(0, 1, 2, 3), k.Cropping2D(1, 0, 0, 2))},
		"2D": {[]int{9, 8, 2}, parts(k.Conv2D(3, 3, k.ReLU, k.SamePadding, k.Strides(2), k.Name("conv")), k.MaxPooling2D(2),
			k.Conv2D(2, 2, k.NoBias, k.KernelInitializer(k.HeUniform())), k.AveragePooling2D(2, k.SamePadding, k.Strides(1)), k.GlobalAveragePooling2D())},
		"channels first": {[]int{2, 4, 4}, parts(k.ChannelsFirst(k.Conv2D(3, 2)), k.ChannelsFirst(k.GlobalMaxPooling2D()))},
		"regular":        {[]int{4, 3}, parts(k.RMSNormalization(), k.ActivityRegularization(k.L2(0.1)), k.GlobalMaxPooling1D(k.KeepDims))},
		"spectrogram": {[]int{20}, parts(k.MelSpectrogram(8, 3, k.SequenceStride(4), k.SamplingRate(800), k.MaxFrequency(300), k.NoDecibels),
			k.BatchNormalization(k.Axis(1), k.Renorm, k.RenormClipping(0, math.Inf(1), 2), k.MovingMeanInitializer(k.Constant(0.5))), k.Normalization(k.Axis(1, 2), k.Invert),
			k.Normalization(k.Axis(2, 1), k.Statistics([]float64{1, 2, 3, 4, 5, 6}, []float64{1, 2, 3, 1, 2, 3})), k.Flatten())},
		"einsum":     {[]int{4, 3}, parts(k.EinsumDense("...c,cd->...d", []int{5}, k.BiasAxes("d")), k.EinsumDense("abc,bcd->ad", []int{2}, k.ReLU))},
		"attentions": {[]int{4, 3}, parts(attentions())},
		"2D max":     {[]int{4, 4, 3}, parts(k.GlobalMaxPooling2D())},
		"1D": {[]int{12, 3}, parts(k.ZeroPadding1D(1, 2), k.Conv1D(4, 3, k.Tanh, k.CausalPadding, k.Dilation(2)), k.MaxPooling1D(2), k.UpSampling1D(2), k.Cropping1D(1, 1),
			k.AveragePooling1D(2), k.GlobalMaxPooling1D())},
		"3D": {[]int{6, 6, 5, 2}, parts(k.Conv3D(4, 2, k.Strides(1, 2, 1), k.SamePadding, k.Groups(2)), k.MaxPooling3D(2), k.Conv3DTranspose(2, 2, k.Strides(2)),
			k.AveragePooling3D(2, k.PoolSize(1, 2, 2)), k.GlobalAveragePooling3D())},
		"convolutional recurrent": {[]int{3, 4, 5, 2, 1}, parts(k.ConvLSTM3D(2, 2, k.ReturnSequences, k.SamePadding, k.Strides(1, 2, 1)), k.Reshape([]int{3, 12, 2, 2}), k.ConvLSTM2D(2, 2, k.ReturnSequences, k.GoBackwards, k.NoBias),
			k.Reshape([]int{3, 11, 2}), k.ConvLSTM1D(3, 2, k.Dilation(2), k.RecurrentActivation(k.HardSigmoid), k.InputDropout(0.1)))},
		"3D max":     {[]int{3, 3, 2, 2}, parts(k.ZeroPadding3D(1, 0, 2, 0, 0, 1), k.Cropping3D(0, 1, 0, 1, 1, 0), k.UpSampling3D(1, 2, 3), k.SpatialDropout3D(0.2), k.GlobalMaxPooling3D())},
		"more 1D":    {[]int{8, 3}, parts(k.DepthwiseConv1D(3, k.CausalPadding), k.SeparableConv1D(4, 2, k.Dilation(2)), k.Conv1DTranspose(2, 3, k.Strides(2), k.OutputPadding(1)), k.Flatten())},
		"1D average": {[]int{4, 3}, parts(k.GlobalAveragePooling1D())},
		"more 2D": {[]int{6, 6, 2}, parts(k.Rescaling(0.5, 1), k.DepthwiseConv2D(3, k.SamePadding), k.BatchNormalization(), k.SeparableConv2D(3, 2),
			k.SpatialDropout2D(0.1), k.Conv2DTranspose(2, 3), k.LeakyReLU(), k.PReLU(), k.LayerNormalization(), k.GroupNormalization(k.Groups(-1)), k.UnitNormalization(), k.Flatten())},
		"noise":    {[]int{4, 3}, parts(k.GaussianNoise(0.1), k.GaussianDropout(0.2), k.SpatialDropout1D(0.3))},
		"merging":  {[]int{5}, parts(merging())},
		"sequence": {[]int{4, 3}, parts(k.Normalization(), k.Masking(0), k.Bidirectional(k.GRU(2, k.ReturnSequences), k.MergeSum), k.Dense(3), attention(), k.TimeDistributed(k.Dense(2)))},
		"cells": {[]int{4, 3}, parts(k.RNN(k.GRUCell(2, k.Name("own")), k.ReturnSequences, k.GoBackwards),
			k.RNN(k.StackedRNNCells(k.LSTMCell(3, k.NoBias), k.StackedRNNCells(k.LSTMCell(2, k.InputDropout(0.1)), k.SimpleRNNCell(2, k.ReLU)))))},
		"positions": {[]int{7}, parts(k.TokenAndPositionEmbedding(10, 9, 4, k.StartIndex(2), k.MaskZero), k.PositionEmbedding(7), k.SpectralNormalization(k.Dense(4), k.PowerIterations(2)),
			k.RotaryEmbedding(k.MaxWavelength(100)), k.SinePositionEncoding(k.StartIndex(1)), k.Flatten())},
		"adaptive": {[]int{4, 5, 3, 2}, parts(k.AdaptiveMaxPooling3D(3, 4, 2), k.AdaptiveAveragePooling3D(2, 3, 2), k.Reshape([]int{6, 2, 2}), k.UpSampling2D(2, 1, k.BicubicInterpolation),
			k.AdaptiveAveragePooling2D(5, 2), k.AdaptiveMaxPooling2D(3, 2), k.Reshape([]int{6, 2}), k.AdaptiveMaxPooling1D(4), k.AdaptiveAveragePooling1D(3))},
		"tied":      {[]int{7}, parts(tied(k.Embedding(12, 3)))},
		"recurrent": {[]int{7}, parts(k.Embedding(10, 4, k.MaskZero), k.SimpleRNN(3, k.ReturnSequences), k.GRU(4, k.ReturnSequences, k.ResetBefore), k.LSTM(2, k.GoBackwards))},
	}
}

// merging is a model with every layer of several inputs.
func merging() *k.Model {
	in := k.Input(5)
	a, b := k.Dense(4, k.Name("a")).Apply(in), k.Dense(4, k.Name("b")).Apply(in)
	var all []*k.Tensor
	for _, l := range []k.Layer{k.Add(), k.Subtract(), k.Multiply(), k.Average(), k.Maximum(), k.Minimum(), k.Dot(1, 1)} {
		all = append(all, l.Apply(a, b))
	}
	return k.NewModel("merging", []*k.Tensor{in}, []*k.Tensor{k.Concatenate().Apply(all...)})
}

// attentions is a model with every other layer of attention.
func attentions() *k.Model {
	in := k.Input(4, 3)
	var all []*k.Tensor
	for _, l := range []k.Layer{k.Attention(k.UseScale, k.ConcatScore), k.AdditiveAttention(), k.GroupQueryAttention(2, 4, 2, k.UseGate, k.SlidingWindow(2))} {
		all = append(all, l.Apply(in, in))
	}
	scored := k.MultiHeadAttention(2, 3, k.ReturnScores, k.AttentionAxes(1)).Apply(in)
	all = append(all, scored, k.Reshape([]int{4, 8}).Apply(scored.Output(1)))
	return k.NewModel("attentions", []*k.Tensor{in}, []*k.Tensor{k.Concatenate().Apply(all...)})
}

// attention is a model in which a sequence looks at itself.
func attention() *k.Model {
	in := k.Input(4, 3)
	return k.NewModel("attention", []*k.Tensor{in}, []*k.Tensor{k.MultiHeadAttention(2, 3).Apply(in, in)})
}

func TestSaveLoadOfEachLayer(t *testing.T) {
	var kinds strings.Builder
	for name, c := range layerCases() {
		t.Run(name, func(t *testing.T) {
			m := k.Sequential("m", append([]k.Part{k.Input(c.in...)}, c.layers...)...)
			if err := m.Build(5); err != nil {
				t.Fatal(err)
			}
			n := 2
			for _, d := range c.in {
				n *= d
			}
			kinds.WriteString(summary(t, m))
			for _, p := range c.layers {
				if inner, ok := p.(*k.Model); ok {
					kinds.WriteString(summary(t, inner))
				}
			}
			values := make([]float32, n)
			for i := range values {
				values[i] = float32(i * 7 % 10) // word numbers, too
			}
			x := tensorOf(append([]int{2}, c.in...), values)
			content, path := saved(t, m)
			reloaded := loaded(t, path)
			if got, want := predict(t, reloaded, x), predict(t, m, x); !slices.Equal(got, want) {
				t.Errorf("predictions are %v after Load, %v before", got, want)
			}
			if again, _ := saved(t, reloaded); !slices.Equal(again, content) {
				t.Error("saving the loaded model gives other bytes")
			}
		})
	}
	preprocessing := k.PreprocessingKinds(t) // TestEveryPreprocessingLayer
	for _, kind := range k.Kinds() {
		if !slices.Contains(preprocessing, kind) && !strings.Contains(kinds.String(), " ("+kind+") ") {
			t.Errorf("no model of this test has a layer of kind %s", kind)
		}
	}
}
