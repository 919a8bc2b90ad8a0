// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Functions that move elements, or check where to.
func moves(c *build.Context) {
	both(c, func(v arith) {
		v.copyRows()
		v.joinRows()
		v.outside()
		v.combineRows()
	})
}

// copyRows emits the copying of rows of n bytes that are dstStep and srcStep bytes apart. What is left of a row
// beyond whole vectors is copied with the end of the vector before it, so a row has at least simd.LeastRow bytes.
func (v arith) copyRows() {
	v.Function(v.name + "CopyRows")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.Doc(fmt.Sprintf("%sCopyRows copies rows of n bytes, at least LeastRow; distances are in bytes.", v.name))
	v.SignatureExpr("func(dst, src *byte, rows, n, dstStep, srcStep int)")
	dst, src, rows, n, dstStep, srcStep := reg.RDI, reg.RSI, reg.RCX, reg.RDX, reg.R8, reg.R9
	at, left := reg.RAX, reg.RBX
	v.Load(v.Param("dst"), dst)
	v.Load(v.Param("src"), src)
	v.Load(v.Param("rows"), rows)
	v.Load(v.Param("n"), n)
	v.Load(v.Param("dstStep"), dstStep)
	v.Load(v.Param("srcStep"), srcStep)
	v.Label("row")
	v.copyRow(dst, src, n, at, left)
	v.ADDQ(dstStep, dst)
	v.ADDQ(srcStep, src)
	v.DECQ(rows)
	v.JNZ(operand.LabelRef("row"))
	v.VZEROUPPER()
	v.RET()
}

// copyRow emits the copying of n bytes, at least simd.LeastRow; at and left are changed.
func (v arith) copyRow(dst, src, n, at, left reg.GPPhysical) {
	move := func(vectors int, disp int) {
		for i := range vectors {
			v.VMOVUPS(operand.Mem{Base: src, Index: at, Scale: 1, Disp: disp + i*v.width}, v.regs[i])
		}
		for i := range vectors {
			v.VMOVUPS(v.regs[i], operand.Mem{Base: dst, Index: at, Scale: 1, Disp: disp + i*v.width})
		}
	}
	v.XORQ(at, at)
	v.MOVQ(n, left)
	v.SUBQ(operand.U32(4*v.width), left)
	v.JLT(operand.LabelRef("few"))
	// from the first whole line of dst on, whose vectors do not cross lines
	move(1, 0)
	v.MOVQ(dst, at)
	v.NEGQ(at)
	v.ANDQ(operand.U32(v.width-1), at)
	v.SUBQ(at, left)
	v.JLT(operand.LabelRef("few"))
	v.Label("four")
	move(4, 0)
	v.ADDQ(operand.U32(4*v.width), at)
	v.SUBQ(operand.U32(4*v.width), left)
	v.JGE(operand.LabelRef("four"))
	v.Label("few")
	v.ADDQ(operand.U32(3*v.width), left)
	v.JLT(operand.LabelRef("rest"))
	v.Label("one")
	move(1, 0)
	v.ADDQ(operand.U32(v.width), at)
	v.SUBQ(operand.U32(v.width), left)
	v.JGE(operand.LabelRef("one"))
	v.Label("rest")
	v.ADDQ(operand.U32(v.width), left)
	v.JZ(operand.LabelRef("next"))
	v.MOVQ(n, at)
	move(1, -v.width)
	v.Label("next")
}

// joinRows emits the copying of rows lo to hi-1 that are made of a row of each of count parts, whose addresses and bytes
// parts has: dst is where row lo starts.
func (v arith) joinRows() {
	v.Function(v.name + "JoinRows")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.Doc(fmt.Sprintf("%sJoinRows joins rows lo to hi-1 of parts, each of at least LeastRow bytes.", v.name))
	v.SignatureExpr("func(dst, parts *byte, count, lo, hi int)")
	dst, src, n, at, left := reg.RDI, reg.RSI, reg.RDX, reg.RAX, reg.RBX
	parts, count, row, hi, part, more := reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13
	v.Load(v.Param("dst"), dst)
	v.Load(v.Param("parts"), parts)
	v.Load(v.Param("count"), count)
	v.Load(v.Param("lo"), row)
	v.Load(v.Param("hi"), hi)
	v.Label("row")
	v.MOVQ(parts, part)
	v.MOVQ(count, more)
	v.Label("part")
	v.MOVQ(operand.Mem{Base: part, Disp: 8}, n)
	v.MOVQ(n, src)
	v.IMULQ(row, src)
	v.ADDQ(operand.Mem{Base: part}, src)
	v.copyRow(dst, src, n, at, left)
	v.ADDQ(n, dst)
	v.ADDQ(operand.U32(16), part)
	v.DECQ(more)
	v.JNZ(operand.LabelRef("part"))
	v.INCQ(row)
	v.CMPQ(row, hi)
	v.JLT(operand.LabelRef("row"))
	v.VZEROUPPER()
	v.RET()
}

