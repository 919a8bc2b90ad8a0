// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/reef-dl/reef/keraslike"
)

func predict(t rapid.TB, m *keraslike.Model, x *tensor.Dense) []float32 {
	t.Helper()
	y, err := m.Predict(keraslike.ArrayOf(x))
	if err != nil {
		t.Fatal(err)
	}
	return y.Values()
}

// TestPredictFromManyGoroutines compares with predictions made one after
// another; with -race it shows that graphs share nothing but the weights.
func TestPredictFromManyGoroutines(t *testing.T) {
	m := toyModel(t)
	const workers, rounds = 8, 20
	inputs, want := make([]*tensor.Dense, workers), make([][]float32, workers)
	for i := range workers {
		inputs[i], _ = blobs(3+i*40, uint64(i)) // one to three batches, some of sizes that others have too
		want[i] = predict(t, m, inputs[i])
	}
	var wg sync.WaitGroup
	errs := make(chan error, workers)
	for i := range workers {
		wg.Go(func() {
			for r := range rounds {
				k := (i + r) % workers
				y, err := m.Predict(keraslike.ArrayOf(inputs[k]))
				if err == nil && !slices.Equal(y.Values(), want[k]) {
					err = fmt.Errorf("goroutine %d: predictions differ from those made alone", i)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

// TestPredictProperties draws batches: rows of softmax sum to one, a permuted
// batch gives permuted predictions, and neighbors in a batch change nothing.
func TestPredictProperties(t *testing.T) {
	m := toyModel(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 150).Draw(t, "samples")
		values := rapid.SliceOfN(rapid.Float32Range(-100, 100), toyFeatures, toyFeatures)
		var rows [][]float32
		for range min(n, 5) {
			rows = append(rows, values.Draw(t, "row"))
		}
		for len(rows) < n {
			rows = append(rows, rows[len(rows)%5])
		}
		of := func(order []int) []float32 {
			var x []float32
			for _, i := range order {
				x = append(x, rows[i]...)
			}
			return predict(t, m, tensorOf([]int{len(order), toyFeatures}, x))
		}
		y := of(upTo(n))
		for i := range n {
			var sum float64
			for _, p := range y[i*toyClasses : (i+1)*toyClasses] {
				sum += float64(p)
				if !(p >= 0) {
					t.Fatalf("probability %g", p)
				}
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Fatalf("sample %d: probabilities add up to %.9g", i, sum)
			}
		}
		order := rapid.Permutation(upTo(n)).Draw(t, "order")
		permuted := of(order)
		for at, i := range order {
			if !slices.Equal(permuted[at*toyClasses:(at+1)*toyClasses], y[i*toyClasses:(i+1)*toyClasses]) {
				t.Fatalf("sample %d at place %d of the batch gets %v, at its own %v", i, at, permuted[at*toyClasses:(at+1)*toyClasses], y[i*toyClasses:(i+1)*toyClasses])
			}
		}
		k := rapid.IntRange(1, n).Draw(t, "without padding")
		if alone := of(upTo(k)); !slices.Equal(alone, y[:k*toyClasses]) {
			t.Fatalf("the first %d of %d samples get other predictions alone", k, n)
		}
	})
}

// TestShuffleIsAPermutation draws lengths, batch sizes and seeds.
func TestShuffleIsAPermutation(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(rt, "samples")
		batch := rapid.IntRange(1, 70).Draw(rt, "batch")
		seed := rapid.Uint64().Draw(rt, "seed")
		s := &spy{Source: toyData(t, n, 1)}
		if _, err := toyModel(t, keraslike.Seed(seed)).Fit(t.Context(), s, keraslike.BatchSize(batch)); err != nil {
			rt.Fatal(err)
		}
		reads := s.take()
		if got := slices.Sorted(slices.Values(slices.Concat(reads...))); !slices.Equal(got, upTo(n)) {
			rt.Fatalf("samples %v, want each of 0 to %d once", got, n-1)
		}
		for i, r := range reads {
			if want := min(batch, n-i*batch); len(r) != want {
				rt.Fatalf("batch %d has %d samples, want %d", i, len(r), want)
			}
		}
	})
}

// PredictSource gives every output of a model, in the order of NewModel.
func TestPredictSourceOfTwoOutputs(t *testing.T) {
	in := keraslike.Input(toyFeatures)
	h := keraslike.Dense(4, keraslike.Tanh).Apply(in)
	m := keraslike.NewModel("two", []*keraslike.Tensor{in}, []*keraslike.Tensor{keraslike.Activation(keraslike.Softmax).Apply(h), h})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	x, _ := blobs(300, 1)
	out, err := m.PredictSource(t.Context(), dataOf(t, x, nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 2 || !slices.Equal([]int(out[0].Shape()), []int{300, 4}) || !slices.Equal([]int(out[1].Shape()), []int{300, 4}) {
		t.Fatalf("got %d outputs, want two of 300 by 4", len(out))
	}
	softmax, tanh := out[0].Values(), out[1].Values()
	for i := range 300 {
		var sum float64
		for j := range 4 {
			sum += math.Exp(float64(tanh[i*4+j]))
		}
		if want := math.Exp(float64(tanh[i*4])) / sum; math.Abs(float64(softmax[i*4])-want) > 1e-6 {
			t.Fatalf("sample %d: softmax is %g, want %g of the second output", i, softmax[i*4], want)
		}
	}
}
