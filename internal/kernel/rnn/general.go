// SPDX-License-Identifier: Apache-2.0

package rnn

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// The element-wise part of a step for cells with arbitrary activations. Their products are those of
// any cell. The activations replace the pre-activations, which are kept only if some derivative
// does not follow from the output.

// generalStep computes step t from the pre-activations, which sumsOf returns.
func (b *block) generalStep(t int, y []float32, ldY int) {
	n, ld, v := b.s.Units, b.slots*b.s.Units, simd.Active
	sums, outs := b.sumsOf(t), b.step(t)
	h, d := b.state(t)
	next, _ := b.state(t + 1)
	last := ld - n // of a candidate
	switch b.s.Cell {
	case ref.CellSimple:
		b.toStates(outs, sums)
		rowsOf(next, d, outs, n, b.rows, n)
		rowsOf(y, ldY, outs, n, b.rows, n)
	case ref.CellLSTM:
		for r := range b.rows {
			s, g := sums[r*ld:(r+1)*ld], outs[r*ld:(r+1)*ld]
			b.toGates(g[:2*n], s[:2*n])
			b.toStates(g[2*n:3*n], s[2*n:3*n])
			b.toGates(g[3*n:], s[3*n:])
		}
		c := b.cell(t + 1)
		v.MulRows(outs, ld, outs[2*n:], ld, c, n, 0, b.rows, n)
		v.MulAddRows(outs[n:], ld, b.cell(t), n, c, n, 0, b.rows, n)
		tc := b.activated
		b.toStates(tc, c)
		v.MulRows(tc, n, outs[3*n:], ld, next, d, 0, b.rows, n)
		rowsOf(y, ldY, next, d, b.rows, n)
	case ref.CellGRU:
		for r := range b.rows {
			b.toGates(outs[r*ld:r*ld+2*n], sums[r*ld:r*ld+2*n])
		}
		v.MulRows(b.inputOf(2, t), b.width, outs[n:], ld, b.resetInput(t)[b.s.In+1:], b.part, 0, b.rows, n)
		b.multiplyReset(t)
	case ref.CellGRUResetAfter:
		for r := range b.rows {
			b.toGates(outs[r*ld:r*ld+2*n], sums[r*ld:r*ld+2*n])
		}
		v.MulAddRows(outs[n:], ld, sums[2*n:], ld, sums[last:], ld, 0, b.rows, n)
	}
	if b.s.Cell == ref.CellGRU || b.s.Cell == ref.CellGRUResetAfter {
		for r := range b.rows {
			b.toStates(outs[r*ld+last:(r+1)*ld], sums[r*ld+last:(r+1)*ld])
		}
		v.Blend(outs, ld, outs[last:], ld, h, d, next, d, y, ldY, 0, b.rows, n)
	}
}

func (j *job) toGates(dst, x []float32) {
	simd.Active.Activate(dst, x, j.s.General.Gate, float32(j.s.General.GateAlpha))
}

func (j *job) toStates(dst, x []float32) {
	simd.Active.Activate(dst, x, j.s.General.State, float32(j.s.General.StateAlpha))
}

// generalBack replaces step t's gates by the gradients of their pre-activations, k.h by what passes
// to the previous state directly, and k.c by the gradient of the previous cell state. The gates
// before a product with r h are left to generalResetBack, with the gradient of z in k.outs.
func (b *block) generalBack(k *carry, gates, dy []float32, ldY, t int) {
	n, ld, v := b.s.Units, b.slots*b.s.Units, simd.Active
	sums := b.sumsOf(t)
	h, d := b.state(t)
	last := ld - n
	switch b.s.Cell {
	case ref.CellSimple:
		v.AddRows(k.h, n, dy, ldY, 0, b.rows, n)
		b.stateBack(gates, sums, gates, k.h)
	case ref.CellLSTM:
		b.generalCellBack(k, gates, dy, ldY, t)
	case ref.CellGRU:
		v.BlendBack(gates, ld, gates[last:], ld, h, d, k.h, n, dy, ldY, k.outs, ld, k.outs[last:], ld, 0, b.rows, n)
		for r := range b.rows {
			from, to := r*ld+last, (r+1)*ld
			b.stateBack(gates[from:to], sums[from:to], gates[from:to], k.outs[from:to])
		}
	case ref.CellGRUResetAfter:
		v.BlendBack(gates, ld, gates[last:], ld, h, d, k.h, n, dy, ldY, k.outs, ld, k.outs[last:], ld, 0, b.rows, n)
		for r := range b.rows {
			from, to := r*ld+last, (r+1)*ld
			b.stateBack(gates[from:to], sums[from:to], gates[from:to], k.outs[from:to])
		}
		v.MulRows(gates[last:], ld, sums[2*n:], ld, k.outs[n:], ld, 0, b.rows, n)
		v.MulRows(gates[last:], ld, gates[n:], ld, gates[2*n:], ld, 0, b.rows, n)
		b.gatesBack(k, gates, sums)
	}
}

