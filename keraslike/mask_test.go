// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	k "github.com/reef-dl/reef/keraslike"
)

func closeTo(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, v := range got {
		if !(math.Abs(float64(v-want[i])) <= 1e-6+1e-5*math.Abs(float64(want[i]))) {
			t.Errorf("%s: value %d is %v, want %v", what, i, v, want[i])
		}
	}
}

// shifted is a trained-looking bias, so that layers that should not see padding do not
// map it to 0 by chance.
func shifted(t *testing.T, m *k.Model) {
	t.Helper()
	for i, w := range m.Weights() {
		v := w.Values()
		for j := range v {
			v[j] += float32((i+3*j)%7)/10 - 0.2
		}
		if err := w.Set(v); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPaddingDoesNotCount: with MaskZero, words and the same words followed by zeros
// give the same prediction, whatever is between the embedding and the layer that ends
// the series; without it they do not.
func TestPaddingDoesNotCount(t *testing.T) {
	recurrent := func(mask ...k.RecurrentOption) []k.Part {
		return []k.Part{k.SimpleRNN(3, append(mask, k.ReturnSequences)...), k.LSTM(2, mask...)}
	}
	for name, behind := range map[string]func() []k.Part{
		"recurrent":         func() []k.Part { return recurrent() },
		"other activations": func() []k.Part { return recurrent(k.Softsign) },
		"GRU":               func() []k.Part { return []k.Part{k.GRU(3)} },
		"GRU reset before":  func() []k.Part { return []k.Part{k.GRU(3, k.ResetBefore)} },
		"Bidirectional": func() []k.Part {
			return []k.Part{k.Bidirectional(k.LSTM(2, k.ReturnSequences)), k.Bidirectional(k.GRU(2), k.MergeSum)}
		},
		"average": func() []k.Part { return []k.Part{k.GlobalAveragePooling1D()} },
		"layers between": func() []k.Part {
			return []k.Part{k.Dense(3, k.Tanh), k.Dropout(0.2), k.LayerNormalization(), k.UnitNormalization(), k.BatchNormalization(), k.PReLU(k.SharedAxes(1)), k.LeakyReLU(), k.Activation(k.Sigmoid), k.Rescaling(2, 1), k.SpatialDropout1D(0.1), k.GaussianNoise(0.1), k.GaussianDropout(0.1), k.AlphaDropout(0.1), k.GlobalAveragePooling1D()}
		},
		"TimeDistributed": func() []k.Part { return []k.Part{k.TimeDistributed(k.Dense(2)), k.GRU(2)} },
		"RNN": func() []k.Part {
			return []k.Part{k.RNN(k.StackedRNNCells(k.GRUCell(3), k.LSTMCell(2)), k.ReturnSequences), k.LSTM(2)}
		},
		"ConvLSTM1D": func() []k.Part {
			return []k.Part{k.TimeDistributed(k.Reshape([]int{3, 1})), k.ConvLSTM1D(2, 2, k.ReturnSequences), k.TimeDistributed(k.Flatten()), k.GRU(2)}
		},
		"model":               func() []k.Part { return []k.Part{k.Sequential("inner", k.Input(5, 3), k.Dense(3, k.Tanh)), k.GRU(2)} },
		"MultiHeadAttention":  func() []k.Part { return []k.Part{attentionOf(5), k.GlobalAveragePooling1D()} },
		"zero output, though": func() []k.Part { return []k.Part{k.GRU(2, k.ReturnSequences, k.ZeroOutputForMask), k.LSTM(2)} },
	} {
		t.Run(name, func(t *testing.T) {
			var got [3][]float32
			for i, options := range [][]k.EmbeddingOption{{k.MaskZero}, {k.MaskZero}, {}} {
				m := k.Sequential("m", append([]k.Part{k.Input(5), k.Embedding(9, 3, options...)}, behind()...)...)
				if err := m.Build(3); err != nil {
					t.Fatal(err)
				}
				shifted(t, m)
				x := []float32{4, 7, 2, 0, 0}
				if i == 1 { // what the table has for padding does not matter
					table, err := m.Weight("embedding/embeddings")
					if err != nil {
						t.Fatal(err)
					}
					if err := table.Set(append([]float32{5, -6, 7}, table.Values()[3:]...)); err != nil {
						t.Fatal(err)
					}
				}
				got[i] = predict(t, m, tensorOf([]int{1, 5}, x))
			}
			closeTo(t, "with another row for padding", got[1], got[0])
			if slices.Equal(got[2], got[0]) {
				t.Error("without MaskZero the prediction is the same: the test sees nothing")
			}
		})
	}
}

// attentionOf is self-attention of a series of three features.
func attentionOf(steps int) *k.Model {
	in := k.Input(steps, 3)
	return k.NewModel("attention", []*k.Tensor{in}, []*k.Tensor{k.MultiHeadAttention(2, 3).Apply(in)})
}

// TestMaskingValues: steps of the value alone are masked and become 0.
func TestMaskingValues(t *testing.T) {
	m := k.Sequential("m", k.Input(3, 2), k.Masking(-1))
	if err := m.Build(0); err != nil {
		t.Fatal(err)
	}
	closeTo(t, "Masking", predict(t, m, tensorOf([]int{1, 3, 2}, []float32{-1, 2, -1, -1, 3, -1})), []float32{-1, 2, 0, 0, 3, -1})
}

// stepsOf masks two series of two steps: the first whole, of the second one step.
func stepsOf(layers ...k.Part) *k.Model {
	return k.Sequential("m", append([]k.Part{k.Input(2, 1), k.Masking(0)}, layers...)...)
}

// TestMaskedLoss: loss and metric are means over the steps that count, in training and in
// evaluation, and a masked step moves no weight.
func TestMaskedLoss(t *testing.T) {
	m := stepsOf(k.Dense(1, k.NoBias))
	if err := m.Compile(k.SGD(0.1), k.MeanSquaredError, k.MAE); err != nil {
		t.Fatal(err)
	}
	setWeight(t, m, "dense/kernel", []float32{2})
	x, y := tensorOf([]int{2, 2, 1}, []float32{1, 3, 2, 0}), tensorOf([]int{2, 2, 1}, []float32{1, 5, 7, 100})
	// errors 2-1, 6-5, 4-7 and, masked, 0-100
	scores, err := m.Evaluate(t.Context(), dataOf(t, x, y))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"loss": (1. + 1 + 9) / 3, "mae": (1. + 1 + 3) / 3} {
		if got, ok := scores.Lookup(name); !ok || math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	// With weights of 2 and 3: the weighted losses of the steps that count, by their number.
	heavy, err := k.Weighted(dataOf(t, x, y), []float32{2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if scores, err = m.Evaluate(t.Context(), heavy); err != nil {
		t.Fatal(err)
	}
	if got := scores.Get("loss"); math.Abs(got-(2.*1+2*1+3*9)/3) > 1e-5 {
		t.Errorf("weighted loss is %v, want %v", got, (2.*1+2*1+3*9)/3)
	}
	result, err := m.TrainOnBatch(x, y)
	if loss := result.Loss(); err != nil || math.Abs(loss-11./3) > 1e-6 {
		t.Errorf("loss while training is %v (%v), want %v", loss, err, 11./3)
	}
	w, err := m.Weight("dense/kernel")
	if err != nil {
		t.Fatal(err)
	}
	// d loss/dw = (2/3)·Σ e·x = (2/3)·(1·1 + 1·3 - 3·2)
	closeTo(t, "kernel", w.Values(), []float32{2 - 0.1*2./3*(1+3-6)})
}

// maskOf puts out the mask of its input, ones where it has none.
type maskOf struct{}

func (maskOf) Kind() string { return "MaskOf" }

func (maskOf) Build(_ *k.Builder, in []k.Shape) (k.Shape, error) { return in[0][:1], nil }

func (maskOf) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	if s.Mask(0) == nil {
		return s.Do(graph.Ones(in[0], 2))
	}
	return s.Mask(0)
}

// TestJoinedMasks: what layers of several inputs make of masks, by Keras's rules.
func TestJoinedMasks(t *testing.T) {
	in := k.Input(3, 1)
	plain := k.Rescaling(1, 0).Apply(in)
	a, b := k.Masking(1).Apply(in), k.Masking(2).Apply(in) // of 1 2 3 the first masks 1, the other 2
	inner := k.Input(3, 1)
	model := k.NewModel("inner", []*k.Tensor{inner}, []*k.Tensor{k.Dense(1).Apply(inner)})
	for name, c := range map[string]struct {
		of   *k.Tensor
		want []float32
	}{
		"one":                   {a, []float32{0, 1, 1}},
		"add":                   {k.Add().Apply(a, b), []float32{1, 1, 1}},
		"the same twice":        {k.Maximum().Apply(a, a), []float32{0, 1, 1}},
		"with one without":      {k.Multiply().Apply(a, plain), []float32{1, 1, 1}},
		"concatenated features": {k.Concatenate().Apply(a, a), []float32{0, 1, 1}},
		"concatenated steps":    {k.Concatenate(k.Axis(1)).Apply(a, b, plain), []float32{0, 1, 1, 1, 0, 1, 1, 1, 1}},
		"nested model":          {model.Apply(a), []float32{0, 1, 1}},
		"stopped":               {k.Conv1D(1, 1).Apply(a), []float32{1, 1, 1}},
		"sequences":             {k.GRU(1, k.ReturnSequences).Apply(a), []float32{0, 1, 1}},
	} {
		m := k.NewModel("m", []*k.Tensor{in}, []*k.Tensor{k.Custom(maskOf{}).Apply(c.of)})
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
		closeTo(t, name, predict(t, m, tensorOf([]int{1, 3, 1}, []float32{1, 2, 3})), c.want)
	}
}

// TestMaskedAverageValues is the case of GlobalAveragePooling1D with a mask of
// testdata/golden/layers_pooling.json.
func TestMaskedAverageValues(t *testing.T) {
	for _, c := range golden.Load(t, "layers_pooling") {
		if _, masked := c.Inputs["mask"]; !masked {
			continue
		}
		checkRecurrent(t, c, k.GlobalAveragePooling1D(), []string{"y"})
		return
	}
	t.Error("no case has a mask")
}

// Metrics of an output with a mask are of the steps that count. Steps 1 2 | 3 of
// Dense(1, sigmoid) with kernel 0.5 and bias -0.75 are 0.43782, 0.56218 and 0.67918, targets
// 1 0 0: the mean square is Keras's 0.36446, of which its RMSE takes no root (docs/keras.md).
func TestMaskedMetrics(t *testing.T) {
	m := k.Sequential("m", k.Input(3, 1), k.Masking(0), k.Dense(1, k.Sigmoid, k.KernelInitializer(k.Constant(0.5)), k.BiasInitializer(k.Constant(-0.75))))
	if err := m.Compile(k.SGD(0), k.MeanSquaredError, k.MSE, k.RMSE, k.Precision(), k.Recall(), k.R2Score(), k.F1Score(k.Threshold(0.4)), k.ConfusionMatrix, k.BinaryAccuracyAt(0.6)); err != nil {
		t.Fatal(err)
	}
	data := dataOf(t, tensorOf([]int{2, 3, 1}, []float32{1, 2, 0, 3, 0, 0}), tensorOf([]int{2, 3, 1}, []float32{1, 0, 1, 0, 1, 1}))
	for _, batch := range []int{1, 2} {
		logs, err := m.Evaluate(t.Context(), data, k.BatchSize(batch))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]float64{
			"mse": 0.3644561767578125, "rmse": 0.6037020, "precision": 0, "recall": 0, "confusion_matrix": 0,
			"binary_accuracy_at": 1.0 / 3, // of the three steps the second
			"f1_score":           0.5,     // a precision of 1/3, a recall of 1
			// By step: 1 - (0.56218² + 0.67918²)/0.5, 0 of one sample that is missed, and none.
			"r2_score": -0.27732612,
		} {
			if got := logs.Get(name); math.Abs(got-want) > 1e-6 {
				t.Errorf("batches of %d: %s is %v, want %v", batch, name, got, want)
			}
		}
	}
	list, err := m.EvaluateWith(t.Context(), data, k.ConfusionMatrix)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(list[0].(k.MatrixMeasurement).Rows()); got != "[[0 2] [1 0]]" {
		t.Errorf("confusion matrix is %v, want the three steps that count: [[0 2] [1 0]]", got)
	}
}

// GroupNormalization passes the mask on: the mean after it is over the steps that count.
// Its own statistics are over all steps, as in Keras.
func TestGroupNormalizationPassesTheMask(t *testing.T) {
	output := func(options []k.EmbeddingOption, behind ...k.Part) []float32 {
		m := k.Sequential("m", append([]k.Part{k.Input(3), k.Embedding(9, 2, options...), k.GroupNormalization(k.Groups(1))}, behind...)...)
		if err := m.Build(3); err != nil {
			t.Fatal(err)
		}
		y, err := m.Predict(k.ArrayOf(tensorOf([]int{1, 3}, []float32{4, 7, 0})))
		if err != nil {
			t.Fatal(err)
		}
		return y.Values()
	}
	steps := output(nil)
	for j, got := range output([]k.EmbeddingOption{k.MaskZero}, k.GlobalAveragePooling1D()) {
		if want := (steps[j] + steps[2+j]) / 2; math.Abs(float64(got-want)) > 1e-6 {
			t.Errorf("feature %d has a mean of %v, want %v", j, got, want)
		}
	}
}

// In Keras 3.15 EinsumDense and RMSNormalization do not support masks, so that their output has none,
// but that of TimeDistributed has the mask of its input.
func TestEinsumDenseAndRMSNormalizationStopTheMask(t *testing.T) {
	for name, c := range map[string]struct {
		layer  k.Layer
		passes bool
	}{
		"EinsumDense":      {k.EinsumDense("abc,cd->abd", []int{3, 2}), false},
		"RMSNormalization": {k.RMSNormalization(), false},
		"TimeDistributed":  {k.TimeDistributed(k.EinsumDense("ab,bc->ac", []int{2})), true},
	} {
		in := k.Input(3)
		y := c.layer.Apply(k.Embedding(9, 2, k.MaskZero).Apply(in))
		m := k.NewModel("m", []*k.Tensor{in}, []*k.Tensor{k.Custom(maskOf{}).Apply(y)})
		if err := m.Build(3); err != nil {
			t.Fatal(err)
		}
		want := []float32{1, 1, 1}
		if c.passes {
			want[2] = 0
		}
		closeTo(t, name, predict(t, m, tensorOf([]int{1, 3}, []float32{4, 7, 0})), want)
	}
}

// Without ReturnSequences, ZeroOutputForMask zeroes the output of a series whose last step in the order
// of processing is masked, but not its state. Values of Keras 3.15 on torch, of kernels of ones and the
// steps 1 2 3, 1 2 - and - 2 3.
func TestZeroOutputOfTheLastStep(t *testing.T) {
	ones := []k.RecurrentOption{k.KernelInitializer(k.Ones()), k.RecurrentInitializer(k.Ones()), k.ZeroOutputForMask}
	backwards := append(slices.Clone(ones), k.GoBackwards)
	cell := func() k.RecurrentCell { return k.SimpleRNNCell(1, ones[0], ones[1]) }
	cells := func() k.RecurrentCell { return k.StackedRNNCells(cell(), cell()) }
	x := tensorOf([]int{3, 3, 1}, []float32{1, 2, 3, 1, 2, 0, 0, 2, 3})
	for name, c := range map[string]struct {
		layer k.Layer
		want  []float32
	}{
		"SimpleRNN":           {k.SimpleRNN(1, ones...), []float32{0.99931854, 0, 0.99927926}},
		"SimpleRNN backwards": {k.SimpleRNN(1, backwards...), []float32{0.96367306, 0.96139598, 0}},
		"GRU":                 {k.GRU(1, ones...), []float32{0.30724031, 0, 0.15235904}},
		"GRU backwards":       {k.GRU(1, backwards...), []float32{0.30928349, 0.28301659, 0}},
		"LSTM":                {k.LSTM(1, ones...), []float32{0.9625901, 0, 0.92311293}},
		"LSTM backwards":      {k.LSTM(1, backwards...), []float32{0.8592404, 0.76267618, 0}},
		"RNN":                 {k.RNN(cells(), k.ZeroOutputForMask), []float32{0.95840526, 0, 0.94084370}},
		"RNN backwards":       {k.RNN(cells(), k.ZeroOutputForMask, k.GoBackwards), []float32{0.95671093, 0.93633568, 0}},
	} {
		m := k.Sequential("m", k.Input(3, 1), k.Masking(0), c.layer)
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
		closeTo(t, name, predict(t, m, x), c.want)
	}

	in := k.Input(3, 1)
	y := k.GRU(1, append(slices.Clone(ones), k.ReturnState)...).Apply(k.Masking(0).Apply(in))
	m := k.NewModel("m", []*k.Tensor{in}, []*k.Tensor{y, y.Output(1)})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	out, err := m.PredictAll(k.ArrayOf(x))
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "output", out[0].Values(), []float32{0.30724031, 0, 0.15235904})
	closeTo(t, "state", out[1].Values(), []float32{0.30724031, 0.28131539, 0.15235904})

	a, mask := k.NamedInput("a", 2, 2, 1), k.NamedInput("mask", 2)
	z := k.ConvLSTM1D(1, 1, k.KernelInitializer(k.Ones()), k.ZeroOutputForMask).Apply(k.Custom(masked{}).Apply(a, mask))
	m = k.NewModel("m", []*k.Tensor{a, mask}, []*k.Tensor{z})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	out, err = m.PredictAll(k.ArrayOf(tensorOf([]int{1, 2, 2, 1}, []float32{1, 1, 2, 2})), k.ArrayOf(tensorOf([]int{1, 2}, []float32{1, 0})))
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "ConvLSTM1D", out[0].Values(), []float32{0, 0})
}

