// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/reef-dl/reef/internal/kernel/gemm"

// GemmBatch computes C_i = op(A_i)·op(B_i) for n products of consecutively stored row-major
// matrices: op(A_i) is rows x depth, op(B_i) depth x cols. Small products are distributed whole,
// large ones are partitioned as in Gemm.
func GemmBatch[T Float](transA, transB bool, n, rows, cols, depth int, a, b, c []T) {
	sameLen("gemm batch: A", n*rows*depth, len(a))
	sameLen("gemm batch: B", n*depth*cols, len(b))
	sameLen("gemm batch: C", n*rows*cols, len(c))
	lda, ldb := leadingDim(transA, rows, depth), leadingDim(transB, depth, cols)
	if c32, ok := single(c); ok && len(c) > 0 {
		a32, _ := single(a)
		b32, _ := single(b)
		if gemm.MultiplyBatch(gemm.Product{
			TransA: transA, TransB: transB, M: rows, N: cols, K: depth, A: a32, LDA: lda, B: b32, LDB: ldb, C: c32, LDC: cols,
		}, n) {
			return
		}
	}
	for i := range n {
		Gemm(transA, transB, rows, cols, depth, a[i*rows*depth:(i+1)*rows*depth], lda,
			b[i*depth*cols:(i+1)*depth*cols], ldb, 0, c[i*rows*cols:(i+1)*rows*cols], cols)
	}
}

// leadingDim returns the distance between stored rows of a matrix whose op is rows x cols.
func leadingDim(trans bool, rows, cols int) int {
	if trans {
		return max(rows, 1)
	}
	return max(cols, 1)
}
