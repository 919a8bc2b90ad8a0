// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Dropout by Philox4x32-10. A vector holds one word of as many counters as it has lanes; words 0 to
// 3 of counters c..c+15 are used for 64 consecutive elements, sixteen each.

const philoxRounds = 10

func philox(c *build.Context) {
	count := c.StaticGlobal("count")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		c.AddDatum(4*i, operand.U32(i))
	}
	both(c, func(v arith) { v.dropout(count) })
}

func (v arith) dropout(count operand.Mem) {
	v.Function(v.name + "Dropout")
	v.Doc(v.name + "Dropout needs a multiple of 64 elements; keys are the ten pairs of round keys.")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(dst, x []float32, keys *[20]uint32, counter, step, stream0, stream1, drop uint32, scale float32)")
	dst, x, left, keys := reg.RDI, reg.RSI, reg.RCX, reg.RBX
	v.Load(v.Param("dst").Base(), dst)
	v.Load(v.Param("x").Base(), x)
	v.Load(v.Param("dst").Len(), left)
	v.Load(v.Param("keys"), keys)
	r := v.regs
	counter, drop, scale, m0, m1, tmp := r[0], r[1], r[2], r[3], r[4], r[5]
	v.broadcast("counter", counter)
	v.VPADDD(count, counter, counter)
	v.broadcast("drop", drop)
	v.broadcast("scale", scale)
	v.VPBROADCASTD(v.constant(0xD2511F53), m0)
	v.VPBROADCASTD(v.constant(0xCD9E8D57), m1)
	if v.is512() {
		v.MOVL(operand.U32(0xAAAA), reg.EAX)
		v.KMOVW(reg.EAX, reg.K2)
	}
	lanes := v.width / 4
	v.TESTQ(left, left)
	v.JZ(operand.LabelRef("end"))
	v.Label("block")
	for part := range 16 / lanes {
		c := [4]register{r[6], r[7], r[8], r[9]}
		free := [4]register{r[10], r[11], r[12], r[13]}
		v.VMOVAPS(counter, c[0])
		v.broadcast("step", c[1])
		v.broadcast("stream0", c[2])
		v.broadcast("stream1", c[3])
		v.addInt(number(lanes), counter, counter)
		for round := range philoxRounds {
			hi0, lo0, hi1, lo1 := free[0], free[1], free[2], free[3]
			v.product(c[0], m0, hi0, lo0, tmp)
			v.product(c[2], m1, hi1, lo1, tmp)
			v.VPBROADCASTD(operand.Mem{Base: keys, Disp: 8 * round}, tmp)
			v.xor(c[1], hi1, hi1)
			v.xor(tmp, hi1, hi1)
			v.VPBROADCASTD(operand.Mem{Base: keys, Disp: 8*round + 4}, tmp)
			v.xor(c[3], hi0, hi0)
			v.xor(tmp, hi0, hi0)
			c, free = [4]register{hi1, lo1, hi0, lo0}, c
		}
		for word, random := range c {
			offset := 64*word + v.width*part
			y := free[word]
			v.VMULPS(operand.Mem{Base: x, Disp: offset}, scale, y)
			v.VPMAXUD(drop, random, tmp)
			if v.is512() {
				v.VPCMPEQD(tmp, random, reg.K3)
				v.VMOVAPS_Z(y, reg.K3, y)
			} else {
				v.VPCMPEQD(tmp, random, tmp)
				v.VANDPS(tmp, y, y)
			}
			v.VMOVUPS(y, operand.Mem{Base: dst, Disp: offset})
		}
	}
	v.ADDQ(operand.U32(256), x)
	v.ADDQ(operand.U32(256), dst)
	v.SUBQ(operand.U32(64), left)
	v.JNZ(operand.LabelRef("block"))
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}

// product writes the high and low halves of x m for each 32-bit element: even and odd elements are
// multiplied separately, to 64 bits each.
func (v arith) product(x, m, hi, lo, tmp register) {
	v.VPSRLQ(operand.U8(32), x, tmp)
	v.VPMULUDQ(m, x, lo)
	v.VPMULUDQ(m, tmp, hi)
	v.VPSRLQ(operand.U8(32), lo, tmp)
	if v.is512() {
		v.VPBLENDMD(hi, tmp, reg.K2, tmp)
		v.VPSLLQ(operand.U8(32), hi, hi)
		v.VPBLENDMD(hi, lo, reg.K2, lo)
	} else {
		v.VPBLENDD(operand.U8(0xAA), hi, tmp, tmp)
		v.VPSLLQ(operand.U8(32), hi, hi)
		v.VPBLENDD(operand.U8(0xAA), hi, lo, lo)
	}
	v.VMOVAPS(tmp, hi)
}
