// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
)

// layerRow is one registered kind, with arguments that are not the defaults
// where it has any, so that one that is lost by saving shows.
type layerRow struct {
	kind       string
	layer      func() Layer
	in         []Shape
	out        Shape
	parameters int
	ids        int    // when the input is whole numbers below this
	shaped     bool   // when only the shape of the input counts
	masked     bool   // when the last input is zeros and ones, one at least in each row
	moves      string // State weights that training changes
	still      string // trained weights whose gradient is always 0
}

func layerRows() []layerRow {
	series, image, volume := []Shape{{5, 3}}, []Shape{{6, 4, 2}}, []Shape{{4, 3, 2, 2}}
	two := []Shape{{4, 3}, {4, 3}}
	glorot, ones := KernelInitializer(GlorotNormal()), BiasInitializer(Constant(0.5))
	return []layerRow{
		{kind: "Dense", layer: func() Layer { return Dense(4, Tanh, glorot, ones, KernelRegularizer(L2(0.01))) }, in: series, out: Shape{5, 4}, parameters: 16},
		{kind: "Activation", layer: func() Layer { return Activation(GELU) }, in: series, out: series[0]},
		{kind: "Dropout", layer: func() Layer { return Dropout(0.3) }, in: series, out: series[0]},
		{kind: "Flatten", layer: func() Layer { return Flatten() }, in: image, out: Shape{48}},
		{kind: "Embedding", layer: func() Layer { return Embedding(7, 3, EmbeddingsInitializer(RandomNormal(1))) }, in: []Shape{{6}}, out: Shape{6, 3}, parameters: 21, ids: 7},
		{kind: "PositionEmbedding", layer: func() Layer { return PositionEmbedding(12, StartIndex(2), EmbeddingsInitializer(RandomNormal(1))) }, in: series, out: series[0], parameters: 36, shaped: true},
		{kind: "SinePositionEncoding", layer: func() Layer { return SinePositionEncoding(MaxWavelength(50), StartIndex(2)) }, in: series, out: series[0], shaped: true},
		{kind: "RotaryEmbedding", layer: func() Layer {
			return RotaryEmbedding(MaxWavelength(50), ScalingFactor(2), DynamicScaling, StartIndex(1), SequenceAxis(3), FeatureAxis(1))
		}, in: image, out: image[0]},
		{kind: "TokenAndPositionEmbedding", layer: func() Layer { return TokenAndPositionEmbedding(7, 13, 3, StartIndex(1)) }, in: []Shape{{6}}, out: Shape{6, 3}, parameters: 21 + 39, ids: 7},

		{kind: "Masking", layer: func() Layer { return Masking(-1) }, in: series, out: series[0]},

		{kind: "SimpleRNN", layer: func() Layer { return SimpleRNN(4, GELU, ReturnSequences, RecurrentDropout(0.2)) }, in: series, out: Shape{5, 4}, parameters: 12 + 16 + 4},
		{kind: "GRU", layer: func() Layer {
			return GRU(4, Softsign, RecurrentActivation(HardSigmoid), InputDropout(0.3), RecurrentDropout(0.2))
		}, in: series, out: Shape{4}, parameters: 3 * (12 + 16 + 8)},
		{kind: "LSTM", layer: func() Layer { return LSTM(4, NoBias, InputDropout(0.2)) }, in: series, out: Shape{4}, parameters: 4 * (12 + 16)},

		{kind: "ConvLSTM1D", layer: func() Layer {
			return ConvLSTM1D(2, 3, Strides(2), NoBias, RecurrentActivation(HardSigmoid), InputDropout(0.3), RecurrentDropout(0.2))
		}, in: image, out: Shape{1, 2}, parameters: 3*2*8 + 3*2*8},
		{kind: "ConvLSTM2D", layer: func() Layer { return ConvLSTM2D(3, 1, KernelSize(2, 1), Dilation(2, 1), ReturnSequences, Softsign) }, in: volume, out: Shape{4, 1, 2, 3}, parameters: 2*2*12 + 2*3*12 + 12},
		{kind: "ConvLSTM3D", layer: func() Layer { return ConvLSTM3D(1, 2, SamePadding, GoBackwards) }, in: []Shape{{3, 2, 3, 2, 1}}, out: Shape{2, 3, 2, 1}, parameters: 8*4 + 8*4 + 4},

		{kind: "RNN", layer: func() Layer {
			return RNN(StackedRNNCells(GRUCell(3, ResetBefore, RecurrentDropout(0.2)), SimpleRNNCell(2, GELU, NoBias)), ReturnSequences, GoBackwards)
		}, in: series, out: Shape{5, 2}, parameters: 9*3 + 9*3 + 9 + 3*2 + 2*2},

		{kind: "Bidirectional", layer: func() Layer {
			return Bidirectional(GRU(3, ReturnSequences, ResetBefore), BackwardLayer(LSTM(2, ReturnSequences, GoBackwards, NoBias, Name("back"))))
		}, in: series, out: Shape{5, 5}, parameters: 9*3 + 9*3 + 9 + 8*3 + 8*2},

		{kind: "Reshape", layer: func() Layer { return Reshape([]int{3, -1}) }, in: series, out: Shape{3, 5}},
		{kind: "Permute", layer: func() Layer { return Permute([]int{3, 1, 2}) }, in: image, out: Shape{2, 6, 4}},
		{kind: "RepeatVector", layer: func() Layer { return RepeatVector(4) }, in: []Shape{{3}}, out: Shape{4, 3}},
		{kind: "ZeroPadding1D", layer: func() Layer { return ZeroPadding1D(1, 2) }, in: series, out: Shape{8, 3}},
		{kind: "ZeroPadding2D", layer: func() Layer { return ZeroPadding2D(1, 2, 3, 4) }, in: image, out: Shape{9, 11, 2}},
		{kind: "ZeroPadding3D", layer: func() Layer { return ZeroPadding3D(1, 0, 2, 1, 0, 3) }, in: volume, out: Shape{5, 6, 5, 2}},
		{kind: "Cropping3D", layer: func() Layer { return Cropping3D(1, 2, 0, 1, 1, 0) }, in: volume, out: Shape{1, 2, 1, 2}},
		{kind: "UpSampling3D", layer: func() Layer { return UpSampling3D(2, 1, 3) }, in: volume, out: Shape{8, 3, 6, 2}},
		{kind: "SpatialDropout3D", layer: func() Layer { return SpatialDropout3D(0.3) }, in: volume, out: volume[0]},
		{kind: "Cropping1D", layer: func() Layer { return Cropping1D(1, 2) }, in: series, out: Shape{2, 3}},
		{kind: "Cropping2D", layer: func() Layer { return Cropping2D(1, 2, 0, 3) }, in: image, out: Shape{3, 1, 2}},
		{kind: "UpSampling1D", layer: func() Layer { return UpSampling1D(3) }, in: series, out: Shape{15, 3}},
		{kind: "UpSampling2D", layer: func() Layer { return UpSampling2D(2, 3, BilinearInterpolation) }, in: image, out: Shape{12, 12, 2}},

		{kind: "Add", layer: func() Layer { return Add() }, in: []Shape{{4, 3}, {1, 3}, {4, 1}}, out: two[0]},
		{kind: "Subtract", layer: func() Layer { return Subtract() }, in: two, out: two[0]},
		{kind: "Multiply", layer: func() Layer { return Multiply() }, in: two, out: two[0]},
		{kind: "Average", layer: func() Layer { return Average() }, in: two, out: two[0]},
		{kind: "Maximum", layer: func() Layer { return Maximum() }, in: two, out: two[0]},
		{kind: "Minimum", layer: func() Layer { return Minimum() }, in: two, out: two[0]},
		{kind: "Concatenate", layer: func() Layer { return Concatenate(Axis(1)) }, in: []Shape{{4, 3}, {2, 3}}, out: Shape{6, 3}},
		{kind: "Dot", layer: func() Layer { return Dot(1, -1, Normalized) }, in: []Shape{{4, 3}, {2, 4}}, out: Shape{3, 2}},

		{kind: "Conv1D", layer: func() Layer { return Conv1D(4, 2, CausalPadding, Dilation(2), ReLU) }, in: series, out: Shape{5, 4}, parameters: 28},
		{kind: "Conv2D", layer: func() Layer { return Conv2D(4, 1, KernelSize(3, 2), Strides(2, 1), SamePadding, NoBias) }, in: image, out: Shape{3, 4, 4}, parameters: 48},
		{kind: "DepthwiseConv2D", layer: func() Layer { return DepthwiseConv2D(3, DepthMultiplier(2), Tanh, glorot, ones, SamePadding) }, in: image, out: Shape{6, 4, 4}, parameters: 40},
		{kind: "SeparableConv2D", layer: func() Layer {
			return SeparableConv2D(5, 3, DepthMultiplier(2), KernelRegularizer(Regularizer{L1: 0.01}), KernelConstraint(NonNeg()), KernelSize(2, 3))
		}, in: image, out: Shape{5, 2, 5}, parameters: 24 + 20 + 5},
		{kind: "Conv2DTranspose", layer: func() Layer { return Conv2DTranspose(3, 3, Strides(2), SamePadding, OutputPadding(1, 0)) }, in: image, out: Shape{12, 7, 3}, parameters: 57},

		{kind: "Conv3D", layer: func() Layer { return Conv3D(4, 2, SamePadding, Strides(2, 1, 1), Groups(2), Tanh) }, in: volume, out: Shape{2, 3, 2, 4}, parameters: 36},
		{kind: "DepthwiseConv1D", layer: func() Layer { return DepthwiseConv1D(2, CausalPadding, DepthMultiplier(2)) }, in: series, out: Shape{5, 6}, parameters: 18},
		{kind: "SeparableConv1D", layer: func() Layer { return SeparableConv1D(4, 2, Dilation(2), ReLU) }, in: series, out: Shape{3, 4}, parameters: 6 + 12 + 4},
		{kind: "Conv1DTranspose", layer: func() Layer { return Conv1DTranspose(2, 3, Strides(2)) }, in: series, out: Shape{11, 2}, parameters: 20},
		{kind: "Conv3DTranspose", layer: func() Layer { return Conv3DTranspose(2, 2, Dilation(2), NoBias) }, in: volume, out: Shape{6, 5, 4, 2}, parameters: 32},

		{kind: "MaxPooling3D", layer: func() Layer { return MaxPooling3D(2, SamePadding) }, in: volume, out: Shape{2, 2, 1, 2}},
		{kind: "AveragePooling3D", layer: func() Layer { return AveragePooling3D(2, Strides(1)) }, in: volume, out: Shape{3, 2, 1, 2}},
		{kind: "GlobalMaxPooling3D", layer: func() Layer { return GlobalMaxPooling3D() }, in: volume, out: Shape{2}},
		{kind: "GlobalAveragePooling3D", layer: func() Layer { return GlobalAveragePooling3D() }, in: volume, out: Shape{2}},
		{kind: "MaxPooling1D", layer: func() Layer { return MaxPooling1D(2, Strides(1)) }, in: series, out: Shape{4, 3}},
		{kind: "MaxPooling2D", layer: func() Layer { return MaxPooling2D(2, SamePadding, Strides(2, 3)) }, in: image, out: Shape{3, 2, 2}},
		{kind: "AveragePooling1D", layer: func() Layer { return AveragePooling1D(2) }, in: series, out: Shape{2, 3}},
		{kind: "AveragePooling2D", layer: func() Layer { return AveragePooling2D(1, PoolSize(2, 3)) }, in: image, out: Shape{3, 1, 2}},
		{kind: "AdaptiveMaxPooling1D", layer: func() Layer { return AdaptiveMaxPooling1D(2) }, in: series, out: Shape{2, 3}},
		{kind: "AdaptiveMaxPooling2D", layer: func() Layer { return AdaptiveMaxPooling2D(4, 2) }, in: image, out: Shape{4, 2, 2}},
		{kind: "AdaptiveMaxPooling3D", layer: func() Layer { return AdaptiveMaxPooling3D(2, 2, 3) }, in: volume, out: Shape{2, 2, 3, 2}},
		{kind: "AdaptiveAveragePooling1D", layer: func() Layer { return AdaptiveAveragePooling1D(4) }, in: series, out: Shape{4, 3}},
		{kind: "AdaptiveAveragePooling2D", layer: func() Layer { return AdaptiveAveragePooling2D(4, 3) }, in: image, out: Shape{4, 3, 2}},
		{kind: "AdaptiveAveragePooling3D", layer: func() Layer { return AdaptiveAveragePooling3D(3, 2, 1) }, in: volume, out: Shape{3, 2, 1, 2}},
		{kind: "GlobalMaxPooling1D", layer: func() Layer { return GlobalMaxPooling1D() }, in: series, out: Shape{3}},
		{kind: "GlobalMaxPooling2D", layer: func() Layer { return GlobalMaxPooling2D() }, in: image, out: Shape{2}},
		{kind: "GlobalAveragePooling1D", layer: func() Layer { return GlobalAveragePooling1D() }, in: series, out: Shape{3}},
		{kind: "GlobalAveragePooling2D", layer: func() Layer { return GlobalAveragePooling2D() }, in: image, out: Shape{2}},

		{kind: "BatchNormalization", layer: func() Layer { return BatchNormalization(Axis(1), Momentum(0.9), Epsilon(0.01)) }, in: image, out: image[0], parameters: 24, moves: "moving_mean moving_variance"},
		{kind: "BatchNormalization", layer: func() Layer {
			return BatchNormalization(Axis(1), Renorm, RenormMomentum(0.9), RenormClipping(0.5, 2, 3), MovingVarianceInitializer(Constant(4)), MovingMeanInitializer(Constant(0.5)))
		}, in: image, out: image[0], parameters: 42, moves: "moving_mean moving_variance moving_stddev renorm_mean renorm_stddev"},
		{kind: "LayerNormalization", layer: func() Layer { return LayerNormalization(Axis(1, 3), Epsilon(0.01)) }, in: image, out: image[0], parameters: 24},
		{kind: "GroupNormalization", layer: func() Layer { return GroupNormalization(Groups(2), Axis(2), Epsilon(0.01)) }, in: image, out: image[0], parameters: 8},
		{kind: "UnitNormalization", layer: func() Layer { return UnitNormalization(Axis(1, 3)) }, in: image, out: image[0]},
		{kind: "LeakyReLU", layer: func() Layer { return LeakyReLU(NegativeSlope(0.1)) }, in: series, out: series[0]},
		{kind: "PReLU", layer: func() Layer { return PReLU(SharedAxes(1), AlphaInitializer(Constant(0.2))) }, in: image, out: image[0], parameters: 8},
		{kind: "AlphaDropout", layer: func() Layer { return AlphaDropout(0.3, NoiseShape(1, Any)) }, in: series, out: series[0]},
		{kind: "SpatialDropout1D", layer: func() Layer { return SpatialDropout1D(0.3) }, in: series, out: series[0]},
		{kind: "SpatialDropout2D", layer: func() Layer { return SpatialDropout2D(0.3) }, in: image, out: image[0]},
		{kind: "GaussianNoise", layer: func() Layer { return GaussianNoise(0.3) }, in: series, out: series[0]},
		{kind: "GaussianDropout", layer: func() Layer { return GaussianDropout(0.3) }, in: series, out: series[0]},
		{kind: "Rescaling", layer: func() Layer { return Rescaling(2, -1) }, in: image, out: image[0]},
		{kind: "Normalization", layer: func() Layer { return Normalization(Axis(1)) }, in: image, out: image[0], parameters: 12},
		{kind: "Normalization", layer: func() Layer {
			return Normalization(Axis(1), Invert, Statistics([]float64{2, 1, 0, -1, 3, 1}, []float64{3, 1, 2, 2, 1, 1}))
		}, in: image, out: image[0]},
		{kind: "SpectralNormalization", layer: func() Layer { return SpectralNormalization(Conv1D(4, 2, ReLU), PowerIterations(2)) }, in: series, out: Shape{4, 4}, parameters: 24 + 4 + 4, moves: "vector_u"},
		{kind: "TimeDistributed", layer: func() Layer { return TimeDistributed(Dense(4, NoBias)) }, in: image, out: Shape{6, 4, 4}, parameters: 8},
		{kind: "RMSNormalization", layer: func() Layer { return RMSNormalization(Axis(1, 3), Epsilon(0.01)) }, in: image, out: image[0], parameters: 12},
		{kind: "ActivityRegularization", layer: func() Layer { return ActivityRegularization(L1L2(0.1, 0.2)) }, in: series, out: series[0]},
		{kind: "EinsumDense", layer: func() Layer {
			return EinsumDense("abcd,cde->abe", []int{Any, 5}, BiasAxes("e"), ActivityRegularizer(Regularizer{L2: 0.1}))
		}, in: image, out: Shape{6, 5}, parameters: 45},
		{kind: "Attention", layer: func() Layer { return Attention(UseScale, ConcatScore, CausalMask, AttentionDropout(0.2)) }, in: []Shape{{4, 3}, {6, 2}, {6, 3}}, out: Shape{4, 2}, parameters: 2},
		{kind: "AdditiveAttention", layer: func() Layer { return AdditiveAttention() }, in: []Shape{{4, 3}, {6, 3}}, out: Shape{4, 3}, parameters: 3},
		{kind: "GroupQueryAttention", layer: func() Layer {
			return GroupQueryAttention(3, 4, 2, UseGate, SlidingWindow(3), NoBias, AttentionDropout(0.2))
		}, in: []Shape{{4, 3}, {6, 2}}, out: Shape{4, 3}, parameters: 36 + 12 + 12 + 36 + 36},
		{kind: "ChannelsFirst", layer: func() Layer { return ChannelsFirst(Conv2D(3, 2, NoBias)) }, in: image, out: Shape{3, 3, 1}, parameters: 72},
		{kind: "MultiHeadAttention", layer: func() Layer {
			return MultiHeadAttention(2, 3, ValueDim(4), OutputDim(5), CausalMask, AttentionMask, AttentionDropout(0.2), ones, ActivityRegularizer(Regularizer{L2: 0.1}), BiasConstraint(MaxNorm(9)))
		}, in: []Shape{{4, 3}, {6, 2}, {4, 6}}, out: Shape{4, 5}, parameters: 24 + 18 + 24 + 45, masked: true, still: "key/bias"},
	}
}

