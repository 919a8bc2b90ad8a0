// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"math"
	"slices"
	"sync"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

// TestObjectiveOfPaddedSequences trains on sequences of different lengths, padded, with masks and penalties,
// by a loss and by an objective that computes the same: every bit of weights and logs agrees.
func TestObjectiveOfPaddedSequences(t *testing.T) {
	var x, y []*k.Array
	for i := range 12 {
		n := 2 + i%4
		ids, classes := make([]float32, n), make([]float32, n)
		for j := range n {
			ids[j], classes[j] = float32(1+(i+j)%5), float32((i*j)%3)
		}
		x, y = append(x, mustArray(t, ids, n)), append(y, mustArray(t, classes, n))
	}
	inputs, err := k.Ragged(x)
	if err != nil {
		t.Fatal(err)
	}
	targets, err := k.Ragged(y)
	if err != nil {
		t.Fatal(err)
	}
	source, err := k.Data(inputs, targets)
	if err != nil {
		t.Fatal(err)
	}
	var weights, logs [2][]float32
	for i, loss := range []k.Loss{
		k.SparseCategoricalCrossentropy,
		k.Objective(func(s *k.Step) *graph.Node {
			return s.Loss(k.SparseCategoricalCrossentropy, s.Output(0), s.Target(0, k.Any))
		}),
	} {
		m := k.Sequential("m", k.Input(k.Any), k.Embedding(6, 4, k.MaskZero), k.GRU(5, k.ReturnSequences), k.Dense(3, k.Softmax, k.KernelRegularizer(k.L2(0.1))))
		if err := m.Compile(k.Adam(0.01), loss, k.Seed(2)); err != nil {
			t.Fatal(err)
		}
		h, err := m.Fit(t.Context(), k.Padded(source), k.BatchSize(5), k.Epochs(2))
		if err != nil {
			t.Fatal(err)
		}
		weights[i], logs[i] = weightsOf(m), []float32{float32(h.Get("loss")[0]), float32(h.Get("loss")[1])}
	}
	if !slices.Equal(weights[0], weights[1]) || !slices.Equal(logs[0], logs[1]) {
		t.Errorf("losses %v by the loss, %v by the objective; the weights are equal: %v", logs[0], logs[1], slices.Equal(weights[0], weights[1]))
	}
}

// TestObjectiveWithWeights trains on weighted samples like a loss of Compile does, by Fit and on batches.
func TestObjectiveWithWeights(t *testing.T) {
	x, y, w := seventhsOf(24), seventhsOf(16), []float32{1, 0, 2, 0.5, 1, 1, 3, 0}
	data, err := k.Data(mustArray(t, x, 8, 3), mustArray(t, y, 8, 2))
	if err == nil {
		data, err = k.Weighted(data, w)
	}
	if err != nil {
		t.Fatal(err)
	}
	var got [2][]float32
	for i, loss := range []k.Loss{k.MeanSquaredError, k.Objective(func(s *k.Step) *graph.Node {
		return s.Do(graph.Mean(s.Do(graph.Mul(s.LossRows(k.MeanSquaredError, s.Output(0), s.Target(0, 2)), s.Weights()))))
	})} {
		m := k.Sequential("m", k.Input(3), k.Dense(2))
		if err := m.Compile(k.SGD(0.1), loss, k.Seed(2)); err != nil {
			t.Fatal(err)
		}
		h, err := m.Fit(t.Context(), data, k.BatchSize(4), k.Validation(data))
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.TrainOnBatchOf([]graph.Value{tensor.New(tensor.WithShape(8, 3), tensor.WithBacking(x))}, []graph.Value{tensor.New(tensor.WithShape(8, 2), tensor.WithBacking(y))}, w)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = append(weightsOf(m), float32(h.Get("loss")[0]), float32(h.Get("val_loss")[0]), float32(r.Loss()))
	}
	for i, v := range got[0] {
		if math.Abs(float64(v-got[1][i])) > 1e-6 {
			t.Fatalf("number %d is %v by the loss, %v by the objective", i, v, got[1][i])
		}
	}
}

// TestPredictWhilePhasesTrain predicts with a part of a model, and evaluates the whole, while it is trained:
// the result is that of training alone.
func TestPredictWhilePhasesTrain(t *testing.T) {
	alone, _, _ := noisyGAN(t)
	gan, generator, _ := noisyGAN(t)
	data := noisyData(t, 64)
	if _, err := alone.Fit(t.Context(), data, k.Epochs(3)); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var others sync.WaitGroup
	for _, use := range []func() error{
		func() error { _, err := generator.Predict(mustArray(t, []float32{1, 2}, 1, 2)); return err },
		func() error { _, err := gan.Evaluate(t.Context(), data); return err },
	} {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if err := use(); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	_, err := gan.Fit(t.Context(), data, k.Epochs(3))
	close(stop)
	others.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weightsOf(alone), weightsOf(gan)) {
		t.Error("the weights differ from those of training alone")
	}
}

// TestTrainOnBatchOfPhasesAllocatesNothing allows the arguments of a call.
func TestTrainOnBatchOfPhasesAllocatesNothing(t *testing.T) {
	gan, _, _ := noisyGAN(t)
	x := tensor.New(tensor.WithShape(8, 3), tensor.WithBacking(seventhsOf(24)))
	step := func() {
		if _, err := gan.TrainOnBatch(x, nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		step()
	}
	if n := testing.AllocsPerRun(20, step); n > 4 {
		t.Errorf("a step allocates %v times", n)
	}
}
