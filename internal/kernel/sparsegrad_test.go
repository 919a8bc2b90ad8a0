// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// spreadRows returns the dense matrix of a gradient, computed by Sum and by Each.
func spreadRows(s *SparseGrad, vocab, dim int) (bySum, byEach []float32) {
	bySum, byEach = make([]float32, vocab*dim), make([]float32, vocab*dim)
	sums := s.Sum()
	for i, r := range s.rows {
		copy(bySum[int(r)*dim:], sums[i*dim:(i+1)*dim])
	}
	var mu sync.Mutex
	s.Each(func(rows []int32, grad []float32) {
		mu.Lock()
		defer mu.Unlock()
		for i, r := range rows {
			AddScaled(byEach[int(r)*dim:int(r+1)*dim], grad[i*dim:(i+1)*dim], 1) // a row that occurred twice would count twice
		}
	})
	return bySum, byEach
}

func TestSparseGradGathers(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var gathered, plain SparseGrad
	for range 20 {
		n, dim, vocab := 1+rng.IntN(6000), 64+rng.IntN(80), 1+rng.IntN(3000)
		ids, dy, table := randomIDs(rng, n, vocab), randomFloats(rng, n*dim), randomFloats(rng, vocab*dim)
		got, want := randomFloats(rng, n*dim), make([]float32, n*dim)
		if bad := gathered.Gather(got, table, ids, n, vocab, dim); bad >= 0 {
			t.Fatalf("id %d is bad", bad)
		}
		Gather(want, table, ids, n, vocab, dim)
		what := fmt.Sprintf("%d of %d ids, %d dimensions", n, vocab, dim)
		sameNumbers(t, what, got, want)
		if rows, want := gathered.SetGathered(dy), plain.Set(dy, ids, n, vocab, dim); !slices.Equal(rows, want) {
			t.Fatalf("%s: rows %v, want %v", what, rows, want)
		}
		bySum, byEach := spreadRows(&gathered, vocab, dim)
		wantSum, _ := spreadRows(&plain, vocab, dim)
		sameNumbers(t, what+": sums", bySum, wantSum)
		sameNumbers(t, what+": sums part by part", byEach, wantSum)

		at := rng.IntN(n)
		ids[at], ids[n-1] = float32(vocab), -1
		if bad := gathered.Gather(got, table, ids, n, vocab, dim); bad != at {
			t.Errorf("the first bad id is %d, want %d", bad, at)
		}
	}
}

func TestSparseGrad(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(6, 6))
		var s SparseGrad
		for i := range 25 {
			n, dim, vocab := rng.IntN(6000), 1+rng.IntN(150), 1+rng.IntN(3000)
			ids, dy := randomIDs(rng, n, vocab), randomFloats(rng, n*dim)
			for range n / 100 * (i % 2) { // invalid ids
				ids[rng.IntN(n)] = []float32{-1, 0.5, float32(vocab), float32(math.NaN())}[rng.IntN(4)]
			}
			want := make([]float64, vocab*dim)
			ref.ScatterAdd(want, kerneltest.Widen(dy), convert[float64](kerneltest.Widen(ids)), n, vocab, dim)

			rows := s.Set(dy, ids, n, vocab, dim)
			if !slices.IsSorted(rows) {
				t.Fatalf("rows %v are not ascending", rows)
			}
			bySum, byEach := spreadRows(&s, vocab, dim)
			what := fmt.Sprintf("%d of %d ids, %d dimensions", n, vocab, dim)
			near(t, what, bySum, want, 1e-6*math.Sqrt(float64(n+1)))
			sameNumbers(t, what+", part by part", byEach, bySum)
		}
	})
}
