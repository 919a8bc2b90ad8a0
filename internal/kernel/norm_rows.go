// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Normalization of rows, for layer normalization. The gradients recompute the mean and variance
// of a row: the row is in the cache, saved statistics would not be.

// NormRows writes y_rj = gamma_j z_rj + beta_j, z_rj = (x_rj - m_r) / sqrt(v_r + eps) with the
// mean m_r and the variance v_r of each row. gamma and beta may be nil, meaning 1 and 0. y may
// be x.
func NormRows[T Float](y, x, gamma, beta []T, eps T, rows, cols int) {
	sameLen("norm rows", rows*cols, len(y), len(x))
	y32, ok := single(y)
	if !ok {
		ref.NormRows(y, x, gamma, beta, eps, rows, cols)
		return
	}
	normRowsJobs.Run(normRowsJob{y32, f32(x), f32(gamma), f32(beta), float32(eps), cols}, rows, rowGrain(cheapGrain, cols))
}

type normRowsJob struct {
	y, x, gamma, beta []float32
	eps               float32
	cols              int
}

var normRowsJobs parallel.Jobs[normRowsJob, *normRowsJob]

func (j *normRowsJob) Piece(lo, hi int) {
	at, to := lo*j.cols, hi*j.cols
	simd.Active.NormRows(j.y[at:to], j.x[at:to], j.gamma, j.beta, j.eps, hi-lo, j.cols)
}

// NormRowsBack is the gradient of NormRows in one pass:
//
//	dx_rj     = (g_rj - mean(g_r) - z_rj mean(g_r z_r)) / sqrt(v_r + eps), g = gamma dy
//	dgamma_j  = sum_r dy_rj z_rj
//	dbeta_j   = sum_r dy_rj
//
// dx may be nil if it is not needed, as may dgamma and dbeta together, and gamma for 1; dx must not
// be x or dy. The rows are summed in fixed blocks, and the blocks in order.
func NormRowsBack[T Float](dx, dgamma, dbeta, x, dy, gamma []T, eps T, rows, cols int) {
	sameLen("norm rows back", rows*cols, len(x), len(dy))
	if dx != nil {
		sameLen("norm rows back", rows*cols, len(dx))
	}
	sums := dgamma != nil
	if sums {
		sameLen("norm rows back", cols, len(dgamma), len(dbeta))
	}
	x32, ok := single(x)
	if !ok {
		clear(dgamma)
		clear(dbeta)
		ref.NormRowsBack(dx, dgamma, dbeta, x, dy, gamma, eps, rows, cols)
		return
	}
	j := normRowsBackJob{dx: f32(dx), x: x32, dy: f32(dy), gamma: f32(gamma), eps: float32(eps), cols: cols}
	j.grain = rowGrain(cheapGrain, cols)
	if !sums {
		normRowsBackJobs.Run(j, rows, j.grain)
		return
	}
	j.grain = max(j.grain, ceilDiv(rows, maxColParts))
	parts := ceilDiv(rows, j.grain)
	w := parallel.Borrow()
	j.sums = w.Floats(2 * parts * cols)
	clear(j.sums)
	normRowsBackJobs.Run(j, rows, j.grain)
	simd.Active.ColSum(f32(dgamma), j.sums[:parts*cols], parts, cols)
	simd.Active.ColSum(f32(dbeta), j.sums[parts*cols:], parts, cols)
	w.Return()
}

// normRowsBackJob has a row of sums for each piece of grain rows: first all of gamma, then all of
// beta; none if sums is nil.
type normRowsBackJob struct {
	dx, x, dy, gamma []float32
	sums             []float32
	eps              float32
	cols, grain      int
}

var normRowsBackJobs parallel.Jobs[normRowsBackJob, *normRowsBackJob]

func (j *normRowsBackJob) Piece(lo, hi int) {
	at, to := lo*j.cols, hi*j.cols
	var dgamma, dbeta []float32
	if half := len(j.sums) / 2; half > 0 {
		p := lo / j.grain * j.cols
		dgamma, dbeta = j.sums[p:p+j.cols], j.sums[half+p:half+p+j.cols]
	}
	simd.Active.NormRowsBack(part(j.dx, at, to), dgamma, dbeta, j.x[at:to], j.dy[at:to], j.gamma, j.eps, hi-lo, j.cols)
}

// L2NormalizeRows writes y = x / max(|x|, 1e-7) for each row: rows of unit L2 norm.
func L2NormalizeRows[T Float](y, x []T, rows, cols int) {
	sameLen("unit rows", rows*cols, len(y))
	eachRow("unit rows", y, x, rows, cols, cheapGrain, simd.Active.L2NormalizeRows, ref.L2NormalizeRows[T])
}

// L2NormalizeRowsGrad writes dx = (dy - y sum_k y_k dy_k) / |x| for each row, or dy / 1e-7 if
// the norm is less than that.
func L2NormalizeRowsGrad[T Float](dx, x, dy []T, rows, cols int) {
	sameLen("unit rows grad", rows*cols, len(dx), len(x), len(dy))
	eachRow2(dx, x, dy, rows, cols, cheapGrain, simd.Active.L2NormalizeRowsGrad, ref.L2NormalizeRowsGrad[T])
}
