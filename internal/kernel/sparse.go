// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// SparseDense writes y (m x n) = act(X w + bias) for a sparse X (m x k) in compressed rows:
// row i has the values vals_p in columns cols_p for indptr_i <= p < indptr_(i+1). vals may
// be nil when all are 1, bias when there is none.
func SparseDense[T Float](y, w, bias []T, indptr, cols []int32, vals []T, m, k, n int, act Activation, alpha T) {
	sameLen("sparse dense", m*n, len(y))
	sameLen("sparse dense", k*n, len(w))
	sameLen("sparse dense", m+1, len(indptr))
	y32, ok := single(y)
	if !ok {
		ref.SparseDense(y, w, bias, indptr, cols, vals, m, k, n, act, alpha)
		return
	}
	checkColumns(cols, k)
	l := loops.get()
	l.v[0], l.indptr, l.int32s, l.width = y32, indptr, cols, n
	l.v[1], _ = single(w)
	l.v[2], _ = single(bias)
	l.v[3], _ = single(vals)
	l.act, l.s[0] = act, float32(alpha)
	l.each(m, rowGrain(cheapGrain, n*ceilDiv(int(indptr[m]), max(m, 1))), sparseDensePiece)
}

func sparseDensePiece(l *loop, lo, hi int) {
	n := l.width
	for i := lo; i < hi; i++ {
		row := l.v[0][i*n : (i+1)*n]
		clear(row)
		copy(row, l.v[2])
		from, to := int(l.indptr[i]), int(l.indptr[i+1])
		addRows(row, l.v[1], l.int32s[from:to], part(l.v[3], from, to))
	}
	rows := l.v[0][lo*n : hi*n]
	simd.Active.Activate(rows, rows, l.act, l.s[0])
}

// SparseDenseBackWeights writes dw (k x n) = X' dz for the X of SparseDense, the rows of X
// in order.
func SparseDenseBackWeights[T Float](dw, dz []T, indptr, cols []int32, vals []T, m, k, n int) {
	sameLen("sparse dense gradient", m*n, len(dz))
	sameLen("sparse dense gradient", k*n, len(dw))
	sameLen("sparse dense gradient", m+1, len(indptr))
	dw32, ok := single(dw)
	if !ok {
		ref.SparseDenseBackWeights(dw, dz, indptr, cols, vals, m, k, n)
		return
	}
	vals32, _ := single(vals)
	x := rowIndexes.get()
	x.ofColumns(indptr, cols, vals32, k)
	l := loops.get()
	l.v[0], l.width, l.rows = dw32, n, x
	l.v[1], _ = single(dz)
	l.each(k, scatterGrain(len(cols), k, n), scatterPiece)
	rowIndexes.put(x)
}
