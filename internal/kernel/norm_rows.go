// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Normalization of rows, for layer normalization. The gradients recompute the mean and variance
// of a row: the row is in the cache, saved statistics would not be.

// normRowsJob is one of the kernels below; a unit is a few rows.
type normRowsJob struct {
	dst, x, dy, gamma, beta []float32
	eps                     float32
	rows, cols, grain       int
	row                     func(j *normRowsJob, at, unit int, w *parallel.Worker)
}

var normRowsJobs parallel.FreeList[normRowsJob]

func (j *normRowsJob) Unit(u int, w *parallel.Worker) {
	for r := u * j.grain; r < min(j.rows, (u+1)*j.grain); r++ {
		j.row(j, r*j.cols, u, w)
	}
}

// run computes all rows and returns j to the free list.
func (j *normRowsJob) run() {
	if units := ceilDiv(j.rows, j.grain); units == 1 {
		parallel.RunAlone(j, 1)
	} else {
		parallel.Run(j, units)
	}
	*j = normRowsJob{}
	normRowsJobs.Put(j)
}

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
	j := normRowsJobs.Get()
	*j = normRowsJob{dst: y32, eps: float32(eps), rows: rows, cols: cols, grain: rowGrain(cheapGrain, cols), row: normRow}
	j.x = f32(x)
	j.gamma = f32(gamma)
	j.beta = f32(beta)
	j.run()
}

func normRow(j *normRowsJob, at, _ int, _ *parallel.Worker) {
	y := j.dst[at : at+j.cols]
	standardize(y, j.x[at:at+j.cols], j.eps)
	if j.gamma != nil {
		simd.Active.Mul(y, y, j.gamma)
	}
	if j.beta != nil {
		simd.Active.Add(y, y, j.beta)
	}
}

// NormRowsGrad writes dx_rj = (g_rj - mean(g_r) - z_rj mean(g_r z_r)) / sqrt(v_r + eps), g =
// gamma dy. gamma may be nil for 1; dx must not be x or dy.
func NormRowsGrad[T Float](dx, x, dy, gamma []T, eps T, rows, cols int) {
	sameLen("norm rows grad", rows*cols, len(dx), len(x), len(dy))
	dx32, ok := single(dx)
	if !ok {
		ref.NormRowsGrad(dx, x, dy, gamma, eps, rows, cols)
		return
	}
	j := normRowsJobs.Get()
	*j = normRowsJob{dst: dx32, eps: float32(eps), rows: rows, cols: cols, grain: rowGrain(cheapGrain, cols), row: normRowGrad}
	j.x = f32(x)
	j.dy = f32(dy)
	j.gamma = f32(gamma)
	j.run()
}

func normRowGrad(j *normRowsJob, at, _ int, w *parallel.Worker) {
	z, g := w.Floats(j.cols), j.dst[at:at+j.cols]
	inverse := standardize(z, j.x[at:at+j.cols], j.eps)
	copy(g, j.dy[at:at+j.cols])
	if j.gamma != nil {
		simd.Active.Mul(g, g, j.gamma)
	}
	n := float64(j.cols)
	mean, along := float32(simd.Active.Sum(g)/n), float32(simd.Active.Dot(g, z)/n)
	simd.Active.AddScaled(g, z, -along)
	subtract(g, mean)
	simd.Active.Scale(g, g, inverse)
}

// NormRowsDot writes dgamma_j = sum_r dy_rj z_rj, the gradient of gamma in NormRows. Rows are
// summed in fixed blocks, and the blocks in order.
func NormRowsDot[T Float](dgamma, x, dy []T, eps T, rows, cols int) {
	sameLen("norm rows dot", rows*cols, len(x), len(dy))
	sameLen("norm rows dot", cols, len(dgamma))
	d, ok := single(dgamma)
	if !ok {
		ref.NormRowsDot(dgamma, x, dy, eps, rows, cols)
		return
	}
	grain := max(rowGrain(cheapGrain, cols), ceilDiv(rows, maxColParts))
	parts := ceilDiv(rows, grain)
	w := parallel.Borrow()
	sums := w.Floats(parts * cols)
	clear(sums)
	j := normRowsJobs.Get()
	*j = normRowsJob{dst: sums, eps: float32(eps), rows: rows, cols: cols, grain: grain, row: normRowDot}
	j.x = f32(x)
	j.dy = f32(dy)
	j.run()
	simd.Active.ColSum(d, sums, parts, cols)
	w.Return()
}

func normRowDot(j *normRowsJob, at, unit int, w *parallel.Worker) {
	z, sum := w.Floats(j.cols), j.dst[unit*j.cols:(unit+1)*j.cols]
	standardize(z, j.x[at:at+j.cols], j.eps)
	simd.Active.Mul(z, z, j.dy[at:at+j.cols])
	simd.Active.Add(sum, sum, z)
}

// ones has as many elements as subtract processes at once.
var ones = func() (v [1024]float32) {
	for i := range v {
		v[i] = 1
	}
	return v
}()

// subtract subtracts v from every element.
func subtract(z []float32, v float32) {
	for len(z) > 0 {
		m := min(len(z), len(ones))
		simd.Active.AddScaled(z[:m], ones[:m], -v)
		z = z[m:]
	}
}

// standardize writes z = (x - m) / sqrt(v + eps) for one row and returns 1 / sqrt(v + eps).
func standardize(z, x []float32, eps float32) (inverse float32) {
	n := float64(len(x))
	copy(z, x)
	subtract(z, float32(simd.Active.Sum(x)/n))
	inverse = float32(1 / math.Sqrt(simd.Active.Dot(z, z)/n+float64(eps)))
	simd.Active.Scale(z, z, inverse)
	return inverse
}

// L2NormalizeRows writes y = x / max(|x|, 1e-7) for each row: rows of unit L2 norm.
func L2NormalizeRows[T Float](y, x []T, rows, cols int) {
	sameLen("unit rows", rows*cols, len(y))
	eachRow("unit rows", y, x, rows, cols, cheapGrain, ref.L2NormalizeRows[float32], ref.L2NormalizeRows[T])
}

// L2NormalizeRowsGrad writes dx = (dy - y sum_k y_k dy_k) / |x| for each row, or dy / 1e-7 if
// the norm is less than that.
func L2NormalizeRowsGrad[T Float](dx, x, dy []T, rows, cols int) {
	sameLen("unit rows grad", rows*cols, len(dx), len(x), len(dy))
	eachRow2(dx, x, dy, rows, cols, cheapGrain, ref.L2NormalizeRowsGrad[float32], ref.L2NormalizeRowsGrad[T])
}