// TestEveryKindHasARow fails when a kind is registered and not tested here.
func TestEveryKindHasARow(t *testing.T) {
	seen := map[string]bool{"Input": true, "Model": true, "ReverseEmbedding": true} // TestReverseEmbedding
	for _, r := range layerRows() {
		if kind := r.layer().core().def.Kind(); kind != r.kind {
			t.Errorf("the row of %s makes a %s", r.kind, kind)
		}
		if definitions[r.kind] == nil {
			t.Errorf("%s has a row and is not registered", r.kind)
		}
		seen[r.kind] = true
	}
	for _, r := range preprocessingRows(t) {
		seen[r.kind] = true
	}
	for kind := range definitions {
		if !seen[kind] {
			t.Errorf("%s is registered and has no row in layerRows", kind)
		}
	}
}

// TestEveryLayer takes every kind through the life of a layer.
func TestEveryLayer(t *testing.T) {
	for _, r := range layerRows() {
		t.Run(r.kind, func(t *testing.T) {
			m, data := r.model(t)
			r.checkShapes(t, m, data)
			r.checkConfig(t)
			r.checkSummary(t, m)
			r.checkSaving(t, m, data)
			r.checkTraining(t, m, data)
			r.checkSaving(t, m, data) // now with trained weights
		})
	}
}