// A target of weight 0 counts in the mean unless its class is the one that is ignored: of two steps with a
// loss of ln 3 each, the second of weight 0, the mean is ln 3/2, 0.5493061542510986 by Keras 3.15.
func TestIgnoredClassWithWeightsOfZero(t *testing.T) {
	m := k.Sequential("m", k.Input(2, 3), k.Dense(3, k.KernelInitializer(k.Zeros())))
	if err := m.Compile(k.SGD(0), k.SparseCategoricalCrossentropy.With(k.FromLogits, k.IgnoreClass(0))); err != nil {
		t.Fatal(err)
	}
	x, y := tensorOf([]int{1, 2, 3}, make([]float32, 6)), tensorOf([]int{1, 2}, []float32{1, 2})
	data, err := k.Data(k.ArrayOf(x), k.ArrayOf(y))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = k.Weighted(data, []float32{1, 0}, 2); err != nil {
		t.Fatal(err)
	}
	logs, err := m.Evaluate(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "loss", []float32{float32(logs.Get("loss"))}, []float32{0.54930615})
}

// A metric along the steps has no value for each of them, so that they cannot have weights.
func TestMetricAlongWeightedSteps(t *testing.T) {
	m := k.Sequential("m", k.Input(3, 2), k.Activation(k.Linear))
	if err := m.Compile(k.SGD(0), k.MeanSquaredError, k.WeightedMetrics(k.Cosine(k.AlongAxis(1)))); err != nil {
		t.Fatal(err)
	}
	x := tensorOf([]int{1, 3, 2}, []float32{1, 2, 3, 4, 5, 6})
	data, err := k.Weighted(dataOf(t, x, x), []float32{1, 0, 1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Evaluate(t.Context(), data)
	wantError(t, err, "cosine_similarity", "has 2 values, which cannot have the weights of 3 steps")
}
