// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// BenchmarkRows is the speed of products of few rows, whose B comes from every level of the cache.
func BenchmarkRows(b *testing.B) {
	for _, s := range []struct{ k, n int }{{64, 128}, {256, 768}, {784, 512}, {1024, 4096}} {
		for _, m := range []int{1, 2, 3, 4, 6, 8, 32, 128} {
			x, w, y := make([]float32, m*s.k), make([]float32, s.k*s.n), make([]float32, m*s.n)
			plain := Product{M: m, N: s.n, K: s.k, A: x, LDA: s.k, B: w, LDB: s.n, C: y, LDC: s.n, Rows: true}
			packed := plain
			packed.Packed = new(Packed)
			packed.Packed.Pack(false, s.k, s.n, w, s.n)
			for _, v := range []struct {
				name string
				p    Product
			}{{"plain", plain}, {"packed", packed}} {
				for workers := 1; workers <= 2; workers++ {
					b.Run(fmt.Sprintf("%dx%dx%d/%s/%d", m, s.k, s.n, v.name, workers), func(b *testing.B) {
						defer parallel.SetWorkers(workers)()
						for b.Loop() {
							Multiply(v.p)
						}
						flops(b, 2*float64(m)*float64(s.n)*float64(s.k))
					})
				}
			}
		}
	}
}

// BenchmarkPack is the time to pack a matrix that does not fit the second-level cache.
func BenchmarkPack(b *testing.B) {
	const k, n = 1024, 4096
	w, packed := make([]float32, k*n), new(Packed)
	for b.Loop() {
		packed.Pack(false, k, n, w, n)
	}
	b.ReportMetric(float64(packed.Bytes())/(4*k*n), "bytes/byte")
}
