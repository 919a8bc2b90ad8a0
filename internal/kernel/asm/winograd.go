// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The transforms of the Winograd convolution F(4x4, 3x3) with the points 0, ±1, ±2 and infinity
// (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.3): V =
// BᵀdB of a 6 x 6 input patch, U = GgGᵀ of the 3 x 3 weights, y = AᵀmA of the 36 products.
// Every number is a vector of channels.
//
// Each transform processes the rows i of the result in turn: it combines the rows of the source
// into row i (or two rows that share terms) from memory, and then combines the columns in
// registers. That way, the intermediate 6 x 6 block, which would not fit in the registers, is
// never stored.

func winograd(c *build.Context) {
	constants(c)
	for _, set := range []isa{avx512, avx2} {
		w := wino{vec{c, set}}
		w.input()
		w.weights()
		w.output()
		w.gradient()
		w.weightGradient()
	}
}

// wino emits the transforms for one instruction set.
type wino struct{ vec }

var winoConstants = []float64{2, 4, 5, 8, 1. / 4, -1. / 6, 1. / 6, 1. / 24, 1. / 12, 1. / 3}

// constants are stored as whole vectors so that they can be operands of multiplications.
func constants(c *build.Context) {
	c.StaticGlobal("winogradConstants")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, x := range winoConstants {
		for lane := range 16 {
			c.AddDatum(64*i+4*lane, operand.U32(math.Float32bits(float32(x))))
		}
	}
}

func (w wino) constant(x float64) operand.Mem {
	for i, c := range winoConstants {
		if c == x {
			return operand.NewDataAddr(operand.NewStaticSymbol("winogradConstants"), 64*i)
		}
	}
	panic(fmt.Sprintf("no constant %v", x))
}

func (w wino) begin(name, doc, signature string) {
	w.Function(w.name + name)
	w.Attributes(nosplit)
	w.Pragma("noescape")
	w.Doc(w.name + name + " " + doc)
	w.SignatureExpr(signature)
}

// loop closes a loop over the vectors of channels, whose number is the parameter vectors.
func (w wino) loop() {
	w.DECQ(w.parameter("vectors"))
	w.JNZ(operand.LabelRef("vector"))
	w.VZEROUPPER()
	w.RET()
}

