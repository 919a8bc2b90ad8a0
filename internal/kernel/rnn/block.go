// SPDX-License-Identifier: Apache-2.0

package rnn

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// block is a block of sequences and its part of the saved numbers. Each array is indexed by
// step, then row; steps beyond those for which there is memory use it in turn.
type block struct {
	*job
	w           *parallel.Worker
	first, rows int
	xh          []float32 // [x | 1 | h]
	gates       []float32
	cells       []float32 // ref.CellLSTM's c
	reset       []float32 // ref.CellGRU's [x | 1 | r h]
	open        []float32 // see evaluation
}

func (j *job) block(first, rows int) block {
	saved := j.saved[first*j.perRow : (first+rows)*j.perRow]
	b := block{job: j, first: first, rows: rows}
	cut := func(perRow int) []float32 {
		part := saved[:rows*perRow]
		saved = saved[rows*perRow:]
		return part
	}
	b.xh = cut(j.memory.xh * j.width)
	b.gates = cut(j.memory.gates * j.slots * j.s.Units)
	switch j.s.Cell {
	case ref.CellLSTM:
		b.cells = cut(j.memory.cells * j.s.Units)
	case ref.CellGRU:
		b.reset = cut(j.memory.resets * j.width)
	}
	b.open = saved
	return b
}

// input returns the rows [x | 1 | h] of step t; state returns the h in them.
func (b *block) input(t int) []float32 { return b.xh[inTurn(t, b.memory.xh)*b.rows*b.width:] }
func (b *block) state(t int) []float32 { return b.input(t)[b.s.In+1:] }
func (b *block) step(t int) []float32 {
	size := b.rows * b.slots * b.s.Units
	t = inTurn(t, b.memory.gates)
	return b.gates[t*size : (t+1)*size]
}

func (b *block) cell(t int) []float32 {
	size := b.rows * b.s.Units
	t = inTurn(t, b.memory.cells)
	return b.cells[t*size : (t+1)*size]
}

func (b *block) resetInput(t int) []float32 {
	return b.reset[inTurn(t, b.memory.resets)*b.rows*b.width:]
}

// inTurn returns the place of step t in memory for n steps: t, or a place in turn, and then n is a
// power of two. A division would take as long as the product of a small cell.
func inTurn(t, n int) int {
	if t < n {
		return t
	}
	return t & (n - 1)
}

// inputAt returns the time index that step t reads.
func (b *block) inputAt(t int) int {
	if b.s.Reverse {
		return b.s.Time - 1 - t
	}
	return t
}

// at returns the part of a (Batch, Time, size) array that starts at the block's first row and
// time t.
func (b *block) at(x []float32, t, size int) []float32 {
	return x[(b.first*b.s.Time+t)*size:]
}

func (b *block) masked(row, t int) bool {
	return b.t.Mask[(b.first+row)*b.s.Time+b.inputAt(t)] == 0
}

// rowsOf copies rows of size numbers between arrays with different row distances.
func rowsOf(dst []float32, ldDst int, src []float32, ldSrc, rows, size int) {
	for r := range rows {
		copy(dst[r*ldDst:r*ldDst+size], src[r*ldSrc:r*ldSrc+size])
	}
}

func (b *block) forward() {
	n, from := b.s.Units, b.first*b.s.Units
	for r := range b.rows {
		clear(b.state(0)[r*b.width : r*b.width+n])
	}
	if b.t.H0 != nil {
		rowsOf(b.state(0), b.width, b.t.H0[from:], n, b.rows, n)
	}
	if b.cells != nil {
		clear(b.cell(0))
		if b.t.C0 != nil {
			copy(b.cell(0), b.t.C0[from:])
		}
	}
	for t := range b.s.Time {
		if inTurn(t, b.memory.inputs) == 0 {
			end := min(t+b.memory.inputs, b.s.Time)
			b.takeInputs(t, end)
			if b.ahead {
				b.begin(end - t)
			}
		}
		if !b.ahead {
			b.fetchInputs(t)
		}
		b.forwardStep(t)
		if b.t.Mask != nil {
			b.keepMasked(t)
		}
	}
	if b.t.HN != nil {
		rowsOf(b.t.HN[from:], n, b.state(b.s.Time), b.width, b.rows, n)
	}
	if b.t.CN != nil && b.cells != nil {
		copy(b.t.CN[from:], b.cell(b.s.Time))
	}
}

