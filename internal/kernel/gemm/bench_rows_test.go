// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/parallel"
)

func BenchmarkRows(b *testing.B) {
	for _, workers := range []int{1, 2} {
		for _, s := range []struct{ k, n int }{{64, 128}, {256, 768}, {784, 512}, {1024, 4096}} {
			for _, m := range []int{1, 2, 3, 4, 8, 32} {
				b.Run(fmt.Sprintf("%dx%dx%d/workers%d", m, s.k, s.n, workers), func(b *testing.B) {
					defer parallel.SetWorkers(workers)()
					x, w, y := make([]float32, m*s.k), make([]float32, s.k*s.n), make([]float32, m*s.n)
					for b.Loop() {
						Multiply(Product{M: m, N: s.n, K: s.k, A: x, LDA: s.k, B: w, LDB: s.n, C: y, LDC: s.n})
					}
					flops(b, 2*float64(m)*float64(s.n)*float64(s.k))
				})
			}
		}
	}
}