// parameter returns the address of a parameter, which the function may modify.
func (w wino) parameter(name string) operand.Mem {
	p, err := w.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

// distances loads a distance and computes its multiples by 3 and 5, which index scales cannot
// express.
func (w wino) distances(param string, one, three, five reg.GPPhysical) {
	w.Load(w.Param(param), one)
	w.LEAQ(operand.Mem{Base: one, Index: one, Scale: 2}, three)
	if five != nil {
		w.LEAQ(operand.Mem{Base: one, Index: one, Scale: 4}, five)
	}
}

func indexed(base, one, three, five reg.GPPhysical, i int) operand.Mem {
	switch i {
	case 0:
		return operand.Mem{Base: base}
	case 3:
		return operand.Mem{Base: base, Index: three, Scale: 1}
	case 5:
		return operand.Mem{Base: base, Index: five, Scale: 1}
	}
	return operand.Mem{Base: base, Index: one, Scale: uint8(i)}
}

// input emits V = BᵀdB with
//
//	Bᵀ = [4 0 -5 0 1 0; 0 -4 -4 1 1 0; 0 4 -4 -1 1 0; 0 -2 -1 2 1 0; 0 2 -1 -2 1 0; 0 4 0 -5 0 1].
func (w wino) input() {
	w.begin("WinogradInput", "transforms a patch of 6 x 6 pixels; element i of the result goes to dst + i·dstStep bytes.",
		"func(dst, src *float32, vectors, dstStep, srcRow, srcPixel int)")
	rows := []reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI, reg.RDI}
	one, three, five, dst, out, step := reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13
	w.Load(w.Param("src"), rows[0])
	w.Load(w.Param("srcRow"), one)
	for i := range 5 {
		w.LEAQ(operand.Mem{Base: rows[i], Index: one, Scale: 1}, rows[i+1])
	}
	w.distances("srcPixel", one, three, five)
	w.Load(w.Param("dst"), dst)
	w.Load(w.Param("dstStep"), step)
	at := func(row, col int) operand.Mem { return indexed(rows[row], one, three, five, col) }
	t, u, tmp := w.regs[0:6], w.regs[6:12], w.regs[12:16]

	// columns emits the products with B of one row, which is in t.
	columns := func(t []reg.VecPhysical) {
		put := func(r reg.VecPhysical) {
			w.VMOVUPS(r, operand.Mem{Base: out})
			w.ADDQ(step, out)
		}
		w.VFNMADD231PS(w.constant(5), t[2], t[4]) // t4 - 5 t2, for element 0
		w.VMOVAPS(t[4], tmp[0])
		w.VFMADD231PS(w.constant(4), t[0], tmp[0])
		put(tmp[0])
		w.VADDPS(t[2], t[4], tmp[0]) // t4 - 4 t2
		w.VMOVAPS(t[3], tmp[1])
		w.VFNMADD231PS(w.constant(4), t[1], tmp[1]) // t3 - 4 t1
		w.VADDPS(tmp[1], tmp[0], tmp[2])
		put(tmp[2])
		w.VSUBPS(tmp[1], tmp[0], tmp[2])
		put(tmp[2])
		w.VFMADD231PS(w.constant(4), t[2], t[4]) // t4 - t2
		w.VSUBPS(t[1], t[3], tmp[1])             // t3 - t1
		w.VMOVAPS(t[4], tmp[2])
		w.VFMADD231PS(w.constant(2), tmp[1], tmp[2])
		put(tmp[2])
		w.VFNMADD231PS(w.constant(2), tmp[1], t[4])
		put(t[4])
		w.VFNMADD231PS(w.constant(5), t[3], t[5])
		w.VFMADD231PS(w.constant(4), t[1], t[5])
		put(t[5])
	}
	// edge emits row 0 (from = 0) or 5 (from = 1): 4 d[from] - 5 d[from+2] + d[from+4].
	edge := func(from int) {
		for j := range 6 {
			w.VMOVUPS(at(from+4, j), t[j])
			w.VMOVUPS(at(from+2, j), tmp[0])
			w.VMOVUPS(at(from, j), tmp[1])
			w.VFNMADD231PS(w.constant(5), tmp[0], t[j])
			w.VFMADD231PS(w.constant(4), tmp[1], t[j])
		}
		columns(t)
	}
	w.Label("vector")
	w.MOVQ(dst, out)
	edge(0)
	for j := range 6 { // rows 1 and 2: (d4 - 4 d2) ± (d3 - 4 d1)
		w.VMOVUPS(at(4, j), tmp[0])
		w.VMOVUPS(at(2, j), tmp[1])
		w.VMOVUPS(at(3, j), tmp[2])
		w.VMOVUPS(at(1, j), tmp[3])
		w.VFNMADD231PS(w.constant(4), tmp[1], tmp[0])
		w.VFNMADD231PS(w.constant(4), tmp[3], tmp[2])
		w.VADDPS(tmp[2], tmp[0], t[j])
		w.VSUBPS(tmp[2], tmp[0], u[j])
	}
	columns(t)
	columns(u)
	for j := range 6 { // rows 3 and 4: (d4 - d2) ± 2 (d3 - d1)
		w.VMOVUPS(at(4, j), t[j])
		w.VSUBPS(at(2, j), t[j], t[j])
		w.VMOVUPS(at(3, j), tmp[0])
		w.VSUBPS(at(1, j), tmp[0], tmp[0])
		w.VMOVAPS(t[j], u[j])
		w.VFMADD231PS(w.constant(2), tmp[0], t[j])
		w.VFNMADD231PS(w.constant(2), tmp[0], u[j])
	}
	columns(t)
	columns(u)
	edge(1)
	for _, r := range rows {
		w.ADDQ(operand.I32(w.width), r)
	}
	w.ADDQ(operand.I32(w.width), dst)
	w.loop()
}

