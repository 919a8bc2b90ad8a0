// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
)

// TestWeightedLossValues compares the loss of weighted samples and its gradient with
// testdata/golden/losses.json: an identity model whose update is the gradient.
func TestWeightedLossValues(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "losses") {
		weights, ok := c.Inputs["sample_weight"]
		if !ok {
			continue
		}
		seen++
		pred, target := c.Inputs["pred"], c.Inputs["true"]
		n := pred.Shape[0]
		// One layer with the prediction of sample i as row i of its kernel.
		m := keraslike.Sequential("m", keraslike.Input(n), keraslike.Dense(pred.Shape[1], keraslike.NoBias))
		if err := m.Compile(keraslike.SGD(1), lossOf(c)); err != nil {
			t.Fatal(err)
		}
		setWeight(t, m, "dense/kernel", pred.Float32())
		x := make([]float32, n*n)
		for i := range n {
			x[i*n+i] = 1
		}
		source, err := keraslike.Weighted(dataOf(t, tensorOf([]int{n, n}, x), tensorOf(target.Shape, target.Float32())), weights.Float32())
		if err != nil {
			t.Fatal(err)
		}
		logs, err := m.Evaluate(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		h, err := m.Fit(t.Context(), source, keraslike.KeepOrder)
		if err != nil {
			t.Fatal(err)
		}
		evaluated := logs.Get("loss")
		trained := h.Last("loss")
		golden.Close(t, c.Name+": loss", []float64{evaluated}, c.Want["loss"], 2e-6, 1e-6)
		golden.Close(t, c.Name+": loss", []float64{trained}, c.Want["loss"], 2e-6, 1e-6)
		dpred := pred.Float32()
		for i, v := range m.Weights()[0].Values() {
			dpred[i] -= v
		}
		golden.Close(t, c.Name+": dpred", dpred, c.Want["dpred"], 1e-5, 1e-6)
	}
	if seen != 3 {
		t.Errorf("%d known values, want 3", seen)
	}
}

// Class weights are the sample weights of the classes, for class numbers, one-hot
// rows and single outputs.
func TestClassWeights(t *testing.T) {
	classes := keraslike.ClassWeights{0: 0.25, 1: 3}
	x, labels := blobs(30, 4)
	weights, hot := make([]float32, 30), make([]float32, 30*toyClasses)
	for i, c := range labels.Float32s() {
		weights[i] = 1
		if w, ok := classes[int(c)]; ok {
			weights[i] = float32(w)
		}
		hot[i*toyClasses+int(c)] = 1
	}
	for name, y := range map[string]*tensor.Dense{"numbers": labels, "one-hot": tensorOf([]int{30, toyClasses}, hot)} {
		train := func(data keraslike.Source, options ...keraslike.FitOption) []float32 {
			m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(toyClasses, keraslike.Softmax))
			loss := keraslike.SparseCategoricalCrossentropy
			if name == "one-hot" {
				loss = keraslike.CategoricalCrossentropy
			}
			if err := m.Compile(keraslike.SGD(0.1), loss, keraslike.WeightedMetrics(keraslike.Accuracy)); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Fit(t.Context(), data, append(options, keraslike.BatchSize(7))...); err != nil {
				t.Fatal(err)
			}
			return weightsOf(m)
		}
		weighted, err := keraslike.Weighted(dataOf(t, x, y), weights)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := train(dataOf(t, x, y), classes), train(weighted); !slices.Equal(got, want) {
			t.Errorf("%s: class weights and the weights of their samples lead to different weights", name)
		}
	}
	m := toyModel(t)
	weighted, err := keraslike.Weighted(dataOf(t, x, labels), weights)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Fit(t.Context(), weighted, classes)
	wantError(t, err, "both class weights and a source with sample weights")
	_, err = keraslike.Weighted(dataOf(t, x, labels), weights[1:])
	wantError(t, err, "29 weights for 30 samples")
	_, err = m.Fit(t.Context(), dataOf(t, x, labels), keraslike.ClassWeights{3: 2})
	wantError(t, err, "class 3 has weight 2, the output has classes 0 to 2")
	_, err = m.Fit(t.Context(), dataOf(t, x, labels), keraslike.ClassWeights{-1: 2})
	wantError(t, err, "class -1 has weight 2")
}