// offset adds a trained row to every sample, so that a model of layers without
// weights has something to train, and their gradients somewhere to go.
type offset struct{}

func (*offset) Kind() string { return "Offset" }

func (*offset) Build(b *Builder, in []Shape) (Shape, error) {
	b.Weight("row", Zeros(), Regularizer{}, in[0].Size())
	return in[0], nil
}

func (*offset) Forward(s *Scope, in []*graph.Node) *graph.Node {
	y := s.Do(graph.AddRow(s.Do(graph.Flatten(in[0])), s.Weight("row")))
	return s.Do(graph.Reshape(y, in[0].Shape()...))
}

const rowSamples = 3

// model is the layer with one offset in front, where the input is no id, and one
// behind, compiled, with data that fits it.
func (r *layerRow) model(t *testing.T) (*Model, *data) {
	t.Helper()
	rng := newRand(1, r.kind)
	d := &data{}
	var inputs, in []*Tensor
	for i, s := range r.in {
		x := NamedInput(fmt.Sprint("input ", i), s...)
		inputs, in = append(inputs, x), append(in, x)
		values := make([]float32, rowSamples*s.Size())
		for k := range values {
			switch {
			case r.ids > 0:
				values[k] = float32(rng.IntN(r.ids))
			case r.masked && i == len(r.in)-1:
				values[k] = float32(max(rng.IntN(2), 1-k%s[len(s)-1]))
			default:
				values[k] = float32(rng.NormFloat64())
			}
		}
		d.inputs = append(d.inputs, &Array{values: values, shape: Shape(s).withBatch(rowSamples)})
	}
	if r.ids == 0 && !r.shaped {
		in[0] = Custom(&offset{}, Name("before")).Apply(in[0])
	}
	y := Custom(&offset{}, Name("behind")).Apply(r.layer().Apply(in...))
	m := NewModel("row", inputs, []*Tensor{y})
	if err := m.Compile(SGD(0.1), MeanSquaredError, Seed(3)); err != nil {
		t.Fatal(err)
	}
	targets := make([]float32, rowSamples*r.out.Size())
	for k := range targets {
		targets[k] = float32(rng.NormFloat64())
	}
	d.targets = []*Array{{values: targets, shape: r.out.withBatch(rowSamples)}}
	return m, d
}

