// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"testing"
)

// BenchmarkNorm is one pass of each normalization kernel over the activations of a convolution
// (128 images of 28 x 28 by 32 channels) and of a transformer (64 sequences of 128 steps by 256
// features).
func BenchmarkNorm(b *testing.B) {
	for _, s := range [][2]int{{128 * 28 * 28, 32}, {64 * 128, 256}} {
		rows, cols := s[0], s[1]
		x, dy, y := make([]float32, rows*cols), make([]float32, rows*cols), make([]float32, rows*cols)
		for i := range x {
			x[i], dy[i] = float32(i%17), float32(i%13)
		}
		row, row2, variance := make([]float32, cols), make([]float32, cols), onesLike(cols)
		for _, k := range []struct {
			name string
			call func()
		}{
			{"variance", func() { ColVariance(row, x, variance, rows, cols) }},
			{"columns", func() { NormCols(y, x, variance, variance, variance, variance, 1e-3, rows, cols) }},
			{"columns dot", func() { NormColsDot(row, x, dy, variance, variance, 1e-3, rows, cols) }},
			{"columns grad", func() {
				NormColsGrad(y, x, dy, variance, variance, variance, variance, variance, 1e-3, rows, cols)
			}},
			{"rows", func() { NormRows(y, x, variance, variance, 1e-3, rows, cols) }},
			{"rows back", func() { NormRowsBack(y, row, row2, x, dy, variance, 1e-3, rows, cols) }},
			{"rows sums", func() { NormRowsBack(nil, row, row2, x, dy, variance, 1e-3, rows, cols) }},
			{"add", func() { Add(y, x, dy) }}, // to compare with memory bandwidth
			{"column sum", func() { ColSum(row, x, rows, cols) }},
		} {
			b.Run(fmt.Sprintf("%s/%dx%d", k.name, rows, cols), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(4 * rows * cols))
				for b.Loop() {
					k.call()
				}
			})
		}
	}
}
