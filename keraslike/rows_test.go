// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"math"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// rowCase is a layer whose kernels choose between algorithms by the size of their operands.
type rowCase struct {
	name  string
	apply func(x *Tensor) *Tensor
	in    Shape
	ids   int // when the input is whole numbers below this
}

func rowCases() []rowCase {
	return []rowCase{
		{"long rows, few units", stack(Dense(3, Sigmoid)), Shape{5000}, 0},
		{"long rows, few units, ReLU", stack(Dense(64, ReLU)), Shape{2048}, 0},
		{"long rows, many units", stack(Dense(300)), Shape{2500}, 0},
		{"long rows at each step", stack(Dense(5, Tanh)), Shape{9, 2100}, 0},
		{"softmax", stack(Dense(37, Softmax)), Shape{50}, 0},
		{"pointwise of many channels", stack(Conv2D(10, 1, ReLU)), Shape{3, 3, 2304}, 0},
		{"winograd of few tiles", stack(Conv2D(32, 3, SamePadding, ReLU)), Shape{8, 8, 32}, 0},
		{"winograd of one tile", stack(Conv2D(16, 3, SamePadding)), Shape{4, 4, 64}, 0},
		{"winograd of parts of tiles", stack(Conv2D(16, 3)), Shape{9, 7, 16}, 0},
		{"winograd of many tiles", stack(Conv2D(16, 3, SamePadding)), Shape{32, 28, 16}, 0},
		{"few channels", stack(Conv2D(3, 3, SamePadding, ELU)), Shape{12, 12, 32}, 0},
		{"image", stack(Conv2D(24, 5, Strides(2), ReLU)), Shape{30, 30, 3}, 0},
		{"dilated", stack(Conv2D(24, 3, Dilation(2))), Shape{16, 16, 24}, 0},
		{"convolution of a series", stack(Conv1D(20, 7, SamePadding, ReLU)), Shape{100, 32}, 0},
		{"depthwise", stack(DepthwiseConv2D(3, SamePadding, ReLU)), Shape{14, 14, 40}, 0},
		{"transposed", stack(Conv2DTranspose(24, 3, Strides(2), SamePadding)), Shape{7, 7, 40}, 0},
		{"transposed winograd", stack(Conv2DTranspose(32, 3, SamePadding)), Shape{8, 8, 32}, 0},
		{"convolution of words", stack(Embedding(30, 32), Conv1D(16, 5, ReLU), GlobalMaxPooling1D()), Shape{40}, 30},
		{"mean of words", stack(Embedding(300, 24, MaskZero), GlobalAveragePooling1D(), Dense(1, Sigmoid)), Shape{70}, 300},
		{"LSTM", stack(LSTM(40)), Shape{12, 30}, 0},
		{"GRU of wide inputs", stack(GRU(20, ReturnSequences)), Shape{6, 2200}, 0},
		{"SimpleRNN of wide inputs", stack(SimpleRNN(60)), Shape{5, 2200}, 0},
		{"general cell", stack(LSTM(24, ReLU)), Shape{7, 9}, 0},
		{"masked", stack(Embedding(20, 16, MaskZero), Bidirectional(GRU(12))), Shape{15}, 20},
		{"attention", func(x *Tensor) *Tensor { return MultiHeadAttention(4, 16).Apply(x, x) }, Shape{33, 64}, 0},
		{"batch normalization", stack(Conv2D(24, 3, SamePadding), BatchNormalization(), Activation(ReLU)), Shape{10, 10, 16}, 0},
		{"layer normalization", stack(LayerNormalization()), Shape{11, 70}, 0},
		{"group normalization", stack(GroupNormalization(Groups(4))), Shape{13, 13, 20}, 0},
		{"unit normalization", stack(UnitNormalization()), Shape{11, 70}, 0},
		{"pooling", stack(AveragePooling2D(3, Strides(2), SamePadding)), Shape{15, 15, 20}, 0},
		{"global average", stack(GlobalAveragePooling2D()), Shape{40, 40, 20}, 0},
		{"element-wise", stack(Activation(GELU)), Shape{333}, 0},
	}
}

