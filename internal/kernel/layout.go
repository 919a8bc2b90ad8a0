// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Copies between layouts. Each job copies slabs: contiguous elements of dst made from contiguous
// elements of x. Package ref does the copying.

// slabGrain returns the number of slabs per piece.
func slabGrain(dst, x int) int { return rowGrain(cheapGrain, max(dst, x)) }

// Concat writes x (outer, part, inner) to positions at..at+part-1 of the middle axis of dst
// (outer, axis, inner); a concatenation takes one call for each part.
func Concat[T Float](dst, x []T, outer, axis, at, part, inner int) {
	sameLen("concat", outer*axis*inner, len(dst))
	sameLen("concat", outer*part*inner, len(x))
	d, ok := single(dst)
	if !ok {
		ref.Concat(dst, x, outer, axis, at, part, inner)
		return
	}
	concatJobs.Run(concatJob{d, f32(x), axis, at, part, inner}, outer, slabGrain(axis*inner, part*inner))
}

type concatJob struct {
	dst, x                []float32
	axis, at, part, inner int
}

var concatJobs parallel.Jobs[concatJob, *concatJob]

func (j *concatJob) Piece(lo, hi int) {
	dst, x := j.axis*j.inner, j.part*j.inner
	ref.Concat(j.dst[lo*dst:hi*dst], j.x[lo*x:hi*x], hi-lo, j.axis, j.at, j.part, j.inner)
}

// Split is the inverse of Concat: it copies positions at..at+part-1 of the middle axis of x
// (outer, axis, inner) to dst (outer, part, inner).
func Split[T Float](dst, x []T, outer, axis, at, part, inner int) {
	sameLen("split", outer*part*inner, len(dst))
	sameLen("split", outer*axis*inner, len(x))
	d, ok := single(dst)
	if !ok {
		ref.Split(dst, x, outer, axis, at, part, inner)
		return
	}
	splitJobs.Run(splitJob{d, f32(x), axis, at, part, inner}, outer, slabGrain(part*inner, axis*inner))
}

type splitJob concatJob

var splitJobs parallel.Jobs[splitJob, *splitJob]

func (j *splitJob) Piece(lo, hi int) {
	dst, x := j.part*j.inner, j.axis*j.inner
	ref.Split(j.dst[lo*dst:hi*dst], j.x[lo*x:hi*x], hi-lo, j.axis, j.at, j.part, j.inner)
}

// Pad2D writes x (n, h, w, c) with a border of zeros around each image; its gradient is Crop2D.
func Pad2D[T Float](dst, x []T, n, h, w, c, top, bottom, left, right int) {
	padded := (top + h + bottom) * (left + w + right) * c
	sameLen("pad", n*padded, len(dst))
	sameLen("pad", n*h*w*c, len(x))
	d, ok := single(dst)
	if !ok {
		ref.Pad2D(dst, x, n, h, w, c, top, bottom, left, right)
		return
	}
	padJobs.Run(padJob{d, f32(x), h, w, c, top, bottom, left, right}, n, slabGrain(padded, h*w*c))
}

type padJob struct {
	dst, x                   []float32
	h, w, c                  int // of x
	top, bottom, left, right int
}

var padJobs parallel.Jobs[padJob, *padJob]

func (j *padJob) Piece(lo, hi int) {
	dst, x := (j.top+j.h+j.bottom)*(j.left+j.w+j.right)*j.c, j.h*j.w*j.c
	ref.Pad2D(j.dst[lo*dst:hi*dst], j.x[lo*x:hi*x], hi-lo, j.h, j.w, j.c, j.top, j.bottom, j.left, j.right)
}

// Crop2D writes x (n, h, w, c) without its border; its gradient is Pad2D.
func Crop2D[T Float](dst, x []T, n, h, w, c, top, bottom, left, right int) {
	cropped := (h - top - bottom) * (w - left - right) * c
	sameLen("crop", n*cropped, len(dst))
	sameLen("crop", n*h*w*c, len(x))
	d, ok := single(dst)
	if !ok {
		ref.Crop2D(dst, x, n, h, w, c, top, bottom, left, right)
		return
	}
	cropJobs.Run(cropJob{d, f32(x), h, w, c, top, bottom, left, right}, n, slabGrain(cropped, h*w*c))
}

type cropJob padJob

var cropJobs parallel.Jobs[cropJob, *cropJob]

func (j *cropJob) Piece(lo, hi int) {
	dst, x := (j.h-j.top-j.bottom)*(j.w-j.left-j.right)*j.c, j.h*j.w*j.c
	ref.Crop2D(j.dst[lo*dst:hi*dst], j.x[lo*x:hi*x], hi-lo, j.h, j.w, j.c, j.top, j.bottom, j.left, j.right)
}

// Upsample2D repeats every pixel of x (n, h, w, c) fh x fw times (nearest neighbor).
func Upsample2D[T Float](dst, x []T, n, h, w, c, fh, fw int) {
	sameLen("upsample", n*h*fh*fw*w*c, len(dst))
	sameLen("upsample", n*h*w*c, len(x))
	d, ok := single(dst)
	if !ok {
		ref.Upsample2D(dst, x, n, h, w, c, fh, fw)
		return
	}
	upsampleJobs.Run(upsampleJob{d, f32(x), w, c, fh, fw}, n*h, slabGrain(fh*fw*w*c, w*c))
}

// upsampleJob iterates over rows of pixels.
type upsampleJob struct {
	dst, x       []float32
	w, c, fh, fw int
}

var upsampleJobs parallel.Jobs[upsampleJob, *upsampleJob]

func (j *upsampleJob) Piece(lo, hi int) {
	x := j.w * j.c
	dst := j.fh * j.fw * x
	ref.Upsample2D(j.dst[lo*dst:hi*dst], j.x[lo*x:hi*x], hi-lo, 1, j.w, j.c, j.fh, j.fw)
}

// Upsample2DGrad writes to each pixel of dx (n, h, w, c) the sum of dy over its copies.
func Upsample2DGrad[T Float](dx, dy []T, n, h, w, c, fh, fw int) {
	sameLen("upsample grad", n*h*w*c, len(dx))
	sameLen("upsample grad", n*h*fh*fw*w*c, len(dy))
	d, ok := single(dx)
	if !ok {
		ref.Upsample2DGrad(dx, dy, n, h, w, c, fh, fw)
		return
	}
	upsampleGradJobs.Run(upsampleGradJob{d, f32(dy), w, c, fh, fw}, n*h, slabGrain(w*c, fh*fw*w*c))
}

type upsampleGradJob struct {
	dx, dy       []float32
	w, c, fh, fw int
}

var upsampleGradJobs parallel.Jobs[upsampleGradJob, *upsampleGradJob]

func (j *upsampleGradJob) Piece(lo, hi int) {
	dx := j.w * j.c
	dy := j.fh * j.fw * dx
	ref.Upsample2DGrad(j.dx[lo*dx:hi*dx], j.dy[lo*dy:hi*dy], hi-lo, 1, j.w, j.c, j.fh, j.fw)
}
