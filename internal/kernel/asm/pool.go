// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Pooling over a run of windows in one output row that the borders clip in the same way: pixels
// windows, step bytes apart, of kh x kw cells with c floats each, in rows of row bytes. A vector
// holds consecutive channels. first is the number of the first cell; skip is added to a cell's
// number at the end of a row of the window.

const poolSizes = "pixels, c, kh, kw, step, row"

var (
	poolOut, poolArg, poolIn       = reg.RDI, reg.RSI, reg.RBX
	poolPixels, poolLeft           = reg.R8, reg.RCX
	poolChannel, poolRow, poolCell = reg.RDX, reg.R11, reg.R12
	poolKH, poolKW                 = reg.R13, reg.RAX
)

// pooling emits one function: block is emitted for whole vectors of channels and for the rest. An
// element of arg has argSize bytes, 0 if there is no arg.
func (v arith) pooling(name, signature, out, in string, argSize int, setUp func(), block func(masked bool, label string)) {
	v.Function(v.name + name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr(signature)
	v.Load(v.Param(out).Base(), poolOut)
	v.Load(v.Param(in).Base(), poolIn)
	if argSize > 0 {
		v.Load(v.Param("arg").Base(), poolArg)
	}
	v.Load(v.Param("pixels"), poolPixels)
	setUp()
	lanes := v.width / 4
	v.Label("pixel")
	v.MOVQ(poolIn, poolChannel)
	v.Load(v.Param("c"), poolLeft)
	v.Label("channels")
	v.CMPQ(poolLeft, operand.U32(lanes))
	v.JLT(operand.LabelRef("rest"))
	block(false, "whole")
	v.ADDQ(operand.U32(v.width), poolChannel)
	v.ADDQ(operand.U32(v.width), poolOut)
	if argSize > 0 {
		v.ADDQ(operand.U32(lanes*argSize), poolArg)
	}
	v.SUBQ(operand.U32(lanes), poolLeft)
	v.JMP(operand.LabelRef("channels"))
	v.Label("rest")
	v.TESTQ(poolLeft, poolLeft)
	v.JZ(operand.LabelRef("next"))
	v.setMask(poolLeft, reg.R10)
	block(true, "part")
	v.LEAQ(operand.Mem{Base: poolOut, Index: poolLeft, Scale: 4}, poolOut)
	if argSize > 0 {
		v.LEAQ(operand.Mem{Base: poolArg, Index: poolLeft, Scale: uint8(argSize)}, poolArg)
	}
	v.Label("next")
	v.ADDQ(v.memory("step"), poolIn)
	v.DECQ(poolPixels)
	v.JNZ(operand.LabelRef("pixel"))
	v.VZEROUPPER()
	v.RET()
}

// memory returns the address of a parameter.
func (v arith) memory(name string) operand.Mem {
	p, err := v.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

// cells emits cell for each cell of a window, and endRow after each of its rows.
func (v arith) cells(label string, cell func(m operand.Mem), endRow func()) {
	v.MOVQ(poolChannel, poolRow)
	v.Load(v.Param("kh"), poolKH)
	v.Load(v.Param("c"), reg.R10)
	v.SHLQ(operand.U8(2), reg.R10)
	v.Label(label + "Row")
	v.MOVQ(poolRow, poolCell)
	v.Load(v.Param("kw"), poolKW)
	v.Label(label + "Cell")
	cell(operand.Mem{Base: poolCell})
	v.ADDQ(reg.R10, poolCell)
	v.DECQ(poolKW)
	v.JNZ(operand.LabelRef(label + "Cell"))
	endRow()
	v.ADDQ(v.memory("row"), poolRow)
	v.DECQ(poolKH)
	v.JNZ(operand.LabelRef(label + "Row"))
}

func pools(c *build.Context) {
	both(c, func(v arith) {
		v.maxPool("MaxPool", "uint8", v.storeBytes)
		v.maxPool("MaxPoolWide", "int32", func(x, _ register, masked bool, _ string) { v.store(x, masked, operand.Mem{Base: poolArg}) })
		v.maxPoolBack()
		v.avgPool()
		v.avgPoolBack()
	})
}

// maxPool stores the numbers of the cells, converted to arg's type by store.
func (v arith) maxPool(name, argType string, store func(x, tmp register, masked bool, label string)) {
	best, index, number, x, skip, t, u := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4], v.regs[5], v.regs[6]
	argSize := 1
	if argType == "int32" {
		argSize = 4
	}
	v.pooling(name, "func(y []float32, arg []"+argType+", x []float32, "+poolSizes+", first, skip int)", "y", "x", argSize,
		func() { v.VPBROADCASTD(v.memory("skip"), skip) },
		func(masked bool, label string) {
			v.load(operand.Mem{Base: poolChannel}, masked, best)
			v.VPBROADCASTD(v.memory("first"), number)
			v.VMOVAPS(number, index)
			v.cells(label, func(m operand.Mem) {
				v.load(m, masked, x)
				// greater than best, or the first NaN
				if v.is512() {
					v.VCMPPS(operand.U8(notLessEqual), best, x, reg.K2)
					v.VCMPPS(operand.U8(7), best, best, reg.K2, reg.K3) // best is not NaN
					v.VMOVAPS(x, reg.K3, best)
					v.VMOVAPS(number, reg.K3, index)
				} else {
					v.VCMPPS(operand.U8(notLessEqual), best, x, t)
					v.VCMPPS(operand.U8(7), best, best, u)
					v.VANDPS(u, t, t)
					v.VBLENDVPS(t, x, best, best)
					v.VBLENDVPS(t, number, index, index)
				}
				v.addInt(number1, number, number)
			}, func() { v.addInt(skip, number, number) })
			v.store(best, masked, operand.Mem{Base: poolOut})
			p, err := v.Param("arg").Len().Resolve()
			if err != nil {
				panic(err)
			}
			v.CMPQ(p.Addr, operand.U8(0))
			v.JEQ(operand.LabelRef(label + "NoArg"))
			store(index, t, masked, label)
			v.Label(label + "NoArg")
		})
}

const number1 number = 1

// storeBytes writes the low bytes of x's elements to arg.
func (v arith) storeBytes(x, tmp register, masked bool, label string) {
	m := operand.Mem{Base: poolArg}
	if v.is512() {
		if masked {
			v.VPMOVDB(x, reg.K1, m)
		} else {
			v.VPMOVDB(x, m)
		}
		return
	}
	v.VEXTRACTI128(operand.U8(1), x, tmp.AsX())
	v.VPACKUSDW(tmp.AsX(), x.AsX(), x.AsX())
	v.VPACKUSWB(x.AsX(), x.AsX(), x.AsX())
	if !masked {
		v.VMOVQ(x.AsX(), m)
		return
	}
	v.VMOVQ(x.AsX(), reg.R10)
	v.XORQ(reg.R11, reg.R11)
	v.Label(label + "Byte")
	v.MOVB(reg.R10.As8(), operand.Mem{Base: poolArg, Index: reg.R11, Scale: 1})
	v.SHRQ(operand.U8(8), reg.R10)
	v.INCQ(reg.R11)
	v.CMPQ(reg.R11, poolLeft)
	v.JLT(operand.LabelRef(label + "Byte"))
}

// loadBytes widens bytes of arg to integers in x.
func (v arith) loadBytes(x register, masked bool, label string) {
	m := operand.Mem{Base: poolArg}
	switch {
	case !masked:
		v.VPMOVZXBD(m, x)
	case v.is512():
		v.VPMOVZXBD_Z(m, reg.K1, x)
	default:
		v.XORQ(reg.R10, reg.R10)
		v.MOVQ(poolLeft, reg.R11)
		v.Label(label + "Byte")
		v.SHLQ(operand.U8(8), reg.R10)
		v.MOVBQZX(operand.Mem{Base: poolArg, Index: reg.R11, Scale: 1, Disp: -1}, reg.R12)
		v.ORQ(reg.R12, reg.R10)
		v.DECQ(reg.R11)
		v.JNZ(operand.LabelRef(label + "Byte"))
		v.VMOVQ(reg.R10, x.AsX())
		v.VPMOVZXBD(x.AsX(), x)
	}
}

func (v arith) maxPoolBack() {
	dy, index, number, x, skip, t := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4], v.regs[5]
	v.pooling("MaxPoolBack", "func(dx []float32, arg []uint8, dy []float32, "+poolSizes+", first, skip int)", "dy", "dx", 1,
		func() { v.VPBROADCASTD(v.memory("skip"), skip) },
		func(masked bool, label string) {
			v.load(operand.Mem{Base: poolOut}, masked, dy)
			v.loadBytes(index, masked, label)
			v.VPBROADCASTD(v.memory("first"), number)
			v.cells(label, func(m operand.Mem) {
				v.load(m, masked, x)
				if v.is512() {
					v.VPCMPEQD(number, index, reg.K2)
					v.VADDPS(dy, x, reg.K2, x)
				} else {
					v.VPCMPEQD(number, index, t)
					v.VANDPS(dy, t, t)
					v.VADDPS(t, x, x)
				}
				v.store(x, masked, m)
				v.addInt(number1, number, number)
			}, func() { v.addInt(skip, number, number) })
		})
}

func (v arith) avgPool() {
	sum, x, scale := v.regs[0], v.regs[1], v.regs[2]
	v.pooling("AvgPool", "func(y, x []float32, "+poolSizes+" int, scale float32)", "y", "x", 0,
		func() { v.broadcast("scale", scale) },
		func(masked bool, label string) {
			v.zero(sum)
			v.cells(label, func(m operand.Mem) {
				v.load(m, masked, x)
				v.add(x, sum, sum)
			}, func() {})
			v.mul(scale, sum, sum)
			v.store(sum, masked, operand.Mem{Base: poolOut})
		})
}

func (v arith) avgPoolBack() {
	dy, x, scale := v.regs[0], v.regs[1], v.regs[2]
	v.pooling("AvgPoolBack", "func(dx, dy []float32, "+poolSizes+" int, scale float32)", "dy", "dx", 0,
		func() { v.broadcast("scale", scale) },
		func(masked bool, label string) {
			v.load(operand.Mem{Base: poolOut}, masked, dy)
			v.mul(scale, dy, dy)
			v.cells(label, func(m operand.Mem) {
				v.load(m, masked, x)
				v.add(dy, x, x)
				v.store(x, masked, m)
			}, func() {})
		})
}
