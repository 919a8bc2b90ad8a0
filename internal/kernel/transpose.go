// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// transposeTile is the side of the squares that transpose moves: 16 floats fill a cache line.
const transposeTile = 16

// transpose writes dst (cols x rows) = x' of x (rows x cols).
func transpose(dst, x []float32, rows, cols int) {
	bands := ceilDiv(cols, transposeTile)
	transposeJobs.Run(transposeJob{dst, x, rows, cols}, bands, rowGrain(cheapGrain, transposeTile*rows))
}

type transposeJob struct {
	dst, x     []float32
	rows, cols int
}

var transposeJobs parallel.Jobs[transposeJob, *transposeJob]

func (j *transposeJob) Piece(lo, hi int) {
	for b := lo; b < hi; b++ {
		transposeBand(j.dst, j.x, j.rows, j.cols, b*transposeTile, min((b+1)*transposeTile, j.cols))
	}
}

// transposeBand moves columns c0..c1-1 of x to rows of dst: whole squares in registers if the
// instruction set supports it, the rest one by one.
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
