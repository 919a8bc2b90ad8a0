// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// The shapes are of products that share a unit, that fetch ahead, whose B is read in place or packed, with several
// blocks of k, and whose rows of A are copied, which are 2048 bytes apart; the last ones are not distributed whole.
func TestMultiplyBatchHasTheBitsOfMultiply(t *testing.T) {
	shapes := []struct {
		count, m, n, k int
		whole          bool
	}{
		{9, 5, 7, 3, true}, {33, 32, 32, 32, true}, {5, 128, 100, 65, true}, {5, 131, 40, 64, true}, {4, 9, 300, 40, true},
		{5, 100, 33, 500, true}, {5, 40, 60, 512, true}, {3, 400, 400, 64, false}, {1, 100, 70, 40, false}, {4, 3, 5, 2048, false}, {2, 4, 4, 0, false},
	}
	kerneltest.OnEachISA(t, func(t *testing.T) {
		defer parallel.SetWorkers(2)()
		for _, s := range shapes {
			for _, trans := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
				rng := rand.New(rand.NewPCG(1, 2))
				lda, ldb := s.k, s.n
				if trans[0] {
					lda = s.m
				}
				if trans[1] {
					ldb = s.k
				}
				sizeA, sizeB, sizeC := s.m*s.k, s.k*s.n, s.m*s.n
				p := Product{TransA: trans[0], TransB: trans[1], M: s.m, N: s.n, K: s.k, LDA: lda, LDB: ldb, LDC: s.n}
				all := p
				all.A, all.B, all.C = randomFloats(rng, s.count*sizeA), randomFloats(rng, s.count*sizeB), randomFloats(rng, s.count*sizeC)
				want := make([]float32, len(all.C))
				for i := range s.count {
					p.A, p.B, p.C = all.A[i*sizeA:], all.B[i*sizeB:], want[i*sizeC:]
					Multiply(p)
				}
				what := fmt.Sprint(s, trans)
				whole := s.whole || s.k == 2048 && (trans[0] || trans[1]) // those that Multiply does not divide along k
				if got := MultiplyBatch(all, s.count); got != whole {
					t.Errorf("%s: distributed whole: %v, want %v", what, got, whole)
				} else if got && !slices.EqualFunc(all.C, want, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
					t.Errorf("%s: not the bits of Multiply", what)
				}
			}
		}
	})
}
