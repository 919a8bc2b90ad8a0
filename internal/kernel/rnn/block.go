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
	xh          []float32 // [x | 1 | h], or with dropout one for each gate
	gates       []float32
	sums        []float32 // pre-activations of the gates, if derivatives need them
	cells       []float32 // ref.CellLSTM's c
	reset       []float32 // ref.CellGRU's [x | 1 | r h]
	states      []float32 // h without dropout
	activated   []float32 // ref.CellLSTM's c at one step, if the cell is general
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
	b.gates, b.sums = cut(j.memory.gates*j.slots*j.s.Units), cut(j.memory.sums*j.slots*j.s.Units)
	b.states = cut(j.memory.states * j.s.Units)
	switch j.s.Cell {
	case ref.CellLSTM:
		b.cells, b.activated = cut(j.memory.cells*j.s.Units), cut(j.memory.activated*j.s.Units)
	case ref.CellGRU:
		b.reset = cut(j.memory.resets * j.part)
	}
	b.open = saved
	return b
}

// input returns the rows [x | 1 | h] of step t, inputOf the h in those of a gate.
func (b *block) input(t int) []float32 { return b.xh[inTurn(t, b.memory.xh)*b.rows*b.width:] }
func (b *block) inputOf(gate, t int) []float32 {
	if b.width == b.part {
		gate = 0
	}
	return b.input(t)[gate*b.part+b.s.In+1:]
}

// state returns the states before step t and the distance between their rows.
func (b *block) state(t int) (h []float32, ld int) {
	if b.memory.states > 0 {
		return b.states[t*b.rows*b.s.Units:], b.s.Units
	}
	return b.input(t)[b.s.In+1:], b.width
}

func (b *block) step(t int) []float32 {
	size := b.rows * b.slots * b.s.Units
	t = inTurn(t, b.memory.gates)
	return b.gates[t*size : (t+1)*size]
}

// sumsOf returns where the pre-activations of step t are: in the gates if they are not kept.
func (b *block) sumsOf(t int) []float32 {
	if b.memory.sums == 0 {
		return b.step(t)
	}
	size := b.rows * b.slots * b.s.Units
	return b.sums[t*size : (t+1)*size]
}

func (b *block) cell(t int) []float32 {
	size := b.rows * b.s.Units
	t = inTurn(t, b.memory.cells)
	return b.cells[t*size : (t+1)*size]
}

func (b *block) resetInput(t int) []float32 {
	return b.reset[inTurn(t, b.memory.resets)*b.rows*b.part:]
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
	h, ld := b.state(0)
	for r := range b.rows {
		clear(h[r*ld : r*ld+n])
	}
	if b.t.H0 != nil {
		rowsOf(h, ld, b.t.H0[from:], n, b.rows, n)
	}
	b.dropState(0)
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
		b.dropState(t + 1)
	}
	if b.t.HN != nil {
		h, ld := b.state(b.s.Time)
		rowsOf(b.t.HN[from:], n, h, ld, b.rows, n)
	}
	if b.t.CN != nil && b.cells != nil {
		copy(b.t.CN[from:], b.cell(b.s.Time))
	}
}

func (b *block) forwardStep(t int) {
	n, v := b.s.Units, simd.Active
	x, gates, ld := b.input(t), b.step(t), b.slots*b.s.Units
	ahead := bytesTo(gates, b.step(min(t+1, b.s.Time-1)))
	h, d := b.state(t)
	next, _ := b.state(t + 1)
	y, ldY := next, d // without Y, the state is written twice
	if b.t.Y != nil {
		y, ldY = b.at(b.t.Y, t, n), b.s.Time*n
	}
	if b.ahead {
		b.finish(t, x, false)
	} else {
		sums := b.sumsOf(t)
		for i := range b.products[:b.count] {
			if !b.products[i].reset {
				b.multiply(i, x, b.width, sums)
			}
		}
	}
	if b.s.General != nil {
		b.generalStep(t, y, ldY)
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
		v.GRUReset(gates, ld, b.inputOf(2, t), b.width, b.resetInput(t)[b.s.In+1:], b.part, ahead, b.rows, n)
		b.multiplyReset(t)
		v.GRUBlend(gates, ld, h, d, next, d, y, ldY, ahead, b.rows, n)
	}
}

// multiply computes product i of a step from its rows.
func (b *block) multiply(i int, rows []float32, ld int, sums []float32) {
	p := &b.products[i]
	b.weights[i].Times(b.w, b.rows, rows[p.from:], ld, false, sums[p.col:], b.slots*b.s.Units)
}

// multiplyReset computes the product of ref.CellGRU's r h.
func (b *block) multiplyReset(t int) {
	if b.ahead {
		b.finish(t, b.resetInput(t), true)
	} else {
		b.multiply(b.count-1, b.resetInput(t), b.part, b.sumsOf(t))
	}
}

// inputSteps is the usual number of steps whose inputs are read at a time: those of one sequence
// are contiguous, the sequences are far apart.
const inputSteps = 8

// takeInputs writes [x | 1] for steps t0..t1-1.
func (b *block) takeInputs(t0, t1 int) {
	in := b.s.In
	for r := range b.rows {
		for t := t0; t < t1; t++ {
			at := ((b.first+r)*b.s.Time + b.inputAt(t)) * in
			x, rows := b.t.X[at:at+in], b.input(t)[r*b.width:(r+1)*b.width]
			for from := 0; from < b.width; from += b.part {
				row := rows[from : from+in+1]
				copy(row, x)
				row[in] = 1
			}
		}
	}
	for t := t0; t < t1; t++ {
		if b.t.DropX != nil {
			b.dropInput(t)
		}
		if b.reset != nil && !b.ahead {
			rowsOf(b.resetInput(t), b.part, b.input(t)[b.width-b.part:], b.width, b.rows, in+1)
		}
	}
}

// fetchInputs prefetches, for some rows at each step, the inputs that are read next.
func (b *block) fetchInputs(t int) {
	steps := b.memory.inputs
	if !b.evaluates && t+steps < b.s.Time {
		simd.Fetch(b.input(t + steps)[:b.rows*b.width])
	}
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
		h, ld := b.state(t)
		next, _ := b.state(t + 1)
		h = h[r*ld : r*ld+n]
		copy(next[r*ld:], h)
		if b.t.Y != nil {
			copy(b.at(b.t.Y, t, n)[r*b.s.Time*n:], h)
		}
		if b.cells != nil {
			copy(b.cell(t + 1)[r*n:(r+1)*n], b.cell(t)[r*n:(r+1)*n])
		}
	}
}
