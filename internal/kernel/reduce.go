// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Sums run over fixed blocks; the blocks' sums are added in float64, in order, so that
// neither the workers nor the length of a vector cost precision.

// Sum returns sum_i x_i.
func Sum[T Float](x []T) T { return reduce(x, simd.Active.Sum, ref.Sum[T]) }

// SumSquares returns sum_i x_i^2.
func SumSquares[T Float](x []T) T { return reduce(x, simd.Active.SumSquares, ref.SumSquares[T]) }

// SumAbs returns sum_i |x_i|.
func SumAbs[T Float](x []T) T { return reduce(x, simd.Active.SumAbs, ref.SumAbs[T]) }

func reduce[T Float](x []T, fast func(x []float32) float64, plain func(x []T) float64) T {
	x32, ok := single(x)
	if !ok {
		return T(plain(x))
	}
	j := sumJobs.get()
	j.a, j.sum = x32, fast
	return T(j.total())
}

// Dot returns sum_i a_i b_i.
func Dot[T Float](a, b []T) T {
	sameLen("dot", len(a), len(b))
	a32, ok := single(a)
	if !ok {
		return T(ref.Dot(a, b))
	}
	j := sumJobs.get()
	j.a, j.dot = a32, simd.Active.Dot
	j.b, _ = single(b)
	return T(j.total())
}

// sumJob is a sum over a, or over products of a and b.
type sumJob struct {
	pieces
	a, b    []float32
	sum     func(a []float32) float64
	dot     func(a, b []float32) float64
	partial []float64 // by piece
}

var sumJobs freeList[sumJob]

// total adds up the pieces and gives j back.
func (j *sumJob) total() float64 {
	j.pieces = pieces{len(j.a), cheapGrain}
	j.partial = resized(j.partial, ceilDiv(len(j.a), cheapGrain))
	j.pieces.run(j)
	var sum float64
	for _, p := range j.partial {
		sum += p
	}
	*j = sumJob{partial: j.partial}
	sumJobs.put(j)
	return sum
}

func (j *sumJob) unit(u int, _ *worker) {
	lo, hi := j.bounds(u)
	if j.dot != nil {
		j.partial[u] = j.dot(j.a[lo:hi], j.b[lo:hi])
	} else {
		j.partial[u] = j.sum(j.a[lo:hi])
	}
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
		simd.Active.ColSum(d, x32, rows, cols)
		return
	}
	parts := ceilDiv(rows, grain)
	w := callers.get()
	l := loops.get()
	l.v[0], l.v[1], l.cols = w.floats(parts*cols), x32, cols
	l.run(rows, grain, colSumPiece)
	simd.Active.ColSum(d, l.v[0], parts, cols)
	l.release()
	callers.put(w)
}

func colSumPiece(l *loop, lo, hi int) {
	p := lo / l.grain * l.cols
	simd.Active.ColSum(l.v[0][p:p+l.cols], l.v[1][lo*l.cols:hi*l.cols], hi-lo, l.cols)
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
