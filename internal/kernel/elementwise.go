// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Add writes dst = a + b. In all element-wise kernels dst may be any of the operands.
func Add[T Float](dst, a, b []T) { binary("add", dst, a, b, simd.Active.Add, ref.Add[T]) }

// Sub writes dst = a - b.
func Sub[T Float](dst, a, b []T) { binary("sub", dst, a, b, simd.Active.Sub, ref.Sub[T]) }

// Mul writes dst = a b, element by element.
func Mul[T Float](dst, a, b []T) { binary("mul", dst, a, b, simd.Active.Mul, ref.Mul[T]) }

// Max writes dst = max(a, b), NaN where either is.
func Max[T Float](dst, a, b []T) { binary("max", dst, a, b, simd.Active.Max, ref.Max[T]) }

// MaxGrad writes the gradients of max(a, b): dy goes to a where a >= b, else to b. db may
// be nil: it is dy - da.
func MaxGrad[T Float](da, db, a, b, dy []T) {
	sameLen("max grad", len(dy), len(da), len(a), len(b))
	if db != nil {
		sameLen("max grad", len(dy), len(db))
	}
	d, ok := single(da)
	if !ok {
		ref.MaxGrad(da, db, a, b, dy)
		return
	}
	l := loops.get()
	l.v[0] = d
	l.v[1], _ = single(db)
	l.v[2], _ = single(a)
	l.v[3], _ = single(b)
	l.v[4], _ = single(dy)
	l.each(len(d), cheapGrain, maxGradPiece)
}

func maxGradPiece(l *loop, lo, hi int) {
	if l.v[1] == nil { // nobody wants the gradient of b
		ref.MaxGrad(l.v[0][lo:hi], nil, l.v[2][lo:hi], l.v[3][lo:hi], l.v[4][lo:hi])
		return
	}
	simd.Active.MaxGrad(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], l.v[3][lo:hi], l.v[4][lo:hi])
}

// Scale writes dst = alpha x.
func Scale[T Float](dst, x []T, alpha T) {
	sameLen("scale", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.Scale(dst, x, alpha)
		return
	}
	l := loops.get()
	l.v[0], l.s[0] = d, float32(alpha)
	l.v[1], _ = single(x)
	l.each(len(d), cheapGrain, scalePiece)
}

func scalePiece(l *loop, lo, hi int) {
	simd.Active.Scale(l.v[0][lo:hi], l.v[1][lo:hi], l.s[0])
}

// AddScaled adds alpha x to dst.
func AddScaled[T Float](dst, x []T, alpha T) {
	sameLen("add scaled", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.AddScaled(dst, x, alpha)
		return
	}
	l := loops.get()
	l.v[0], l.s[0] = d, float32(alpha)
	l.v[1], _ = single(x)
	l.each(len(d), cheapGrain, addScaledPiece)
}

func addScaledPiece(l *loop, lo, hi int) {
	simd.Active.AddScaled(l.v[0][lo:hi], l.v[1][lo:hi], l.s[0])
}

// AddRow writes dst_rj = x_rj + row_j for a rows x cols matrix.
func AddRow[T Float](dst, x, row []T, rows, cols int) {
	withRow("add row", dst, x, row, rows, cols, simd.Active.Add, ref.AddRow[T])
}

// MulRow writes dst_rj = x_rj row_j.
func MulRow[T Float](dst, x, row []T, rows, cols int) {
	withRow("mul row", dst, x, row, rows, cols, simd.Active.Mul, ref.MulRow[T])
}

func withRow[T Float](what string, dst, x, row []T, rows, cols int,
	fast func(dst, a, b []float32), plain func(dst, x, row []T, rows, cols int),
) {
	sameLen(what, rows*cols, len(dst), len(x))
	sameLen(what, cols, len(row))
	d, ok := single(dst)
	if !ok {
		plain(dst, x, row, rows, cols)
		return
	}
	l := loops.get()
	l.map2, l.cols = fast, cols
	l.v[0] = d
	l.v[1], _ = single(x)
	l.v[2], _ = single(row)
	l.each(rows, rowGrain(cheapGrain, cols), withRowPiece)
}

func withRowPiece(l *loop, lo, hi int) {
	for i := lo * l.cols; i < hi*l.cols; i += l.cols {
		l.map2(l.v[0][i:i+l.cols], l.v[1][i:i+l.cols], l.v[2])
	}
}

// Fill writes v everywhere.
func Fill[T Float](dst []T, v T) {
	d, ok := single(dst)
	if !ok {
		ref.Fill(dst, v)
		return
	}
	l := loops.get()
	l.v[0], l.s[0] = d, float32(v)
	l.each(len(d), cheapGrain, fillPiece)
}

func fillPiece(l *loop, lo, hi int) {
	if d := l.v[0][lo:hi]; l.s[0] == 0 {
		clear(d)
	} else {
		ref.Fill(d, l.s[0])
	}
}

// Clip writes dst = min(max(x, lo), hi).
func Clip[T Float](dst, x []T, lo, hi T) {
	sameLen("clip", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.Clip(dst, x, lo, hi)
		return
	}
	l := loops.get()
	l.v[0], l.s[0], l.s[1] = d, float32(lo), float32(hi)
	l.v[1], _ = single(x)
	l.each(len(d), cheapGrain, clipPiece)
}

func clipPiece(l *loop, lo, hi int) {
	simd.Active.Clip(l.v[0][lo:hi], l.v[1][lo:hi], l.s[0], l.s[1])
}
