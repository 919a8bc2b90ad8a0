// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Taps is a matrix with few numbers in each row: row r has Weight[k] in column Index[k] for k from First[r]
// to First[r+1]-1.
type Taps[T Float] struct {
	First, Index []int
	Weight       []T
}

// Rows returns the number of rows.
func (t *Taps[T]) Rows() int { return len(t.First) - 1 }

// Resample multiplies an axis by a matrix of rows x n: dst (outer, rows, inner), x (outer, n, inner),
//
//	dst_ori = Σ_k weight_rk x_oki
func Resample[T Float](dst, x []T, taps *Taps[T], outer, n, inner int) {
	rows := taps.Rows()
	sameLen("resample", outer*rows*inner, len(dst))
	sameLen("resample", outer*n*inner, len(x))
	jobs := resampleJobsOf[T]()
	jobs.Run(resampleJob[T]{dst, x, taps, n, inner}, outer*rows, rowGrain(cheapGrain, inner*(1+len(taps.Index)/max(rows, 1))))
}

type resampleJob[T Float] struct {
	dst, x   []T
	taps     *Taps[T]
	n, inner int
}

var (
	resampleJobs32 parallel.Jobs[resampleJob[float32], *resampleJob[float32]]
	resampleJobs64 parallel.Jobs[resampleJob[float64], *resampleJob[float64]]
)

func resampleJobsOf[T Float]() *parallel.Jobs[resampleJob[T], *resampleJob[T]] {
	if j, ok := any(&resampleJobs32).(*parallel.Jobs[resampleJob[T], *resampleJob[T]]); ok {
		return j
	}
	return any(&resampleJobs64).(*parallel.Jobs[resampleJob[T], *resampleJob[T]])
}

func (j *resampleJob[T]) Piece(lo, hi int) {
	rows := j.taps.Rows()
	for u := lo; u < hi; u++ {
		o, r := u/rows, u%rows
		if n := j.pairs(o, r, min(rows-r, hi-u)); n > 0 {
			u += n - 1
			continue
		}
		dst := j.dst[u*j.inner : (u+1)*j.inner]
		first, end := j.taps.First[r], j.taps.First[r+1]
		index, weight := j.taps.Index[first:end], j.taps.Weight[first:end]
		row := func(k int) []T { return j.x[(o*j.n+index[k])*j.inner:][:len(dst)] }
		switch len(index) {
		case 0:
			clear(dst)
			continue
		case 1:
			if copy(dst, row(0)); weight[0] != 1 {
				scaleRow(dst, weight[0])
			}
			continue
		}
		combineRows(dst, row(0), row(1), weight[0], weight[1])
		for k := 2; k < len(index); k++ {
			addScaledRow(dst, row(k), weight[k])
		}
	}
}

// pairs computes as many of count rows from row r on as have two numbers each.
func (j *resampleJob[T]) pairs(o, r, count int) (n int) {
	combine := simd.Active.Moves.CombineRows
	dst, ok := single(j.dst)
	if combine == nil || !ok {
		return 0
	}
	first := j.taps.First[r:]
	for n < count && first[n+1]-first[n] == 2 {
		n++
	}
	if n > 0 {
		at, from, to := o*j.taps.Rows()+r, first[0], first[n]
		x := f32(j.x)[o*j.n*j.inner : (o+1)*j.n*j.inner]
		combine(dst[at*j.inner:(at+n)*j.inner], x, j.taps.Index[from:to], f32(j.taps.Weight)[from:to], j.inner)
	}
	return n
}

func scaleRow[T Float](dst []T, w T) {
	if d, ok := single(dst); ok {
		simd.Active.Scale(d, d, float32(w))
		return
	}
	ref.Scale(dst, dst, w)
}

func combineRows[T Float](dst, a, b []T, v, w T) {
	if d, ok := single(dst); ok {
		simd.Active.Combine(d, f32(a), f32(b), float32(v), float32(w))
		return
	}
	ref.Combine(dst, a, b, v, w)
}

func addScaledRow[T Float](dst, x []T, w T) {
	if d, ok := single(dst); ok {
		simd.Active.AddScaled(d, f32(x), float32(w))
		return
	}
	ref.AddScaled(dst, x, w)
}
