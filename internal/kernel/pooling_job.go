// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// poolJob is a pass over the windows, forward from x to y or backward from y to x.
type poolJob struct {
	parallel.Pieces
	Pool
	y, x []float32
	arg  []uint8
	run  func(j *poolJob, x, y int, r simd.PoolRow) // processes a run that starts at x and y
	cut  poolUnit
}

// poolUnit is the kind of a unit of work.
type poolUnit uint8

const (
	outputRows poolUnit = iota // of all images
	bands                      // output rows, with the input rows that only they read
	images
)

var poolJobs parallel.FreeList[poolJob]

// newPoolJob checks the slices; it returns nil if T is float64.
func newPoolJob[T Float](what string, y, x []T, arg []uint8, s *Pool) *poolJob {
	sameLen(what, s.N*s.OH*s.OW*s.C, len(y))
	sameLen(what, s.N*s.H*s.W*s.C, len(x))
	if arg != nil {
		sameLen(what, len(y), len(arg))
		if s.KH*s.KW > 256 {
			panic(what + ": a window has more than 256 cells")
		}
	}
	y32, ok := single(y)
	if !ok {
		return nil
	}
	j := poolJobs.Get()
	j.Pool, j.y, j.arg = *s, y32, arg
	j.x = f32(x)
	return j
}

func (j *poolJob) forward(run func(j *poolJob, x, y int, r simd.PoolRow)) {
	j.start(outputRows, run)
}

// backward clears the input's gradient and adds the contribution of every window. If windows of
// different output rows share no cells, a unit of work is an output row, otherwise an image.
func (j *poolJob) backward(run func(j *poolJob, x, y int, r simd.PoolRow)) {
	if j.KH > j.StrideH {
		j.start(images, run)
	} else {
		j.start(bands, run)
	}
}

func (j *poolJob) start(unit poolUnit, run func(j *poolJob, x, y int, r simd.PoolRow)) {
	j.run, j.cut = run, unit
	if unit == images {
		j.Pieces = parallel.Cut(j.N, rowGrain(cheapGrain, j.H*j.W*j.C))
	} else {
		j.Pieces = parallel.Cut(j.N*j.OH, rowGrain(cheapGrain, j.OW*j.C*max(j.StrideH*j.StrideW, 1)))
	}
	j.Pieces.Run(j)
	*j = poolJob{}
	poolJobs.Put(j)
}

func (j *poolJob) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	if j.cut == images {
		image := j.H * j.W * j.C
		clear(j.x[lo*image : hi*image])
		lo, hi = lo*j.OH, hi*j.OH
	}
	for i := lo; i < hi; i++ {
		n, oh := i/j.OH, i%j.OH
		if j.cut == bands {
			j.clearBand(n, oh)
		}
		j.runs(n, oh)
	}
}

// clearBand zeroes the rows of image n that only output row oh reads, and those that no row reads.
func (j *poolJob) clearBand(n, oh int) {
	top, bottom := max(oh*j.StrideH-j.PadTop, 0), min((oh+1)*j.StrideH-j.PadTop, j.H)
	if oh == 0 {
		top = 0
	}
	if oh == j.OH-1 {
		bottom = j.H
	}
	if top < bottom {
		row := j.W * j.C
		clear(j.x[(n*j.H+top)*row : (n*j.H+bottom)*row])
	}
}

// runs processes the runs of output row oh of image n.
func (j *poolJob) runs(n, oh int) {
	h := oh*j.StrideH - j.PadTop
	h0, h1 := max(h, 0), min(h+j.KH, j.H)
	for ow := 0; ow < j.OW; {
		w := ow*j.StrideW - j.PadLeft
		w0, w1 := max(w, 0), min(w+j.KW, j.W)
		pixels := 1
		if w1-w0 == j.KW { // from here to the right border, no window is cut off
			pixels = max(min(j.OW-1, (j.W-j.KW+j.PadLeft)/j.StrideW)-ow+1, 1)
		}
		r := simd.PoolRow{
			Pixels: pixels, C: j.C, KH: max(h1-h0, 0), KW: max(w1-w0, 0), Step: j.StrideW * j.C, Row: j.W * j.C,
			First: (h0-h)*j.KW + w0 - w, FullKW: j.KW,
		}
		j.run(j, ((n*j.H+h0)*j.W+w0)*j.C, ((n*j.OH+oh)*j.OW+ow)*j.C, r)
		ow += pixels
	}
}
