// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sums of rows of a table: dst += sum_p vals_p table[ids_p], with the accumulators in registers.

// prefetchAhead is how many ids ahead rows are prefetched, since they can be anywhere in memory.
const prefetchAhead = 8

func gathers(c *build.Context) {
	both(c, func(v arith) {
		v.gatherSum("GatherSum", false)
		v.gatherSum("GatherSumScaled", true)
	})
	fetch(c)
}

// fetch prefetches the cache lines of x.
func fetch(c *build.Context) {
	c.Function("Fetch")
	c.Doc("Fetch prefetches x to the first-level cache.")
	c.Attributes(nosplit)
	c.Pragma("noescape")
	c.SignatureExpr("func(x []float32)")
	at, left := reg.RDI, reg.RCX
	c.Load(c.Param("x").Base(), at)
	c.Load(c.Param("x").Len(), left)
	c.Label("line")
	c.PREFETCHT0(operand.Mem{Base: at})
	c.ADDQ(operand.Imm(64), at)
	c.SUBQ(operand.Imm(16), left)
	c.JG(operand.LabelRef("line"))
	c.RET()
}

func (v arith) gatherSum(name string, scaled bool) {
	v.Function(v.name + name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	sig := "func(dst, table []float32, ids []int32"
	if scaled {
		sig += ", vals []float32"
	}
	v.SignatureExpr(sig + ")")
	dst, table, ids, left, n, rowBytes, vals := reg.RDI, reg.RSI, reg.RBX, reg.RCX, reg.R8, reg.R11, reg.R12
	p, at, ahead, last := reg.RDX, reg.RAX, reg.R9, reg.R13
	v.Load(v.Param("dst").Base(), dst)
	v.Load(v.Param("dst").Len(), left)
	v.Load(v.Param("table").Base(), table)
	v.Load(v.Param("ids").Base(), ids)
	v.Load(v.Param("ids").Len(), n)
	if scaled {
		v.Load(v.Param("vals").Base(), vals)
	}
	v.MOVQ(left, rowBytes)
	v.SHLQ(operand.U8(2), rowBytes)
	v.MOVQ(n, last)
	v.DECQ(last)
	v.JLT(operand.LabelRef("end"))
	lanes := v.width / 4
	factor, tmp := v.regs[8], v.regs[9]
	pass := func(label string, vectors int, masked bool) {
		sums := v.regs[:vectors]
		for i, s := range sums {
			v.load(operand.Mem{Base: dst, Disp: i * v.width}, masked, s)
		}
		v.XORQ(p, p)
		v.Label(label)
		v.LEAQ(operand.Mem{Base: p, Disp: prefetchAhead}, ahead)
		v.CMPQ(ahead, last)
		v.CMOVQGT(last, ahead)
		v.MOVLQSX(operand.Mem{Base: ids, Index: ahead, Scale: 4}, ahead)
		v.IMULQ(rowBytes, ahead)
		v.PREFETCHT0(operand.Mem{Base: table, Index: ahead, Scale: 1})
		v.MOVLQSX(operand.Mem{Base: ids, Index: p, Scale: 4}, at)
		v.IMULQ(rowBytes, at)
		if scaled {
			v.VBROADCASTSS(operand.Mem{Base: vals, Index: p, Scale: 4}, factor)
		}
		for i, s := range sums {
			m := operand.Mem{Base: table, Index: at, Scale: 1, Disp: i * v.width}
			var x operand.Op = m
			if masked {
				v.load(m, true, tmp)
				x = tmp
			}
			if scaled {
				v.mulAdd(x, factor, s)
			} else {
				v.add(x, s, s)
			}
		}
		v.INCQ(p)
		v.CMPQ(p, n)
		v.JLT(operand.LabelRef(label))
		for i, s := range sums {
			v.store(s, masked, operand.Mem{Base: dst, Disp: i * v.width})
		}
	}
	for _, b := range []struct {
		name    string
		vectors int
	}{{"four", 4}, {"two", 2}, {"one", 1}} {
		v.Label(b.name)
		v.CMPQ(left, operand.U32(b.vectors*lanes))
		v.JLT(operand.LabelRef(b.name + "Done"))
		pass(b.name+"Row", b.vectors, false)
		v.ADDQ(operand.U32(b.vectors*v.width), dst)
		v.ADDQ(operand.U32(b.vectors*v.width), table)
		v.SUBQ(operand.U32(b.vectors*lanes), left)
		v.JMP(operand.LabelRef(b.name))
		v.Label(b.name + "Done")
	}
	v.TESTQ(left, left)
	v.JZ(operand.LabelRef("end"))
	v.setMask(left, reg.R10)
	pass("partRow", 1, true)
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}
