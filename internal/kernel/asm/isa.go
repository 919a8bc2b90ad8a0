// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const nosplit = attr.NOSPLIT

// isa describes how the two vector instruction sets differ.
type isa struct {
	name  string
	width int // bytes per vector
	rows  int // maximum rows of a matrix tile for which two vectors per row fit in the registers
	regs  []reg.VecPhysical
}

var (
	avx512 = isa{"avx512", 64, 14, []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
		reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
		reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}}
	avx2 = isa{"avx2", 32, 6, []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
		reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	}}
)

// vec is a context that knows its instruction set. The mask of the last vector of a row is in K1
// (AVX-512) or in the last register (AVX2).
type vec struct {
	*build.Context
	isa
}

func (v vec) is512() bool { return v.width == 64 }

func (v vec) lastReg() reg.VecPhysical { return v.regs[len(v.regs)-1] }

// setMask creates the mask for the first n (1 to lanes) elements of a vector; it clobbers tmp.
func (v vec) setMask(n, tmp reg.GPPhysical) {
	if v.is512() {
		v.MOVQ(operand.I32(-1), tmp)
		v.BZHIQ(n, tmp, tmp)
		v.KMOVW(tmp.As32(), reg.K1)
		return
	}
	// a window into eight words of ones followed by eight of zeros
	v.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol("laneMask"), 32), tmp)
	v.NEGQ(n)
	v.VMOVUPS(operand.Mem{Base: tmp, Index: n, Scale: 4}, v.lastReg())
	v.NEGQ(n)
}

func laneMask(c *build.Context) {
	c.StaticGlobal("laneMask")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		word := uint32(0xffffffff)
		if i >= 8 {
			word = 0
		}
		c.AddDatum(4*i, operand.U32(word))
	}
}

// load reads a vector; a masked load reads only the first elements and zeroes the others.
func (v vec) load(m operand.Mem, masked bool, dst reg.VecPhysical) {
	switch {
	case !masked:
		v.VMOVUPS(m, dst)
	case v.is512():
		v.VMOVUPS_Z(m, reg.K1, dst)
	default:
		v.VMASKMOVPS(m, v.lastReg(), dst)
	}
}

func (v vec) store(src reg.VecPhysical, masked bool, m operand.Mem) {
	switch {
	case !masked:
		v.VMOVUPS(src, m)
	case v.is512():
		v.VMOVUPS(src, reg.K1, m)
	default:
		v.VMASKMOVPS(src, v.lastReg(), m)
	}
}

func (v vec) zero(r reg.VecPhysical) {
	if v.is512() {
		v.VPXORD(r, r, r)
		return
	}
	v.VXORPS(r, r, r)
}

func (i isa) tileName(rows, vectors int) string {
	return fmt.Sprintf("%sTile%dx%d", i.name, rows, vectors)
}