func (r *layerRow) checkShapes(t *testing.T, m *Model, d *data) {
	t.Helper()
	if got := m.outputs[0].shape; !got.Equal(r.out) {
		t.Errorf("symbolic shape is %v, want %v", got, r.out)
	}
	y, err := m.PredictSource(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if got := y[0].Shape(); !slices.Equal([]int(got), r.out.withBatch(rowSamples)) {
		t.Errorf("shape at run time is %v, want %v", got, r.out.withBatch(rowSamples))
	}
}

// checkConfig: arguments read back are the arguments written.
func (r *layerRow) checkConfig(t *testing.T) {
	t.Helper()
	l := r.layer().core()
	l.name = "some name"
	want, err := l.config()
	if err != nil {
		t.Fatal(err)
	}
	reloaded, err := want.layer(newLoader(nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	got, err := reloaded.config()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Config, want.Config) || got.Name != want.Name || got.Kind != want.Kind {
		t.Errorf("config is %+v after a round trip, was %+v", got, want)
	}
	if !json.Valid(got.Config) {
		t.Errorf("config is no JSON: %s", got.Config)
	}
}

func (r *layerRow) checkSummary(t *testing.T, m *Model) {
	t.Helper()
	var b strings.Builder
	if err := m.Summary(&b); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%s (%s) %v %d ", snakeCase(r.kind), r.kind, r.out, r.parameters)
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(strings.Join(strings.Fields(line), " ")+" ", want) {
			return
		}
	}
	t.Errorf("no line of the summary begins with %q:\n%s", want, &b)
}

func (r *layerRow) checkSaving(t *testing.T, m *Model, d *data) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	reloaded, err := Load(path, WithCustomLayer(func() Definition { return &offset{} }))
	if err != nil {
		t.Fatal(err)
	}
	if err := reloaded.Save(path + " again"); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(path + " again")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the loaded model is saved as other bytes")
	}
	want, err := m.PredictSource(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := reloaded.PredictSource(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got[0].Values(), want[0].Values()) {
		t.Error("the loaded model predicts other numbers")
	}
}

