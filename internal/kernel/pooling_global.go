// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// startGlobal checks the slices of a pooling of x (n, cells, c) to y (n, c) and returns a
// loop over them, or nil when T is float64.
func startGlobal[T Float](what string, y, x []T, n, cells, c int) *loop {
	sameLen(what, n*c, len(y))
	sameLen(what, n*cells*c, len(x))
	y32, ok := single(y)
	if !ok {
		return nil
	}
	l := loops.get()
	l.v[0], l.width, l.cols, l.k[0] = y32, c, cells*c, cells
	l.v[1], _ = single(x)
	return l
}

// GlobalMaxPool writes y_nc = max over cells of x (n, cells, c), and the first cell that has
// it. arg may be nil.
func GlobalMaxPool[T Float](y []T, arg []int32, x []T, n, cells, c int) {
	l := startGlobal("global max pooling", y, x, n, cells, c)
	if l == nil {
		ref.GlobalMaxPool(y, arg, x, n, cells, c)
		return
	}
	if cells == 0 {
		panic("global max pooling: no cells")
	}
	l.int32s = arg
	l.each(n, rowGrain(cheapGrain, cells*c), globalMaxPoolPiece)
}

func globalMaxPoolPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		y, x := l.v[0][i*l.width:(i+1)*l.width], l.v[1][i*l.cols:(i+1)*l.cols]
		if l.int32s == nil {
			copy(y, x)
			for cell := l.width; cell < len(x); cell += l.width {
				simd.Active.Max(y, y, x[cell:cell+l.width])
			}
			continue
		}
		simd.Active.GlobalMaxPool(y, l.int32s[i*l.width:(i+1)*l.width], x, l.k[0])
	}
}

// GlobalMaxPoolBack writes dy to the cell that arg names and 0 elsewhere.
func GlobalMaxPoolBack[T Float](dx []T, arg []int32, dy []T, n, cells, c int) {
	l := startGlobal("global max pooling gradient", dy, dx, n, cells, c)
	if l == nil {
		ref.GlobalMaxPoolBack(dx, arg, dy, n, cells, c)
		return
	}
	l.int32s = arg
	l.each(n, rowGrain(cheapGrain, cells*c), globalMaxPoolBackPiece)
}

func globalMaxPoolBackPiece(l *loop, lo, hi int) {
	y0, y1 := lo*l.width, hi*l.width
	ref.GlobalMaxPoolBack(l.v[1][lo*l.cols:hi*l.cols], l.int32s[y0:y1], l.v[0][y0:y1], hi-lo, l.k[0], l.width)
}

// GlobalAvgPool writes y_nc = mean over cells of x (n, cells, c).
func GlobalAvgPool[T Float](y, x []T, n, cells, c int) {
	l := startGlobal("global average pooling", y, x, n, cells, c)
	if l == nil {
		ref.GlobalAvgPool(y, x, n, cells, c)
		return
	}
	l.each(n, rowGrain(cheapGrain, cells*c), globalAvgPoolPiece)
}

func globalAvgPoolPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		y := l.v[0][i*l.width : (i+1)*l.width]
		simd.Active.ColSum(y, l.v[1][i*l.cols:(i+1)*l.cols], l.k[0], l.width)
		simd.Active.Scale(y, y, 1/float32(l.k[0]))
	}
}

// GlobalAvgPoolBack writes dy / cells to every cell.
func GlobalAvgPoolBack[T Float](dx, dy []T, n, cells, c int) {
	l := startGlobal("global average pooling gradient", dy, dx, n, cells, c)
	if l == nil {
		ref.GlobalAvgPoolBack(dx, dy, n, cells, c)
		return
	}
	l.each(n, rowGrain(cheapGrain, cells*c), globalAvgPoolBackPiece)
}

func globalAvgPoolBackPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		dx := l.v[1][i*l.cols : (i+1)*l.cols]
		if len(dx) == 0 {
			return
		}
		simd.Active.Scale(dx[:l.width], l.v[0][i*l.width:(i+1)*l.width], 1/float32(l.k[0]))
		for cell := l.width; cell < len(dx); cell += l.width {
			copy(dx[cell:cell+l.width], dx[:l.width])
		}
	}
}
