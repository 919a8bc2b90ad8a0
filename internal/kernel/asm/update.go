// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Optimizer steps: one pass over a parameter w, its gradient and its state.

func updates(c *build.Context) {
	both(c, func(v arith) {
		for _, f := range updateFunctions() {
			f.emit(v)
		}
		v.decay()
	})
}

// decay multiplies x repeatedly by a number, rounding each product, with x in registers: eight
// vectors at a time, which is often a whole row of an embedding, and then the rest of x.
func (v arith) decay() {
	v.Function(v.name + "Decay")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(x []float32, by float32, times int)")
	x, left, times, n := reg.RDI, reg.RCX, reg.RDX, reg.RAX
	const most = 8
	by := v.regs[most]
	v.Load(v.Param("x").Base(), x)
	v.Load(v.Param("x").Len(), left)
	v.Load(v.Param("times"), times)
	v.broadcast("by", by)
	v.TESTQ(times, times)
	v.JLE(operand.LabelRef("end"))
	lanes := v.width / 4
	// pass multiplies the given number of vectors, the last one masked.
	pass := func(label string, vectors int, masked bool) {
		last := func(i int) bool { return masked && i == vectors-1 }
		for i, r := range v.regs[:vectors] {
			v.load(operand.Mem{Base: x, Disp: i * v.width}, last(i), r)
		}
		v.MOVQ(times, n)
		v.Label(label)
		for _, r := range v.regs[:vectors] {
			v.mul(by, r, r)
		}
		v.DECQ(n)
		v.JNZ(operand.LabelRef(label))
		for i, r := range v.regs[:vectors] {
			v.store(r, last(i), operand.Mem{Base: x, Disp: i * v.width})
		}
	}
	v.Label("many")
	v.CMPQ(left, operand.U32(most*lanes))
	v.JLT(operand.LabelRef("rest"))
	pass("manyTimes", most, false)
	v.ADDQ(operand.U32(most*v.width), x)
	v.SUBQ(operand.U32(most*lanes), left)
	v.JMP(operand.LabelRef("many"))
	v.Label("rest")
	v.TESTQ(left, left)
	v.JZ(operand.LabelRef("end"))
	for vectors := 1; vectors <= most; vectors++ {
		v.CMPQ(left, operand.U32(vectors*lanes))
		v.JG(operand.LabelRef(fmt.Sprintf("more%d", vectors)))
		v.SUBQ(operand.U32((vectors-1)*lanes), left)
		v.setMask(left, reg.R10)
		pass(fmt.Sprintf("times%d", vectors), vectors, true)
		v.JMP(operand.LabelRef("end"))
		v.Label(fmt.Sprintf("more%d", vectors))
	}
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}

func updateFunctions() []function {
	fs := []function{
		{"SGD", []string{"w", "grad"}, []string{"lr"}, 2, func(l lane) {
			w, g := l.t[0], l.t[1]
			l.get(1, g)
			l.get(0, w)
			l.negMulAdd(l.scalars[0], g, w)
			l.put(0, w)
		}},
		{"SGDMomentum", []string{"w", "grad", "v"}, []string{"lr", "momentum"}, 3, func(l lane) {
			l.velocity()
			l.add(l.t[2], l.t[0], l.t[0])
			l.put(0, l.t[0])
		}},
		{"SGDNesterov", []string{"w", "grad", "v"}, []string{"lr", "momentum"}, 3, func(l lane) {
			l.velocity()
			l.negMulAdd(l.scalars[0], l.t[1], l.t[0])
			l.mulAdd(l.scalars[1], l.t[2], l.t[0])
			l.put(0, l.t[0])
		}},
	}
	for _, mom := range []bool{false, true} {
		for _, centered := range []bool{false, true} {
			fs = append(fs, rmsprop(mom, centered))
		}
	}
	return append(append(fs, adam(false), adam(true)), rareUpdates...)
}

// velocity loads w and g to t[0] and t[1] and writes v = momentum v - lr g, also to t[2].
func (l lane) velocity() {
	w, g, v := l.t[0], l.t[1], l.t[2]
	l.get(0, w)
	l.get(1, g)
	l.get(2, v)
	l.mul(l.scalars[1], v, v)
	l.negMulAdd(l.scalars[0], g, v)
	l.put(2, v)
}

// rmsprop: rest is 1 - rho.
func rmsprop(momentum, centered bool) function {
	f := function{"RMSprop", []string{"w", "grad", "ms"}, []string{"lr", "rho", "rest", "eps"}, 4, nil}
	mom, mg := 3, 3
	if momentum {
		f.name += "Momentum"
		f.slices = append(f.slices, "mom")
		f.numbers = append(f.numbers, "momentum")
		mg = 4
	}
	if centered {
		f.name += "Centered"
		f.slices = append(f.slices, "mg")
	}
	f.body = func(l lane) {
		g, v, t, u := l.t[0], l.t[1], l.t[2], l.t[3]
		lr, rho, rest, eps := l.scalars[0], l.scalars[1], l.scalars[2], l.scalars[3]
		l.get(1, g)
		l.get(2, v)
		l.mul(rho, v, v)
		l.mul(rest, g, t)
		l.mulAdd(t, g, v)
		l.put(2, v)
		if centered {
			l.get(mg, u)
			l.mul(rho, u, u)
			l.add(t, u, u)
			l.put(mg, u)
			l.VFNMADD231PS(u, u, v)
		}
		l.add(eps, v, v)
		l.VSQRTPS(v, v)
		l.mul(lr, g, g)
		l.div(v, g, g)
		if momentum {
			l.get(mom, u)
			l.mul(l.scalars[4], u, u)
			l.add(u, g, g)
			l.put(mom, g)
		}
		l.get(0, t)
		l.sub(g, t, t)
		l.put(0, t)
	}
	return f
}

// adam: rest1 and rest2 are 1 - beta1 and 1 - beta2.
func adam(amsgrad bool) function {
	f := function{"Adam", []string{"w", "grad", "m", "v"}, []string{"alpha", "rest1", "rest2", "eps"}, 4, nil}
	if amsgrad {
		f.name = "AMSGrad"
		f.slices = append(f.slices, "vmax")
	}
	f.body = func(l lane) {
		g, m, v, t := l.t[0], l.t[1], l.t[2], l.t[3]
		alpha, rest1, rest2, eps := l.scalars[0], l.scalars[1], l.scalars[2], l.scalars[3]
		l.get(1, g)
		l.get(2, m)
		l.get(3, v)
		l.sub(m, g, t)
		l.mulAdd(rest1, t, m)
		l.put(2, m)
		l.mul(g, g, g)
		l.sub(v, g, g)
		l.mulAdd(rest2, g, v)
		l.put(3, v)
		if amsgrad {
			l.get(4, t)
			l.max(t, v, v)
			l.put(4, v)
		}
		l.VSQRTPS(v, v)
		l.add(eps, v, v)
		l.mul(alpha, m, m)
		l.div(v, m, m)
		l.get(0, t)
		l.sub(m, t, t)
		l.put(0, t)
	}
	return f
}
