// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// RMSNormRows writes y_rj = gamma_j x_rj / sqrt(q_r + eps) with the mean q_r of the squares of each row. gamma
// may be nil, meaning 1. y may be x.
func RMSNormRows[T Float](y, x, gamma []T, eps T, rows, cols int) {
	sameLen("rms norm rows", rows*cols, len(y), len(x))
	if gamma != nil {
		sameLen("rms norm rows", cols, len(gamma))
	}
	y32, ok := single(y)
	if !ok {
		ref.RMSNormRows(y, x, gamma, eps, rows, cols)
		return
	}
	rmsNormJobs.Run(rmsNormJob{y32, f32(x), f32(gamma), float64(eps), cols}, rows, rowGrain(cheapGrain, cols))
}

type rmsNormJob struct {
	y, x, gamma []float32
	eps         float64
	cols        int
}

var rmsNormJobs parallel.Jobs[rmsNormJob, *rmsNormJob]

func (j *rmsNormJob) Piece(lo, hi int) {
	for r := lo; r < hi; r++ {
		x, y := j.x[r*j.cols:(r+1)*j.cols], j.y[r*j.cols:(r+1)*j.cols]
		inverse := float32(1 / math.Sqrt(simd.Active.SumSquares(x)/float64(j.cols)+j.eps))
		if simd.Active.Scale(y, x, inverse); j.gamma != nil {
			simd.Active.Mul(y, y, j.gamma)
		}
	}
}
