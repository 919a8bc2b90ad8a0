// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/reef-dl/reef/internal/kernel/parallel"

// eachRow applies a function to a rows x cols matrix; dst has one value or cols values per row.
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
	rowsJobs.Run(rowsJob{fast, d, f32(x), len(d) / rows, cols}, rows, rowGrain(grain, cols))
}

type rowsJob struct {
	f           func(dst, x []float32, rows, cols int)
	dst, x      []float32
	width, cols int // of a row of dst and of x
}

var rowsJobs parallel.Jobs[rowsJob, *rowsJob]

func (j *rowsJob) Piece(lo, hi int) {
	j.f(j.dst[lo*j.width:hi*j.width], j.x[lo*j.cols:hi*j.cols], hi-lo, j.cols)
}

// eachRow2 applies a function to two rows x cols matrices; dst has one value or cols values per
// row.
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
	rows2Jobs.Run(rows2Job{fast, d, f32(a), f32(b), len(d) / rows, cols}, rows, rowGrain(grain, cols))
}

type rows2Job struct {
	f           func(dst, a, b []float32, rows, cols int)
	dst, a, b   []float32
	width, cols int // of a row of dst and of the others
}

var rows2Jobs parallel.Jobs[rows2Job, *rows2Job]

func (j *rows2Job) Piece(lo, hi int) {
	j.f(j.dst[lo*j.width:hi*j.width], j.a[lo*j.cols:hi*j.cols], j.b[lo*j.cols:hi*j.cols], hi-lo, j.cols)
}