// checkTraining: evaluation changes nothing, a step of training exactly what is
// trained and what the layer moves itself, and repeated steps allocate nothing.
func (r *layerRow) checkTraining(t *testing.T, m *Model, d *data) {
	t.Helper()
	before := map[*Weight][]float32{}
	for _, w := range m.weights {
		before[w] = w.Values()
	}
	if _, err := m.Evaluate(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for w, v := range before {
		if !slices.Equal(w.Values(), v) {
			t.Errorf("evaluation changed %s", w.path)
		}
	}
	p, err := m.trainingGraph(graphKey{batch: rowSamples})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.fill(d, upTo(rowSamples), nil, nil); err != nil {
		t.Fatal(err)
	}
	step := func() {
		if err := m.update(p, 0.1); err != nil {
			t.Fatal(err)
		}
	}
	step()
	moves, still := strings.Fields(r.moves), strings.Fields(r.still)
	for _, w := range m.weights {
		want := slices.Contains(m.trainer.weights, w) || slices.Contains(moves, w.name)
		if changed := !slices.Equal(w.Values(), before[w]); changed != want && !slices.Contains(still, w.name) {
			t.Errorf("one step of training changed %s: %v, want %v", w.path, changed, want)
		}
	}
	if n := testing.AllocsPerRun(5, step); n != 0 {
		t.Errorf("a step of training allocates %v times", n)
	}
}

// TestUpdateMistakes: what a layer may not update.
func TestUpdateMistakes(t *testing.T) {
	for name, want := range map[string]string{
		"trained": `Updater "u": updates weight "trained", which the optimizer trains: declare it with State`,
		"none":    `Updater "u": updates "none", which it did not declare`,
		"state":   `Updater "u": updates "state" of shape (3) with shape (2)`,
	} {
		m := Sequential("m", Input(2), Custom(&updater{name}, Name("u")))
		err := m.Compile(SGD(0.1), MeanSquaredError)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

// updater moves a weight to where it may not go.
type updater struct{ Weight string }

func (*updater) Kind() string { return "Updater" }

func (*updater) Build(b *Builder, in []Shape) (Shape, error) {
	b.Weight("trained", Zeros(), Regularizer{}, 2)
	b.State("state", Zeros(), 3)
	return in[0], nil
}

func (u *updater) Forward(s *Scope, in []*graph.Node) *graph.Node {
	s.Update(u.Weight, s.Weight("trained"))
	return s.Do(graph.AddRow(in[0], s.Weight("trained")))
}
