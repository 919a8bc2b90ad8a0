// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"math"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// Reductions of integers and conditions.

var (
	sumInts  = reducer[int64]{combine: plainAdd[int64], two: func(a, b int64) int64 { return a + b }}
	prodInts = reducer[int64]{combine: plainMul[int64], start: 1, two: func(a, b int64) int64 { return a * b }}
	maxInts  = reducer[int64]{combine: plainMax[int64], start: math.MinInt64, two: func(a, b int64) int64 { return max(a, b) }}
	minInts  = reducer[int64]{combine: plainMin[int64], start: math.MaxInt64, two: func(a, b int64) int64 { return min(a, b) }}
	anyBools = reducer[bool]{two: func(a, b bool) bool { return a || b }, combine: func(dst, a, b []bool) {
		for i, v := range asBytes(a) {
			asBytes(dst)[i] = v | asBytes(b)[i]
		}
	}}
	allBools = reducer[bool]{start: true, two: func(a, b bool) bool { return a && b }, combine: func(dst, a, b []bool) {
		for i, v := range asBytes(a) {
			asBytes(dst)[i] = v & asBytes(b)[i]
		}
	}}
)

// asBytes returns booleans as bytes of 0 and 1.
func asBytes(x []bool) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// SumInts writes dst_oi = Σ_j x_oji; an overflow wraps around.
func SumInts(dst, x []int64, outer, n, inner int) { reduceAxis(&sumInts, dst, x, nil, outer, n, inner) }

// ProdInts writes dst_oi = Π_j x_oji.
func ProdInts(dst, x []int64, outer, n, inner int) {
	reduceAxis(&prodInts, dst, x, nil, outer, n, inner)
}

// MaxInts writes dst_oi = max_j x_oji, the least integer for n = 0.
func MaxInts(dst, x []int64, outer, n, inner int) { reduceAxis(&maxInts, dst, x, nil, outer, n, inner) }

// MinInts writes dst_oi = min_j x_oji, the largest integer for n = 0.
func MinInts(dst, x []int64, outer, n, inner int) { reduceAxis(&minInts, dst, x, nil, outer, n, inner) }

// AnyAxis writes whether one of x_oji is true, AllAxis whether each is.
func AnyAxis(dst, x []bool, outer, n, inner int) {
	if inner == 1 && n >= sideCols {
		for o := range dst {
			dst[o] = bytes.IndexByte(asBytes(x[o*n:(o+1)*n]), 1) >= 0
		}
		return
	}
	reduceAxis(&anyBools, dst, x, nil, outer, n, inner)
}

// AllAxis: see AnyAxis.
func AllAxis(dst, x []bool, outer, n, inner int) {
	if inner == 1 && n >= sideCols {
		for o := range dst {
			dst[o] = bytes.IndexByte(asBytes(x[o*n:(o+1)*n]), 0) < 0
		}
		return
	}
	reduceAxis(&allBools, dst, x, nil, outer, n, inner)
}

// CountAxis writes how many of x_oji are true.
func CountAxis(dst []int64, x []bool, outer, n, inner int) {
	sameLen("count", outer*inner, len(dst))
	sameLen("count", outer*n*inner, len(x))
	countJobs.Run(countJob{dst, asBytes(x), n, inner}, outer, rowGrain(tileSize, n*inner))
}

type countJob struct {
	dst      []int64
	x        []byte
	n, inner int
}

var countJobs parallel.Jobs[countJob, *countJob]

func (j *countJob) Piece(lo, hi int) {
	for o := lo; o < hi; o++ {
		x, dst := j.x[o*j.n*j.inner:(o+1)*j.n*j.inner], j.dst[o*j.inner:(o+1)*j.inner]
		if j.inner == 1 {
			dst[0] = int64(bytes.Count(x, one))
			continue
		}
		clear(dst)
		for r := range j.n {
			for i, v := range x[r*j.inner : (r+1)*j.inner] {
				dst[i] += int64(v)
			}
		}
	}
}

var one = []byte{1}

