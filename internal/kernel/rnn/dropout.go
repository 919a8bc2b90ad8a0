// SPDX-License-Identifier: Apache-2.0

package rnn

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// With dropout, each gate has its own masks of x and h, and therefore its own rows [x | 1 | h] and
// its own product. Everything else is as without it.

// dropOf returns the block's rows of a gate's mask, size numbers each.
func (b *block) dropOf(mask []float32, gate, size int) []float32 {
	at := (gate*b.s.Batch + b.first) * size
	return mask[at : at+b.rows*size]
}

// dropInput multiplies the inputs of step t in the rows of each gate by its mask.
func (b *block) dropInput(t int) {
	in := b.s.In
	for gate := range b.s.Cell.Gates() {
		x := b.input(t)[gate*b.part:]
		simd.Active.MulRows(x, b.width, b.dropOf(b.t.DropX, gate, in), in, x, b.width, 0, b.rows, in)
	}
}

// dropState writes the state before step t, with dropout, to the rows of each gate.
func (b *block) dropState(t int) {
	if b.memory.states == 0 || t == b.s.Time {
		return
	}
	n := b.s.Units
	h, ld := b.state(t)
	for gate := range b.s.Cell.Gates() {
		if b.t.DropH == nil {
			rowsOf(b.inputOf(gate, t), b.width, h, ld, b.rows, n)
		} else {
			simd.Active.MulRows(h, ld, b.dropOf(b.t.DropH, gate, n), n, b.inputOf(gate, t), b.width, 0, b.rows, n)
		}
	}
}

// stateGradient sets dh to the gradient of the states from those of the gates, or adds it to dh.
// tmp is scratch memory for a row of units for each sequence.
func (b *block) stateGradient(gates []float32, add bool, dh, tmp []float32) {
	n, ld := b.s.Units, b.slots*b.s.Units
	if b.t.DropH == nil {
		b.toState[0].Times(b.w, b.rows, gates, ld, add, dh, n)
		return
	}
	for gate := range b.recurrentGates() {
		b.toState[gate].Times(b.w, b.rows, gates[gate*n:], ld, false, tmp, n)
		drop := b.dropOf(b.t.DropH, gate, n)
		if add || gate > 0 {
			simd.Active.MulAddRows(tmp, n, drop, n, dh, n, 0, b.rows, n)
		} else {
			simd.Active.Mul(dh, tmp[:len(dh)], drop)
		}
	}
}

// recurrentGates returns how many gates read h: ref.CellGRU's candidate reads r h.
func (j *job) recurrentGates() int {
	if j.s.Cell == ref.CellGRU {
		return 2
	}
	return j.s.Cell.Gates()
}

// resetGradient sets k.reset to the gradient of ref.CellGRU's r h.
func (b *block) resetGradient(k *carry, gates []float32) {
	n := b.s.Units
	b.toState[2].Times(b.w, b.rows, gates[2*n:], b.slots*n, false, k.reset, n)
	if b.t.DropH != nil {
		simd.Active.Mul(k.reset, k.reset, b.dropOf(b.t.DropH, 2, n))
	}
}

// inputGradient writes dx for step t.
func (b *block) inputGradient(gates []float32, t int, tmp []float32) {
	in, n, ld := b.s.In, b.s.Units, b.slots*b.s.Units
	dx, ldX := b.at(b.d.DX, b.inputAt(t), in), b.s.Time*in
	last := (b.slots - 1) * n // of ref.CellGRUResetAfter
	if b.t.DropX == nil {
		b.toInput[0].Times(b.w, b.rows, gates, ld, false, dx, ldX)
		if b.slots > b.s.Cell.Gates() {
			b.toInput[2].Times(b.w, b.rows, gates[last:], ld, true, dx, ldX)
		}
		return
	}
	for gate := range b.s.Cell.Gates() {
		from := gate * n
		if gate == 2 && b.slots > b.s.Cell.Gates() {
			from = last
		}
		b.toInput[gate].Times(b.w, b.rows, gates[from:], ld, false, tmp, in)
		multiply := simd.Active.MulAddRows
		if gate == 0 {
			multiply = simd.Active.MulRows
		}
		multiply(tmp, in, b.dropOf(b.t.DropX, gate, in), in, dx, ldX, 0, b.rows, in)
	}
}
