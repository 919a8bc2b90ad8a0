// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// The row-sparse variants update only the given rows, of dim elements each, of a parameter and its
// state; row i of g belongs to row rows_i of w. Rows must be distinct. The state of other rows
// does not change, as if they had not been part of the step.

// SGDRows is SGD for some rows.
func SGDRows[T Float](w, g, v []T, lr, momentum T, nesterov bool, rows []int32, dim int) {
	checkRowUpdate("sgd rows", w, g, v, nil, nil, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.SGD(w[lo:hi], g[i*dim:(i+1)*dim], part(v, lo, hi), lr, momentum, nesterov)
		}
		return
	}
	j := sgdJob{w32, f32(g), f32(v), float32(lr), float32(momentum), nesterov}
	sgdRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.v}})
}

var sgdRowsJobs rowJobs[sgdJob, *sgdJob]

// RMSpropRows is RMSprop for some rows.
func RMSpropRows[T Float](w, g, ms, mom, mg []T, lr, rho, momentum, eps T, rows []int32, dim int) {
	checkRowUpdate("rmsprop rows", w, g, ms, mom, mg, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.RMSprop(w[lo:hi], g[i*dim:(i+1)*dim], ms[lo:hi], part(mom, lo, hi), part(mg, lo, hi), lr, rho, momentum, eps)
		}
		return
	}
	j := rmspropJob{w32, f32(g), f32(ms), f32(mom), f32(mg), float32(lr), float32(rho), float32(momentum), float32(eps)}
	rmspropRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.ms, j.mom, j.mg}})
}

var rmspropRowsJobs rowJobs[rmspropJob, *rmspropJob]

// AdamRows is Adam for some rows; step counts the steps of the whole parameter.
func AdamRows[T Float](w, g, m, v, vmax []T, lr, beta1, beta2, eps T, step int, rows []int32, dim int) {
	checkRowUpdate("adam rows", w, g, m, v, vmax, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Adam(w[lo:hi], g[i*dim:(i+1)*dim], m[lo:hi], v[lo:hi], part(vmax, lo, hi), lr, beta1, beta2, eps, step)
		}
		return
	}
	j := adamJob{
		w32, f32(g), f32(m), f32(v), f32(vmax),
		float32(ref.AdamRate(lr, beta1, beta2, step)), float32(beta1), float32(beta2), float32(eps),
	}
	adamRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.m, j.v, j.vmax}})
}

var adamRowsJobs rowJobs[adamJob, *adamJob]

// DecayRows multiplies row r of x by a number to-met_r times, for the given rows: the effect of
// to-met_r steps on a running average to which nothing is added. Each product is rounded, so the
// bits are those of a decay at every step. A row with negative met is all zeros.
func DecayRows[T Float](x []T, by T, met []int32, to int, rows []int32, dim int) {
	checkRows("decay rows", rows, len(x), dim)
	sameLen("decay rows", len(x), len(met)*dim)
	x32, ok := single(x)
	if !ok {
		for _, r := range rows {
			if met[r] >= 0 {
				ref.Decay(x[int(r)*dim:int(r+1)*dim], by, to-int(met[r]))
			}
		}
		return
	}
	decayRowsJobs.Run(decayRowsJob{rowWalk{rows, dim, [4][]float32{x32}}, x32, float32(by), met, to}, len(rows), rowGrain(cheapGrain, dim))
}

type decayRowsJob struct {
	rowWalk
	x   []float32
	by  float32
	met []int32
	to  int
}

var decayRowsJobs parallel.Jobs[decayRowsJob, *decayRowsJob]

func (j *decayRowsJob) Piece(first, end int) {
	const most = 4096 // an assembly call cannot be preempted
	for i := first; i < end; i++ {
		lo, hi := j.row(i)
		met := int(j.met[j.rows[i]])
		if met < 0 {
			continue
		}
		for times := j.to - met; times > 0; times -= most {
			simd.Active.Decay(j.x[lo:hi], j.by, min(times, most))
		}
	}
}

// updateJob is the job of an optimizer: update updates the elements lo to hi-1 of a parameter,
// whose gradient is g.
type updateJob[J any] interface {
	*J
	update(lo, hi int, g []float32)
}

// rowJobs runs the jobs of an optimizer on some rows.
type rowJobs[J any, P updateJob[J]] struct {
	jobs parallel.Jobs[rowJob[J, P], *rowJob[J, P]]
}

func (r *rowJobs[J, P]) run(job J, g []float32, walk rowWalk) {
	r.jobs.Run(rowJob[J, P]{job, g, walk}, len(walk.rows), rowGrain(cheapGrain, walk.dim))
}

type rowJob[J any, P updateJob[J]] struct {
	job J
	g   []float32 // gradient of the given rows only
	rowWalk
}

func (j *rowJob[J, P]) Piece(first, end int) {
	for i := first; i < end; i++ {
		lo, hi := j.row(i)
		P(&j.job).update(lo, hi, j.g[i*j.dim:(i+1)*j.dim])
	}
}

// rowWalk visits the given rows of a parameter and its state. The rows can be anywhere in memory,
// so it prefetches them.
type rowWalk struct {
	rows   []int32
	dim    int
	tables [4][]float32 // the parameter and its state, nil for unused ones
}

// fetchAhead returns how many rows ahead to prefetch: processing a row of dim elements takes less
// time than fetching one.
func fetchAhead(dim int) int { return min(max(1, 1200/max(dim, 1)), 16) }

// row returns the elements lo to hi-1 of the i-th given row and prefetches a later row.
func (w *rowWalk) row(i int) (lo, hi int) {
	if ahead := i + fetchAhead(w.dim); ahead < len(w.rows) {
		r := int(w.rows[ahead])
		for _, table := range w.tables {
			if table != nil {
				simd.Fetch(table[r*w.dim : (r+1)*w.dim])
			}
		}
	}
	r := int(w.rows[i])
	return r * w.dim, (r + 1) * w.dim
}

func checkRowUpdate[T Float](what string, w, g, a, b, c []T, rows []int32, dim int) {
	sameLen(what, len(rows)*dim, len(g))
	checkRows(what, rows, len(w), dim)
	checkUpdate(what, w, w, a, b, c)
}

func checkRows(what string, rows []int32, size, dim int) {
	for _, r := range rows {
		if r < 0 || int(r+1)*dim > size {
			panic(fmt.Sprintf("%s: row %d of a parameter of %d elements, %d a row", what, r, size, dim))
		}
	}
}
