// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The gradient of the weights is F(3x3, 4x4): the output's gradient replaces the weights. The
// points are the same, hence B is too; G and A have one more and one fewer power of the points.

// gradient emits U = GgGᵀ of a patch of 4 x 4 pixels with
//
//	G = [1/4 0 0 0; -1/6 -1/6 -1/6 -1/6; -1/6 1/6 -1/6 1/6;
//	     1/24 1/12 1/6 1/3; 1/24 -1/12 1/6 -1/3; 0 0 0 1].
func (w wino) gradient() {
	w.begin("WinogradGradient", "transforms a patch of 4 x 4 pixels; element i of the result goes to dst + i·dstStep bytes.",
		"func(dst, src *float32, vectors, dstStep, srcRow, srcPixel int)")
	rows := []reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX, reg.RDX}
	one, three, dst, out, step := reg.R8, reg.R9, reg.RDI, reg.R12, reg.R13
	w.Load(w.Param("src"), rows[0])
	w.Load(w.Param("srcRow"), one)
	for i := range 3 {
		w.LEAQ(operand.Mem{Base: rows[i], Index: one, Scale: 1}, rows[i+1])
	}
	w.distances("srcPixel", one, three, nil)
	w.Load(w.Param("dst"), dst)
	w.Load(w.Param("dstStep"), step)
	at := func(row, col int) operand.Mem { return indexed(rows[row], one, three, nil, col) }
	t, u, tmp := w.regs[0:4], w.regs[4:8], w.regs[8:12]

	// sixths and powers emit rows 1, 2 and 3, 4 of G·(a, b, c, d), given registers that they
	// may modify.
	sixths := func(a, b, c, d, first, second reg.VecPhysical) {
		w.VADDPS(c, a, a)
		w.VADDPS(d, b, b)
		w.VADDPS(b, a, first)
		w.VSUBPS(b, a, second)
		w.VMULPS(w.constant(-1./6), first, first)
		w.VMULPS(w.constant(-1./6), second, second)
	}
	powers := func(a, b, c, d, first, second reg.VecPhysical) {
		w.VMULPS(w.constant(1./24), a, a)
		w.VFMADD231PS(w.constant(1./6), c, a)
		w.VMULPS(w.constant(1./12), b, b)
		w.VFMADD231PS(w.constant(1./3), d, b)
		w.VADDPS(b, a, first)
		w.VSUBPS(b, a, second)
	}
	// columns emits the products with Gᵀ of one row, which is in t.
	columns := func(t []reg.VecPhysical) {
		put := func(r reg.VecPhysical) {
			w.VMOVUPS(r, operand.Mem{Base: out})
			w.ADDQ(step, out)
		}
		a, b, c, d := w.regs[8], w.regs[9], w.regs[10], w.regs[11]
		first, second := w.regs[12], w.regs[13]
		w.VMULPS(w.constant(1./4), t[0], a)
		put(a)
		w.VMOVAPS(t[0], a)
		w.VMOVAPS(t[1], b)
		sixths(a, b, t[2], t[3], first, second)
		put(first)
		put(second)
		w.VMOVAPS(t[2], c)
		w.VMOVAPS(t[3], d)
		powers(t[0], t[1], c, d, first, second)
		put(first)
		put(second)
		put(t[3])
	}
	pair := func(combine func(a, b, c, d, first, second reg.VecPhysical)) {
		for j := range 4 {
			for i := range 4 {
				w.VMOVUPS(at(i, j), tmp[i])
			}
			combine(tmp[0], tmp[1], tmp[2], tmp[3], t[j], u[j])
		}
		columns(t)
		columns(u)
	}
	w.Label("vector")
	w.MOVQ(dst, out)
	for j := range 4 {
		w.VMOVUPS(at(0, j), t[j])
		w.VMULPS(w.constant(1./4), t[j], t[j])
	}
	columns(t)
	pair(sixths)
	pair(powers)
	for j := range 4 {
		w.VMOVUPS(at(3, j), t[j])
	}
	columns(t)
	for _, r := range []reg.GPPhysical{rows[0], rows[1], rows[2], rows[3], dst} {
		w.ADDQ(operand.I32(w.width), r)
	}
	w.loop()
}

// weightGradient emits the 3 x 3 result AᵀmA of the 36 sums with
//
//	Aᵀ = [1 1 1 1 1 0; 0 1 -1 2 -2 0; 0 1 1 4 4 1].
func (w wino) weightGradient() {
	w.begin("WinogradWeightGradient", "computes the gradients of 3 x 3 weights, dstStep bytes apart, from the 36 sums at src + i·srcStep bytes.",
		"func(dst, src *float32, vectors, dstStep, srcStep int)")
	src, in, dst, out, dstStep := reg.RSI, reg.RDI, reg.RAX, reg.RBX, reg.RCX
	w.Load(w.Param("dst"), dst)
	w.Load(w.Param("dstStep"), dstStep)
	w.Load(w.Param("src"), src)
	m := w.products("srcStep", in)
	s, t, tmp := w.regs[0:6], w.regs[6:12], w.regs[12:16]
	columns := func(s []reg.VecPhysical) {
		put := func(v reg.VecPhysical) {
			w.VMOVUPS(v, operand.Mem{Base: out})
			w.ADDQ(dstStep, out)
		}
		w.VADDPS(s[2], s[1], tmp[0])
		w.VSUBPS(s[2], s[1], s[1])
		w.VADDPS(s[4], s[3], tmp[1])
		w.VSUBPS(s[4], s[3], s[3])
		w.VADDPS(tmp[0], s[0], s[0])
		w.VADDPS(tmp[1], s[0], s[0])
		put(s[0])
		w.VFMADD231PS(w.constant(2), s[3], s[1])
		put(s[1])
		w.VFMADD231PS(w.constant(4), tmp[1], tmp[0])
		w.VADDPS(s[5], tmp[0], tmp[0])
		put(tmp[0])
	}
	w.Label("vector")
	w.MOVQ(dst, out)
	w.MOVQ(src, in)
	for j := range 6 {
		w.evenRows(m, s[j], t[j], tmp)
		w.VADDPS(m(5), t[j], t[j])
		w.ADDQ(stepReg, in)
	}
	columns(s)
	w.LEAQ(operand.Mem{Base: out, Index: dstStep, Scale: 2}, out) // row 1 is stored later
	w.ADDQ(dstStep, out)
	columns(t)
	w.LEAQ(operand.Mem{Base: dst, Index: dstStep, Scale: 2}, out)
	w.ADDQ(dstStep, out)
	w.MOVQ(src, in)
	for j := range 6 {
		w.VMOVUPS(m(1), s[j])
		w.VSUBPS(m(2), s[j], s[j])
		w.VMOVUPS(m(3), tmp[1])
		w.VSUBPS(m(4), tmp[1], tmp[1])
		w.VFMADD231PS(w.constant(2), tmp[1], s[j])
		w.ADDQ(stepReg, in)
	}
	columns(s)
	w.ADDQ(operand.I32(w.width), src)
	w.ADDQ(operand.I32(w.width), dst)
	w.loop()
}
