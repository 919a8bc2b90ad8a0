// SPDX-License-Identifier: Apache-2.0

package attention

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// forwardJob computes Y; a unit is a range of queries of one head.
type forwardJob struct {
	job
	ranges int // of queries of each head
}

var forwardJobs parallel.FreeList[forwardJob]

// Forward computes t.Y and t.Stats.
func Forward(a *ref.Attention, t *ref.AttentionTensors[float32]) {
	j := forwardJobs.Get()
	heads := a.Batch * a.Heads
	*j = forwardJob{job{simd.Active, *a, *t}, max(1, min(ceilDiv(minUnits, max(1, heads)), ceilDiv(a.T, queryBlock)))}
	parallel.Run(j, heads*j.ranges)
	*j = forwardJob{}
	forwardJobs.Put(j)
}

// forwardMemory is the scratch memory of a unit.
type forwardMemory struct {
	keys   panels // K transposed
	copied matrix // K, on its way there
	values matrix
	scores matrix
	query  matrix
	out    matrix    // of all queries of the unit: Σ_j exp(score - m)·V_j
	max    []float32 // of each query
	sum    []float32
}

func (j *forwardJob) Unit(u int, w *parallel.Worker) {
	a, s := &j.a, j.isa
	p := j.place(u / j.ranges)
	lo, hi := parallel.Share(a.T, j.ranges, u%j.ranges)
	rows, keys := min(queryBlock, hi-lo), min(keyBlock, a.S)
	memory := w.Floats(panelsLen(s, a.Dim, keys) + gapped(keys, max(a.Dim, a.ValueDim))*2 + gapped(rows, keys) + gapped(rows, a.Dim) + gapped(hi-lo, a.ValueDim) + 2*(hi-lo))
	m := forwardMemory{
		keys:   takePanels(s, &memory, a.Dim, keys),
		copied: take(&memory, keys, a.Dim),
		values: take(&memory, keys, a.ValueDim),
		scores: take(&memory, rows, keys),
		query:  take(&memory, rows, a.Dim),
		out:    take(&memory, hi-lo, a.ValueDim),
		max:    memory[:hi-lo],
		sum:    memory[hi-lo : 2*(hi-lo)],
	}
	for k0 := 0; k0 < a.S; k0 += keyBlock {
		if j.skips(hi-1, k0) {
			break
		}
		n := min(keyBlock, a.S-k0)
		first, stride := j.at(p, a.S, k0, a.Dim)
		gather(m.copied.top(n), j.t.K, first, stride, 1)
		m.keys.cols = n
		j.transpose(m.keys, m.copied)
		first, stride = j.at(p, a.S, k0, a.ValueDim)
		gather(m.values.top(n), j.t.V, first, stride, 1)
		for i := lo; i < hi; i += queryBlock {
			if i1 := min(i+queryBlock, hi); !j.skips(i1-1, k0) {
				j.block(&m, w, p, i, i1, lo, k0, n)
			}
		}
	}
	j.finish(&m, p, lo, hi)
}

// transpose fills panels with the transpose of rows.
func (j *job) transpose(to panels, rows matrix) {
	s := j.isa
	for q := 0; q < to.cols; q += s.TileCols() {
		gemm.PackPanel(s, simd.At(simd.First(to.data), q*to.rows), simd.At(simd.First(rows.data), q*rows.ld), true, to.rows, min(s.TileCols(), to.cols-q), rows.ld)
	}
}

// block adds what queries i0 to i1 take from the n keys from k0 on; lo is the unit's first query.
func (j *forwardJob) block(m *forwardMemory, w *parallel.Worker, p place, i0, i1, lo, k0, n int) {
	a, s := &j.a, j.isa
	rows := i1 - i0
	query, scores := m.query.top(rows), m.scores.top(rows)
	scores.cols = n
	first, stride := j.at(p, a.T, i0, a.Dim)
	gather(query, j.t.Q, first, stride, float32(a.Scale))
	multiply(s, &w.Tile, scores, query, false, m.keys.right(s), false)
	out := matrix{m.out.data[(i0-lo)*m.out.ld:], rows, a.ValueDim, m.out.ld}
	for r := range rows {
		x := scores.row(r)
		j.mask(x, p, i0+r, k0)
		high, sum := s.RowMax(x), 0.0
		if k0 > 0 {
			// sums so far belong to another maximum
			old := m.max[i0-lo+r]
			high = max(high, old)
			if shrink := float32(math.Exp(float64(old - high))); shrink != 1 {
				s.Scale(out.row(r), out.row(r), shrink)
				sum = float64(m.sum[i0-lo+r]) * float64(shrink)
			} else {
				sum = float64(m.sum[i0-lo+r])
			}
		}
		sum += s.ExpSum(x, x, high)
		m.max[i0-lo+r], m.sum[i0-lo+r] = high, float32(sum)
		j.drop(x, p, i0+r, k0)
	}
	values := m.values.top(n)
	multiply(s, &w.Tile, out, scores, false, values.right(s), k0 > 0)
}

// finish divides by the sums and stores what the backward pass needs.
func (j *forwardJob) finish(m *forwardMemory, p place, lo, hi int) {
	a := &j.a
	stats := j.t.Stats[2*((p.batch*a.Heads+p.head)*a.T+lo):]
	first, stride := j.at(p, a.T, lo, a.ValueDim)
	for r := range hi - lo {
		inverse := 1 / m.sum[r]
		stats[2*r], stats[2*r+1] = m.max[r], inverse
		j.isa.Scale(j.t.Y[first+r*stride:][:a.ValueDim], m.out.row(r), inverse)
	}
}
