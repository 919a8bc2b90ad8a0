// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Sums are computed over fixed blocks, whose sums are added in float64, in order: precision depends
// neither on the number of workers nor on the length of the vector.

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
	j := sumJobs.Get()
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
	j := sumJobs.Get()
	j.a, j.dot = a32, simd.Active.Dot
	j.b, _ = single(b)
	return T(j.total())
}

// sumJob sums a, or the products of a and b.
type sumJob struct {
	parallel.Pieces
	a, b    []float32
	sum     func(a []float32) float64
	dot     func(a, b []float32) float64
	partial []float64 // one per piece
}

var sumJobs parallel.FreeList[sumJob]

// total adds up the pieces and returns j to the free list.
func (j *sumJob) total() float64 {
	j.Pieces = parallel.Cut(len(j.a), cheapGrain)
	j.partial = buffer.Resize(j.partial, j.Count())
	j.Pieces.Run(j)
	var sum float64
	for _, p := range j.partial {
		sum += p
	}
	*j = sumJob{partial: j.partial}
	sumJobs.Put(j)
	return sum
}

func (j *sumJob) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	if j.dot != nil {
		j.partial[u] = j.dot(j.a[lo:hi], j.b[lo:hi])
	} else {
		j.partial[u] = j.sum(j.a[lo:hi])
	}
}

// maxColParts is the maximum number of partial rows in ColSum.
const maxColParts = 64

// ColSum writes dst_j = sum_r x_rj of a rows x cols matrix: the gradient of a bias. Rows are summed
// in at most 64 fixed blocks, and the blocks in order.
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
	w := parallel.Borrow()
	sums := w.Floats(parts * cols)
	colSumJobs.Run(colSumJob{sums, x32, cols, grain}, rows, grain)
	simd.Active.ColSum(d, sums, parts, cols)
	w.Return()
}

// colSumJob sums the columns of each piece of grain rows.
type colSumJob struct {
	sums, x     []float32
	cols, grain int
}

var colSumJobs parallel.Jobs[colSumJob, *colSumJob]

func (j *colSumJob) Piece(lo, hi int) {
	p := lo / j.grain * j.cols
	simd.Active.ColSum(j.sums[p:p+j.cols], j.x[lo*j.cols:hi*j.cols], hi-lo, j.cols)
}
