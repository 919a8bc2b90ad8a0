// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// Predictions use the weights of the moment, whatever was kept of earlier ones, and many goroutines
// with batches of different sizes share what is kept.
func TestKeptWeights(t *testing.T) {
	build := func() *Model {
		x := Input(8, 8, 32)
		y := BatchNormalization().Apply(Conv2D(48, 3, SamePadding).Apply(x))
		m := NewModel("m", []*Tensor{x}, []*Tensor{Dense(40).Apply(Flatten().Apply(y))})
		if err := m.Compile(SGD(0.01), MeanSquaredError, Seed(1)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	rng := rand.New(rand.NewPCG(1, 2))
	const most = 6
	samples := &Array{values: kerneltest.Normal(rng, make([]float32, most*8*8*32)), shape: []int{most, 8, 8, 32}}
	m := build()
	kept := func() int64 { return m.weights[0].lock.kept.Bytes() }
	predict := func(m *Model, n int) []float32 {
		t.Helper()
		y, err := m.Predict(&Array{values: samples.values[:n*samples.sampleSize()], shape: []int{n, 8, 8, 32}})
		if err != nil {
			t.Fatal(err)
		}
		return y.values
	}
	check := func(what string) {
		t.Helper()
		fresh := build()
		for i, w := range m.weights {
			if err := fresh.weights[i].Set(w.Values()); err != nil {
				t.Fatal(err)
			}
		}
		want := predict(fresh, most)
		each := len(want) / most
		var wait sync.WaitGroup
		for n := 1; n <= most; n++ {
			wait.Go(func() {
				for range 3 {
					y, err := m.Predict(&Array{values: samples.values[:n*samples.sampleSize()], shape: []int{n, 8, 8, 32}})
					if err != nil {
						t.Error(err)
						return
					}
					sameRow(t, y.values, want[:n*each], each)
				}
			})
		}
		wait.Wait()
		if t.Failed() {
			t.Fatal(what)
		}
	}
	check("at first")
	if kept() == 0 {
		t.Fatal("nothing is kept")
	}
	size := kept()
	for _, w := range m.weights {
		if err := w.Update(func(values []float32) {
			for i := range values {
				values[i] = values[i]*0.5 + 0.25
			}
		}); err != nil {
			t.Fatal(err)
		}
		check(fmt.Sprint("after a change of ", w.Path()))
	}
	source, err := Data(samples, &Array{values: make([]float32, most*40), shape: []int{most, 40}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Fit(t.Context(), source, Epochs(1)); err != nil {
		t.Fatal(err)
	}
	check("after training")
	if kept() != size {
		t.Errorf("%d bytes are kept, before %d", kept(), size)
	}
	m.SetCacheLimit(4 * (size - 1))
	if kept() >= size {
		t.Errorf("%d bytes are kept, the limit is %d", kept(), size-1)
	}
	check("with a lower limit")
	m.SetCacheLimit(0)
	if check("without a cache"); kept() != 0 {
		t.Errorf("%d bytes are kept, the limit is 0", kept())
	}
}
