// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Add writes dst = a + b. In all element-wise kernels, dst may be any of the operands.
func Add[T Float](dst, a, b []T) { binary("add", dst, a, b, simd.Active.Add, ref.Add[T]) }

// Sub writes dst = a - b.
func Sub[T Float](dst, a, b []T) { binary("sub", dst, a, b, simd.Active.Sub, ref.Sub[T]) }

// Mul writes dst = a b, element-wise.
func Mul[T Float](dst, a, b []T) { binary("mul", dst, a, b, simd.Active.Mul, ref.Mul[T]) }

// Max writes dst = max(a, b), NaN if either is NaN.
func Max[T Float](dst, a, b []T) { binary("max", dst, a, b, simd.Active.Max, ref.Max[T]) }

// binary applies a function of two operands; dst may be either.
func binary[T Float](what string, dst, a, b []T, fast func(dst, a, b []float32), plain func(dst, a, b []T)) {
	sameLen(what, len(dst), len(a), len(b))
	d, ok := single(dst)
	if !ok {
		plain(dst, a, b)
		return
	}
	binaryJobs.Run(binaryJob{fast, d, f32(a), f32(b)}, len(d), cheapGrain)
}

type binaryJob struct {
	f         func(dst, a, b []float32)
	dst, a, b []float32
}

var binaryJobs parallel.Jobs[binaryJob, *binaryJob]

func (j *binaryJob) Piece(lo, hi int) { j.f(j.dst[lo:hi], j.a[lo:hi], j.b[lo:hi]) }

// MaxGrad writes the gradients of max(a, b): dy goes to a where a >= b, otherwise to b. db may
// be nil; it is dy - da.
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
	maxGradJobs.Run(maxGradJob{d, f32(db), f32(a), f32(b), f32(dy)}, len(d), cheapGrain)
}

type maxGradJob struct{ da, db, a, b, dy []float32 }

var maxGradJobs parallel.Jobs[maxGradJob, *maxGradJob]

func (j *maxGradJob) Piece(lo, hi int) {
	f := simd.Active.MaxGrad
	if j.db == nil { // the assembly always writes both
		f = ref.MaxGrad[float32]
	}
	f(j.da[lo:hi], part(j.db, lo, hi), j.a[lo:hi], j.b[lo:hi], j.dy[lo:hi])
}

// Scale writes dst = alpha x.
func Scale[T Float](dst, x []T, alpha T) {
	sameLen("scale", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.Scale(dst, x, alpha)
		return
	}
	scaleJobs.Run(scaleJob{d, f32(x), float32(alpha)}, len(d), cheapGrain)
}

type scaleJob struct {
	dst, x []float32
	alpha  float32
}

var scaleJobs parallel.Jobs[scaleJob, *scaleJob]

func (j *scaleJob) Piece(lo, hi int) { simd.Active.Scale(j.dst[lo:hi], j.x[lo:hi], j.alpha) }

// AddScaled adds alpha x to dst.
func AddScaled[T Float](dst, x []T, alpha T) {
	sameLen("add scaled", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.AddScaled(dst, x, alpha)
		return
	}
	addScaledJobs.Run(addScaledJob{d, f32(x), float32(alpha)}, len(d), cheapGrain)
}

type addScaledJob scaleJob

var addScaledJobs parallel.Jobs[addScaledJob, *addScaledJob]

func (j *addScaledJob) Piece(lo, hi int) { simd.Active.AddScaled(j.dst[lo:hi], j.x[lo:hi], j.alpha) }

// AddRow writes dst_rj = x_rj + row_j for a rows x cols matrix.
func AddRow[T Float](dst, x, row []T, rows, cols int) {
	withRow("add row", dst, x, row, rows, cols, simd.Active.Add, ref.AddRow[T])
}

// MulRow writes dst_rj = x_rj row_j.
func MulRow[T Float](dst, x, row []T, rows, cols int) {
	withRow("mul row", dst, x, row, rows, cols, simd.Active.Mul, ref.MulRow[T])
}

// withRow applies a function of two operands to each row of x and the same row.
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
	withRowJobs.Run(withRowJob{fast, d, f32(x), f32(row)}, rows, rowGrain(cheapGrain, cols))
}

type withRowJob struct {
	f           func(dst, a, b []float32)
	dst, x, row []float32
}

var withRowJobs parallel.Jobs[withRowJob, *withRowJob]

func (j *withRowJob) Piece(lo, hi int) {
	cols := len(j.row)
	for r := lo; r < hi; r++ {
		j.f(j.dst[r*cols:(r+1)*cols], j.x[r*cols:(r+1)*cols], j.row)
	}
}

// Fill sets every element to v.
func Fill[T Float](dst []T, v T) {
	d, ok := single(dst)
	if !ok {
		ref.Fill(dst, v)
		return
	}
	fillJobs.Run(fillJob{d, float32(v)}, len(d), cheapGrain)
}

type fillJob struct {
	dst []float32
	v   float32
}

var fillJobs parallel.Jobs[fillJob, *fillJob]

func (j *fillJob) Piece(lo, hi int) {
	if d := j.dst[lo:hi]; j.v == 0 {
		clear(d)
	} else {
		ref.Fill(d, j.v)
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
	clipJobs.Run(clipJob{d, f32(x), float32(lo), float32(hi)}, len(d), cheapGrain)
}

type clipJob struct {
	dst, x      []float32
	least, most float32
}

var clipJobs parallel.Jobs[clipJob, *clipJob]

func (j *clipJob) Piece(lo, hi int) { simd.Active.Clip(j.dst[lo:hi], j.x[lo:hi], j.least, j.most) }
