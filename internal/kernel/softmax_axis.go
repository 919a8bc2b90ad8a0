// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// SoftmaxAxis is Softmax along the middle axis of shape (outer, n, inner). dst may be x.
func SoftmaxAxis[T Float](dst, x []T, outer, n, inner int) {
	softmaxAxis(dst, x, outer, n, inner, false)
}

// LogSoftmaxAxis is LogSoftmax along the middle axis of shape (outer, n, inner). dst may be x.
func LogSoftmaxAxis[T Float](dst, x []T, outer, n, inner int) {
	softmaxAxis(dst, x, outer, n, inner, true)
}

func softmaxAxis[T Float](dst, x []T, outer, n, inner int, log bool) {
	sameLen("softmax", outer*n*inner, len(dst), len(x))
	switch {
	case len(x) == 0:
	case inner == 1 && log:
		LogSoftmax(dst, x, outer, n)
	case inner == 1:
		Softmax(dst, x, outer, n)
	default:
		// a tile that is read three times fits in the second-level cache
		tile := min(inner, tileCols, max(tileSize/n, 64))
		tiles := ceilDiv(inner, tile)
		j := softmaxJob[T]{dst, x, n, inner, tile, tiles, log}
		grain := rowGrain(tileSize/2, n*tile)
		switch j := any(j).(type) {
		case softmaxJob[float32]:
			softmaxJobs.f32.Run(j, outer*tiles, grain)
		case softmaxJob[float64]:
			softmaxJobs.f64.Run(j, outer*tiles, grain)
		}
	}
}

type softmaxJob[T Float] struct {
	dst, x                []T
	n, inner, tile, tiles int
	log                   bool
}

var softmaxJobs struct {
	f32 parallel.Jobs[softmaxJob[float32], *softmaxJob[float32]]
	f64 parallel.Jobs[softmaxJob[float64], *softmaxJob[float64]]
}

func (j *softmaxJob[T]) Piece(lo, hi int) {
	m := softmaxPanelsOf[T]()
	p := m.Get()
	for u := lo; u < hi; u++ {
		at := u/j.tiles*j.n*j.inner + u%j.tiles*j.tile
		p.softmax(j.dst[at:], j.x[at:], j.n, j.inner, min(j.tile, j.inner-u%j.tiles*j.tile), j.log)
	}
	m.Put(p)
}

// softmaxPanel has a row of maxima, one of sums and one of exponentials.
type softmaxPanel[T Float] struct{ top, sum, row []T }

var softmaxPanels struct {
	f32 parallel.FreeList[softmaxPanel[float32]]
	f64 parallel.FreeList[softmaxPanel[float64]]
}

func softmaxPanelsOf[T Float]() *parallel.FreeList[softmaxPanel[T]] {
	if l, ok := any(&softmaxPanels.f32).(*parallel.FreeList[softmaxPanel[T]]); ok {
		return l
	}
	l, _ := any(&softmaxPanels.f64).(*parallel.FreeList[softmaxPanel[T]])
	return l
}

// softmax computes columns of n rows that are step elements apart; short rows are put side by side, as
// in a reduction.
func (p *softmaxPanel[T]) softmax(dst, x []T, n, step, cols int, log bool) {
	side := 1
	if cols == step {
		side = min(max(sideCols/cols, 1), n)
	}
	width := side * cols
	p.top, p.sum, p.row = buffer.Resize(p.top, width), buffer.Resize(p.sum, width), buffer.Resize(p.row, width)
	r := reducersOf[T]()
	each := func(f func(at, count int)) {
		for i := 0; i < n; i += side {
			f(i*step, min(side, n-i)*cols)
		}
	}
	fold := func(acc []T, combine func(dst, a, b []T)) {
		for k := side; k > 1; {
			half := k / 2
			combine(acc[:half*cols], acc[:half*cols], acc[(k-half)*cols:k*cols])
			k -= half
		}
		for k := 1; k < side; k++ {
			copy(acc[k*cols:(k+1)*cols], acc[:cols])
		}
	}
	copy(p.top, x[:width])
	each(func(at, count int) { r.max.combine(p.top[:count], p.top[:count], x[at:at+count]) })
	fold(p.top, r.max.combine)
	clear(p.sum)
	each(func(at, count int) {
		y := p.row[:count]
		if !log {
			y = dst[at : at+count]
		}
		r.exp.prepare(y, x[at:at+count], p.top)
		r.sum.combine(p.sum[:count], p.sum[:count], y)
	})
	fold(p.sum, r.sum.combine)
	for i, v := range p.sum {
		if log {
			p.sum[i] = T(math.Log(float64(v)))
		} else {
			p.sum[i] = 1 / v
		}
	}
	each(func(at, count int) {
		y := dst[at : at+count]
		if log {
			subtract(y, x[at:at+count], p.top)
			subtract(y, y, p.sum)
		} else {
			r.prod.combine(y, y, p.sum[:count])
		}
	})
}

// subtract writes dst = a - b, as long as dst.
func subtract[T Float](dst, a, b []T) {
	if d, ok := single(dst); ok {
		simd.Active.Sub(d, f32(a), f32(b)[:len(d)])
		return
	}
	ref.Sub(dst, a, b)
}
