// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Normalization of columns, for batch normalization. A matrix with few columns is processed as
// one with fewer, wider rows, for which the per-column values are repeated: for a row of a few
// channels, a call would cost more than its arithmetic.

const wideRow = 256

// wide returns the number of elements in a wide row, a multiple of cols.
func wide(cols int) int { return max(1, wideRow/cols) * cols }

// wideGrain returns the number of elements per piece: whole wide rows, and at most maxColParts
// pieces.
func wideGrain(n, width int) int {
	return max(rowGrain(cheapGrain, width), ceilDiv(ceilDiv(n, width), maxColParts)) * width
}

// repeat fills dst with copies of row.
func repeat(dst, row []float32) {
	for i := 0; i < len(dst); i += len(row) {
		copy(dst[i:], row)
	}
}

// ColVariance writes variance_j = (1/rows) sum_r (x_rj - mean_j)^2 of a rows x cols matrix.
func ColVariance[T Float](variance, x, mean []T, rows, cols int) {
	sameLen("column variance", rows*cols, len(x))
	sameLen("column variance", cols, len(variance), len(mean))
	v, ok := single(variance)
	if !ok {
		ref.ColVariance(variance, x, mean, rows, cols)
		return
	}
	x32, _ := single(x)
	mean32, _ := single(mean)
	sumCentered(v, x32, nil, mean32, rows, cols)
	simd.Active.Scale(v, v, 1/float32(max(rows, 1)))
}

// NormColsDot writes dgamma_j = sum_r dy_rj z_rj, z = (x - mean) / sqrt(variance + eps): the
// gradient of gamma in NormCols.
func NormColsDot[T Float](dgamma, x, dy, mean, variance []T, eps T, rows, cols int) {
	sameLen("norm dot", rows*cols, len(x), len(dy))
	sameLen("norm dot", cols, len(dgamma), len(mean), len(variance))
	d, ok := single(dgamma)
	if !ok {
		ref.NormColsDot(dgamma, x, dy, mean, variance, eps, rows, cols)
		return
	}
	x32, _ := single(x)
	dy32, _ := single(dy)
	mean32, _ := single(mean)
	variance32, _ := single(variance)
	sumCentered(d, x32, dy32, mean32, rows, cols)
	for j, v := range variance32 {
		d[j] *= inverseRoot(v, float32(eps))
	}
}

func inverseRoot(variance, eps float32) float32 {
	return float32(1 / math.Sqrt(float64(variance+eps)))
}

// sumCentered writes sum_r (x_rj - mean_j) b_rj, or sum_r (x_rj - mean_j)^2 if b is nil. The
// sums of the pieces are added in order.
func sumCentered(dst, x, b, mean []float32, rows, cols int) {
	clear(dst)
	if rows*cols == 0 {
		return
	}
	n, width := rows*cols, wide(cols)
	grain := wideGrain(n, width)
	parts := ceilDiv(n, grain)
	w := parallel.Borrow()
	scratch := w.Floats((1 + 2*parts) * width)
	repeated, work := scratch[:width], scratch[width:]
	repeat(repeated, mean)
	centeredSumJobs.Run(centeredSumJob{work, x, b, repeated, grain}, n, grain)
	sums := work[:width]
	for p := 1; p < parts; p++ {
		simd.Active.Add(sums, sums, work[2*p*width:(2*p+1)*width])
	}
	simd.Active.ColSum(dst, sums, width/cols, cols)
	w.Return()
}

// centeredSumJob has two wide rows for each piece of grain elements: one for its sums, one for
// what is added to them.
type centeredSumJob struct {
	work, x, b, mean []float32
	grain            int
}

var centeredSumJobs parallel.Jobs[centeredSumJob, *centeredSumJob]

func (j *centeredSumJob) Piece(lo, hi int) {
	width := len(j.mean)
	at := lo / j.grain * 2 * width
	sum, d := j.work[at:at+width], j.work[at+width:at+2*width]
	clear(sum)
	for i := lo; i < hi; i += width {
		m := min(width, hi-i)
		d := d[:m]
		simd.Active.Sub(d, j.x[i:i+m], j.mean[:m])
		if j.b == nil {
			simd.Active.Mul(d, d, d)
		} else {
			simd.Active.Mul(d, d, j.b[i:i+m])
		}
		simd.Active.Add(sum[:m], sum[:m], d)
	}
}