// twoHeads is a model with two inputs and two outputs.
func twoHeads(t *testing.T, options ...keraslike.CompileOption) *keraslike.Model {
	t.Helper()
	a, b := keraslike.NamedInput("a", 3), keraslike.NamedInput("b", 2)
	h := keraslike.Concatenate().Apply(keraslike.Dense(4, keraslike.Tanh, keraslike.Name("left")).Apply(a), b)
	class := keraslike.Dense(3, keraslike.Softmax, keraslike.Name("class")).Apply(h)
	value := keraslike.Dense(1, keraslike.Name("value")).Apply(h)
	m := keraslike.NewModel("heads", []*keraslike.Tensor{a, b}, []*keraslike.Tensor{class, value})
	loss := keraslike.Losses(keraslike.SparseCategoricalCrossentropy, keraslike.MeanSquaredError)
	if err := m.Compile(keraslike.SGD(0.1), loss, append(options, keraslike.Seed(9))...); err != nil {
		t.Fatal(err)
	}
	return m
}

// heads is a source for twoHeads, with n samples.
type heads int

func (n heads) Len() int { return int(n) }
func (heads) Shapes() (inputs, targets [][]int) {
	return [][]int{{3}, {2}}, [][]int{{}, {1}}
}

func (heads) Read(indices []int, in, target [][]float32) error {
	for i, j := range indices {
		for k := range 3 {
			in[0][i*3+k] = float32(math.Sin(float64(j*3 + k)))
		}
		in[1][i*2], in[1][i*2+1] = float32(j%2), float32(j%5)/5
		if target != nil {
			target[0][i], target[1][i] = float32(j%3), float32(j%2)-0.5
		}
	}
	return nil
}

func TestSeveralInputsAndOutputs(t *testing.T) {
	m := twoHeads(t, keraslike.LossWeights(1, 0.5), keraslike.ForOutput("class", keraslike.Accuracy), keraslike.ForOutput("value", keraslike.MAE))
	h, err := m.Fit(t.Context(), heads(30), keraslike.Epochs(8), keraslike.BatchSize(8), keraslike.Validation(heads(9)))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"loss", "class_loss", "value_loss", "class_accuracy", "value_mae", "val_loss", "val_class_loss", "val_value_loss", "val_class_accuracy", "val_value_mae"}
	if !slices.Equal(h.Names(), want) {
		t.Errorf("history of %q, want %q", h.Names(), want)
	}
	for e := range 8 {
		if sum := h.Get("class_loss")[e] + 0.5*h.Get("value_loss")[e]; math.Abs(sum-h.Get("loss")[e]) > 1e-5 {
			t.Errorf("epoch %d: loss %g, want %g", e+1, h.Get("loss")[e], sum)
		}
	}
	if l := h.Get("loss"); l[7] >= l[0] {
		t.Errorf("loss went from %g to %g", l[0], l[7])
	}
	// What is saved comes back, with the outputs' metrics and the weights of losses.
	path := filepath.Join(t.TempDir(), "heads.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := keraslike.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	one, _ := m.Evaluate(t.Context(), heads(9))
	two, err := again.Evaluate(t.Context(), heads(9))
	if err != nil || !slices.Equal(one, two) {
		t.Errorf("evaluations %v and, loaded, %v (%v)", one, two, err)
	}
	// The update on a batch is that of Fit.
	a, b := twoHeads(t), twoHeads(t)
	in, target := [][]float32{make([]float32, 12), make([]float32, 8)}, [][]float32{make([]float32, 4), make([]float32, 4)}
	_ = heads(4).Read(upTo(4), in, target)
	values := []graph.Value{tensorOf([]int{4, 3}, in[0]), tensorOf([]int{4, 2}, in[1])}
	if _, err := a.TrainOnBatchOf(values, []graph.Value{tensorOf([]int{4}, target[0]), tensorOf([]int{4, 1}, target[1])}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Fit(t.Context(), heads(4), keraslike.KeepOrder); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(a), weightsOf(b)) {
		t.Error("TrainOnBatchOf and Fit differ")
	}
	wantError(t, m.Compile(keraslike.SGD(1), keraslike.Losses(keraslike.MeanSquaredError)), "got losses for 1 output, the model has 2")
	wantError(t, m.Compile(keraslike.SGD(1), keraslike.MeanSquaredError, keraslike.LossWeights(1)), "got 1 weights of losses")
	wantError(t, m.Compile(keraslike.SGD(1), keraslike.MeanSquaredError, keraslike.ForOutput("tail", keraslike.MAE)), `no output "tail"`)
}

