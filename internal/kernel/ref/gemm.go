// SPDX-License-Identifier: Apache-2.0

package ref

// Gemm computes C = op(A)·op(B) + beta·C for row-major matrices, where op is the transpose if
// the flag is set: op(A) is m x k, op(B) is k x n, C is m x n, and ld is the distance between
// the starts of two stored rows. C is not read if beta is 0.
func Gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	at := func(i, p int) T {
		if transA {
			return a[p*lda+i]
		}
		return a[i*lda+p]
	}
	bt := func(p, j int) T {
		if transB {
			return b[j*ldb+p]
		}
		return b[p*ldb+j]
	}
	for i := range m {
		for j := range n {
			var sum T
			for p := range k {
				sum += at(i, p) * bt(p, j)
			}
			if beta != 0 {
				sum += beta * c[i*ldc+j]
			}
			c[i*ldc+j] = sum
		}
	}
}

// Dense computes y[m,n] = x[m,k]·w[k,n] + bias[n]; bias may be nil.
func Dense[T Float](y, x, w, bias []T, m, k, n int) {
	Gemm(false, false, m, n, k, x, k, w, n, 0, y, n)
	if bias == nil {
		return
	}
	for i := range m {
		for j := range n {
			y[i*n+j] += bias[j]
		}
	}
}
