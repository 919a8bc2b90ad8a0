// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// spreadRows makes the whole matrix of a gradient, by Sum and by Each.
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
			AddScaled(byEach[int(r)*dim:int(r+1)*dim], grad[i*dim:(i+1)*dim], 1) // a row that came twice would count twice
		}
	})
	return bySum, byEach
}

func TestSparseGrad(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(6, 6))
		var s SparseGrad
		for i := range 25 {
			n, dim, vocab := rng.IntN(6000), 1+rng.IntN(150), 1+rng.IntN(3000)
			ids, dy := randomIDs(rng, n, vocab), randomFloats(rng, n*dim)
			for range n / 100 * (i % 2) { // bad ids
				ids[rng.IntN(n)] = []float32{-1, 0.5, float32(vocab), float32(math.NaN())}[rng.IntN(4)]
			}
			want := make([]float64, vocab*dim)
			ref.ScatterAdd(want, widen(dy), convert[float64](widen(ids)), n, vocab, dim)

			rows := s.Of(dy, ids, n, vocab, dim)
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
