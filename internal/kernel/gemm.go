// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Gemm computes C[m,n] = op(A)·op(B) + beta·C for row-major matrices, where op is the transpose
// if the flag is set and ld is the distance between stored rows. beta is 0 or 1; if it is 0, C
// is not read.
func Gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	checkBeta(beta)
	if m == 0 || n == 0 {
		return
	}
	gemm.Check("gemm: A", transA, m, k, len(a), lda)
	gemm.Check("gemm: B", transB, k, n, len(b), ldb)
	gemm.Check("gemm: C", false, m, n, len(c), ldc)
	a32, ok := single(a)
	if !ok {
		ref.Gemm(transA, transB, m, n, k, a, lda, b, ldb, beta, c, ldc)
		return
	}
	gemm.Multiply(gemm.Product{
		TransA: transA, TransB: transB, M: m, N: n, K: k,
		A: a32, LDA: lda, B: f32(b), LDB: ldb, C: f32(c), LDC: ldc, Add: beta == 1,
	})
}

// Dense computes y[m,n] = act(x[m,k]·w[k,n] + bias[n]); bias may be nil. Bias and ReLU are free,
// other activations take one more pass over y.
func Dense[T Float](y, x, w, bias []T, m, k, n int, act Activation, alpha T) {
	if bias != nil && len(bias) != n {
		panic(fmt.Sprintf("dense: bias has %d values, want %d", len(bias), n))
	}
	if m == 0 || n == 0 {
		return
	}
	gemm.Check("dense: x", false, m, k, len(x), max(k, 1))
	gemm.Check("dense: w", false, k, n, len(w), n)
	gemm.Check("dense: y", false, m, n, len(y), n)
	y = y[:m*n]
	y32, ok := single(y)
	if !ok {
		ref.Dense(y, x, w, bias, m, k, n)
		Activate(y, y, act, alpha)
		return
	}
	gemm.Multiply(gemm.Product{
		M: m, N: n, K: k, A: f32(x), LDA: k, B: f32(w), LDB: n, C: y32, LDC: n, Bias: f32(bias), ReLU: act == ReLU,
	})
	if act != ReLU && act != Linear {
		Activate(y, y, act, alpha)
	}
}

func checkBeta[T Float](beta T) {
	if beta != 0 && beta != 1 {
		panic(fmt.Sprintf("gemm: beta %v, want 0 or 1", beta))
	}
}
