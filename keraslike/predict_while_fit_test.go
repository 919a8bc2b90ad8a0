// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// copies is a model that multiplies an input of 1 by each of two kernels, whose values are all equal
// unless somebody is in the middle of changing them.
func copies(t testing.TB) *keraslike.Model {
	t.Helper()
	in := keraslike.Input(1)
	dense := func(name string) *keraslike.Tensor {
		return keraslike.Dense(40, keraslike.NoBias, keraslike.KernelInitializer(keraslike.Ones()), keraslike.Name(name)).Apply(in)
	}
	m := keraslike.NewModel("copies", []*keraslike.Tensor{in}, []*keraslike.Tensor{dense("a"), dense("b")})
	if err := m.Compile(keraslike.SGD(0.01), keraslike.Losses(keraslike.MeanSquaredError, keraslike.MeanSquaredError)); err != nil {
		t.Fatal(err)
	}
	return m
}

// consistent reports predictions of the copies that differ from each other.
func consistent(out []*keraslike.Array) error {
	const units, batch = 40, 128
	for i := 0; i < out[0].Len(); i++ {
		a, b, first := out[0].Row(i), out[1].Row(i), out[0].Row(i-i%batch)
		for j := range units {
			if a[j] != b[j] || a[j] != a[0] || a[j] != first[j] {
				return fmt.Errorf("sample %d, unit %d: the weights are %v and %v, and %v in other samples of the batch", i, j, a[j], b[j], first[j])
			}
		}
	}
	return nil
}

// 64 goroutines predict batches of mixed sizes, while the model trains, evaluates and has its
// weights set. Each batch is computed with the weights of one moment.
func TestPredictWhileFit(t *testing.T) {
	m := copies(t)
	train := make([]*keraslike.Array, 3)
	for k, width := range []int{1, 40, 40} {
		values := make([]float32, 96*width)
		for i := range values {
			values[i] = 1
			if k > 0 {
				values[i] = 5 // to which both kernels move in the same steps
			}
		}
		train[k], _ = keraslike.NewArray(values, 96, width)
	}
	data, err := keraslike.MultiData(train[:1], train[1:])
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				n := 1 + rng.IntN(8)*rng.IntN(40)
				x, _ := keraslike.NewArray(slices.Repeat([]float32{1}, n), n, 1)
				var out []*keraslike.Array
				var err error
				switch rng.IntN(8) {
				case 0:
					_, err = m.Evaluate(t.Context(), data, keraslike.BatchSize(1+rng.IntN(96)))
				case 1:
					source, _ := keraslike.Data(x, nil)
					out, err = m.PredictSource(t.Context(), &spy{Source: source})
				case 2:
					y, _ := keraslike.NewArray(make([]float32, n*40), n, 40)
					z, _ := keraslike.NewArray(make([]float32, n*40), n, 40)
					out = []*keraslike.Array{y, z}
					err = m.PredictInto(out, x)
				default:
					out, err = m.PredictAll(x)
				}
				if err == nil && out != nil {
					err = consistent(out)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 10 {
		if _, err := m.Fit(t.Context(), data, keraslike.BatchSize(20), keraslike.KeepOrder); err != nil {
			t.Error(err)
		}
		if err := keraslike.UpdateWeights(m.Weights(), func(_ int, v []float32) {
			for i := range v {
				v[i]++
			}
		}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}
