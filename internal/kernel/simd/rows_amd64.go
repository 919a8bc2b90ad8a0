// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package simd

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Kernels over rows, built from an instruction set's primitives (table_amd64.go); package ref
// has the formulas.

func (p *rowPrimitives) softmax(dst, x []float32, rows, cols int) {
	for i := 0; i < rows*cols; i += cols {
		x, y := x[i:i+cols], dst[i:i+cols]
		sum := p.expSum(y, x, p.rowMax(x))
		p.scale(y, y, float32(1/sum))
	}
}

func (p *rowPrimitives) softmaxGrad(dx, y, dy []float32, rows, cols int) {
	for i := 0; i < rows*cols; i += cols {
		y, dy := y[i:i+cols], dy[i:i+cols]
		p.softmaxBack(dx[i:i+cols], y, dy, float32(p.dot(y, dy)))
	}
}

// logSumExp returns m and l with log sum_j exp(x_j) = m + l. They are kept separate because m
// may be large and cancel against an element of x.
func (p *rowPrimitives) logSumExp(x []float32) (m, l float32) {
	m = p.rowMax(x)
	return m, float32(math.Log(p.sumExp(x, m)))
}

func (p *rowPrimitives) logSoftmax(dst, x []float32, rows, cols int) {
	for i := 0; i < rows*cols; i += cols {
		x := x[i : i+cols]
		m, l := p.logSumExp(x)
		p.shift(dst[i:i+cols], x, m, l)
	}
}

func (p *rowPrimitives) logSoftmaxGrad(dx, y, dy []float32, rows, cols int) {
	for i := 0; i < rows*cols; i += cols {
		y, dy := y[i:i+cols], dy[i:i+cols]
		p.logSoftmaxBack(dx[i:i+cols], y, dy, float32(p.sum(dy)))
	}
}

func (p *rowPrimitives) softmaxXentSparse(loss, logits, labels []float32, rows, cols int) (bad int) {
	bad = -1
	for r := range rows {
		z := logits[r*cols : (r+1)*cols]
		label, ok := ref.ClassOf(labels[r], cols)
		if !ok {
			loss[r] = float32(math.NaN())
			if bad < 0 {
				bad = r
			}
			continue
		}
		m, l := p.logSumExp(z)
		loss[r] = (m - z[label]) + l
	}
	return bad
}

func (p *rowPrimitives) softmaxXentSparseGrad(dlogits, logits, labels, dloss []float32, rows, cols int) {
	for r := range rows {
		z, dz := logits[r*cols:(r+1)*cols], dlogits[r*cols:(r+1)*cols]
		label, ok := ref.ClassOf(labels[r], cols)
		if !ok {
			clear(dz)
			continue
		}
		sum := p.expSum(dz, z, p.rowMax(z))
		p.scale(dz, dz, float32(float64(dloss[r])/sum))
		dz[label] -= dloss[r]
	}
}

func (p *rowPrimitives) softmaxXent(loss, logits, target []float32, rows, cols int) {
	for r := range rows {
		z := logits[r*cols : (r+1)*cols]
		m, l := p.logSumExp(z)
		loss[r] = float32(p.xentTerms(target[r*cols:(r+1)*cols], z, m, l))
	}
}

func (p *rowPrimitives) softmaxXentGrad(dlogits, logits, target, dloss []float32, rows, cols int) {
	for r := range rows {
		lo, hi := r*cols, (r+1)*cols
		z, dz, t := logits[lo:hi], dlogits[lo:hi], target[lo:hi]
		sum := p.expSum(dz, z, p.rowMax(z))
		p.combine(dz, dz, t, float32(float64(dloss[r])*p.sum(t)/sum), -dloss[r])
	}
}

func (p *rowPrimitives) sigmoidXent(loss, logits, target []float32, rows, cols int) {
	meanOf(p.sigmoidXentTerms, loss, logits, target, rows, cols)
}

func (p *rowPrimitives) mse(loss, pred, target []float32, rows, cols int) {
	meanOf(p.squaredDistance, loss, pred, target, rows, cols)
}

func (p *rowPrimitives) mae(loss, pred, target []float32, rows, cols int) {
	meanOf(p.absDistance, loss, pred, target, rows, cols)
}

func meanOf(terms func(a, b []float32) float64, loss, a, b []float32, rows, cols int) {
	for r := range rows {
		loss[r] = float32(terms(a[r*cols:(r+1)*cols], b[r*cols:(r+1)*cols]) / float64(cols))
	}
}

func (p *rowPrimitives) sigmoidXentGrad(dlogits, logits, target, dloss []float32, rows, cols int) {
	scaledBy(p.sigmoidDistance, 1, dlogits, logits, target, dloss, rows, cols)
}

func (p *rowPrimitives) mseGrad(dpred, pred, target, dloss []float32, rows, cols int) {
	scaledBy(p.distance, 2, dpred, pred, target, dloss, rows, cols)
}

func (p *rowPrimitives) maeGrad(dpred, pred, target, dloss []float32, rows, cols int) {
	scaledBy(p.direction, 1, dpred, pred, target, dloss, rows, cols)
}

