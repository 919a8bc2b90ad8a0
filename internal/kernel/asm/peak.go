// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peakChains, which is simd.PeakChains, is the number of independent multiply-adds in a round: two
// units with a latency of four or five cycles keep 10 in flight.
const peakChains = 12

// peaks emits loops that reach a core's peak rate, for the benchmark of matrix products.
func peaks(c *build.Context) {
	for _, set := range []isa{avx512, avx2} {
		v := vec{c, set}
		v.Function(v.name + "Peak")
		v.Doc(v.name + "Peak performs rounds of PeakChains multiply-adds of vectors in registers.")
		v.Attributes(nosplit)
		v.SignatureExpr("func(rounds int)")
		n, a, b := reg.RCX, v.regs[peakChains], v.regs[peakChains+1]
		v.Load(v.Param("rounds"), n)
		for _, r := range v.regs[:peakChains+2] {
			v.zero(r)
		}
		v.Label("round")
		for _, sum := range v.regs[:peakChains] {
			v.VFMADD231PS(a, b, sum)
		}
		v.DECQ(n)
		v.JG(operand.LabelRef("round"))
		v.VZEROUPPER()
		v.RET()
	}
}
