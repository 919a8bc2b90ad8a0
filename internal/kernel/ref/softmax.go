// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// exp, log1p and similar functions are computed in float64 and rounded once.
func exp[T Float](x T) T { return T(math.Exp(float64(x))) }

// RowMax returns the maximum of x, -Inf if x is empty; if x contains NaN, the result is not defined.
func RowMax[T Float](x []T) T { return maxOf(x) }

// ExpSum writes dst = exp(x - alpha) and returns the sum.
func ExpSum[T Float](dst, x []T, alpha T) (sum float64) {
	for i, v := range x {
		dst[i] = exp(v - alpha)
		sum += float64(dst[i])
	}
	return sum
}

// SoftmaxBack writes dst = a (b - alpha).
func SoftmaxBack[T Float](dst, a, b []T, alpha T) {
	for i := range dst {
		dst[i] = a[i] * (b[i] - alpha)
	}
}

// maxOf returns the maximum of x, -Inf if x is empty and NaN if x contains NaN.
func maxOf[T Float](x []T) T {
	m := T(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

// logSumExp returns m = max_j x_j and s = sum_j exp(x_j - m), so log sum_j exp(x_j) = m + log s
// does not overflow.
func logSumExp[T Float](x []T) (m T, s float64) {
	m = maxOf(x)
	for _, v := range x {
		s += math.Exp(float64(v - m))
	}
	return m, s
}

// Softmax writes y_j = exp(x_j - m) / sum_k exp(x_k - m), m = max_k x_k, for each row of a rows
// x cols matrix. dst may be x.
func Softmax[T Float](dst, x []T, rows, cols int) {
	for r := range rows {
		x, y := x[r*cols:(r+1)*cols], dst[r*cols:(r+1)*cols]
		m := maxOf(x)
		var s float64
		for j, v := range x {
			y[j] = exp(v - m)
			s += float64(y[j])
		}
		inv := T(1 / s)
		for j := range y {
			y[j] *= inv
		}
	}
}

// SoftmaxGrad writes dx_j = y_j (dy_j - sum_k y_k dy_k) for each row of the softmax y.
// dx may be dy.
func SoftmaxGrad[T Float](dx, y, dy []T, rows, cols int) {
	for r := range rows {
		dx, y, dy := dx[r*cols:(r+1)*cols], y[r*cols:(r+1)*cols], dy[r*cols:(r+1)*cols]
		dot := T(Dot(y, dy))
		for j := range dx {
			dx[j] = y[j] * (dy[j] - dot)
		}
	}
}

// LogSoftmax writes y_j = x_j - log sum_k exp(x_k) for each row. dst may be x.
func LogSoftmax[T Float](dst, x []T, rows, cols int) {
	for r := range rows {
		x, y := x[r*cols:(r+1)*cols], dst[r*cols:(r+1)*cols]
		m, s := logSumExp(x)
		logs := T(math.Log(s))
		for j, v := range x {
			y[j] = v - m - logs
		}
	}
}

// LogSoftmaxGrad writes dx_j = dy_j - exp(y_j) sum_k dy_k for each row of the
// log-softmax y. dx may be dy.
func LogSoftmaxGrad[T Float](dx, y, dy []T, rows, cols int) {
	for r := range rows {
		dx, y, dy := dx[r*cols:(r+1)*cols], y[r*cols:(r+1)*cols], dy[r*cols:(r+1)*cols]
		sum := T(Sum(dy))
		for j := range dx {
			dx[j] = dy[j] - exp(y[j])*sum
		}
	}
}
