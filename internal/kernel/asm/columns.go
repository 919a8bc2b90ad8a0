// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Functions over the columns of a matrix. What belongs to some columns is in registers for all of its rows.

// columnPass is such a function.
type columnPass struct {
	name       string
	rows, cols []string // matrices, and vectors of a value for each column
	held       int      // registers for each vector of columns
	// begin fills the registers, row combines a row with them and end stores them. at returns the address of
	// the vector in a matrix, of in a vector, counted from 0.
	begin, row, end func(l columnLane)
}

// columnLane is a vector of columns.
type columnLane struct {
	arith
	held   []register
	t      [2]register
	at, of func(i int) operand.Mem
	masked bool
}

func (l columnLane) get(m operand.Mem, dst register) { l.load(m, l.masked, dst) }

var columnPasses = []columnPass{
	{
		name: "ColTotals", rows: []string{"x"}, cols: []string{"dst"}, held: 1,
		begin: func(l columnLane) { l.zero(l.held[0]) },
		row: func(l columnLane) {
			l.get(l.at(0), l.t[0])
			l.add(l.t[0], l.held[0], l.held[0])
		},
		end: func(l columnLane) { l.store(l.held[0], l.masked, l.of(0)) },
	},
	{
		name: "ColSquares", rows: []string{"x"}, cols: []string{"dst", "base"}, held: 2,
		begin: func(l columnLane) {
			l.zero(l.held[0])
			l.get(l.of(1), l.held[1])
		},
		row: func(l columnLane) {
			l.get(l.at(0), l.t[0])
			l.sub(l.held[1], l.t[0], l.t[0])
			l.mulAdd(l.t[0], l.t[0], l.held[0])
		},
		end: func(l columnLane) { l.store(l.held[0], l.masked, l.of(0)) },
	},
	{
		name: "ColProducts", rows: []string{"x", "dy"}, cols: []string{"sum", "dot", "base"}, held: 3,
		begin: func(l columnLane) {
			l.zero(l.held[0])
			l.zero(l.held[1])
			l.get(l.of(2), l.held[2])
		},
		row: func(l columnLane) {
			l.get(l.at(0), l.t[0])
			l.get(l.at(1), l.t[1])
			l.sub(l.held[2], l.t[0], l.t[0])
			l.add(l.t[1], l.held[0], l.held[0])
			l.mulAdd(l.t[0], l.t[1], l.held[1])
		},
		end: func(l columnLane) {
			l.store(l.held[0], l.masked, l.of(0))
			l.store(l.held[1], l.masked, l.of(1))
		},
	},
	{
		name: "ScaleCols", rows: []string{"dst", "x"}, cols: []string{"base", "scale", "offset"}, held: 3,
		begin: holdAll,
		row: func(l columnLane) {
			l.get(l.at(1), l.t[0])
			l.sub(l.held[0], l.t[0], l.t[0])
			l.VFMADD213PS(l.held[2], l.held[1], l.t[0])
			l.store(l.t[0], l.masked, l.at(0))
		},
	},
	{
		name: "ScaleColsBack", rows: []string{"dx", "x", "dy"}, cols: []string{"base", "slope", "offset", "scale"}, held: 4,
		begin: holdAll,
		row: func(l columnLane) {
			l.get(l.at(1), l.t[0])
			l.get(l.at(2), l.t[1])
			l.sub(l.held[0], l.t[0], l.t[0])
			l.VFMADD213PS(l.held[2], l.held[1], l.t[0])
			l.mulAdd(l.held[3], l.t[1], l.t[0])
			l.store(l.t[0], l.masked, l.at(0))
		},
	},
}

func holdAll(l columnLane) {
	for i, r := range l.held {
		l.get(l.of(i), r)
	}
}

func (v arith) columns(c columnPass) {
	v.Function(v.name + "Fn" + c.name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	names := slices.Concat(c.cols, c.rows)
	signature := "func("
	for _, n := range names {
		signature += n + ", "
	}
	v.SignatureExpr(signature[:len(signature)-2] + " []float32, rows int)")
	pointers := []reg.GPPhysical{reg.RSI, reg.RDI, reg.R8, reg.R9, reg.R10, reg.R11, reg.R12}[:len(names)]
	left, rows, step, n, offset := reg.RCX, reg.RBX, reg.RAX, reg.RDX, reg.R13
	for i, name := range names {
		v.Load(v.Param(name).Base(), pointers[i])
	}
	v.Load(v.Param(names[0]).Len(), left)
	v.Load(v.Param("rows"), rows)
	v.MOVQ(left, step)
	v.SHLQ(operand.U8(2), step)
	vectors := 8
	for vectors*c.held+2 > len(v.regs)-1 {
		vectors /= 2
	}
	pass := func(name string, vectors int, masked bool) {
		each := func(f func(l columnLane)) {
			for i := range vectors {
				f(columnLane{
					arith: v, held: v.regs[2+i*c.held : 2+(i+1)*c.held], t: [2]register{v.regs[0], v.regs[1]}, masked: masked,
					at: func(k int) operand.Mem {
						return operand.Mem{Base: pointers[len(c.cols)+k], Index: offset, Scale: 1, Disp: i * v.width}
					},
					of: func(k int) operand.Mem { return operand.Mem{Base: pointers[k], Disp: i * v.width} },
				})
			}
		}
		each(c.begin)
		v.XORQ(offset, offset)
		v.MOVQ(rows, n)
		v.TESTQ(n, n)
		v.JZ(operand.LabelRef(name + "None"))
		v.Label(name + "Row")
		each(c.row)
		v.ADDQ(step, offset)
		v.DECQ(n)
		v.JNZ(operand.LabelRef(name + "Row"))
		v.Label(name + "None")
		if c.end != nil {
			each(c.end)
		}
	}
	for _, b := range []struct {
		name    string
		vectors int
	}{{"many", vectors}, {"one", 1}} {
		width := b.vectors * v.width / 4
		v.Label(b.name)
		v.CMPQ(left, operand.U32(width))
		v.JLT(operand.LabelRef(b.name + "Done"))
		pass(b.name, b.vectors, false)
		for _, p := range pointers {
			v.ADDQ(operand.U32(width*4), p)
		}
		v.SUBQ(operand.U32(width), left)
		v.JMP(operand.LabelRef(b.name))
		v.Label(b.name + "Done")
	}
	v.TESTQ(left, left)
	v.JZ(operand.LabelRef("end"))
	v.setMask(left, offset)
	pass("part", 1, true)
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}
