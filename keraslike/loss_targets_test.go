// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

// streamOf gives the samples of a source once, in its order.
type streamOf struct {
	k.Source
	at int
}

func (s *streamOf) Next(inputs, targets [][]float32) (int, error) {
	in, _ := s.Shapes()
	n := min(len(inputs[0])/k.Shape(in[0]).Size(), s.Len()-s.at)
	if n == 0 {
		return 0, io.EOF
	}
	var indices []int
	for i := range n {
		indices = append(indices, s.at+i)
	}
	s.at += n
	return n, s.Read(indices, inputs, targets)
}

// ownStream hides the Source's methods, so that it is a Stream only.
type ownStream struct{ s *streamOf }

func (s ownStream) Shapes() (in, out [][]int)                     { return s.s.Shapes() }
func (s ownStream) Next(inputs, targets [][]float32) (int, error) { return s.s.Next(inputs, targets) }

// Targets that are invalid for a loss are rejected by everything that reads them, with the
// sample's number, and the weights stay as they are.
func TestTargetsOutside(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	one, three := []float32{0, 1, 0, 1}, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0}
	for name, c := range map[string]struct {
		loss  k.Loss
		last  k.ActivationFunc
		y     []float32
		at    int // where bad goes
		bad   []float32
		wants string
	}{
		"binary":            {k.BinaryCrossentropy, k.Sigmoid, one, 2, []float32{255, -1, 1.001, -1e-3}, "want 0 to 1"},
		"binary logits":     {k.BinaryCrossentropy.With(k.FromLogits), k.Linear, one, 2, []float32{255, -1}, "want 0 to 1"},
		"smoothed":          {k.BinaryCrossentropy.With(k.LabelSmoothing(0.1)), k.Sigmoid, one, 2, []float32{255, -1}, "want 0 to 1"},
		"categorical":       {k.CategoricalCrossentropy, k.Softmax, three, 7, []float32{255, -1}, "want 0 to 1"},
		"unnormalized":      {k.CategoricalCrossentropy, k.Sigmoid, three, 7, []float32{255, -1}, "want 0 to 1"},
		"binary focal":      {k.BinaryFocalCrossentropy(), k.Sigmoid, one, 2, []float32{255, -1}, "want 0 to 1"},
		"categorical focal": {k.CategoricalFocalCrossentropy(), k.Softmax, three, 7, []float32{255, -1}, "want 0 to 1"},
		"kl":                {k.KLDivergence, k.Softmax, three, 7, []float32{2, -1}, "want 0 to 1"},
		"poisson":           {k.Poisson, k.Softplus, one, 2, []float32{-1, -1e-3}, "want at least 0"},
		"hinge":             {k.Hinge, k.Linear, one, 2, []float32{255, -2}, "want -1 and 1 or 0 and 1"},
		"squared hinge":     {k.SquaredHinge, k.Linear, one, 2, []float32{255, -2}, "want -1 and 1 or 0 and 1"},
		"categorical hinge": {k.CategoricalHinge, k.Linear, three, 7, []float32{255, -2}, "want -1 and 1 or 0 and 1"},
		"mse":               {k.MeanSquaredError, k.Sigmoid, one, 2, []float32{255, -3}, "want about 0 to 1"},
		"huber":             {k.Huber(1), k.Softmax, three, 7, []float32{255, -3}, "want about 0 to 1"},
		"dice":              {k.Dice(), k.Softmax, three, 7, []float32{2, -1}, "want 0 to 1"},
		"tversky":           {k.Tversky(0.5, 0.5, k.AlongAxis(1)), k.Softmax, three, 7, []float32{2, -1}, "want 0 to 1"},
		"own":               {k.CustomLoss("own", func(p, y *graph.Node) (*graph.Node, error) { return graph.MeanSquaredError(p, y) }), k.Sigmoid, one, 2, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cols := len(c.y) / 4
			m := k.Sequential("m", k.Input(2), k.Dense(cols, c.last))
			if err := m.Compile(k.SGD(0.1), c.loss); err != nil {
				t.Fatal(err)
			}
			x := tensorOf([]int{4, 2}, []float32{1, 2, 3, 4, 5, 6, 7, 8})
			for _, bad := range append(slices.Clone(c.bad), nan, inf, -inf) {
				y := slices.Clone(c.y)
				y[c.at] = bad
				targets := tensorOf([]int{4, cols}, y)
				data := dataOf(t, x, targets)
				wants := []string{c.wants, "sample 2"}
				if bad != bad || math.IsInf(float64(bad), 0) {
					wants = []string{"target 0 of sample 2", "is"}
				}
				_, err := m.Fit(t.Context(), data, k.KeepOrder)
				wantError(t, err, append(wants, "fit")...)
				_, err = m.Fit(t.Context(), ownStream{&streamOf{Source: data}}, k.BatchSize(4))
				wantError(t, err, append(wants, "fit")...)
				_, err = m.Evaluate(t.Context(), data)
				wantError(t, err, append(wants, "evaluate")...)
				_, err = m.Fit(t.Context(), dataOf(t, x, tensorOf([]int{4, cols}, c.y)), k.Validation(data))
				wantError(t, err, append(wants, "validation")...)
				before := weightsOf(m) // which the Fit has trained
				_, err = m.TrainOnBatch(x, targets)
				wantError(t, err, append(wants, "train on batch")...)
				_, err = m.Fit(t.Context(), data, k.KeepOrder)
				if wantError(t, err, append(wants, "fit")...); !slices.Equal(before, weightsOf(m)) {
					t.Error("rejected targets have trained the model")
				}
			}
			if name == "mse" { // somewhat outside is as in Keras
				if _, err := m.TrainOnBatch(x, tensorOf([]int{4, 1}, []float32{1.1, -0.5, 1, 2})); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A distance takes every number where no sigmoid bounds the prediction.
func TestTargetsOfDistances(t *testing.T) {
	for _, last := range []k.ActivationFunc{k.Linear, k.ReLU, k.Tanh} {
		m := k.Sequential("m", k.Input(1), k.Dense(1, last))
		if err := m.Compile(k.SGD(0), k.MeanSquaredError); err != nil {
			t.Fatal(err)
		}
		if _, err := m.TrainOnBatch(tensorOf([]int{1, 1}, []float32{1}), tensorOf([]int{1, 1}, []float32{255})); err != nil {
			t.Error(err)
		}
	}
}

// Class weights that cannot apply are errors; those that can lead where the weights of
// the samples lead (TestClassWeights).
func TestClassWeightsThatCannotApply(t *testing.T) {
	x := tensorOf([]int{4, 2}, []float32{1, 2, 3, 4, 5, 6, 7, 8})
	column := func(y ...float32) *tensor.Dense { return tensorOf([]int{4, 1}, y) }
	model := func(loss k.Loss, layers ...k.Part) *k.Model {
		m := k.Sequential("m", append([]k.Part{k.Input(2)}, layers...)...)
		if err := m.Compile(k.SGD(0.1), loss); err != nil {
			t.Fatal(err)
		}
		return m
	}
	one := func(loss k.Loss) *k.Model { return model(loss, k.Dense(1, k.Sigmoid)) }
	row := func(loss k.Loss) *k.Model { return model(loss, k.Dense(3, k.Softmax)) }
	rows := func(y ...float32) *tensor.Dense { return tensorOf([]int{4, 3}, y) }
	series := model(k.SparseCategoricalCrossentropy, k.Dense(6), k.Reshape([]int{2, 3}), k.Activation(k.Softmax))
	nan := math.NaN()
	for name, c := range map[string]struct {
		m       *k.Model
		y       *tensor.Dense
		weights k.ClassWeights
		want    string // "" for none
	}{
		"one sigmoid":               {one(k.BinaryCrossentropy), column(0, 1, 0, 1), k.ClassWeights{1: 1, 2: 50}, "class 2 has weight 50, the output has classes 0 to 1"},
		"one sigmoid, -1":           {one(k.BinaryCrossentropy), column(0, 1, 0, 1), k.ClassWeights{-1: 1}, "class -1 has weight 1, the output has classes 0 to 1"},
		"one sigmoid, right":        {one(k.BinaryCrossentropy), column(0, 1, 0, 1), k.ClassWeights{1: 3}, ""},
		"regression":                {model(k.MeanSquaredError, k.Dense(1)), column(0, 1, 2.5, 1), k.ClassWeights{1: 2}, "sample 2: target is 2.5, class weights need a class, an integer from 0 to 1"},
		"regression, far":           {model(k.MeanAbsoluteError, k.Dense(1)), column(0, 1, 7, 1), k.ClassWeights{1: 2}, "sample 2: target is 7"},
		"regression, class":         {model(k.MeanSquaredError, k.Dense(1)), column(0, 1, 7, 1), k.ClassWeights{7: 2}, "class 7 has weight 2"},
		"soft":                      {one(k.BinaryCrossentropy), column(0, 1, 0.75, 1), k.ClassWeights{1: 2}, "sample 2: target is 0.75"},
		"many ones":                 {model(k.BinaryCrossentropy, k.Dense(3, k.Sigmoid)), rows(1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0), k.ClassWeights{1: 2}, "sample 1: target is [1 1 0], class weights need a one-hot row"},
		"none":                      {model(k.BinaryCrossentropy, k.Dense(3, k.Sigmoid)), rows(1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1), k.ClassWeights{1: 2}, "sample 2: target is [0 0 0]"},
		"regression of three":       {model(k.MeanSquaredError, k.Dense(3)), rows(1, 5, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1), k.ClassWeights{1: 2}, "sample 0: target is [1 5 0]"},
		"distributions":             {row(k.CategoricalCrossentropy), rows(0.5, 0.25, 0.25, 1, 0, 0, 0, 1, 0, 0, 0.125, 0.875), k.ClassWeights{1: 2}, ""},
		"hinge":                     {model(k.Hinge, k.Dense(1)), column(-1, 1, 1, -1), k.ClassWeights{-1: 2, 1: 3}, ""},
		"hinge of three":            {model(k.CategoricalHinge, k.Dense(3)), rows(1, -1, -1, -1, 1, -1, 1, -1, -1, -1, -1, 1), k.ClassWeights{2: 3}, ""},
		"hinge of three, two ones":  {model(k.CategoricalHinge, k.Dense(3)), rows(1, 1, -1, -1, 1, -1, 1, -1, -1, -1, -1, 1), k.ClassWeights{2: 3}, "sample 0: target is [1 1 -1]"},
		"class number":              {row(k.SparseCategoricalCrossentropy), tensorOf([]int{4}, []float32{0, 1, 2, 0}), k.ClassWeights{3: 1}, "class 3 has weight 1, the output has classes 0 to 2"},
		"classes of steps":          {series, tensorOf([]int{4, 2}, make([]float32, 8)), k.ClassWeights{1: 2}, "one class for each sample, targets have shape (batch, 2), outputs (batch, 2, 3)"},
		"negative":                  {one(k.BinaryCrossentropy), column(0, 1, 0, 1), k.ClassWeights{1: -2}, "class 1 has weight -2, want a finite number of at least 0"},
		"not a number":              {one(k.BinaryCrossentropy), column(0, 1, 0, 1), k.ClassWeights{1: nan}, "class 1 has weight NaN"},
		"nothing, regression":       {model(k.MeanSquaredError, k.Dense(1)), column(0, 1, 2.5, 1), k.ClassWeights{}, ""},
		"infinite":                  {one(k.BinaryCrossentropy), column(0, 1, 0, 1), k.ClassWeights{0: math.Inf(1)}, "class 0 has weight +Inf"},
		"several, of which 5 first": {one(k.BinaryCrossentropy), column(0, 1, 0, 1), k.ClassWeights{9: 1, 5: 1, 7: 1}, "class 5 has weight 1"},
	} {
		_, err := c.m.Fit(t.Context(), dataOf(t, x, c.y), c.weights, k.KeepOrder)
		if c.want == "" && err == nil {
			continue
		}
		if c.want == "" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v lacks %q", name, err, c.want)
		}
	}
}

// badWeights is a SampleWeighter whose weights are not checked before they are used.
type badWeights struct {
	k.Source
	weights []float32
	err     error
}

func (s badWeights) Weights(indices []int, to []float32) error {
	for i, j := range indices {
		to[i] = s.weights[j]
	}
	return s.err
}

// Sample weights that are negative, NaN or infinite are rejected wherever they come from.
func TestInvalidSampleWeights(t *testing.T) {
	x, y := tensorOf([]int{3, 2}, []float32{1, 2, 3, 4, 5, 6}), tensorOf([]int{3, 1}, []float32{0, 1, 0})
	m := k.Sequential("m", k.Input(2), k.Dense(1, k.Sigmoid))
	if err := m.Compile(k.SGD(0.1), k.BinaryCrossentropy); err != nil {
		t.Fatal(err)
	}
	before := weightsOf(m)
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		weights := []float32{1, float32(bad), 1}
		_, err := k.Weighted(dataOf(t, x, y), weights)
		wantError(t, err, "weight 1 is", "want a finite number of at least 0")
		source := badWeights{dataOf(t, x, y), weights, nil}
		_, err = m.Fit(t.Context(), source, k.KeepOrder)
		wantError(t, err, "sample 1: weight is", "want a finite number")
		_, err = m.Evaluate(t.Context(), source)
		wantError(t, err, "sample 1: weight is")
		_, err = m.TrainOnBatchOf([]graph.Value{x}, []graph.Value{y}, weights)
		wantError(t, err, "weight 1 is", "want a finite number")
	}
	_, err := m.TrainOnBatchOf([]graph.Value{x}, []graph.Value{y}, []float32{1, 1})
	wantError(t, err, "2 weights for 3 samples")
	_, err = m.Fit(t.Context(), badWeights{dataOf(t, x, y), []float32{1, 1, 1}, errors.New("gone")})
	wantError(t, err, "gone")
	if !slices.Equal(before, weightsOf(m)) {
		t.Error("rejected weights have trained the model")
	}
}

// Where the loss shows targets that are not finite, they are looked for only after it: the errors are
// those of a check before, and nothing has changed, whatever weights hide the sample.
func TestTrainOnBatchNamesTargets(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x := tensorOf([]int{3, 2}, []float32{1, 2, 3, 4, 5, 6})
	good := tensorOf([]int{3, 2}, []float32{1, 2, 3, 4, 5, 6})
	for _, loss := range []k.Loss{k.MSE, k.MAE, k.MeanSquaredError, k.MeanAbsoluteError, k.LogCosh} {
		in := k.Input(2)
		m := k.NewModel("m", []*k.Tensor{in}, []*k.Tensor{k.Dense(2).Apply(in), k.Dense(2, k.Tanh).Apply(in)})
		if err := m.Compile(k.RMSprop(0.1), loss, k.LossWeights(1, 0)); err != nil {
			t.Fatal(err)
		}
		before := weightsOf(m)
		for _, bad := range []float32{nan, inf, -inf} {
			spoiled := tensorOf([]int{3, 2}, []float32{1, 2, 3, bad, 5, nan})
			for i := range 2 {
				targets := []graph.Value{good, good}
				targets[i] = spoiled
				for _, weights := range [][]float32{nil, {1, 0, 1}} {
					_, err := m.TrainOnBatchOf([]graph.Value{x}, targets, weights)
					wantError(t, err, fmt.Sprintf("train on batch: target %d of sample 1: value 1 is %v", i, bad))
				}
			}
		}
		if !slices.Equal(before, weightsOf(m)) {
			t.Errorf("%s: rejected targets have trained the model", loss.Name())
		}
	}
}
