// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
)

// A jump to a handler costs more than the instruction that most handlers are made of: no core predicts such
// jumps one after the other without a gap. So there are handlers of two functions, superinstructions
// (A. Ertl and D. Gregg, The Structure and Performance of Efficient Interpreters, JILP 5, 2003).
// The second function has the second operand and the second numbers of the instruction. Each rounds as it
// does alone.

// simple is a function of few instructions of the accumulator x and numbers or, if it reads an operand, y.
type simple struct {
	name    string
	numbers int
	reads   bool
	temps   int
	body    func(l lane, x register, y operand.Op)
}

var simpleForms = []simple{
	{"Neg", 0, false, 0, func(l lane, x register, _ operand.Op) { l.neg(x, x) }},
	{"Abs", 0, false, 0, func(l lane, x register, _ operand.Op) { l.abs(x, x) }},
	{"Scale", 1, false, 0, func(l lane, x register, _ operand.Op) { l.mul(l.scalars[0], x, x) }},
	{"Shift", 1, false, 0, func(l lane, x register, _ operand.Op) { l.add(l.scalars[0], x, x) }},
	{"Square", 0, false, 0, func(l lane, x register, _ operand.Op) { l.mul(x, x, x) }},
	{"Clip", 2, false, 0, func(l lane, x register, _ operand.Op) {
		l.max(x, l.scalars[0], x)
		l.min(x, l.scalars[1], x)
	}},
	{"Affine", 2, false, 0, func(l lane, x register, _ operand.Op) {
		l.mul(l.scalars[0], x, x)
		l.add(l.scalars[1], x, x)
	}},
	{"Reciprocal", 0, false, 1, func(l lane, x register, _ operand.Op) {
		l.set(1, l.t[0])
		l.div(x, l.t[0], x)
	}},
	{"Sqrt", 0, false, 0, func(l lane, x register, _ operand.Op) { l.VSQRTPS(x, x) }},
	{"Add", 0, true, 0, func(l lane, x register, y operand.Op) { l.add(y, x, x) }},
	{"Sub", 0, true, 0, func(l lane, x register, y operand.Op) { l.sub(y, x, x) }},
	{"Mul", 0, true, 0, func(l lane, x register, y operand.Op) { l.mul(y, x, x) }},
	{"Div", 0, true, 0, func(l lane, x register, y operand.Op) { l.div(y, x, x) }},
}

// firstOnly and secondOnly are functions that only begin or end pairs.
var firstOnly, secondOnly = []string{"Clip", "Affine"}, []string{"Reciprocal", "Sqrt", "Div"}

// simplePair says whether there is a handler of two functions.
func simplePair(first, second simple) bool {
	return !slices.Contains(secondOnly, first.name) && !slices.Contains(firstOnly, second.name) && (first.name != second.name || first.reads)
}

// pairs emits the handlers of two simple functions, and one that keeps the accumulators and loads them anew.
func (m machine) pairs(emitted func(first, second simple) bool) {
	for _, first := range simpleForms {
		for _, second := range simpleForms {
			if emitted(first, second) {
				m.pair(first, second)
			}
		}
	}
	m.handler("storeload", func() {
		m.operand()
		m.each(func(i int) { m.VMOVUPS(m.acc(i), m.element(i)) })
		m.operand2()
		m.each(func(i int) { m.VMOVUPS(m.element2(i), m.acc(i)) })
	})
}

// exponentials emits the handlers of an exponential and the function that computes its argument.
func (m machine) exponentials() {
	for _, first := range simpleForms {
		if first.name == "Neg" || first.name == "Scale" {
			m.handler(first.name+"Exp", func() {
				m.simple(first, 0)
				m.unaryBody(formOf(unaryForms, "Exp"))
			})
		}
	}
}

func (m machine) pair(first, second simple) {
	m.handler(first.name+second.name, func() {
		m.simple(first, 0)
		m.simple(second, 1)
	})
}

// simple emits a function that is the first or second one of a pair.
func (m machine) simple(f simple, place int) {
	element := m.element
	switch {
	case f.reads && place == 0:
		m.operand()
	case f.reads:
		m.operand2()
		element = m.element2
	}
	temps, held := m.temps(f.numbers)
	for i, r := range held {
		m.VBROADCASTSS(operand.Mem{Base: pc, Disp: fieldX + 8*place + 4*i}, r)
	}
	chains, spare := m.accumulators, len(temps)-1
	if f.temps > 0 {
		chains = min(chains, spare/f.temps)
	}
	m.each(func(i int) {
		k := i % chains
		chain(m.Context, k == chains-1, temps[spare], func() {
			l := lane{arith: m.arith, t: temps[k*f.temps:][:f.temps], scalars: held}
			f.body(l, m.acc(i), element(i))
		})
	})
}

// formOf returns the form of that name.
func formOf(forms []form, name string) form {
	for _, f := range forms {
		if f.name == name {
			return f
		}
	}
	panic("no form " + name)
}
