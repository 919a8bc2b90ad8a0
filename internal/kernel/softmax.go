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
	eachRow("softmax", dst, x, rows, cols, dearGrain, simd.Active.Softmax, ref.Softmax[T])
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
	eachRow("log-softmax", dst, x, rows, cols, dearGrain, simd.Active.LogSoftmax, ref.LogSoftmax[T])
}

// LogSoftmaxGrad writes dx_j = dy_j - exp(y_j) sum_k dy_k for each row of the log-softmax
// y. dx may be dy.
func LogSoftmaxGrad[T Float](dx, y, dy []T, rows, cols int) {
	sameLen("log-softmax grad", rows*cols, len(dx), len(y), len(dy))
	eachRow2(dx, y, dy, rows, cols, dearGrain, simd.Active.LogSoftmaxGrad, ref.LogSoftmaxGrad[T])
}

// eachRow2 applies a function of two rows x cols matrices; dst has one value a row or cols.
func eachRow2[T Float](dst, a, b []T, rows, cols, grain int,
	fast func(dst, a, b []float32, rows, cols int), plain func(dst, a, b []T, rows, cols int),
) {
	d, ok := single(dst)
	if !ok {
		plain(dst, a, b, rows, cols)
		return
	}
	if rows == 0 {
		return
	}
	l := loops.get()
	l.rowMap2, l.width, l.cols = fast, len(d)/rows, cols
	l.v[0] = d
	l.v[1], _ = single(a)
	l.v[2], _ = single(b)
	l.each(rows, rowGrain(grain, cols), eachRow2Piece)
}

func eachRow2Piece(l *loop, lo, hi int) {
	l.rowMap2(l.v[0][lo*l.width:hi*l.width], l.v[1][lo*l.cols:hi*l.cols], l.v[2][lo*l.cols:hi*l.cols], hi-lo, l.cols)
}
