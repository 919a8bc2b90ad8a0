// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"testing"
)

// flops reports the speed of a benchmark loop with flop floating-point operations per iteration.
func flops(b *testing.B, flop float64) {
	b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkMultiply(b *testing.B) {
	for _, s := range []struct{ m, k, n int }{
		{1024, 1024, 1024},
		{4096, 512, 512},
		{512, 4096, 512},
		{512, 512, 512},
		{128, 784, 512},
		{512, 10000, 64},
		{128, 32, 96},
		{23120, 1152, 128},
		{784, 128, 512},
		{128, 512, 784},
	} {
		x, w, y := make([]float32, s.m*s.k), make([]float32, s.k*s.n), make([]float32, s.m*s.n)
		for _, v := range []struct {
			name           string
			transA, transB bool
		}{{"NN", false, false}, {"NT", false, true}, {"TN", true, false}} {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", s.m, s.k, s.n, v.name), func(b *testing.B) {
				b.ReportAllocs()
				lda, ldb := s.k, s.n
				if v.transA {
					lda = s.m
				}
				if v.transB {
					ldb = s.k
				}
				for b.Loop() {
					Multiply(Product{TransA: v.transA, TransB: v.transB, M: s.m, N: s.n, K: s.k, A: x, LDA: lda, B: w, LDB: ldb, C: y, LDC: s.n})
				}
				flops(b, 2*float64(s.m)*float64(s.n)*float64(s.k))
			})
		}
	}
}
