// SPDX-License-Identifier: Apache-2.0

package attention

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// backwardJob computes the gradients. The keys of a head are divided into n blocks, its queries into
// n ranges. A unit adds what one block and one range have to do with each other to the gradients of
// both; in each of n rounds no two units share either, so nothing is added to at the same time, and
// always in the same order.
type backwardJob struct {
	job
	d      ref.AttentionGradients[float32]
	blocks int // n
	round  int
	scale  float32
}

var backwardJobs parallel.FreeList[backwardJob]

// Backward computes the gradients of Q, K and V, which it overwrites, from t.Y and t.Stats.
func Backward(a *ref.Attention, t *ref.AttentionTensors[float32], d *ref.AttentionGradients[float32]) {
	j := backwardJobs.Get()
	*j = backwardJob{job: job{simd.Active, *a, *t}, d: *d, blocks: ceilDiv(a.S, keyBlock), scale: float32(a.Scale)}
	for j.round = range j.blocks {
		parallel.Run(j, a.Batch*a.Heads*j.blocks)
	}
	*j = backwardJob{}
	backwardJobs.Put(j)
}

// backwardMemory is the scratch memory of a unit; rows of query, dy, weights and slopes are those
// of a block of queries.
type backwardMemory struct {
	keysT, valuesT panels // K and V transposed
	keys, values   matrix
	dkeys, dvalues matrix
	query, dy      matrix // scaled: by a.Scale, and by the inverse sum of each row
	dquery         matrix
	weights        matrix // exp(score - m)
	slopes         matrix // gradients of the scores
}

func (j *backwardJob) Unit(u int, w *parallel.Worker) {
	a, s := &j.a, j.isa
	p, block := j.place(u/j.blocks), u%j.blocks
	k0 := block * keyBlock
	n := min(keyBlock, a.S-k0)
	lo, hi := parallel.Share(a.T, j.blocks, (block+j.round)%j.blocks)
	first, stride := j.at(p, a.S, k0, a.Dim)
	dk := j.d.DK[first:]
	firstV, strideV := j.at(p, a.S, k0, a.ValueDim)
	dv := j.d.DV[firstV:]
	rows := min(queryBlock, hi-lo)
	if rows == 0 || j.skips(hi-1, k0) {
		if j.round == 0 {
			for r := range n {
				clear(dk[r*stride:][:a.Dim])
				clear(dv[r*strideV:][:a.ValueDim])
			}
			j.clearQueries(p, lo, hi)
		}
		return
	}
	memory := w.Floats(panelsLen(s, a.Dim, n) + panelsLen(s, a.ValueDim, n) + 2*gapped(n, a.Dim) + 2*gapped(n, a.ValueDim) +
		2*gapped(rows, a.Dim) + gapped(rows, a.ValueDim) + 2*gapped(rows, n))
	m := backwardMemory{
		keysT: takePanels(s, &memory, a.Dim, n), valuesT: takePanels(s, &memory, a.ValueDim, n),
		keys: take(&memory, n, a.Dim), values: take(&memory, n, a.ValueDim),
		dkeys: take(&memory, n, a.Dim), dvalues: take(&memory, n, a.ValueDim),
		query: take(&memory, rows, a.Dim), dquery: take(&memory, rows, a.Dim), dy: take(&memory, rows, a.ValueDim),
		weights: take(&memory, rows, n), slopes: take(&memory, rows, n),
	}
	gather(m.keys, j.t.K, first, stride, 1)
	j.transpose(m.keysT, m.keys)
	gather(m.values, j.t.V, firstV, strideV, 1)
	j.transpose(m.valuesT, m.values)
	added := false
	for i := lo; i < hi; i += queryBlock {
		if i1 := min(i+queryBlock, hi); !j.skips(i1-1, k0) {
			j.block(&m, w, p, i, i1, k0, added)
			added = true
		} else if j.round == 0 {
			j.clearQueries(p, i, i1)
		}
	}
	for r := range n {
		j.put(dk[r*stride:], m.dkeys.row(r), 1)
		j.put(dv[r*strideV:], m.dvalues.row(r), 1)
	}
}

// put stores a row of a gradient in the first round and adds it in the others.
func (j *backwardJob) put(to, row []float32, scale float32) {
	to = to[:len(row)]
	switch {
	case j.round > 0:
		j.isa.AddScaled(to, row, scale)
	case scale == 1:
		copy(to, row)
	default:
		j.isa.Scale(to, row, scale)
	}
}

func (j *backwardJob) clearQueries(p place, lo, hi int) {
	first, stride := j.at(p, j.a.T, lo, j.a.Dim)
	for r := range hi - lo {
		clear(j.d.DQ[first+r*stride:][:j.a.Dim])
	}
}

// block computes the gradients for queries i0 to i1 and the unit's keys, from k0 on. With the
// weights e of a row, which still lack a factor 1/Σ, its dy already has it.
func (j *backwardJob) block(m *backwardMemory, w *parallel.Worker, p place, i0, i1, k0 int, add bool) {
	a, s := &j.a, j.isa
	rows := i1 - i0
	query, dy, weights, slopes, dquery := m.query.top(rows), m.dy.top(rows), m.weights.top(rows), m.slopes.top(rows), m.dquery.top(rows)
	first, stride := j.at(p, a.T, i0, a.Dim)
	gather(query, j.t.Q, first, stride, j.scale)
	firstY, strideY := j.at(p, a.T, i0, a.ValueDim)
	stats := j.t.Stats[2*((p.batch*a.Heads+p.head)*a.T+i0):]
	for r := range rows {
		s.Scale(dy.row(r), j.d.DY[firstY+r*strideY:][:a.ValueDim], stats[2*r+1])
	}
	multiply(s, &w.Tile, weights, query, false, m.keysT.right(s), false)
	multiply(s, &w.Tile, slopes, dy, false, m.valuesT.right(s), false)
	for r := range rows {
		e, ds, i := weights.row(r), slopes.row(r), i0+r
		j.mask(e, p, i, k0)
		sum := s.ExpSum(e, e, stats[2*r])
		j.drop(ds, p, i, k0)
		var along float64 // Σ_j weight_j·ds_j, which is dy·y
		if j.blocks == 1 {
			along = s.Dot(e, ds) / sum // what is subtracted here cancels best
		} else {
			along = s.Dot(dy.row(r), j.t.Y[firstY+r*strideY:][:a.ValueDim])
		}
		s.SoftmaxBack(ds, e, ds, float32(along))
		j.drop(e, p, i, k0)
	}
	multiply(s, &w.Tile, m.dvalues, weights, true, dy.right(s), add)
	multiply(s, &w.Tile, m.dkeys, slopes, true, query.right(s), add)
	multiply(s, &w.Tile, dquery, slopes, false, m.keys.right(s), false)
	for r := range rows {
		j.put(j.d.DQ[first+r*stride:], dquery.row(r), j.scale)
	}
}
