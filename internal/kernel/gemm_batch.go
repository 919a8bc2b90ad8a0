// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/reef-dl/reef/internal/kernel/parallel"

// GemmBatch computes C_i = op(A_i)·op(B_i) for n products of consecutively stored row-major
// matrices: op(A_i) is rows x depth, op(B_i) depth x cols. Small products are distributed whole,
// large ones are partitioned as in Gemm.
func GemmBatch[T Float](transA, transB bool, n, rows, cols, depth int, a, b, c []T) {
	sameLen("gemm batch: A", n*rows*depth, len(a))
	sameLen("gemm batch: B", n*depth*cols, len(b))
	sameLen("gemm batch: C", n*rows*cols, len(c))
	c32, ok := single(c)
	if !ok || rows*cols*depth >= parallel.MinShared {
		for i := range n {
			lda, ldb := leadingDim(transA, rows, depth), leadingDim(transB, depth, cols)
			Gemm(transA, transB, rows, cols, depth, a[i*rows*depth:(i+1)*rows*depth], lda,
				b[i*depth*cols:(i+1)*depth*cols], ldb, 0, c[i*rows*cols:(i+1)*rows*cols], cols)
		}
		return
	}
	j := gemmBatchJobs.Get()
	*j = gemmBatchJob{transA: transA, transB: transB, n: n, rows: rows, cols: cols, depth: depth, c: c32}
	j.a, _ = single(a)
	j.b, _ = single(b)
	j.grain = max(1, parallel.MinShared/max(1, rows*cols*depth))
	parallel.Run(j, ceilDiv(n, j.grain))
	*j = gemmBatchJob{}
	gemmBatchJobs.Put(j)
}

// leadingDim returns the distance between stored rows of a matrix whose op is rows x cols.
func leadingDim(trans bool, rows, cols int) int {
	if trans {
		return max(rows, 1)
	}
	return max(cols, 1)
}

type gemmBatchJob struct {
	transA, transB              bool
	n, rows, cols, depth, grain int
	a, b, c                     []float32
}

var gemmBatchJobs parallel.FreeList[gemmBatchJob]

// Unit computes some products; each is too small to be partitioned, so Gemm runs it alone.
func (j *gemmBatchJob) Unit(u int, _ *parallel.Worker) {
	lda, ldb := leadingDim(j.transA, j.rows, j.depth), leadingDim(j.transB, j.depth, j.cols)
	for i := u * j.grain; i < min(j.n, (u+1)*j.grain); i++ {
		Gemm(j.transA, j.transB, j.rows, j.cols, j.depth, j.a[i*j.rows*j.depth:(i+1)*j.rows*j.depth], lda,
			j.b[i*j.depth*j.cols:(i+1)*j.depth*j.cols], ldb, 0, j.c[i*j.rows*j.cols:(i+1)*j.rows*j.cols], j.cols)
	}
}
