// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// sampled predicts in training mode.
func sampled(t *testing.T, m *k.Model, x *k.Array, options ...k.PredictOption) []float32 {
	t.Helper()
	data, err := k.Data(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.PredictSource(t.Context(), data, options...)
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Values()
}

// BatchNormalization uses the statistics of each batch, and its moving ones stay.
func TestTrainingModeOfBatchNormalization(t *testing.T) {
	m := k.Sequential("m", k.Input(2), k.BatchNormalization(k.Epsilon(0.001)))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(weightsOf(m))
	x := []float32{1, 10, 3, 30, 5, -4, 9, -8}
	a, err := k.NewArray(x, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{4, 2} {
		got := sampled(t, m, a, k.TrainingMode(1), k.BatchSize(size))
		for from := 0; from < 4; from += size {
			for c := range 2 {
				var mean, variance float64
				for i := from; i < from+size; i++ {
					mean += float64(x[2*i+c]) / float64(size)
				}
				for i := from; i < from+size; i++ {
					d := float64(x[2*i+c]) - mean
					variance += d * d / float64(size)
				}
				for i := from; i < from+size; i++ {
					if want := (float64(x[2*i+c]) - mean) / math.Sqrt(variance+0.001); math.Abs(float64(got[2*i+c])-want) > 1e-5 {
						t.Errorf("batches of %d: output %d, %d is %g, want %g", size, i, c, got[2*i+c], want)
					}
				}
			}
		}
	}
	if fmt.Sprint(weightsOf(m)) != before {
		t.Error("the moving statistics have changed")
	}
}

// A seed gives the same bytes on any number of workers and beside other predictions; another seed and
// another batch other ones. Prediction and training do not notice.
func TestTrainingMode(t *testing.T) {
	model := func() *k.Model {
		m := k.Sequential("m", k.Input(3), k.Dense(32, k.ReLU), k.Dropout(0.5), k.GaussianNoise(0.1), k.Dense(1))
		if err := m.Compile(k.SGD(0.01), k.MSE, k.Seed(4)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := model()
	x := exampleOf(t, 300, 3)
	plain, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	once := sampled(t, m, x, k.TrainingMode(7))
	if slices.Equal(once, plain.Values()) || slices.Equal(once, sampled(t, m, x, k.TrainingMode(8))) {
		t.Error("the seed changes nothing")
	}
	if slices.Equal(once[:128], once[128:256]) {
		t.Error("two batches have the same random numbers")
	}
	if got := sampled(t, m, x, k.BatchSize(32)); !slices.Equal(got, plain.Values()) {
		t.Error("BatchSize changes a prediction")
	}
	for _, procs := range []int{1, 3} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			var wait sync.WaitGroup
			for seed := range 6 {
				wait.Go(func() {
					got := sampled(t, m, x, k.TrainingMode(uint64(seed/2+7)))
					if same := slices.Equal(got, once); same != (seed/2 == 0) {
						t.Errorf("%d processors, seed %d: the same bytes are %v", procs, seed/2+7, same)
					}
				})
			}
			wait.Wait()
		}()
	}
	y := exampleOf(t, 8, 1)
	trained := func(between func(m *k.Model)) string {
		m := model()
		for range 2 {
			if _, err := m.Fit(t.Context(), headsData(t, y)); err != nil {
				t.Fatal(err)
			}
			between(m)
		}
		return fmt.Sprint(weightsOf(m))
	}
	if trained(func(*k.Model) {}) != trained(func(m *k.Model) { sampled(t, m, x, k.TrainingMode(1)) }) {
		t.Error("a prediction in training mode changes training")
	}

	raw := k.Sequential("raw", k.Input(4, 4, 1), k.RandomFlip(), k.Flatten())
	if err := raw.Build(1); err != nil {
		t.Fatal(err)
	}
	pictures := exampleOf(t, 20, 4, 4, 1)
	if got := sampled(t, raw, pictures, k.TrainingMode(1)); slices.Equal(got, sampled(t, raw, pictures)) || !slices.Equal(got, sampled(t, raw, pictures, k.TrainingMode(1))) || slices.Equal(got, sampled(t, raw, pictures, k.TrainingMode(2))) {
		t.Error("a random preprocessing layer does not follow the seed")
	}

	for want, options := range map[string][]k.PredictOption{
		"predict: batches of 0 samples, want at least 1": {k.BatchSize(0)},
		"predict: TrainingMode does not fit Distributed": {k.TrainingMode(1), k.Distributed(distributed.Single())},
	} {
		data, err := k.Data(x, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.PredictSource(t.Context(), data, options...)
		wantError(t, err, want)
	}
}

// Monte Carlo dropout: the spread of predictions in training mode is larger far from the data.
func ExampleTrainingMode() {
	const n = 64
	x, y := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = 2*float32(i)/n - 1
		y[i] = x[i] * x[i]
	}
	inputs, _ := k.NewArray(x, n, 1)
	targets, _ := k.NewArray(y, n, 1)
	data, _ := k.Data(inputs, targets)
	m := k.Sequential("m", k.Input(1), k.Dense(64, k.ReLU), k.Dropout(0.1), k.Dense(64, k.ReLU), k.Dropout(0.1), k.Dense(1))
	if err := m.Compile(k.Adam(0.01), k.MSE, k.Seed(1)); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := m.Fit(context.Background(), data, k.Epochs(60)); err != nil {
		fmt.Println(err)
		return
	}

	near, _ := k.Column([]float32{0.2, 3})
	points, _ := k.Data(near, nil)
	var sum, squares [2]float64
	const draws = 50
	for seed := range uint64(draws) {
		out, err := m.PredictSource(context.Background(), points, k.TrainingMode(seed))
		if err != nil {
			fmt.Println(err)
			return
		}
		for i, v := range out[0].Values() {
			sum[i], squares[i] = sum[i]+float64(v), squares[i]+float64(v)*float64(v)
		}
	}
	spread := func(i int) float64 { return math.Sqrt(squares[i]/draws - sum[i]*sum[i]/draws/draws) }
	fmt.Println(spread(1) > 3*spread(0))
	// Output: true
}
