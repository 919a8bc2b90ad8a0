// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/reef-dl/reef/internal/kernel/ref"

// Sums run over fixed blocks; the blocks' sums are added in float64, in order, so that
// neither the workers nor the length of a vector cost precision.

// Sum returns sum_i x_i.
func Sum[T Float](x []T) T { return reduce(x, x, current.vec.sum, plainSum[T]) }

// SumSquares returns sum_i x_i^2.
func SumSquares[T Float](x []T) T { return reduce(x, x, current.vec.sumSquares, ref.Dot[T]) }

// SumAbs returns sum_i |x_i|.
func SumAbs[T Float](x []T) T { return reduce(x, x, current.vec.sumAbs, plainSumAbs[T]) }

// Dot returns sum_i a_i b_i.
func Dot[T Float](a, b []T) T {
	sameLen("dot", len(a), len(b))
	return reduce(a, b, current.vec.dot, ref.Dot[T])
}

func plainSum[T Float](x, _ []T) float64    { return ref.Sum(x) }
func plainSumAbs[T Float](x, _ []T) float64 { return ref.SumAbs(x) }

func reduce[T Float](a, b []T, fast func(a, b []float32) float64, plain func(a, b []T) float64) T {
	a32, ok := single(a)
	if !ok {
		return T(plain(a, b))
	}
	l := loops.get()
	l.reduce = fast
	l.v[0] = a32
	l.v[1], _ = single(b)
	l.partial = resized(l.partial, ceilDiv(len(a32), cheapGrain))
	l.run(len(a32), cheapGrain, reducePiece)
	var sum float64
	for _, p := range l.partial {
		sum += p
	}
	l.release()
	return T(sum)
}

func reducePiece(l *loop, lo, hi int) {
	l.partial[lo/l.grain] = l.reduce(l.v[0][lo:hi], l.v[1][lo:hi])
}

// Finite returns the first index at which x is NaN or infinite, or -1.
func Finite[T Float](x []T) (firstBad int) {
	x32, ok := single(x)
	if !ok {
		return ref.Finite(x)
	}
	l := loops.get()
	l.v[0] = x32
	l.index = resized(l.index, ceilDiv(len(x32), cheapGrain))
	l.run(len(x32), cheapGrain, finitePiece)
	return l.first()
}

func finitePiece(l *loop, lo, hi int) {
	l.index[lo/l.grain] = offset(current.vec.finite(l.v[0][lo:hi]), lo)
}

// offset adds lo to an index that is not -1.
func offset(i, lo int) int {
	if i < 0 {
		return i
	}
	return lo + i
}

// first returns the first index that a piece has found, or -1, and gives l back.
func (l *loop) first() int {
	found := -1
	for _, i := range l.index {
		if i >= 0 {
			found = i
			break
		}
	}
	l.release()
	return found
}

// maxColParts bounds the partial rows that ColSum keeps.
const maxColParts = 64

// ColSum writes dst_j = sum_r x_rj of a rows x cols matrix: the gradient of a bias. Rows
// are summed in at most 64 fixed blocks, the blocks in order.
func ColSum[T Float](dst, x []T, rows, cols int) {
	sameLen("column sum", rows*cols, len(x))
	sameLen("column sum", cols, len(dst))
	d, ok := single(dst)
	if !ok {
		ref.ColSum(dst, x, rows, cols)
		return
	}
	x32, _ := single(x)
	grain := max(rowGrain(cheapGrain, cols), ceilDiv(rows, maxColParts))
	if rows <= grain {
		current.vec.colSum(d, x32, rows, cols)
		return
	}
	parts := ceilDiv(rows, grain)
	w := callers.get()
	l := loops.get()
	l.v[0], l.v[1], l.cols = w.floats(parts*cols), x32, cols
	l.run(rows, grain, colSumPiece)
	current.vec.colSum(d, l.v[0], parts, cols)
	l.release()
	callers.put(w)
}

func colSumPiece(l *loop, lo, hi int) {
	p := lo / l.grain * l.cols
	current.vec.colSum(l.v[0][p:p+l.cols], l.v[1][lo*l.cols:hi*l.cols], hi-lo, l.cols)
}

// eachRow applies a function of rows x cols matrices; dst has one value a row or cols.
func eachRow[T Float](what string, dst, x []T, rows, cols, grain int,
	fast func(dst, x []float32, rows, cols int), plain func(dst, x []T, rows, cols int),
) {
	sameLen(what, rows*cols, len(x))
	d, ok := single(dst)
	if !ok {
		plain(dst, x, rows, cols)
		return
	}
	if rows == 0 {
		return
	}
	l := loops.get()
	l.rowMap, l.width, l.cols = fast, len(d)/rows, cols
	l.v[0] = d
	l.v[1], _ = single(x)
	l.each(rows, rowGrain(grain, cols), eachRowPiece)
}

func eachRowPiece(l *loop, lo, hi int) {
	l.rowMap(l.v[0][lo*l.width:hi*l.width], l.v[1][lo*l.cols:hi*l.cols], hi-lo, l.cols)
}