// weights emits U = GgGᵀ with
//
//	G = [1/4 0 0; -1/6 -1/6 -1/6; -1/6 1/6 -1/6; 1/24 1/12 1/6; 1/24 -1/12 1/6; 0 0 1].
func (w wino) weights() {
	w.begin("WinogradWeights", "transforms 3 x 3 weights, srcStep bytes apart; element i of the result goes to dst + i·dstStep bytes.",
		"func(dst, src *float32, vectors, dstStep, srcStep int)")
	src, in, srcStep, dst, out, step := reg.RSI, reg.RBX, reg.RAX, reg.RDI, reg.R12, reg.R13
	w.Load(w.Param("src"), src)
	w.Load(w.Param("srcStep"), srcStep)
	w.Load(w.Param("dst"), dst)
	w.Load(w.Param("dstStep"), step)
	g, t, u := w.regs[0:9], w.regs[9:12], w.regs[12]
	// combine emits element i of G·(a, b, c) into dst.
	combine := func(i int, a, b, c, dst reg.VecPhysical) {
		switch i {
		case 0:
			w.VMULPS(w.constant(1./4), a, dst)
		case 1, 2:
			w.VADDPS(c, a, dst)
			if i == 1 {
				w.VADDPS(b, dst, dst)
			} else {
				w.VSUBPS(b, dst, dst)
			}
			w.VMULPS(w.constant(-1./6), dst, dst)
		case 3, 4:
			w.VMULPS(w.constant(1./24), a, dst)
			w.VFMADD231PS(w.constant(1./6), c, dst)
			if i == 3 {
				w.VFMADD231PS(w.constant(1./12), b, dst)
			} else {
				w.VFNMADD231PS(w.constant(1./12), b, dst)
			}
		case 5:
			w.VMOVAPS(c, dst)
		}
	}
	w.Label("vector")
	w.MOVQ(src, in)
	for _, r := range g {
		w.VMOVUPS(operand.Mem{Base: in}, r)
		w.ADDQ(srcStep, in)
	}
	w.MOVQ(dst, out)
	for i := range 6 {
		for j := range 3 {
			combine(i, g[j], g[3+j], g[6+j], t[j])
		}
		for j := range 6 {
			combine(j, t[0], t[1], t[2], u)
			w.VMOVUPS(u, operand.Mem{Base: out})
			w.ADDQ(step, out)
		}
	}
	w.ADDQ(operand.I32(w.width), src)
	w.ADDQ(operand.I32(w.width), dst)
	w.loop()
}

// stepReg holds the distance between the products addressed by products.
var stepReg = reg.R10

// products loads the distance between the 36 products from a parameter and returns the address of
// row i in the column that in points to.
func (w wino) products(param string, in reg.GPPhysical) func(i int) operand.Mem {
	row, row3, row5 := reg.R11, reg.R12, reg.R13
	w.Load(w.Param(param), stepReg)
	w.LEAQ(operand.Mem{Base: stepReg, Index: stepReg, Scale: 2}, row)
	w.ADDQ(row, row) // a row has six products
	w.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, row3)
	w.LEAQ(operand.Mem{Base: row, Index: row, Scale: 4}, row5)
	return func(i int) operand.Mem { return indexed(in, row, row3, row5, i) }
}

// evenRows emits rows 0 and 2 of Aᵀ: m0 + (m1 + m2) + (m3 + m4) and (m1 + m2) + 4 (m3 + m4).
func (w wino) evenRows(m func(int) operand.Mem, row0, row2 reg.VecPhysical, tmp []reg.VecPhysical) {
	w.VMOVUPS(m(1), tmp[0])
	w.VADDPS(m(2), tmp[0], tmp[0])
	w.VMOVUPS(m(3), tmp[1])
	w.VADDPS(m(4), tmp[1], tmp[1])
	w.VADDPS(tmp[1], tmp[0], row0)
	w.VADDPS(m(0), row0, row0)
	w.VMOVAPS(tmp[0], row2)
	w.VFMADD231PS(w.constant(4), tmp[1], row2)
}