// outside emits a check of indices, a multiple of 16 of them: whether one is negative or not below n. Either id
// or n-1-id is then negative.
func (v arith) outside() {
	v.Function(v.name + "Outside")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(ids []int64, n int64) bool")
	at, left := reg.RDI, reg.RCX
	v.Load(v.Param("ids").Base(), at)
	v.Load(v.Param("ids").Len(), left)
	last, or, signs, tmp := v.regs[0], func(ops ...operand.Op) { v.VPOR(ops[0], ops[1], ops[2]) }, v.regs[1:3], v.regs[3:5]
	v.Load(v.Param("n"), reg.RAX)
	v.DECQ(reg.RAX)
	v.VMOVQ(reg.RAX, last.AsX())
	v.VPBROADCASTQ(last.AsX(), last)
	if v.is512() {
		or = v.VPORQ
	}
	v.zero(signs[0])
	v.zero(signs[1])
	const together = 16
	v.SUBQ(operand.U32(together), left)
	v.JLT(operand.LabelRef("done"))
	v.Label("many")
	for i := range together * 8 / v.width {
		if i*v.width%line == 0 {
			v.PREFETCHT0(operand.Mem{Base: at, Disp: i*v.width + fetchAhead})
		}
		m, s, t := operand.Mem{Base: at, Disp: i * v.width}, signs[i%2], tmp[i%2]
		or(m, s, s)
		v.VPSUBQ(m, last, t)
		or(t, s, s)
	}
	v.ADDQ(operand.U32(together*8), at)
	v.SUBQ(operand.U32(together), left)
	v.JGE(operand.LabelRef("many"))
	v.Label("done")
	or(signs[1], signs[0], signs[0])
	if v.is512() {
		v.VEXTRACTI64X4(operand.U8(1), signs[0], tmp[0].AsY())
		v.VPOR(tmp[0].AsY(), signs[0].AsY(), signs[0].AsY())
	}
	v.VMOVMSKPD(signs[0].AsY(), reg.EAX)
	v.TESTL(reg.EAX, reg.EAX)
	v.SETNE(reg.AL)
	v.Store(reg.AL, v.ReturnIndex(0))
	v.VZEROUPPER()
	v.RET()
}

// combineRows emits dst_rj = v_r x_aj + w_r x_bj with the rounding of Combine: of each row of cols floats, index
// has a and b, and weight v and w.
func (v arith) combineRows() {
	v.Function(v.name + "CombineRows")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(dst, x []float32, index []int, weight []float32, cols int)")
	dst, x, index, weight, rows := reg.RDI, reg.RSI, reg.RBX, reg.RDX, reg.RCX
	cols, size, a, b, left := reg.R8, reg.R9, reg.R10, reg.R11, reg.RAX
	v.Load(v.Param("dst").Base(), dst)
	v.Load(v.Param("x").Base(), x)
	v.Load(v.Param("index").Base(), index)
	v.Load(v.Param("index").Len(), rows)
	v.Load(v.Param("weight").Base(), weight)
	v.Load(v.Param("cols"), cols)
	v.SHRQ(operand.U8(1), rows)
	v.JZ(operand.LabelRef("end"))
	v.MOVQ(cols, size)
	v.SHLQ(operand.U8(2), size)
	lanes := v.width / 4
	v.MOVQ(cols, left)
	v.ANDQ(operand.U32(lanes-1), left)
	v.JZ(operand.LabelRef("row"))
	v.setMask(left, a)
	v1, v2 := v.regs[0], v.regs[1]
	body := func(masked bool) {
		p, q := v.regs[2], v.regs[3]
		v.load(operand.Mem{Base: a}, masked, p)
		v.load(operand.Mem{Base: b}, masked, q)
		v.mul(v2, q, q)
		v.mul(v1, p, p)
		v.add(q, p, p)
		v.store(p, masked, operand.Mem{Base: dst})
	}
	v.Label("row")
	for i, r := range []reg.GPPhysical{a, b} {
		v.MOVQ(operand.Mem{Base: index, Disp: 8 * i}, r)
		v.IMULQ(size, r)
		v.ADDQ(x, r)
		v.VBROADCASTSS(operand.Mem{Base: weight, Disp: 4 * i}, v.regs[i])
	}
	v.MOVQ(cols, left)
	v.SUBQ(operand.U32(lanes), left)
	v.JLT(operand.LabelRef("rest"))
	v.Label("many")
	body(false)
	for _, r := range []reg.GPPhysical{a, b, dst} {
		v.ADDQ(operand.U32(v.width), r)
	}
	v.SUBQ(operand.U32(lanes), left)
	v.JGE(operand.LabelRef("many"))
	v.Label("rest")
	v.ADDQ(operand.U32(lanes), left)
	v.JZ(operand.LabelRef("next"))
	body(true)
	v.LEAQ(operand.Mem{Base: dst, Index: left, Scale: 4}, dst)
	v.Label("next")
	v.ADDQ(operand.U32(16), index)
	v.ADDQ(operand.U32(8), weight)
	v.DECQ(rows)
	v.JNZ(operand.LabelRef("row"))
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}

// moveTables lists the functions for both instruction sets.
func moveTables() string {
	var b strings.Builder
	for _, v := range []isa{avx512, avx2} {
		fmt.Fprintf(&b, "\nvar %[1]sMoves = Moves{CopyRows: %[1]sCopyRows, JoinRows: %[1]sJoinRows, Outside: %[1]sOutside, CombineRows: %[1]sCombineRows}\n", v.name)
	}
	return b.String()
}