// TestResumeMidEpoch stops in the middle of an epoch, saves, loads and resumes: the weights
// are those of an unbroken run, byte for byte, with everything that training keeps.
func TestResumeMidEpoch(t *testing.T) {
	optimizers := map[string]func() keraslike.Optimizer{
		"adam": func() keraslike.Optimizer {
			return keraslike.Adam(0.01, keraslike.AMSGrad, keraslike.AccumulateGradients(3), keraslike.GlobalClipNorm(0.5))
		},
		"schedule": func() keraslike.Optimizer {
			return keraslike.RMSprop(0.01, keraslike.Momentum(0.5), keraslike.WithSchedule(keraslike.CosineDecay{Steps: 20, Warmup: 3}))
		},
		"average": func() keraslike.Optimizer {
			return keraslike.AdamW(0.01, keraslike.AverageWeights(0.9), keraslike.ClipNorm(1))
		},
		"momentum": func() keraslike.Optimizer {
			return keraslike.SGD(0.05, keraslike.Momentum(0.9), keraslike.Nesterov, keraslike.AccumulateGradients(2), keraslike.AverageWeights(0.8))
		},
	}
	for name, make := range keraslike.Optimizers() {
		optimizers["plain "+name] = make
	}
	for name, optimizer := range optimizers {
		t.Run(name, func(t *testing.T) {
			data := toyData(t, 50, 8)
			fresh := func() *keraslike.Model {
				m := keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.Dense(8, keraslike.ReLU, keraslike.KernelConstraint(keraslike.MaxNorm(1))),
					keraslike.Dropout(0.3), keraslike.Dense(toyClasses, keraslike.Softmax))
				if name == "momentum" { // and every other layer that draws or keeps something
					m = keraslike.Sequential("m", keraslike.Input(toyFeatures), keraslike.GaussianNoise(0.1), keraslike.Reshape([]int{toyFeatures, 1}),
						keraslike.GRU(4, keraslike.InputDropout(0.2), keraslike.RecurrentDropout(0.2), keraslike.ReturnSequences), keraslike.SpatialDropout1D(0.2),
						keraslike.BatchNormalization(), keraslike.LSTM(3, keraslike.InputDropout(0.2)), keraslike.GaussianDropout(0.1), keraslike.Dense(toyClasses, keraslike.Softmax))
				}
				if err := m.Compile(optimizer(), keraslike.SparseCategoricalCrossentropy, keraslike.SparseTopKCategoricalAccuracy(2), keraslike.Seed(4)); err != nil {
					t.Fatal(err)
				}
				return m
			}
			halve := callbacks.LearningRateScheduler(func(epoch int, rate float64) float64 { return rate * 0.5 })
			options := []keraslike.FitOption{keraslike.BatchSize(8), keraslike.Epochs(4)}
			if name != "schedule" {
				options = append(options, keraslike.Callbacks(halve))
			}
			unbroken := fresh()
			if _, err := unbroken.Fit(t.Context(), data, options...); err != nil {
				t.Fatal(err)
			}
			for _, batches := range []int{1, 4, 7, 10, 13} {
				m := fresh()
				ctx, cancel := context.WithCancel(t.Context())
				done := 0
				stop := keraslike.CallbackFunc(func(e keraslike.Event, tr *keraslike.Training) error {
					if e == keraslike.BatchEnd {
						if done++; done == batches {
							cancel()
						}
					}
					return nil
				})
				if _, err := m.Fit(ctx, data, append(options, keraslike.Callbacks(stop))...); !errors.Is(err, keraslike.ErrInterrupted) {
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
				epoch := batches / 7 // complete ones; there are 7 batches in each
				rest := []keraslike.FitOption{keraslike.BatchSize(8), keraslike.Epochs(4), keraslike.InitialEpoch(epoch)}
				if name != "schedule" {
					rest = append(rest, keraslike.Callbacks(halve)) // not for an epoch whose rate has been set
				}
				if _, err := loaded.Fit(t.Context(), data, rest...); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(weightsOf(loaded), weightsOf(unbroken)) {
					t.Errorf("stopped after %d batches: other weights than without a break", batches)
				}
			}
		})
	}
}
