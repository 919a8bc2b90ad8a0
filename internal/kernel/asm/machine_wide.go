// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
)

// The wide machine is one of AVX2 for programs of functions that need hardly any registers beside the
// accumulator, of which it therefore has twice as many. With six, the core waits for results: a multiplication
// and the addition of its result take six cycles, in which it could compute twelve vectors, and the next round
// lies too far ahead for the core to begin it meanwhile. A polynomial of degree 5 takes 5.4 cycles a vector
// instead of 5.9, in the cache. With AVX-512, sixteen accumulators gain 5 % there and nothing where memory limits.
const wideAccumulators = 12

func wideMachineOf(v arith) machine { return machine{v, v.name + "Wide", wideAccumulators} }

func wideMachine(c *build.Context) {
	both(c, func(v arith) {
		if !v.is512() {
			wideMachineOf(v).emitWide()
		}
	})
}

// pairedWide are the functions of pairs; Affine begins some, too. Quotients and square roots take longer than the
// jump, which goes on meanwhile; with pairs of Neg, Abs and Clip, no chain that was measured became faster.
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
	m.polynomial()
	m.addresses()
}

func wideMachineTable() string {
	var b strings.Builder
	wideMachineOf(arith{vec: vec{isa: avx2}}).table(&b, "avx2WideMachine", "nil")
	return b.String()
}
