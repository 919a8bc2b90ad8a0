// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
)

// The wide machine is one of AVX2 for programs of functions that need hardly any registers beside the
// accumulator, of which it therefore has twice as many. With six, the core waits for results: the multiplication
// and the addition of a step of a polynomial take six cycles one after the other, in which it could compute twelve
// vectors, and the next round is too far away for it to begin that meanwhile. AVX-512, with 32 registers and twice
// as many numbers in each, has nothing to gain: a copy takes as long there as eight accumulators do.
const wideAccumulators = 12

func wideMachineOf(v arith) machine { return machine{v, v.name + "Wide", wideAccumulators} }

func wideMachine(c *build.Context) {
	both(c, func(v arith) {
		if !v.is512() {
			wideMachineOf(v).emitWide()
		}
	})
}

// The core computes quotients and square roots more slowly than it jumps, so that pairs with them gain nothing;
// other pairs are those that polynomials, scalings and sums consist of.
var pairedWide = []string{"Scale", "Shift", "Square", "Add", "Sub", "Mul"}

func (m machine) emitWide() {
	m.control()
	m.memory()
	for _, f := range simpleForms {
		m.handler(f.name, func() { m.simple(f, 0) })
	}
	m.reversed("Sub", m.sub)
	m.reversed("Div", m.div)
	m.withNumber("MaxNumber", m.max)
	m.withNumber("MinNumber", m.min)
	m.binary("Max", maximum, false)
	m.binary("Min", formOf(binaryForms, "Min"), false)
	m.pairs(func(first, second simple) bool {
		return simplePair(first, second) && slices.Contains(pairedWide, second.name) &&
			(first.name == "Affine" || slices.Contains(pairedWide, first.name))
	})
	m.addresses()
}

func wideMachineTable() string {
	var b strings.Builder
	wideMachineOf(arith{vec: vec{isa: avx2}}).table(&b, "avx2WideMachine", "nil")
	return b.String()
}