// NormCols writes y_rj = gamma_j (x_rj - mean_j) / sqrt(variance_j + eps) + beta_j. mean, gamma
// and beta may be nil, meaning 0, 1 and 0. y may be x.
func NormCols[T Float](y, x, mean, variance, gamma, beta []T, eps T, rows, cols int) {
	sameLen("norm", rows*cols, len(y), len(x))
	sameLen("norm", cols, len(variance))
	y32, ok := single(y)
	if !ok {
		ref.NormCols(y, x, mean, variance, gamma, beta, eps, rows, cols)
		return
	}
	if len(y) == 0 {
		return
	}
	width := wide(cols)
	w := parallel.Borrow()
	scratch := w.Floats(3 * width)
	j := normColsJob{y32, f32(x), scratch[:width], scratch[width : 2*width], scratch[2*width:]}
	if clear(j.mean); mean != nil {
		repeat(j.mean, f32(mean))
	}
	repeatScale(j.scale, variance, gamma, eps)
	if clear(j.beta); beta != nil {
		repeat(j.beta, f32(beta))
	}
	normColsJobs.Run(j, len(y32), wideGrain(len(y32), width))
	w.Return()
}

// normColsJob has the per-column values repeated to a wide row.
type normColsJob struct{ y, x, mean, scale, beta []float32 }

var normColsJobs parallel.Jobs[normColsJob, *normColsJob]

func (j *normColsJob) Piece(lo, hi int) {
	for i := lo; i < hi; i += len(j.mean) {
		m := min(len(j.mean), hi-i)
		y := j.y[i : i+m]
		simd.Active.Sub(y, j.x[i:i+m], j.mean[:m])
		simd.Active.Mul(y, y, j.scale[:m])
		simd.Active.Add(y, y, j.beta[:m])
	}
}

// repeatScale fills dst with copies of gamma / sqrt(variance + eps).
func repeatScale[T Float](dst []float32, variance, gamma []T, eps T) {
	v, _ := single(variance)
	g, _ := single(gamma)
	for j := range v {
		dst[j] = inverseRoot(v[j], float32(eps))
		if g != nil {
			dst[j] *= g[j]
		}
	}
	repeat(dst[len(v):], dst[:len(v)])
}

// NormColsGrad writes the gradient of x in NormCols if mean and variance are those of x:
//
//	dx_rj = gamma_j / sqrt(variance_j + eps) (dy_rj - dbeta_j/rows - z_rj dgamma_j/rows)
//
// with dbeta = sum_r dy and dgamma = sum_r dy z. gamma may be nil for 1; dx must not be dy.
func NormColsGrad[T Float](dx, x, dy, mean, variance, gamma, dgamma, dbeta []T, eps T, rows, cols int) {
	sameLen("norm grad", rows*cols, len(dx), len(x), len(dy))
	sameLen("norm grad", cols, len(mean), len(variance), len(dgamma), len(dbeta))
	dx32, ok := single(dx)
	if !ok {
		ref.NormColsGrad(dx, x, dy, mean, variance, gamma, dgamma, dbeta, eps, rows, cols)
		return
	}
	if len(dx) == 0 {
		return
	}
	width := wide(cols)
	w := parallel.Borrow()
	scratch := w.Floats(4 * width)
	j := normColsGradJob{
		dx32, f32(x), f32(dy),
		scratch[:width], scratch[width : 2*width], scratch[2*width : 3*width], scratch[3*width:],
	}
	mean32, variance32, dgamma32, dbeta32 := f32(mean), f32(variance), f32(dgamma), f32(dbeta)
	slope, offset := j.slope[:cols], j.offset[:cols]
	for c := range cols {
		slope[c] = -dgamma32[c] / float32(rows) * inverseRoot(variance32[c], float32(eps))
		offset[c] = -dbeta32[c] / float32(rows)
	}
	repeat(j.mean, mean32)
	repeat(j.slope[cols:], slope)
	repeat(j.offset[cols:], offset)
	repeatScale(j.scale, variance, gamma, eps)
	normColsGradJobs.Run(j, len(dx32), wideGrain(len(dx32), width))
	w.Return()
}

// normColsGradJob computes scale (dy + offset + slope (x - mean)), with the per-column values
// repeated to a wide row.
type normColsGradJob struct{ dx, x, dy, mean, slope, offset, scale []float32 }

var normColsGradJobs parallel.Jobs[normColsGradJob, *normColsGradJob]

func (j *normColsGradJob) Piece(lo, hi int) {
	for i := lo; i < hi; i += len(j.mean) {
		m := min(len(j.mean), hi-i)
		dx := j.dx[i : i+m]
		simd.Active.Sub(dx, j.x[i:i+m], j.mean[:m])
		simd.Active.Mul(dx, dx, j.slope[:m])
		simd.Active.Add(dx, dx, j.dy[i:i+m])
		simd.Active.Add(dx, dx, j.offset[:m])
		simd.Active.Mul(dx, dx, j.scale[:m])
	}
}
