// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/reef-dl/reef/internal/kernel/simd"

// transposeTile is the side of the squares that transpose moves: 16 floats are a cache line.
const transposeTile = 16

// transpose writes dst (cols x rows) = x' of x (rows x cols).
func transpose(dst, x []float32, rows, cols int) {
	l := loops.get()
	l.v[0], l.v[1], l.cols, l.width = dst, x, cols, rows
	bands := ceilDiv(cols, transposeTile)
	l.each(bands, rowGrain(cheapGrain, transposeTile*rows), transposePiece)
}

func transposePiece(l *loop, lo, hi int) {
	for b := lo; b < hi; b++ {
		transposeBand(l.v[0], l.v[1], l.width, l.cols, b*transposeTile, min((b+1)*transposeTile, l.cols))
	}
}

// transposeBand moves columns c0..c1-1 of x into rows of dst: whole squares in registers
// where the instruction set can, the rest one by one.
func transposeBand(dst, x []float32, rows, cols, c0, c1 int) {
	done := 0
	if side := simd.Active.BlockSide; side > 0 && c1-c0 == transposeTile && rows >= side {
		done = rows / side * side
		for c := c0; c < c1; c += side {
			for r := 0; r < done; r += side {
				simd.Active.TransposeBlock(&dst[c*rows+r], &x[r*cols+c], 1, 4*rows, 4*cols)
			}
		}
	}
	for r0 := done; r0 < rows; r0 += transposeTile {
		r1 := min(r0+transposeTile, rows)
		for c := c0; c < c1; c++ {
			out := dst[c*rows+r0 : c*rows+r1]
			for i := range out {
				out[i] = x[(r0+i)*cols+c]
			}
		}
	}
}
