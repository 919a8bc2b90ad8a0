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
	tmp          []float32 // one row of Units or In
	outs         []float32 // of the outputs of a general cell's gates
}

// backward iterates backward over the block's steps and writes the gradient of the stacked
// weights. The gradients of the gates overwrite the gates, and every few steps their product
// with the gates' inputs is added, while both are in cache.
func (b *block) backward(part int) {
	n := b.s.Units
	size, from := b.rows*n, b.first*n
	gradient := b.gradient[part*b.stackLen() : (part+1)*b.stackLen()]
	buf := b.scratch[part*b.scratchLen() : (part+1)*b.scratchLen()]
	k := carry{h: buf[:size], c: buf[size : 2*size], reset: buf[2*size : 3*size], passH: buf[3*size : 4*size], passC: buf[4*size : 5*size]}
	k.tmp = buf[5*size : 5*size+b.rows*max(n, b.s.In)]
	k.outs = buf[5*size+len(k.tmp):]
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
			if t > 0 {
				simd.Fetch(b.input(t - 1)[:b.rows*b.width])
			}
			gates := b.step(t)
			b.backwardStep(&k, gates, dy, ldY, t)
			if b.t.Mask != nil {
				b.putBack(&k, t)
			}
			if b.d.DX != nil {
				b.inputGradient(gates, t, k.tmp)
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
	size := 5*j.s.Units + max(j.s.Units, j.s.In)
	if j.s.General != nil {
		size += j.slots * j.s.Units
	}
	return j.blockRows() * size
}

// addWeightGradients adds the contribution of the steps start..end-1, whose gate gradients are
// consecutive.
func (b *block) addWeightGradients(gradient, gates []float32, start, end int) {
	n := b.s.Units
	for _, p := range b.products[:b.count] {
		x, ld := b.xh, b.width
		if p.reset {
			x, ld = b.reset, b.part
		}
		cols := p.gates * n
		gemm.AddTransposed(b.w, p.k, cols, (end-start)*b.rows, x[start*b.rows*ld+p.from:], ld, gates[p.col:], b.slots*n, gradient, cols)
		gradient = gradient[p.k*cols:]
	}
}

// backwardStep replaces step t's gates by the gradients of their pre-activations and k by the
// gradients of the previous states.
func (b *block) backwardStep(k *carry, gates, dy []float32, ldY, t int) {
	n, v := b.s.Units, simd.Active
	ld := b.slots * n
	h, d := b.state(t)
	ahead := bytesTo(gates, b.step(max(t-1, 0)))
	if b.s.General != nil {
		b.generalBack(k, gates, dy, ldY, t)
	} else {
		switch b.s.Cell {
		case ref.CellSimple:
			v.AddRows(k.h, n, dy, ldY, 0, b.rows, n)
			v.ActivateGrad(gates, gates, k.h[:b.rows*n], b.s.Act, float32(b.s.Alpha))
		case ref.CellLSTM:
			v.LSTMBack(gates, ld, b.cell(t), n, b.cell(t+1), n, k.h, n, k.c, n, dy, ldY, ahead, b.rows, n)
		case ref.CellGRUResetAfter:
			v.GRUResetAfterBack(gates, ld, h, d, k.h, n, dy, ldY, ahead, b.rows, n)
		case ref.CellGRU:
			v.GRUBlendBack(gates, ld, h, d, k.h, n, dy, ldY, ahead, b.rows, n)
		}
	}
	b.clearMasked(gates, t)
	if b.s.Cell == ref.CellGRU {
		b.resetGradient(k, gates)
		if b.s.General != nil {
			b.generalResetBack(k, gates, t)
		} else {
			v.GRUResetBack(gates, ld, h, d, k.reset, n, k.h, n, ahead, b.rows, n)
		}
	}
	add := b.s.Cell == ref.CellGRU || b.s.Cell == ref.CellGRUResetAfter // to the part that z passes on
	b.stateGradient(gates, add, k.h, k.tmp)
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
