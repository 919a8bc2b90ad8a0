// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
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
	checkDense(len(y), len(x), len(w), len(bias), m, k, n)
	if m == 0 || n == 0 {
		return
	}
	y = y[:m*n]
	y32, ok := single(y)
	if !ok {
		ref.Dense(y, x, w, bias, m, k, n)
		Activate(y, y, act, alpha)
		return
	}
	dense(gemm.Product{M: m, N: n, K: k, A: f32(x), B: f32(w), C: y32, Bias: f32(bias)}, act, float32(alpha))
}

// DenseEach is Dense for inference: a row has the same bits alone and among any others. It normalizes
// columns before the activation unless norm is nil. kept, which may be nil, is of w.
func DenseEach(y, x, w, bias []float32, m, k, n int, norm *Norm, act Activation, alpha float32, kept *Kept) {
	checkDense(len(y), len(x), len(w), len(bias), m, k, n)
	if m == 0 || n == 0 {
		return
	}
	y = y[:m*n]
	scratch := parallel.Borrow()
	defer scratch.Return()
	p := gemm.Product{M: m, N: n, K: k, A: x, B: w, C: y, Bias: bias, Rows: true}
	p.Packed, p.Affine = kept.packed(w, m, k, n), norm.affine(scratch, n)
	dense(p, act, alpha)
}

func dense(p gemm.Product, act Activation, alpha float32) {
	p.LDA, p.LDB, p.LDC, p.ReLU = p.K, p.N, p.N, act == ReLU
	gemm.Multiply(p)
	if act != ReLU && act != Linear {
		Activate(p.C, p.C, act, alpha)
	}
}

func checkDense(y, x, w, bias, m, k, n int) {
	if bias != 0 && bias != n {
		panic(fmt.Sprintf("dense: bias has %d values, want %d", bias, n))
	}
	gemm.Check("dense: x", false, m, k, x, max(k, 1))
	gemm.Check("dense: w", false, k, n, w, n)
	gemm.Check("dense: y", false, m, n, y, n)
}

func checkBeta[T Float](beta T) {
	if beta != 0 && beta != 1 {
		panic(fmt.Sprintf("gemm: beta %v, want 0 or 1", beta))
	}
}
