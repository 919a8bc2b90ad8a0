// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// In-register transposes, used to pack a transposed B. Each function reads adjacent blocks of
// lanes x lanes floats (lanes rows of src, srcRow bytes apart) and writes their columns as rows
// that are dstRow bytes apart.
func transposes(c *build.Context) {
	for _, set := range []isa{avx512, avx2} {
		v := vec{c, set}
		v.Function(set.name + "Transpose")
		v.Attributes(nosplit)
		v.Pragma("noescape")
		v.Doc(set.name + "Transpose transposes adjacent blocks of lanes x lanes floats in src; distances are in bytes.")
		v.SignatureExpr("func(dst, src *float32, blocks, dstRow, srcRow int)")
		dst, src, blocks, dstRow, srcRow := reg.RDI, reg.RSI, reg.RCX, reg.R8, reg.R9
		v.Load(v.Param("dst"), dst)
		v.Load(v.Param("src"), src)
		v.Load(v.Param("blocks"), blocks)
		v.Load(v.Param("dstRow"), dstRow)
		v.Load(v.Param("srcRow"), srcRow)
		v.Label("block")
		v.MOVQ(src, reg.RAX)
		lanes := v.width / 4
		for i := range lanes {
			v.VMOVUPS(operand.Mem{Base: reg.RAX}, v.regs[i])
			if i < lanes-1 {
				v.ADDQ(srcRow, reg.RAX)
			}
		}
		for _, r := range v.transpose() {
			v.VMOVUPS(r, operand.Mem{Base: dst})
			v.ADDQ(dstRow, dst)
		}
		v.ADDQ(operand.U32(v.width), src)
		v.DECQ(blocks)
		v.JNZ(operand.LabelRef("block"))
		v.VZEROUPPER()
		v.RET()
		v.pack("PackColumns", 1)
		v.pack("PackRows", panelVectors)
	}
}

// pack copies one or two vectors at each of the offsets, from each of several rows that are srcRow
// bytes apart, to contiguous panels that are dstPanel bytes apart.
func (v vec) pack(name string, vectors int) {
	v.Function(v.name + name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.Doc(fmt.Sprintf("%s%s copies %d vectors of each row at each offset to a separate panel; offsets and distances are in bytes.", v.name, name, vectors))
	v.SignatureExpr("func(dst, src *float32, offsets *int, panels, rows, dstPanel, srcRow int)")
	dst, src, offsets, panels, rows, dstPanel, srcRow := reg.RDI, reg.RSI, reg.RBX, reg.RCX, reg.RDX, reg.R8, reg.R9
	v.Load(v.Param("dst"), dst)
	v.Load(v.Param("src"), src)
	v.Load(v.Param("offsets"), offsets)
	v.Load(v.Param("panels"), panels)
	v.Load(v.Param("rows"), rows)
	v.Load(v.Param("dstPanel"), dstPanel)
	v.Load(v.Param("srcRow"), srcRow)
	at, to, p := reg.RAX, reg.R10, reg.R11
	v.Label("row")
	v.MOVQ(dst, to)
	v.XORQ(p, p)
	v.Label("panel")
	v.MOVQ(operand.Mem{Base: offsets, Index: p, Scale: 8}, at)
	for i, r := range v.regs[:vectors] {
		v.VMOVUPS(operand.Mem{Base: src, Index: at, Scale: 1, Disp: i * v.width}, r)
	}
	for i, r := range v.regs[:vectors] {
		v.VMOVUPS(r, operand.Mem{Base: to, Disp: i * v.width})
	}
	v.ADDQ(dstPanel, to)
	v.INCQ(p)
	v.CMPQ(p, panels)
	v.JLT(operand.LabelRef("panel"))
	v.ADDQ(operand.U32(vectors*v.width), dst)
	v.ADDQ(srcRow, src)
	v.DECQ(rows)
	v.JNZ(operand.LabelRef("row"))
	v.VZEROUPPER()
	v.RET()
}

// transpose transposes the rows in the first lanes registers and returns the registers that
// then hold the columns. Within 128-bit quarters it interleaves words, then pairs of words;
// then it moves the quarters.
func (v vec) transpose() []reg.VecPhysical {
	lanes := v.width / 4
	lo, hi := v.regs[:lanes], v.regs[lanes:2*lanes]
	for i := 0; i < lanes; i += 2 {
		v.VUNPCKLPS(lo[i+1], lo[i], hi[i])
		v.VUNPCKHPS(lo[i+1], lo[i], hi[i+1])
	}
	// lo[g+c] gets, in quarter q, column 4q+c of the rows g..g+3
	for g := 0; g < lanes; g += 4 {
		v.VUNPCKLPD(hi[g+2], hi[g], lo[g])
		v.VUNPCKHPD(hi[g+2], hi[g], lo[g+1])
		v.VUNPCKLPD(hi[g+3], hi[g+1], lo[g+2])
		v.VUNPCKHPD(hi[g+3], hi[g+1], lo[g+3])
	}
	if !v.is512() {
		for c := range 4 {
			v.VPERM2F128(operand.U8(0x20), lo[4+c], lo[c], hi[c])
			v.VPERM2F128(operand.U8(0x31), lo[4+c], lo[c], hi[4+c])
		}
		return hi
	}
	const even, odd = operand.U8(0x88), operand.U8(0xdd) // quarters 0, 2 or 1, 3 of each source
	for c := range 4 {
		v.VSHUFF32X4(even, lo[4+c], lo[c], hi[c])
		v.VSHUFF32X4(odd, lo[4+c], lo[c], hi[4+c])
		v.VSHUFF32X4(even, lo[12+c], lo[8+c], hi[8+c])
		v.VSHUFF32X4(odd, lo[12+c], lo[8+c], hi[12+c])
	}
	for c := range 4 {
		v.VSHUFF32X4(even, hi[8+c], hi[c], lo[c])
		v.VSHUFF32X4(odd, hi[8+c], hi[c], lo[8+c])
		v.VSHUFF32X4(even, hi[12+c], hi[4+c], lo[4+c])
		v.VSHUFF32X4(odd, hi[12+c], hi[4+c], lo[12+c])
	}
	return lo
}
