// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Softmax writes y_j = exp(x_j - m) / sum_k exp(x_k - m), m = max_k x_k, for each row of a
// rows x cols matrix. dst may be x.
func Softmax[T Float](dst, x []T, rows, cols int) {
	sameLen("softmax", rows*cols, len(dst))
	eachRow("softmax", dst, x, rows, cols, costlyGrain, simd.Active.Softmax, ref.Softmax[T])
}

// SoftmaxGrad writes dx_j = y_j (dy_j - sum_k y_k dy_k) for each row of the softmax y.
// dx may be dy.
func SoftmaxGrad[T Float](dx, y, dy []T, rows, cols int) {
	sameLen("softmax grad", rows*cols, len(dx), len(y), len(dy))
	eachRow2(dx, y, dy, rows, cols, cheapGrain, simd.Active.SoftmaxGrad, ref.SoftmaxGrad[T])
}

// LogSoftmax writes y_j = x_j - log sum_k exp(x_k) for each row. dst may be x.
func LogSoftmax[T Float](dst, x []T, rows, cols int) {
	sameLen("log-softmax", rows*cols, len(dst))
	eachRow("log-softmax", dst, x, rows, cols, costlyGrain, simd.Active.LogSoftmax, ref.LogSoftmax[T])
}

// LogSoftmaxGrad writes dx_j = dy_j - exp(y_j) sum_k dy_k for each row of the log-softmax
// y. dx may be dy.
func LogSoftmaxGrad[T Float](dx, y, dy []T, rows, cols int) {
	sameLen("log-softmax grad", rows*cols, len(dx), len(y), len(dy))
	eachRow2(dx, y, dy, rows, cols, costlyGrain, simd.Active.LogSoftmaxGrad, ref.LogSoftmaxGrad[T])
}
