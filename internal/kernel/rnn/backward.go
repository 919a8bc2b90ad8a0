// SPDX-License-Identifier: Apache-2.0

package rnn

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// carry holds the gradients of the states between two steps, one row of Units numbers per sequence.
type carry struct {
	h, c         []float32
	reset        []float32 // of ref.CellGRU's r h
	passH, passC []float32 // for rows whose step is masked
}

// backward iterates backward over the block's steps and writes the gradient of the stacked
// weights. The gradients of the gates overwrite the gates, and every few steps their product
// with the gates' inputs is added, while both are in cache.
func (b *block) backward(part int) {
	n := b.s.Units
	size, from := b.rows*n, b.first*n
	gradient := b.gradient[part*b.stackLen() : (part+1)*b.stackLen()]
	buf := b.scratch[part*b.scratchLen() : (part+1)*b.scratchLen()]
	k := carry{buf[:size], buf[size : 2*size], buf[2*size : 3*size], buf[3*size : 4*size], buf[4*size : 5*size]}
	clear(buf[:2*size])
	clear(gradient)
	if b.d.DHN != nil {
		copy(k.h, b.d.DHN[from:])
	}
	if b.d.DCN != nil {
		copy(k.c, b.d.DCN[from:])
	}
	for end := b.s.Time; end > 0; {
		start := max(0, end-b.backSteps())
		for t := end - 1; t >= start; t-- {
			dy, ldY := b.zeros, 0
			if b.d.DY != nil {
				dy, ldY = b.at(b.d.DY, t, n), b.s.Time*n
			}
			if b.t.Mask != nil {
				b.setAside(&k, dy, ldY, t)
			}
			gates := b.step(t)
			b.backwardStep(&k, gates, dy, ldY, t)
			if b.t.Mask != nil {
				b.putBack(&k, t)
			}
			if b.d.DX != nil {
				b.inputGradient(gates, t)
			}
		}
		b.addWeightGradients(gradient, b.gates[start*b.slots*size:], start, end)
		end = start
	}
	if b.d.DH0 != nil {
		copy(b.d.DH0[from:], k.h)
	}
	if b.d.DC0 != nil {
		copy(b.d.DC0[from:], k.c)
	}
}

// backSteps returns how many steps' gate gradients are multiplied at a time: as many as a tile
// has steps of k.
func (j *job) backSteps() int {
	return min(max(1, simd.Active.Depth/max(1, j.blockRows())), j.s.Time)
}

// blockRows returns the maximum number of sequences in a block.
func (j *job) blockRows() int { return ceilDiv(j.s.Batch, max(1, j.parts)) }

// scratchLen returns the scratch memory that backward needs for a block.
func (j *job) scratchLen() int {
	if j.s.General != nil {
		return j.generalScratch()
	}
	return 5 * j.blockRows() * j.s.Units
}

// addWeightGradients adds the contribution of the steps start..end-1, whose gate gradients are
// consecutive.
func (b *block) addWeightGradients(gradient, gates []float32, start, end int) {
	n, at := b.s.Units, start*b.rows*b.width
	for _, p := range b.products[:b.count] {
		x := b.xh
		if p.reset {
			x = b.reset
		}
		cols := p.gates * n
		gemm.AddTransposed(b.w, p.k, cols, (end-start)*b.rows, x[at+p.from:], b.width, gates[p.col:], b.slots*n, gradient, cols)
		gradient = gradient[p.k*cols:]
	}
}

// backwardStep replaces step t's gates by the gradients of their pre-activations and k by the
// gradients of the previous states.
func (b *block) backwardStep(k *carry, gates, dy []float32, ldY, t int) {
	n, d, v := b.s.Units, b.width, simd.Active
	ld, h := b.slots*n, b.state(t)
	ahead := bytesTo(gates, b.step(max(t-1, 0)))
	switch b.s.Cell {
	case ref.CellSimple:
		for r := range b.rows {
			for i, g := range dy[r*ldY : r*ldY+n] {
				k.h[r*n+i] = simd.FlushTiny(k.h[r*n+i] + g)
			}
		}
		v.ActivateGrad(gates, gates, k.h[:b.rows*n], b.s.Act, float32(b.s.Alpha))
		b.clearMasked(gates, t)
		b.toState[0].Times(b.w, b.rows, gates, ld, false, k.h, n)
	case ref.CellLSTM:
		v.LSTMBack(gates, ld, b.cell(t), n, b.cell(t+1), n, k.h, n, k.c, n, dy, ldY, ahead, b.rows, n)
		b.clearMasked(gates, t)
		b.toState[0].Times(b.w, b.rows, gates, ld, false, k.h, n)
	case ref.CellGRUResetAfter:
		v.GRUResetAfterBack(gates, ld, h, d, k.h, n, dy, ldY, ahead, b.rows, n)
		b.clearMasked(gates, t)
		b.toState[0].Times(b.w, b.rows, gates, ld, true, k.h, n)
	case ref.CellGRU:
		v.GRUBlendBack(gates, ld, h, d, k.h, n, dy, ldY, ahead, b.rows, n)
		b.clearMasked(gates, t)
		b.toState[1].Times(b.w, b.rows, gates[2*n:], ld, false, k.reset, n)
		v.GRUResetBack(gates, ld, h, d, k.reset, n, k.h, n, ahead, b.rows, n)
		b.toState[0].Times(b.w, b.rows, gates, ld, true, k.h, n)
	}
}

// inputGradient writes dx for step t.
func (b *block) inputGradient(gates []float32, t int) {
	in, n, ld := b.s.In, b.s.Units, b.slots*b.s.Units
	dx := b.at(b.d.DX, b.inputAt(t), in)
	b.toInput[0].Times(b.w, b.rows, gates, ld, false, dx, b.s.Time*in)
	if b.s.Cell == ref.CellGRUResetAfter {
		b.toInput[1].Times(b.w, b.rows, gates[3*n:], ld, true, dx, b.s.Time*in)
	}
}

// clearMasked zeroes the gate gradients of rows that are masked at step t.
func (b *block) clearMasked(gates []float32, t int) {
	if b.t.Mask == nil {
		return
	}
	size := b.slots * b.s.Units
	for r := range b.rows {
		if b.masked(r, t) {
			clear(gates[r*size : (r+1)*size])
		}
	}
}

// setAside saves the gradients of masked rows, which bypass step t.
func (b *block) setAside(k *carry, dy []float32, ldY, t int) {
	n := b.s.Units
	for r := range b.rows {
		if b.masked(r, t) {
			simd.Active.Add(k.passH[r*n:(r+1)*n], k.h[r*n:(r+1)*n], dy[r*ldY:r*ldY+n])
			copy(k.passC[r*n:(r+1)*n], k.c[r*n:(r+1)*n])
		}
	}
}

func (b *block) putBack(k *carry, t int) {
	n := b.s.Units
	for r := range b.rows {
		if b.masked(r, t) {
			copy(k.h[r*n:(r+1)*n], k.passH[r*n:(r+1)*n])
			copy(k.c[r*n:(r+1)*n], k.passC[r*n:(r+1)*n])
		}
	}
}

// bytesTo returns the distance in bytes from the start of a to the start of b.
func bytesTo(a, b []float32) int {
	return int(uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(unsafe.Pointer(unsafe.SliceData(a))))
}
