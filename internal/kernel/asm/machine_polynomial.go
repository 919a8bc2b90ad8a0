// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/operand"
)

// polynomial emits the handler of the steps of Horner's method: the accumulator is multiplied by the operand and
// a coefficient is added, for each of the coefficients, whose address is the second operand and whose number of
// bytes is in place of the second mask. A handler of two functions takes seven cycles with eight vectors of AVX-512
// and 8.5 with twelve of AVX2, of which four and six are arithmetic; a round of the loop here does not jump
// elsewhere, nor read where its operands are.
func (m machine) polynomial() {
	temps, _ := m.temps(0)
	coefficient, xs := temps[0], temps[1:]
	m.handler("Polynomial", func() {
		m.operand()
		x := func(i int) operand.Op { return m.element(i) }
		if len(xs) >= m.accumulators {
			m.each(func(i int) { m.VMOVUPS(m.element(i), xs[i]) })
			x = func(i int) operand.Op { return xs[i] }
		}
		m.MOVQ(operand.Mem{Base: pc, Disp: fieldOperand2}, base2)
		m.MOVQ(operand.Mem{Base: pc, Disp: fieldMoving2}, index2)
		m.ADDQ(index2, base2)
		m.NEGQ(index2)
		m.Label("coefficient")
		m.VBROADCASTSS(operand.Mem{Base: base2, Index: index2, Scale: 1}, coefficient)
		m.each(func(i int) { m.mul(x(i), m.acc(i), m.acc(i)) })
		m.each(func(i int) { m.add(coefficient, m.acc(i), m.acc(i)) })
		m.ADDQ(operand.U8(4), index2)
		m.JNZ(operand.LabelRef("coefficient"))
	})
}
