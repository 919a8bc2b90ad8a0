// SPDX-License-Identifier: Apache-2.0

package rnn

import (
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// generalScratch returns the scratch memory that generalBlock.backward needs: gradients of the
// states, of a row of cells, of a step's gates, and of the rows of one product.
func (j *job) generalScratch() int {
	return j.blockRows()*(2+j.slots)*j.s.Units + j.blockRows()*j.width + 2*j.s.Units
}

// backward iterates backward over the steps and writes the gradient of the stacked weights.
func (b *generalBlock) backward(part int) {
	n, size, first := b.s.Units, b.rows*b.s.Units, b.first*b.s.Units
	gradient := b.gradient[part*b.stackLen() : (part+1)*b.stackLen()]
	buf := b.scratch[part*b.scratchLen() : (part+1)*b.scratchLen()]
	clear(gradient)
	clear(buf[:2*size])
	dh, dc, gates := buf[:size], buf[size:2*size], buf[2*size:(2+b.slots)*size]
	rows, pair := buf[(2+b.slots)*size:], buf[len(buf)-2*n:]
	if b.d.DHN != nil {
		copy(dh, b.d.DHN[first:])
	}
	if b.d.DCN != nil {
		copy(dc, b.d.DCN[first:])
	}
	for t := b.s.Time - 1; t >= 0; t-- {
		b.statesBack(t, gates, dh, dc, pair)
		if b.s.Cell == ref.CellGRU {
			b.productBack(2, t, gates, rows, dh)
		}
		b.gatesBack(t, gates)
		at := gradient
		for i := range b.products[:b.count] {
			p := &b.products[i]
			if !p.reset {
				b.productBack(i, t, gates, rows, dh)
			}
			gemm.AddTransposed(b.w, p.k, n, b.rows, b.stepOf(b.from[i], t, p.k), p.k, gates[p.col:], b.slots*n, at, n)
			at = at[p.k*n:]
		}
	}
	if b.d.DH0 != nil {
		copy(b.d.DH0[first:], dh)
	}
	if b.d.DC0 != nil {
		copy(b.d.DC0[first:], dc)
	}
}

// dx returns the gradient of row r's input at step t.
func (b *generalBlock) dx(r, t int) []float32 {
	at := ((b.first+r)*b.s.Time + b.inputAt(t)) * b.s.In
	return b.d.DX[at : at+b.s.In]
}

// statesBack adds the gradients of the outputs of step t to those of the states, and propagates
// these back through the step; gates becomes 0 in masked rows. It also clears the memory to
// which productBack adds the gradients of the inputs.
func (b *generalBlock) statesBack(t int, gates, dh, dc, pair []float32) {
	n := b.s.Units
	for r := range b.rows {
		if b.d.DX != nil {
			clear(b.dx(r, t))
		}
		h, c, g := dh[r*n:(r+1)*n], dc[r*n:(r+1)*n], gates[r*b.slots*n:(r+1)*b.slots*n]
		if b.d.DY != nil {
			simd.Active.Add(h, h, b.at(b.d.DY, t, n)[r*b.s.Time*n:][:n])
		}
		if b.t.Mask != nil && b.masked(r, t) {
			clear(g)
			continue
		}
		b.stateBack(r, t, g, h, c, pair)
	}
}

// stateBack turns the gradient of row r's states after step t into those of the previous states
// and of the gates. The latter are gradients of the gates' outputs, which gatesBack converts.
// pair is scratch memory for two rows of units.
func (b *generalBlock) stateBack(r, t int, g, dh, dc, pair []float32) {
	n, sums, outs := b.s.Units, b.row(b.sums, r, t), b.row(b.outs, r, t)
	h := b.stepOf(b.h, t, n)[r*n : (r+1)*n]
	for j, d := range dh {
		dh[j] = simd.FlushTiny(d)
	}
	switch b.s.Cell {
	case ref.CellSimple:
		copy(g, dh)
		b.stateGrad(g, sums, outs)
		clear(dh)
	case ref.CellLSTM:
		c, cNext := b.stepOf(b.c, t, n)[r*n:(r+1)*n], b.stepOf(b.c, t+1, n)[r*n:(r+1)*n]
		tc, dcell := pair[:n], pair[n:]
		b.cell.state(tc, cNext)
		simd.Active.Mul(dcell, dh, outs[3*n:])
		b.stateGrad(dcell, cNext, tc)
		for j := range n {
			d := dcell[j] + simd.FlushTiny(dc[j])
			g[j], g[n+j], g[2*n+j], g[3*n+j] = d*outs[2*n+j], d*c[j], d*outs[j], dh[j]*tc[j]
			dc[j] = d * outs[n+j]
		}
		b.stateGrad(g[2*n:3*n], sums[2*n:3*n], outs[2*n:3*n])
		clear(dh)
	case ref.CellGRU, ref.CellGRUResetAfter:
		last := (b.slots - 1) * n
		for j, d := range dh {
			m, z := outs[last+j], outs[j]
			g[j], g[last+j], dh[j] = d*(h[j]-m), d*(1-z), d*z
		}
		b.stateGrad(g[last:], sums[last:], outs[last:])
		if b.s.Cell == ref.CellGRUResetAfter {
			for j := range n {
				g[n+j], g[2*n+j] = g[last+j]*sums[2*n+j], g[last+j]*outs[n+j]
			}
		}
	}
}

// gatesBack turns the gradients of step t's gates into those of their pre-activations.
func (b *generalBlock) gatesBack(t int, gates []float32) {
	n := b.s.Units
	for r := range b.rows {
		if b.s.Cell == ref.CellSimple || b.t.Mask != nil && b.masked(r, t) {
			continue
		}
		g, sums, outs := gates[r*b.slots*n:(r+1)*b.slots*n], b.row(b.sums, r, t), b.row(b.outs, r, t)
		b.gateGrad(g[:2*n], sums[:2*n], outs[:2*n])
		if b.s.Cell == ref.CellLSTM {
			b.gateGrad(g[3*n:], sums[3*n:], outs[3*n:])
		}
	}
}

func (b *generalBlock) gateGrad(d, sums, outs []float32) {
	derive(d, sums, outs, b.cell.Gate, b.cell.GateAlpha)
}

func (b *generalBlock) stateGrad(d, sums, outs []float32) {
	derive(d, sums, outs, b.cell.State, b.cell.StateAlpha)
}

// derive multiplies d by the derivative of an activation.
func derive(d, sums, outs []float32, a ref.Activation, alpha float64) {
	if a.FromOutput() {
		sums = outs
	}
	simd.Active.ActivateGrad(d, sums, d, a, float32(alpha))
}

// productBack propagates the gradient of product i to x and h and, if its operand is r h, to
// the gate r, whose gradient it writes.
func (b *generalBlock) productBack(i, t int, gates, rows, dh []float32) {
	p, in, n := &b.products[i], b.s.In, b.s.Units
	b.backs[i].Times(b.w, b.rows, gates[p.col:], b.slots*n, false, rows, p.k)
	for r := range b.rows {
		row := rows[r*p.k : (r+1)*p.k]
		if p.from == 0 {
			if b.d.DX != nil {
				addDropped(b.dx(r, t), row[:in], b.drop(b.t.DropX, p.gate, r, in))
			}
			row = row[in:]
		}
		if row = row[1:]; len(row) == 0 {
			continue
		}
		drop, to := b.drop(b.t.DropH, p.gate, r, n), dh[r*n:(r+1)*n]
		if p.reset {
			h, reset := b.stepOf(b.h, t, n)[r*n:(r+1)*n], b.row(b.outs, r, t)[n:2*n]
			dr := gates[(r*b.slots+1)*n : (r*b.slots+2)*n]
			dropTo(row, row, drop)
			simd.Active.Mul(dr, row, h)
			simd.Active.Mul(row, row, reset)
			drop = nil
		}
		addDropped(to, row, drop)
	}
}

func addDropped(to, x, mask []float32) {
	if mask != nil {
		simd.Active.Mul(x, x, mask)
	}
	simd.Active.Add(to, to, x)
}
