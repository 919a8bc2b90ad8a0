// SPDX-License-Identifier: Apache-2.0

package rnn

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Cells with arbitrary activations and with dropout, whose masks differ between gates: each
// gate has its own rows [x | 1 | h], with dropout applied, and its own product. The
// pre-activations of gates are kept along with their activations, because some derivatives can
// only be computed from them.

// planGeneral is planOf for a general cell. The gates of ref.CellGRUResetAfter are z, r, h U_n
// + c_n and n.
func planGeneral(s *ref.RNN) plan {
	in, n := s.In, s.Units
	p := plan{width: in + 1 + n, slots: s.Cell.Gates(), count: s.Cell.Gates()}
	for g := range p.count {
		p.products[g] = product{0, p.width, false, g * n, g, 1, 0}
	}
	switch s.Cell {
	case ref.CellGRU:
		p.products[2].reset = true
	case ref.CellGRUResetAfter:
		p.slots, p.count = 4, 4
		p.products[0].bias, p.products[1].bias = bothBiases, bothBiases
		p.products[2] = product{0, in + 1, false, 3 * n, 2, 1, 0}
		p.products[3] = product{in, 1 + n, false, 2 * n, 2, 1, 1}
	}
	for _, q := range p.products[:p.count] {
		p.perRow += s.Time * q.k
	}
	p.perRow += 2 * s.Time * p.slots * n
	p.perRow += 2 * (s.Time + 1) * n
	return p
}

// generalBlock is a block of sequences of a general cell. Its arrays are indexed by step, then row.
type generalBlock struct {
	block
	cell       generalCell
	from       [4][]float32 // the left-hand rows of each product
	sums, outs []float32    // pre-activations and activations of the gates
	h, c       []float32    // states, Time+1 steps
}

func (j *job) general(w *parallel.Worker, first, rows int) generalBlock {
	saved := j.t.Saved[first*j.perRow : (first+rows)*j.perRow]
	b := generalBlock{block: block{job: j, w: w, first: first, rows: rows}, cell: generalCellOf(&j.s)}
	cut := func(n int) []float32 {
		part := saved[:rows*n]
		saved = saved[rows*n:]
		return part
	}
	for i, p := range j.products[:j.count] {
		b.from[i] = cut(j.s.Time * p.k)
	}
	gates, states := j.s.Time*j.slots*j.s.Units, (j.s.Time+1)*j.s.Units
	b.sums, b.outs, b.h, b.c = cut(gates), cut(gates), cut(states), cut(states)
	return b
}

func (b *generalBlock) pass(part int) {
	if b.back {
		b.backward(part)
	} else {
		b.forward()
	}
}

// stepOf returns step t of an array with size numbers per row.
func (b *generalBlock) stepOf(x []float32, t, size int) []float32 {
	return x[t*b.rows*size : (t+1)*b.rows*size]
}

func (b *generalBlock) forward() {
	n, first := b.s.Units, b.first*b.s.Units
	start := func(to, from []float32) {
		clear(to[:b.rows*n])
		if from != nil {
			copy(to[:b.rows*n], from[first:])
		}
	}
	start(b.h, b.t.H0)
	start(b.c, b.t.C0)
	for t := range b.s.Time {
		sums, ld := b.stepOf(b.sums, t, b.slots*n), b.slots*n
		for i := range b.products[:b.count] {
			if p := &b.products[i]; !p.reset {
				b.weights[i].Times(b.w, b.rows, b.gather(i, t), p.k, false, sums[p.col:], ld)
			}
		}
		for r := range b.rows {
			b.gatesOf(r, t)
		}
		if b.s.Cell == ref.CellGRU {
			b.weights[2].Times(b.w, b.rows, b.gather(2, t), b.products[2].k, false, sums[2*n:], ld)
		}
		for r := range b.rows {
			b.stateOf(r, t)
		}
	}
	if b.t.HN != nil {
		copy(b.t.HN[first:], b.stepOf(b.h, b.s.Time, n))
	}
	if b.t.CN != nil {
		copy(b.t.CN[first:], b.stepOf(b.c, b.s.Time, n))
	}
}