// generalCellBack is generalBack for ref.CellLSTM.
func (b *block) generalCellBack(k *carry, gates, dy []float32, ldY, t int) {
	n, ld, v := b.s.Units, b.slots*b.s.Units, simd.Active
	sums, c, tc := b.sumsOf(t), b.cell(t+1), b.activated
	v.AddRows(k.h, n, dy, ldY, 0, b.rows, n)
	b.toStates(tc, c)
	v.MulRows(k.h, n, tc, n, k.outs[3*n:], ld, 0, b.rows, n)
	v.MulRows(k.h, n, gates[3*n:], ld, k.reset, n, 0, b.rows, n)
	b.stateBack(k.reset, c, tc, k.reset)
	v.AddRows(k.c, n, k.reset, n, 0, b.rows, n) // dc + dh o act'(c)
	v.MulRows(k.c, n, gates[2*n:], ld, k.outs, ld, 0, b.rows, n)
	v.MulRows(k.c, n, b.cell(t), n, k.outs[n:], ld, 0, b.rows, n)
	v.MulRows(k.c, n, gates, ld, k.outs[2*n:], ld, 0, b.rows, n)
	v.MulRows(k.c, n, gates[n:], ld, k.c, n, 0, b.rows, n)
	for r := range b.rows {
		from, to := r*ld, (r+1)*ld
		g, s, o := gates[from:to], sums[from:to], k.outs[from:to]
		b.gateBack(g[:2*n], s[:2*n], o[:2*n])
		b.stateBack(g[2*n:3*n], s[2*n:3*n], g[2*n:3*n], o[2*n:3*n])
		b.gateBack(g[3*n:], s[3*n:], o[3*n:])
	}
}

// generalResetBack propagates the gradient of ref.CellGRU's r h, in k.reset, to r and h, and completes
// generalBack.
func (b *block) generalResetBack(k *carry, gates []float32, t int) {
	n, ld, v := b.s.Units, b.slots*b.s.Units, simd.Active
	h, d := b.state(t)
	v.MulRows(k.reset, n, h, d, k.outs[n:], ld, 0, b.rows, n)
	v.MulAddRows(k.reset, n, gates[n:], ld, k.h, n, 0, b.rows, n)
	b.gatesBack(k, gates, b.sumsOf(t))
	b.clearMasked(gates, t)
}

// gatesBack replaces z and r by the gradients of their pre-activations, from those in k.outs.
func (b *block) gatesBack(k *carry, gates, sums []float32) {
	n, ld := b.s.Units, b.slots*b.s.Units
	for r := range b.rows {
		from, to := r*ld, r*ld+2*n
		b.gateBack(gates[from:to], sums[from:to], k.outs[from:to])
	}
}

// gateBack replaces outs by a'(sums) times grad.
func (j *job) gateBack(outs, sums, grad []float32) {
	derive(outs, sums, outs, grad, j.s.General.Gate, j.s.General.GateAlpha)
}

// stateBack writes a'(sums) times grad.
func (j *job) stateBack(dst, sums, outs, grad []float32) {
	derive(dst, sums, outs, grad, j.s.General.State, j.s.General.StateAlpha)
}

func derive(dst, sums, outs, grad []float32, a ref.Activation, alpha float64) {
	if a.FromOutput() {
		sums = outs
	}
	simd.Active.ActivateGrad(dst, sums, grad[:len(dst)], a, float32(alpha))
}
