// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// SparseDense writes y (m x n) = act(X w + bias) for a sparse X (m x k) in compressed sparse row
// format: row i has the values vals_p in columns cols_p for indptr_i <= p < indptr_(i+1). vals may
// be nil if all are 1; bias may be nil.
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
	sparseDenseJobs.Run(sparseDenseJob{y32, f32(w), f32(bias), indptr, cols, f32(vals), n, act, float32(alpha)},
		m, rowGrain(cheapGrain, n*ceilDiv(int(indptr[m]), max(m, 1))))
}

type sparseDenseJob struct {
	y, w, bias   []float32
	indptr, cols []int32
	vals         []float32
	n            int
	act          Activation
	alpha        float32
}

var sparseDenseJobs parallel.Jobs[sparseDenseJob, *sparseDenseJob]

func (j *sparseDenseJob) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		row := j.y[i*j.n : (i+1)*j.n]
		clear(row)
		copy(row, j.bias)
		from, to := int(j.indptr[i]), int(j.indptr[i+1])
		addRows(row, j.w, j.cols[from:to], part(j.vals, from, to))
	}
	rows := j.y[lo*j.n : hi*j.n]
	simd.Active.Activate(rows, rows, j.act, j.alpha)
}

// SparseDenseBackWeights writes dw (k x n) = X' dz for the X of SparseDense, with the rows of X
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
	x := rowIndexes.Get()
	x.ofColumns(indptr, cols, f32(vals), k)
	scatterJobs.Run(scatterJob{dw32, f32(dz), x, n}, k, scatterGrain(len(cols), k, n))
	rowIndexes.Put(x)
}
