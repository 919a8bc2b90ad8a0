// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// globalPool is a pooling of x (n, cells, c) to y (n, c), forward or backward.
type globalPool struct {
	y, x     []float32
	arg      []int32
	cells, c int
}

// newGlobalPool checks the slices; ok is false if T is float64.
func newGlobalPool[T Float](what string, y, x []T, arg []int32, n, cells, c int) (p globalPool, ok bool) {
	sameLen(what, n*c, len(y))
	sameLen(what, n*cells*c, len(x))
	y32, ok := single(y)
	return globalPool{y32, f32(x), arg, cells, c}, ok
}

func (p *globalPool) grain() int { return rowGrain(cheapGrain, p.cells*p.c) }

// image returns y and x of image i.
func (p *globalPool) image(i int) (y, x []float32) {
	size := p.cells * p.c
	return p.y[i*p.c : (i+1)*p.c], p.x[i*size : (i+1)*size]
}

// GlobalMaxPool writes y_nc = max over cells of x (n, cells, c), and the first cell that attains
// it. arg may be nil.
func GlobalMaxPool[T Float](y []T, arg []int32, x []T, n, cells, c int) {
	p, ok := newGlobalPool("global max pooling", y, x, arg, n, cells, c)
	if !ok {
		ref.GlobalMaxPool(y, arg, x, n, cells, c)
		return
	}
	if cells == 0 {
		panic("global max pooling: no cells")
	}
	globalMaxJobs.Run(globalMaxJob{p}, n, p.grain())
}

type globalMaxJob struct{ globalPool }

var globalMaxJobs parallel.Jobs[globalMaxJob, *globalMaxJob]

func (j *globalMaxJob) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		y, x := j.image(i)
		if j.arg != nil {
			simd.Active.GlobalMaxPool(y, j.arg[i*j.c:(i+1)*j.c], x, j.cells)
			continue
		}
		copy(y, x)
		for cell := j.c; cell < len(x); cell += j.c {
			simd.Active.Max(y, y, x[cell:cell+j.c])
		}
	}
}

// GlobalMaxPoolBack writes dy to the cell given by arg and 0 elsewhere.
func GlobalMaxPoolBack[T Float](dx []T, arg []int32, dy []T, n, cells, c int) {
	p, ok := newGlobalPool("global max pooling gradient", dy, dx, arg, n, cells, c)
	if !ok {
		ref.GlobalMaxPoolBack(dx, arg, dy, n, cells, c)
		return
	}
	globalMaxBackJobs.Run(globalMaxBackJob{p}, n, p.grain())
}

type globalMaxBackJob struct{ globalPool }

var globalMaxBackJobs parallel.Jobs[globalMaxBackJob, *globalMaxBackJob]

func (j *globalMaxBackJob) Piece(lo, hi int) {
	size := j.cells * j.c
	ref.GlobalMaxPoolBack(j.x[lo*size:hi*size], j.arg[lo*j.c:hi*j.c], j.y[lo*j.c:hi*j.c], hi-lo, j.cells, j.c)
}

// GlobalAvgPool writes y_nc = mean over cells of x (n, cells, c).
func GlobalAvgPool[T Float](y, x []T, n, cells, c int) {
	p, ok := newGlobalPool("global average pooling", y, x, nil, n, cells, c)
	if !ok {
		ref.GlobalAvgPool(y, x, n, cells, c)
		return
	}
	globalAvgJobs.Run(globalAvgJob{p}, n, p.grain())
}

type globalAvgJob struct{ globalPool }

var globalAvgJobs parallel.Jobs[globalAvgJob, *globalAvgJob]

func (j *globalAvgJob) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		y, x := j.image(i)
		simd.Active.ColSum(y, x, j.cells, j.c)
		simd.Active.Scale(y, y, 1/float32(j.cells))
	}
}

// GlobalAvgPoolBack writes dy / cells to every cell.
func GlobalAvgPoolBack[T Float](dx, dy []T, n, cells, c int) {
	p, ok := newGlobalPool("global average pooling gradient", dy, dx, nil, n, cells, c)
	if !ok {
		ref.GlobalAvgPoolBack(dx, dy, n, cells, c)
		return
	}
	globalAvgBackJobs.Run(globalAvgBackJob{p}, n, p.grain())
}

type globalAvgBackJob struct{ globalPool }

var globalAvgBackJobs parallel.Jobs[globalAvgBackJob, *globalAvgBackJob]

func (j *globalAvgBackJob) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		dy, dx := j.image(i)
		if len(dx) == 0 {
			return
		}
		simd.Active.Scale(dx[:j.c], dy, 1/float32(j.cells))
		for cell := j.c; cell < len(dx); cell += j.c {
			copy(dx[cell:cell+j.c], dx[:j.c])
		}
	}
}
