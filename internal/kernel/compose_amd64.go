// SPDX-License-Identifier: Apache-2.0

//go:build !noasm

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Kernels of rows, composed of the instruction set's primitives; package ref has the formulas.

func composedSoftmax(dst, x []float32, rows, cols int) {
	v := current.vec
	for i := 0; i < rows*cols; i += cols {
		x, y := x[i:i+cols], dst[i:i+cols]
		sum := v.expSum(y, x, v.rowMax(x))
		v.scale(y, y, float32(1/sum))
	}
}

func composedSoftmaxGrad(dx, y, dy []float32, rows, cols int) {
	v := current.vec
	for i := 0; i < rows*cols; i += cols {
		y, dy := y[i:i+cols], dy[i:i+cols]
		v.softmaxBack(dx[i:i+cols], y, dy, float32(v.dot(y, dy)))
	}
}

// logSumExp returns m and l with log sum_j exp(x_j) = m + l. They stay apart, for m may be
// large and cancel against an element of x.
func (v *vecTable) logSumExp(x []float32) (m, l float32) {
	m = v.rowMax(x)
	return m, float32(math.Log(v.sumExp(x, m)))
}

func composedLogSoftmax(dst, x []float32, rows, cols int) {
	v := current.vec
	for i := 0; i < rows*cols; i += cols {
		x := x[i : i+cols]
		m, l := v.logSumExp(x)
		v.shift(dst[i:i+cols], x, m, l)
	}
}

func composedLogSoftmaxGrad(dx, y, dy []float32, rows, cols int) {
	v := current.vec
	for i := 0; i < rows*cols; i += cols {
		y, dy := y[i:i+cols], dy[i:i+cols]
		v.logSoftmaxBack(dx[i:i+cols], y, dy, float32(v.sum(dy, nil)))
	}
}

func composedXentSparse(loss, logits, labels []float32, rows, cols int) (bad int) {
	v := current.vec
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
		m, l := v.logSumExp(z)
		loss[r] = (m - z[label]) + l
	}
	return bad
}

func composedXentSparseGrad(dlogits, logits, labels, dloss []float32, rows, cols int) {
	v := current.vec
	for r := range rows {
		z, dz := logits[r*cols:(r+1)*cols], dlogits[r*cols:(r+1)*cols]
		label, ok := ref.ClassOf(labels[r], cols)
		if !ok {
			clear(dz)
			continue
		}
		sum := v.expSum(dz, z, v.rowMax(z))
		v.scale(dz, dz, float32(float64(dloss[r])/sum))
		dz[label] -= dloss[r]
	}
}

func composedXent(loss, logits, target []float32, rows, cols int) {
	v := current.vec
	for r := range rows {
		z := logits[r*cols : (r+1)*cols]
		m, l := v.logSumExp(z)
		loss[r] = float32(v.xentTerms(target[r*cols:(r+1)*cols], z, m, l))
	}
}

func composedXentGrad(dlogits, logits, target, dloss []float32, rows, cols int) {
	v := current.vec
	for r := range rows {
		lo, hi := r*cols, (r+1)*cols
		z, dz, t := logits[lo:hi], dlogits[lo:hi], target[lo:hi]
		sum := v.expSum(dz, z, v.rowMax(z))
		v.combine(dz, dz, t, float32(float64(dloss[r])*v.sum(t, nil)/sum), -dloss[r])
	}
}

func composedSigmoidXent(loss, logits, target []float32, rows, cols int) {
	meanOf(current.vec.sigmoidXentTerms, loss, logits, target, rows, cols)
}

func composedMSE(loss, pred, target []float32, rows, cols int) {
	meanOf(current.vec.squaredDistance, loss, pred, target, rows, cols)
}

func composedMAE(loss, pred, target []float32, rows, cols int) {
	meanOf(current.vec.absDistance, loss, pred, target, rows, cols)
}

func meanOf(terms func(a, b []float32) float64, loss, a, b []float32, rows, cols int) {
	for r := range rows {
		loss[r] = float32(terms(a[r*cols:(r+1)*cols], b[r*cols:(r+1)*cols]) / float64(cols))
	}
}

func composedSigmoidXentGrad(dlogits, logits, target, dloss []float32, rows, cols int) {
	scaledBy(current.vec.sigmoidDistance, 1, dlogits, logits, target, dloss, rows, cols)
}

func composedMSEGrad(dpred, pred, target, dloss []float32, rows, cols int) {
	scaledBy(current.vec.distance, 2, dpred, pred, target, dloss, rows, cols)
}

func composedMAEGrad(dpred, pred, target, dloss []float32, rows, cols int) {
	scaledBy(current.vec.direction, 1, dpred, pred, target, dloss, rows, cols)
}

func scaledBy(f func(dst, a, b []float32, alpha float32), factor float32, dst, a, b, dloss []float32, rows, cols int) {
	for r := range rows {
		lo, hi := r*cols, (r+1)*cols
		f(dst[lo:hi], a[lo:hi], b[lo:hi], factor*dloss[r]/float32(cols))
	}
}