// output emits y = max(AᵀmA + bias, floor) with
//
//	Aᵀ = [1 1 1 1 1 0; 0 1 -1 2 -2 0; 0 1 1 4 4 0; 0 1 -1 8 -8 1].
func (w wino) output() {
	w.begin("WinogradOutput", "computes 4 x 4 pixels from the 36 products at src + i·srcStep bytes, adds the bias and takes the maximum with floor.",
		"func(dst, src, bias *float32, vectors, srcStep, dstRow, dstPixel int, floor float32)")
	rows := []reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX, reg.RDX}
	one, three, src, in := reg.R8, reg.R9, reg.RSI, reg.RDI
	w.Load(w.Param("dst"), rows[0])
	w.Load(w.Param("dstRow"), one)
	for i := range 3 {
		w.LEAQ(operand.Mem{Base: rows[i], Index: one, Scale: 1}, rows[i+1])
	}
	w.distances("dstPixel", one, three, nil)
	w.Load(w.Param("src"), src)
	m := w.products("srcStep", in)
	s, t, tmp := w.regs[0:6], w.regs[6:12], w.regs[12:16]
	floor, bias := w.parameter("floor"), w.parameter("bias")
	// in is unused while the columns are combined

	// columns emits the products with A of one row, which is in s, and stores them as pixel row r.
	columns := func(s []reg.VecPhysical, r int) {
		w.VBROADCASTSS(floor, tmp[3])
		w.MOVQ(bias, in)
		put := func(v reg.VecPhysical, pixel int) {
			w.VADDPS(operand.Mem{Base: in}, v, v)
			w.VMAXPS(v, tmp[3], v) // this operand order preserves NaN
			w.VMOVUPS(v, indexed(rows[r], one, three, nil, pixel))
		}
		w.VADDPS(s[2], s[1], tmp[0]) // s1 + s2
		w.VSUBPS(s[2], s[1], s[1])   // s1 - s2
		w.VADDPS(s[4], s[3], tmp[1]) // s3 + s4
		w.VSUBPS(s[4], s[3], s[3])   // s3 - s4
		w.VADDPS(tmp[0], s[0], s[0])
		w.VADDPS(tmp[1], s[0], s[0])
		put(s[0], 0)
		w.VMOVAPS(s[1], tmp[2])
		w.VFMADD231PS(w.constant(2), s[3], tmp[2])
		put(tmp[2], 1)
		w.VFMADD231PS(w.constant(4), tmp[1], tmp[0])
		put(tmp[0], 2)
		w.VFMADD231PS(w.constant(8), s[3], s[1])
		w.VADDPS(s[5], s[1], s[1])
		put(s[1], 3)
	}
	w.Label("vector")
	w.MOVQ(src, in)
	for j := range 6 {
		w.evenRows(m, s[j], t[j], tmp)
		w.ADDQ(stepReg, in)
	}
	columns(s, 0)
	columns(t, 2)
	w.MOVQ(src, in)
	for j := range 6 { // rows 1 and 3: (m1 - m2) and (m3 - m4)
		w.VMOVUPS(m(1), s[j])
		w.VSUBPS(m(2), s[j], s[j])
		w.VMOVUPS(m(3), tmp[1])
		w.VSUBPS(m(4), tmp[1], tmp[1])
		w.VMOVAPS(s[j], t[j])
		w.VADDPS(m(5), t[j], t[j])
		w.VFMADD231PS(w.constant(2), tmp[1], s[j])
		w.VFMADD231PS(w.constant(8), tmp[1], t[j])
		w.ADDQ(stepReg, in)
	}
	columns(s, 1)
	columns(t, 3)
	for _, r := range []reg.GPPhysical{rows[0], rows[1], rows[2], rows[3], src} {
		w.ADDQ(operand.I32(w.width), r)
	}
	w.ADDQ(operand.I32(w.width), bias)
	w.loop()
}