// stack applies layers in sequence.
func stack(layers ...Layer) func(*Tensor) *Tensor {
	return func(x *Tensor) *Tensor {
		for _, l := range layers {
			x = l.Apply(x)
		}
		return x
	}
}

// A prediction has the same bytes for a sample alone and in any batch, on any number of workers.
func TestSampleAloneHasTheBytesOfABatch(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, c := range rowCases() {
			t.Run(c.name, func(t *testing.T) {
				x := NamedInput("x", c.in...)
				checkRows(t, NewModel("rows", []*Tensor{x}, []*Tensor{c.apply(x)}), c.ids, nil)
			})
		}
		for _, r := range layerRows() {
			t.Run(r.kind, func(t *testing.T) {
				m, _ := r.model(t)
				checkRows(t, m, r.ids, &r)
			})
		}
	})
}

// batchesOfRows are the sizes of batches with which samples alone are compared: they straddle those
// at which kernels choose another algorithm. Predict itself divides the last one.
var batchesOfRows = []int{2, 3, 7, 64, 65, 150}

const aloneRows = 9 // samples that are computed alone

func checkRows(t *testing.T, m *Model, ids int, r *layerRow) {
	t.Helper()
	if err := m.Build(3); err != nil {
		t.Fatal(err)
	}
	rng := newRand(5, t.Name())
	most := slices.Max(batchesOfRows)
	samples := make([]*Array, len(m.inputs))
	for i, in := range m.inputs {
		a := &Array{values: make([]float32, most*in.shape.Size()), shape: in.shape.withBatch(most)}
		for k := range a.values {
			switch {
			case ids > 0:
				a.values[k] = float32(rng.IntN(ids))
			case r != nil && r.masked && i == len(m.inputs)-1:
				a.values[k] = float32(max(rng.IntN(2), 1-k%in.shape[len(in.shape)-1]))
			default:
				a.values[k] = float32(rng.NormFloat64())
			}
		}
		samples[i] = a
	}
	if err := UpdateWeights(m.weights, func(i int, values []float32) {
		if !m.weights[i].nonNegative { // zeros hide what is added to them
			kerneltest.Normal(rng, values)
		}
	}); err != nil {
		t.Fatal(err)
	}
	var want []float32
	for i := range aloneRows {
		want = append(want, predictRows(t, m, samples, i, 1)...)
	}
	each := len(want) / aloneRows
	for _, workers := range []int{1, 2, 3} {
		restore := graph.Workers(workers)
		for _, n := range batchesOfRows {
			got := predictRows(t, m, samples, 0, n)
			if n == most { // the last samples, in a batch of another size, are those of a batch of their own
				want := predictRows(t, m, samples, n-20, 20)
				sameRow(t, got[(n-20)*each:], want, each)
			}
			rows := min(n, aloneRows)
			sameRow(t, got[:rows*each], want[:rows*each], each)
			if t.Failed() {
				t.Fatalf("in a batch of %d on %d workers", n, workers)
			}
		}
		restore()
	}
}

// predictRows predicts n samples from number from on.
func predictRows(t *testing.T, m *Model, samples []*Array, from, n int) []float32 {
	t.Helper()
	var x []*Array
	for _, a := range samples {
		each := a.sampleSize()
		x = append(x, &Array{values: a.values[from*each : (from+n)*each], shape: Shape(a.shape[1:]).withBatch(n)})
	}
	y, err := m.Predict(x...)
	if err != nil {
		t.Fatal(err)
	}
	if len(x) == 1 {
		whole, err := m.PredictOnBatch(tensor.New(tensor.WithShape(x[0].shape...), tensor.WithBacking(x[0].values)))
		if err != nil {
			t.Fatal(err)
		}
		sameRow(t, whole, y.values, y.sampleSize())
	}
	return y.values
}

// sameRow reports the first difference in bits.
func sameRow(t *testing.T, got, want []float32, each int) {
	t.Helper()
	for i, v := range want {
		if math.Float32bits(got[i]) != math.Float32bits(v) {
			t.Errorf("element %d of sample %d is %v, want %v", i%each, i/each, got[i], v)
			return
		}
	}
}