// ArgExtreme writes the first index j at which x_oji is the maximum or, if least is set, the minimum;
// the first NaN counts as such. n must be positive.
func ArgExtreme[E number](dst []int64, x []E, outer, n, inner int, least bool) {
	sameLen("index of the maximum", outer*inner, len(dst))
	sameLen("index of the maximum", outer*n*inner, len(x))
	if len(dst) == 0 {
		return
	}
	tiles := ceilDiv(inner, argTile)
	switch j := any(argJob[E]{dst, x, n, inner, tiles, least}).(type) {
	case argJob[float32]:
		argJobs.f32.Run(j, outer*tiles, rowGrain(tileSize, n*min(inner, argTile)))
	case argJob[float64]:
		argJobs.f64.Run(j, outer*tiles, rowGrain(tileSize, n*min(inner, argTile)))
	case argJob[int64]:
		argJobs.ints.Run(j, outer*tiles, rowGrain(tileSize, n*min(inner, argTile)))
	}
}

// argTile are the columns of a unit.
const argTile = 512

type argJob[E number] struct {
	dst             []int64
	x               []E
	n, inner, tiles int
	least           bool
}

var argJobs struct {
	f32  parallel.Jobs[argJob[float32], *argJob[float32]]
	f64  parallel.Jobs[argJob[float64], *argJob[float64]]
	ints parallel.Jobs[argJob[int64], *argJob[int64]]
}

func (j *argJob[E]) Piece(lo, hi int) {
	free := panelsOf[E]()
	m := free.Get()
	for u := lo; u < hi; u++ {
		o, first := u/j.tiles, u%j.tiles*argTile
		x, dst := j.x[o*j.n*j.inner:(o+1)*j.n*j.inner], j.dst[o*j.inner:(o+1)*j.inner]
		if j.inner == 1 {
			dst[0] = int64(argRow(x, j.least))
			continue
		}
		last := min(first+argTile, j.inner)
		m.result = buffer.Resize(m.result, last-first)
		m.reduce(extremeOf[E](j.least), m.result, x[first:], nil, j.n, j.inner)
		firstEqual(dst[first:last], x[first:], m.result, j.n, j.inner)
	}
	free.Put(m)
}

// firstEqual writes the row in which each column of x first has its extreme value, or NaN.
func firstEqual[E number](dst []int64, x, extremes []E, n, step int) {
	for i := range dst {
		dst[i] = -1
	}
	left := len(dst)
	for r := 0; r < n && left > 0; r++ {
		for i, v := range x[r*step : r*step+len(dst)] {
			if (v == extremes[i] || v != v) && dst[i] < 0 {
				dst[i] = int64(r)
				left--
			}
		}
	}
}

// extremeOf returns the reducer of an element type to the maximum or minimum.
func extremeOf[E number](least bool) *reducer[E] {
	all := [...]any{&reducers32.max, &reducers64.max, &maxInts}
	if least {
		all = [...]any{&reducers32.min, &reducers64.min, &minInts}
	}
	for _, r := range all {
		if r, ok := r.(*reducer[E]); ok {
			return r
		}
	}
	panic("index of the maximum: unknown element type")
}

// argRow finds the block with the extreme value by vectors, then the first element that has it.
func argRow[E number](x []E, least bool) int {
	const block = 256
	if len(x) < 32 {
		best := 0
		for i, v := range x {
			if b := x[best]; b == b && (least && v < b || !least && v > b || v != v) {
				best = i
			}
		}
		return best
	}
	row, f := any(x).([]float32)
	best, at := x[0], 0
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		var v E
		if f {
			if least {
				v = E(smallest(row[lo:hi]))
			} else {
				v = E(largest(row[lo:hi]))
			}
		} else {
			v = x[lo]
			for _, w := range x[lo:hi] {
				if least {
					v = min(v, w)
				} else {
					v = max(v, w)
				}
			}
		}
		if best == best && (least && v < best || !least && v > best || v != v) {
			best, at = v, lo
		}
	}
	for i, v := range x[at:] {
		if v == best || v != v {
			return at + i
		}
	}
	return 0
}