// gather writes the left-hand rows of product i at step t.
func (b *generalBlock) gather(i, t int) []float32 {
	p, in, n := &b.products[i], b.s.In, b.s.Units
	all := b.stepOf(b.from[i], t, p.k)
	for r := range b.rows {
		row := all[r*p.k : (r+1)*p.k]
		if p.from == 0 {
			at := ((b.first+r)*b.s.Time + b.inputAt(t)) * in
			dropTo(row[:in], b.t.X[at:at+in], b.drop(b.t.DropX, p.gate, r, in))
			row = row[in:]
		}
		row[0] = 1
		if len(row) == 1 {
			continue
		}
		dropTo(row[1:], b.stepOf(b.h, t, n)[r*n:(r+1)*n], b.drop(b.t.DropH, p.gate, r, n))
		if p.reset {
			simd.Active.Mul(row[1:], row[1:], b.row(b.outs, r, t)[n:2*n])
		}
	}
	return all
}

// drop returns the mask of a gate for row r, nil without dropout.
func (b *generalBlock) drop(mask []float32, gate, r, size int) []float32 {
	if mask == nil {
		return nil
	}
	at := (gate*b.s.Batch + b.first + r) * size
	return mask[at : at+size]
}

func dropTo(dst, x, mask []float32) {
	if mask == nil {
		copy(dst, x)
		return
	}
	simd.Active.Mul(dst, x, mask)
}

// row returns row r at step t of sums or outs.
func (b *generalBlock) row(x []float32, r, t int) []float32 {
	size := b.slots * b.s.Units
	at := (t*b.rows + r) * size
	return x[at : at+size]
}

func (b *generalBlock) gatesOf(r, t int) {
	b.cell.gates(b.row(b.sums, r, t), b.row(b.outs, r, t), b.s.Units)
}

// stateOf computes the states of row r after step t.
func (b *generalBlock) stateOf(r, t int) {
	n := b.s.Units
	h, next := b.stepOf(b.h, t, n)[r*n:(r+1)*n], b.stepOf(b.h, t+1, n)[r*n:(r+1)*n]
	c, cNext := b.stepOf(b.c, t, n)[r*n:(r+1)*n], b.stepOf(b.c, t+1, n)[r*n:(r+1)*n]
	b.cell.states(b.row(b.sums, r, t), b.row(b.outs, r, t), h, next, c, cNext)
	if b.t.Mask != nil && b.masked(r, t) {
		copy(next, h)
		copy(cNext, c)
	}
	if b.t.Y != nil {
		copy(b.at(b.t.Y, t, n)[r*b.s.Time*n:], next)
	}
}

// generalCell computes one row of a step from the pre-activations of the gates.
type generalCell struct {
	ref.RNNGeneral
	kind ref.RNNCell
}

func generalCellOf(s *ref.RNN) generalCell { return generalCell{*s.General, s.Cell} }

// gates activates those gates that depend on no other gate; outs may be sums.
func (g *generalCell) gates(sums, outs []float32, n int) {
	switch g.kind {
	case ref.CellLSTM:
		g.gate(outs[:2*n], sums[:2*n])
		g.state(outs[2*n:3*n], sums[2*n:3*n])
		g.gate(outs[3*n:4*n], sums[3*n:4*n])
	case ref.CellGRU, ref.CellGRUResetAfter:
		g.gate(outs[:2*n], sums[:2*n])
	}
}

func (g *generalCell) gate(dst, x []float32) {
	simd.Active.Activate(dst, x, g.Gate, float32(g.GateAlpha))
}

func (g *generalCell) state(dst, x []float32) {
	simd.Active.Activate(dst, x, g.State, float32(g.StateAlpha))
}

// states computes the states after a step from its gates and the previous states, h and c; c is
// used by ref.CellLSTM only, and outs may be sums.
func (g *generalCell) states(sums, outs, h, next, c, cNext []float32) {
	n := len(next)
	switch g.kind {
	case ref.CellSimple:
		g.state(outs, sums)
		copy(next, outs)
	case ref.CellLSTM:
		for j := range n {
			cNext[j] = outs[n+j]*c[j] + outs[j]*outs[2*n+j]
		}
		g.state(next, cNext)
		simd.Active.Mul(next, next, outs[3*n:])
	case ref.CellGRU:
		g.state(outs[2*n:], sums[2*n:])
		blend(next, outs, h, outs[2*n:])
	case ref.CellGRUResetAfter:
		for j := range n {
			sums[3*n+j] += outs[n+j] * sums[2*n+j]
		}
		g.state(outs[3*n:], sums[3*n:])
		blend(next, outs, h, outs[3*n:])
	}
}

// blend writes z h + (1-z) m.
func blend(dst, z, h, m []float32) {
	for j := range dst {
		dst[j] = simd.FlushTiny(m[j] + z[j]*(h[j]-m[j]))
	}
}