func scaledBy(f func(dst, a, b []float32, alpha float32), factor float32, dst, a, b, dloss []float32, rows, cols int) {
	for r := range rows {
		lo, hi := r*cols, (r+1)*cols
		f(dst[lo:hi], a[lo:hi], b[lo:hi], factor*dloss[r]/float32(cols))
	}
}

func (p *rowPrimitives) normRows(y, x, gamma, beta []float32, eps float32, rows, cols int) {
	i, n := 0, rows*cols
	if gamma != nil && beta != nil {
		for ; i+4*cols <= n && cols > 0; i += 4 * cols {
			x := x[i : i+4*cols]
			mean, inverse := p.deviations4(x, eps)
			p.standardize4(y[i:i+4*cols], x, gamma, beta, mean, inverse)
		}
	}
	for ; i < n; i += cols {
		x, y := x[i:i+cols], y[i:i+cols]
		mean, squares := p.moments(x)
		inverse := inverseDeviation(squares, cols, eps)
		if gamma != nil && beta != nil {
			p.standardizeScaled(y, x, gamma, beta, mean, inverse)
			continue
		}
		p.standardize(y, x, mean, inverse)
		if gamma != nil {
			p.mul(y, y, gamma)
		}
		if beta != nil {
			p.add(y, y, beta)
		}
	}
}

// deviations4 returns the mean m and 1 / sqrt(v + eps) of four rows.
func (p *rowPrimitives) deviations4(x []float32, eps float32) (mean, inverse [4]float32) {
	mean, squares := p.moments4(x)
	for r, s := range squares {
		inverse[r] = inverseDeviation(s, len(x)/4, eps)
	}
	return mean, inverse
}

func inverseDeviation(squares float64, n int, eps float32) float32 {
	return float32(1 / math.Sqrt(squares/float64(n)+float64(eps)))
}

func (p *rowPrimitives) normRowsBack(dx, dgamma, dbeta, x, dy, gamma []float32, eps float32, rows, cols int) {
	i, n := 0, rows*cols
	for ; i+4*cols <= n && cols > 0; i += 4 * cols {
		x, dy := x[i:i+4*cols], dy[i:i+4*cols]
		mean, inverse := p.deviations4(x, eps)
		if dgamma != nil {
			p.normSums4(dgamma, dbeta, x, dy, mean, inverse)
		}
		if dx == nil {
			continue
		}
		for r := range 4 {
			lo, hi := r*cols, (r+1)*cols
			p.normRowBack(dx[i+lo:i+hi], x[lo:hi], dy[lo:hi], gamma, mean[r], inverse[r])
		}
	}
	for ; i < n; i += cols {
		x, dy := x[i:i+cols], dy[i:i+cols]
		mean, squares := p.moments(x)
		inverse := inverseDeviation(squares, cols, eps)
		if dgamma != nil {
			p.normSums(dgamma, dbeta, x, dy, mean, inverse)
		}
		if dx != nil {
			p.normRowBack(dx[i:i+cols], x, dy, gamma, mean, inverse)
		}
	}
}

func (p *rowPrimitives) normRowBack(dx, x, dy, gamma []float32, mean, inverse float32) {
	n := float64(len(x))
	if gamma == nil {
		sum, dot := p.sumAndDot(x, dy, mean)
		p.normBack(dx, x, dy, mean, float32(sum/n), slope(dot, n, inverse), inverse)
		return
	}
	sum, dot := p.scaledSumAndDot(x, dy, gamma, mean)
	p.normBackScaled(dx, x, dy, gamma, mean, float32(sum/n), slope(dot, n, inverse), inverse)
}

// slope returns by what x - m is multiplied in the gradient: mean(g z)/sqrt(v + eps), from the sum
// of g (x - m).
func slope(dot, n float64, inverse float32) float32 {
	return float32(dot / n * float64(inverse) * float64(inverse))
}

func (p *rowPrimitives) l2NormalizeRows(y, x []float32, rows, cols int) {
	for i := 0; i < rows*cols; i += cols {
		x, y := x[i:i+cols], y[i:i+cols]
		square := p.dot(x, x)
		if square > math.MaxFloat32 { // only the float32 sums have overflowed
			ref.L2NormalizeRows(y, x, 1, cols)
			continue
		}
		p.scale(y, x, float32(1/math.Sqrt(max(square, ref.MinSquaredNorm))))
	}
}

func (p *rowPrimitives) l2NormalizeRowsGrad(dx, x, dy []float32, rows, cols int) {
	for i := 0; i < rows*cols; i += cols {
		x, dy := x[i:i+cols], dy[i:i+cols]
		square, along := p.dot(x, x), 0.0
		if square > math.MaxFloat32 {
			ref.L2NormalizeRowsGrad(dx[i:i+cols], x, dy, 1, cols)
			continue
		}
		if square > ref.MinSquaredNorm {
			along = p.dot(x, dy) / square
		}
		inverse := 1 / math.Sqrt(max(square, ref.MinSquaredNorm))
		p.combine(dx[i:i+cols], dy, x, float32(inverse), float32(-along*inverse))
	}
}
