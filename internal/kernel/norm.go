// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Normalisation of columns, as batch normalisation needs it. A matrix of few columns is
// worked on as one of fewer and wider rows, against which the columns' numbers are repeated:
// vectors of a few channels would cost more to call for than to compute.

const wideRow = 256

// wide returns how many elements of whole rows of cols make a wide row.
func wide(cols int) int { return max(1, wideRow/cols) * cols }

// wideGrain returns how many elements make a piece: whole wide rows, and no more than
// maxColParts pieces.
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
	sumCentred(v, x32, nil, mean32, rows, cols)
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
	sumCentred(d, x32, dy32, mean32, rows, cols)
	for j, v := range variance32 {
		d[j] *= inverseRoot(v, float32(eps))
	}
}

func inverseRoot(variance, eps float32) float32 {
	return float32(1 / math.Sqrt(float64(variance+eps)))
}

// sumCentred writes sum_r (x_rj - mean_j) b_rj, or sum_r (x_rj - mean_j)^2 where b is nil.
// The pieces' sums are added in order.
func sumCentred(dst, x, b, mean []float32, rows, cols int) {
	clear(dst)
	if rows*cols == 0 {
		return
	}
	n, width := rows*cols, wide(cols)
	grain := wideGrain(n, width)
	parts := ceilDiv(n, grain)
	w := callers.get()
	scratch := w.floats((1 + 2*parts) * width)
	l := loops.get()
	l.v[0], l.v[1], l.v[2], l.v[3], l.width = scratch[width:], x, b, scratch[:width], width
	repeat(l.v[3], mean)
	l.each(n, grain, sumCentredPiece)
	sums := scratch[width : 2*width]
	for p := 1; p < parts; p++ {
		simd.Active.Add(sums, sums, scratch[(1+2*p)*width:(2+2*p)*width])
	}
	simd.Active.ColSum(dst, sums, width/cols, cols)
	callers.put(w)
}

func sumCentredPiece(l *loop, lo, hi int) {
	at := lo / l.grain * 2 * l.width
	sum, d := l.v[0][at:at+l.width], l.v[0][at+l.width:at+2*l.width]
	clear(sum)
	for i := lo; i < hi; i += l.width {
		m := min(l.width, hi-i)
		d := d[:m]
		simd.Active.Sub(d, l.v[1][i:i+m], l.v[3][:m])
		if l.v[2] == nil {
			simd.Active.Mul(d, d, d)
		} else {
			simd.Active.Mul(d, d, l.v[2][i:i+m])
		}
		simd.Active.Add(sum[:m], sum[:m], d)
	}
}

// NormCols writes y_rj = gamma_j (x_rj - mean_j) / sqrt(variance_j + eps) + beta_j. mean, gamma
// and beta may be nil for 0, 1 and 0. y may be x.
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
	w := callers.get()
	scratch := w.floats(3 * width)
	l := loops.get()
	l.v[0], l.v[2], l.v[3], l.v[4], l.width = y32, scratch[:width], scratch[width:2*width], scratch[2*width:], width
	l.v[1], _ = single(x)
	mean32, _ := single(mean)
	beta32, _ := single(beta)
	if clear(l.v[2]); mean != nil {
		repeat(l.v[2], mean32)
	}
	repeatScale(l.v[3], variance, gamma, eps)
	if clear(l.v[4]); beta != nil {
		repeat(l.v[4], beta32)
	}
	l.each(len(y32), wideGrain(len(y32), width), normColsPiece)
	callers.put(w)
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

func normColsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i += l.width {
		m := min(l.width, hi-i)
		y := l.v[0][i : i+m]
		simd.Active.Sub(y, l.v[1][i:i+m], l.v[2][:m])
		simd.Active.Mul(y, y, l.v[3][:m])
		simd.Active.Add(y, y, l.v[4][:m])
	}
}

// NormColsGrad writes the gradient of x in NormCols where mean and variance are those of x
// itself:
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
	w := callers.get()
	scratch := w.floats(4 * width)
	l := loops.get()
	l.v[0], l.v[3], l.v[4], l.v[5], l.width = dx32, scratch[:2*width], scratch[2*width:3*width], scratch[3*width:], width
	l.v[1], _ = single(x)
	l.v[2], _ = single(dy)
	mean32, _ := single(mean)
	variance32, _ := single(variance)
	dgamma32, _ := single(dgamma)
	dbeta32, _ := single(dbeta)
	slope, offset := l.v[3][width:width+cols], l.v[4][:cols]
	for j := range cols {
		slope[j] = -dgamma32[j] / float32(rows) * inverseRoot(variance32[j], float32(eps))
		offset[j] = -dbeta32[j] / float32(rows)
	}
	repeat(l.v[3][:width], mean32)
	repeat(l.v[3][width+cols:], slope)
	repeat(l.v[4][cols:], offset)
	repeatScale(l.v[5], variance, gamma, eps)
	l.each(len(dx32), wideGrain(len(dx32), width), normColsGradPiece)
	callers.put(w)
}

func normColsGradPiece(l *loop, lo, hi int) {
	mean, slope := l.v[3][:l.width], l.v[3][l.width:]
	for i := lo; i < hi; i += l.width {
		m := min(l.width, hi-i)
		dx := l.v[0][i : i+m]
		simd.Active.Sub(dx, l.v[1][i:i+m], mean[:m])
		simd.Active.Mul(dx, dx, slope[:m])
		simd.Active.Add(dx, dx, l.v[2][i:i+m])
		simd.Active.Add(dx, dx, l.v[4][:m])
		simd.Active.Mul(dx, dx, l.v[5][:m])
	}
}