func (b *block) forwardStep(t int) {
	n, d, v := b.s.Units, b.width, simd.Active
	x, gates, ld := b.input(t), b.step(t), b.slots*b.s.Units
	ahead := bytesTo(gates, b.step(min(t+1, b.s.Time-1)))
	h, next := b.state(t), b.state(t+1)
	y, ldY := next, d // without Y, the state is written twice
	if b.t.Y != nil {
		y, ldY = b.at(b.t.Y, t, n), b.s.Time*n
	}
	if b.ahead {
		b.finish(t, x, false)
	} else {
		for i := range b.products[:b.count] {
			if !b.products[i].reset {
				b.multiply(i, x, gates)
			}
		}
	}
	if b.s.General != nil {
		b.generalStep(t, gates, y, ldY)
		return
	}
	switch b.s.Cell {
	case ref.CellSimple:
		v.Activate(gates, gates, b.s.Act, float32(b.s.Alpha))
		rowsOf(next, d, gates, n, b.rows, n)
		rowsOf(y, ldY, gates, n, b.rows, n)
	case ref.CellLSTM:
		v.LSTM(gates, ld, b.cell(t), n, b.cell(t+1), n, next, d, y, ldY, ahead, b.rows, n)
	case ref.CellGRUResetAfter:
		v.GRUResetAfter(gates, ld, h, d, next, d, y, ldY, ahead, b.rows, n)
	case ref.CellGRU:
		reset := b.resetInput(t)
		v.GRUReset(gates, ld, h, d, reset[b.s.In+1:], d, ahead, b.rows, n)
		b.multiplyReset(t, gates)
		v.GRUBlend(gates, ld, h, d, next, d, y, ldY, ahead, b.rows, n)
	}
}

// multiply computes product i of a step.
func (b *block) multiply(i int, rows, gates []float32) {
	p := &b.products[i]
	b.weights[i].Times(b.w, b.rows, rows[p.from:], b.width, false, gates[p.col:], b.slots*b.s.Units)
}

// multiplyReset computes the product of ref.CellGRU's r h.
func (b *block) multiplyReset(t int, gates []float32) {
	if b.ahead {
		b.finish(t, b.resetInput(t), true)
	} else {
		b.multiply(1, b.resetInput(t), gates)
	}
}

// inputSteps is the usual number of steps whose inputs are read at a time: those of one sequence
// are contiguous, the sequences are far apart.
const inputSteps = 8

// takeInputs writes [x | 1] for steps t0..t1-1.
func (b *block) takeInputs(t0, t1 int) {
	in, width := b.s.In, b.width
	for r := range b.rows {
		for t := t0; t < t1; t++ {
			at := ((b.first+r)*b.s.Time + b.inputAt(t)) * in
			row := b.input(t)[r*width : r*width+in+1]
			copy(row, b.t.X[at:at+in])
			row[in] = 1
			if b.reset != nil && !b.ahead {
				copy(b.resetInput(t)[r*width:], row)
			}
		}
	}
}

// fetchInputs prefetches, for some rows at each step, the inputs that are read next.
func (b *block) fetchInputs(t int) {
	steps := b.memory.inputs
	next := (t/steps + 1) * steps
	if next >= b.s.Time {
		return
	}
	from, to := b.inputAt(next), b.inputAt(min(next+steps, b.s.Time)-1)
	from, to = min(from, to), max(from, to)+1
	r0, r1 := parallel.Share(b.rows, steps, t%steps)
	for r := r0; r < r1; r++ {
		simd.Fetch(b.t.X[((b.first+r)*b.s.Time+from)*b.s.In : ((b.first+r)*b.s.Time+to)*b.s.In])
	}
}

// keepMasked restores the states of rows that are masked at step t.
func (b *block) keepMasked(t int) {
	n := b.s.Units
	for r := range b.rows {
		if !b.masked(r, t) {
			continue
		}
		h := b.state(t)[r*b.width : r*b.width+n]
		copy(b.state(t + 1)[r*b.width:], h)
		if b.t.Y != nil {
			copy(b.at(b.t.Y, t, n)[r*b.s.Time*n:], h)
		}
		if b.cells != nil {
			copy(b.cell(t + 1)[r*n:(r+1)*n], b.cell(t)[r*n:(r+1)*n])
		}
	}
}
