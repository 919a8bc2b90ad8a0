// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// BenchmarkReduceAxis reduces the middle one of three axes.
func BenchmarkReduceAxis(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][3]int{{1, 10_000_000, 1}, {10_000, 1000, 1}, {1, 10_000, 1000}, {64, 256, 512}, {32, 3136, 64}, {1_000_000, 8, 1}} {
		x, index := randomFloats(rng, s[0]*s[1]*s[2]), make([]int64, s[0]*s[2])
		for _, f := range []struct {
			name  string
			run   func(dst, x []float32, outer, n, inner int)
			whole bool // the result has x's shape
		}{
			{"sum", SumAxis[float32], false}, {"max", MaxAxis[float32], false}, {"logsumexp", LogSumExpAxis[float32], false},
			{"var", func(dst, x []float32, outer, n, inner int) { VarianceAxis(dst, x, outer, n, inner, 1) }, false},
			{"prod", ProdAxis[float32], false}, {"norm", SumSquaresAxis[float32], false},
			{"argmax", func(_, x []float32, outer, n, inner int) { ArgExtreme(index, x, outer, n, inner, false) }, false},
			{"softmax", SoftmaxAxis[float32], true}, {"log_softmax", LogSoftmaxAxis[float32], true},
		} {
			size := s[0] * s[2]
			if f.whole {
				size = len(x)
			}
			y := make([]float32, size)
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%dx%dx%d/workers=%d", f.name, s[0], s[1], s[2], workers), func(b *testing.B) {
					defer parallel.SetWorkers(workers)()
					b.SetBytes(int64(4 * len(x)))
					for b.Loop() {
						f.run(y, x, s[0], s[1], s[2])
					}
				})
			}
		}
	}
}
