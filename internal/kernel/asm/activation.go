// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/build"
)

// activationForm is an activation and its gradient; package ref has the formulas. value
// replaces x by a(x); derivative replaces dy by a'(s) dy and may modify s. t has seven registers.
type activationForm struct {
	name       string
	value      func(l lane, x, alpha register, t []register)
	derivative func(l lane, s, dy, alpha register, t []register)
}

const (
	seluScale = 1.0507009873554805
	seluAlpha = 1.6732632423543772
	geluRoot  = 0.7978845608028654 // sqrt(2/pi)
	geluCubic = 0.044715
)

func activations(c *build.Context) {
	const temps = 5 // together with s and dy, for two vectors, they fit in the registers of AVX2
	both(c, func(v arith) {
		for _, a := range activationForms {
			function{a.name, xOnly, alpha, temps + 1, func(l lane) {
				x := l.t[temps]
				l.get(1, x)
				a.value(l, x, l.scalars[0], l.t[:temps])
				l.put(0, x)
			}}.emit(v)
			function{a.name + "Grad", []string{"dx", "s", "dy"}, alpha, temps + 2, func(l lane) {
				s, dy := l.t[temps], l.t[temps+1]
				l.get(1, s)
				l.get(2, dy)
				a.derivative(l, s, dy, l.scalars[0], l.t[:temps])
				l.put(0, dy)
			}}.emit(v)
		}
	})
}

var activationForms = []activationForm{
	{
		"ReLU",
		func(l lane, x, _ register, t []register) { l.atLeast(0, x, t[0]) },
		func(l lane, s, dy, _ register, t []register) {
			l.zero(t[0])
			l.keep(notLessEqual, s, t[0], dy, t[1])
		},
	},
	{
		"ReLU6",
		func(l lane, x, _ register, t []register) { l.atLeast(0, x, t[0]); l.atMost(6, x, t[0]) },
		func(l lane, s, dy, _ register, t []register) { l.keepInside(6, s, dy, t) },
	},
	{
		"LeakyReLU",
		func(l lane, x, alpha register, t []register) {
			l.halves(x, t[0], t[1])
			l.mulAdd(alpha, t[0], x)
		},
		func(l lane, s, dy, alpha register, t []register) {
			l.zero(t[0])
			l.mul(alpha, dy, t[1])
			l.choose(greater, s, t[0], dy, t[1], dy, t[2])
		},
	},
	{
		"ELU",
		func(l lane, x, alpha register, t []register) {
			l.halves(x, t[0], t[1])
			l.expm1(t[0], t[1], t[2])
			l.mulAdd(alpha, t[0], x)
		},
		func(l lane, s, dy, alpha register, t []register) {
			l.zero(t[0])
			l.add(alpha, s, t[1])
			l.mul(dy, t[1], t[1])
			l.choose(greater, s, t[0], dy, t[1], dy, t[2])
		},
	},
	{
		"SELU",
		func(l lane, x, _ register, t []register) {
			l.halves(x, t[0], t[1])
			l.expm1(t[0], t[1], t[2])
			l.mulAdd(seluAlpha, t[0], x)
			l.mul(seluScale, x, x)
		},
		func(l lane, s, dy, _ register, t []register) {
			l.zero(t[0])
			l.add(seluScale*seluAlpha, s, t[1])
			l.set(seluScale, t[2])
			l.choose(greater, s, t[0], t[2], t[1], t[1], t[3])
			l.mul(t[1], dy, dy)
		},
	},
	{
		"GELU",
		func(l lane, x, _ register, t []register) {
			l.phi(x, t...)
			l.mul(t[0], x, x)
		},
		func(l lane, s, dy, _ register, t []register) {
			l.phi(s, t...)
			l.mul(0.3989422804014327, t[1], t[1]) // 1/sqrt(2 pi)
			l.mulAdd(s, t[1], t[0])
			l.mul(t[0], dy, dy)
		},
	},
	{
		"GELUTanh",
		func(l lane, x, _ register, t []register) {
			l.geluArgument(x, t[0], t[3])
			l.sigmoid(t[0], t[1], t[2])
			l.mul(t[0], x, x)
		},
		func(l lane, s, dy, _ register, t []register) {
			// with p = sigmoid(u): p + s p (1-p) u', u' = 2 sqrt(2/pi) (1 + 3 c s^2)
			l.geluArgument(s, t[0], t[3])
			l.sigmoid(t[0], t[1], t[2])
			l.mul(6*geluRoot*geluCubic, t[3], t[3])
			l.add(2*geluRoot, t[3], t[3])
			l.mul(s, t[3], t[3])
			l.set(1, t[1])
			l.sub(t[0], t[1], t[1])
			l.mul(t[1], t[3], t[3])
			l.horner(t[0], t[0], t[3])
			l.mul(t[3], dy, dy)
		},
	},
	{
		"SiLU",
		func(l lane, x, _ register, t []register) {
			l.VMOVAPS(x, t[0])
			l.sigmoid(t[0], t[1], t[2])
			l.mul(t[0], x, x)
		},
		func(l lane, s, dy, _ register, t []register) {
			l.VMOVAPS(s, t[0])
			l.sigmoid(t[0], t[1], t[2])
			l.set(1, t[1])
			l.sub(t[0], t[1], t[1])
			l.horner(1.0, s, t[1])
			l.mul(t[0], dy, dy)
			l.mul(t[1], dy, dy)
		},
	},
	{
		"Mish",
		func(l lane, x, _ register, t []register) {
			l.mishTanh(x, t)
			l.mul(t[1], x, x)
		},
		func(l lane, s, dy, _ register, t []register) {
			l.mishTanh(s, t) // e, n/(n+2), 1/(n+2)
			l.mul(t[0], t[0], t[3])
			l.add(t[0], t[3], t[3])
			l.mul(4.0, t[3], t[3])
			l.mul(t[2], t[3], t[3])
			l.mul(t[2], t[3], t[3])
			l.horner(t[1], s, t[3])
			l.mul(t[3], dy, dy)
		},
	},
	{
		"Softplus",
		func(l lane, x, _ register, t []register) {
			l.logOnePlusExp(x, t)
			l.atLeast(0, x, t[1])
			l.add(t[0], x, x)
		},
		softplusDerivative,
	},
	{
		"Softsign",
		func(l lane, x, _ register, t []register) {
			l.abs(x, t[0])
			l.add(1.0, t[0], t[0])
			l.div(t[0], x, x)
		},
		func(l lane, s, dy, _ register, t []register) {
			l.abs(s, s)
			l.set(1, t[0])
			l.sub(s, t[0], t[0])
			l.mul(t[0], t[0], t[0])
			l.mul(t[0], dy, dy)
		},
	},
	{
		"Sigmoid",
		func(l lane, x, _ register, t []register) { l.sigmoid(x, t...) },
		func(l lane, s, dy, _ register, t []register) {
			l.set(1, t[0])
			l.sub(s, t[0], t[0])
			l.mul(s, t[0], t[0])
			l.mul(t[0], dy, dy)
		},
	},
	{
		"LogSigmoid",
		func(l lane, x, _ register, t []register) {
			l.logOnePlusExp(x, t)
			l.atMost(0, x, t[1])
			l.sub(t[0], x, x)
		},
		softplusDerivative,
	},
	{
		"HardSigmoid",
		func(l lane, x, _ register, t []register) { l.hardSigmoid(x, t[0]) },
		func(l lane, s, dy, _ register, t []register) {
			l.keepInside(1, s, dy, t)
			l.mul(1.0/6, dy, dy)
		},
	},
	{
		"HardSiLU",
		func(l lane, x, _ register, t []register) {
			l.VMOVAPS(x, t[1])
			l.hardSigmoid(t[1], t[0])
			l.mul(t[1], x, x)
		},
		func(l lane, s, dy, _ register, t []register) {
			l.mul(1.0/3, s, t[0])
			l.add(0.5, t[0], t[0])
			l.set(1, t[1])
			l.choose(less, s, 3.0, t[0], t[1], t[0], t[2])
			l.zero(t[1])
			l.choose(greater, s, -3.0, t[0], t[1], t[0], t[2])
			l.mul(t[0], dy, dy)
		},
	},
	{
		"Tanh",
		func(l lane, x, _ register, t []register) { l.tanh(x, t...) },
		func(l lane, s, dy, _ register, t []register) {
			l.set(1, t[0])
			l.VFNMADD231PS(s, s, t[0])
			l.mul(t[0], dy, dy)
		},
	},
	{
		"Exponential",
		func(l lane, x, _ register, t []register) { l.exp(x, t...) },
		func(l lane, s, dy, _ register, t []register) { l.mul(s, dy, dy) },
	},
}

// halves splits x into its positive part, in x, and its negative part.
func (l lane) halves(x, negative, tmp register) {
	l.zero(tmp)
	l.min(x, tmp, negative)
	l.max(x, tmp, x)
}

// keepInside zeroes v except where 0 < s < top.
func (l lane) keepInside(top float64, s, v register, t []register) {
	l.zero(t[0])
	l.keep(greater, s, t[0], v, t[1])
	l.set(top, t[0])
	l.keep(less, s, t[0], v, t[1])
}

// geluArgument writes u = 2 sqrt(2/pi) (x + c x^3), and x^2 to square: GELU's tanh form is x
// sigmoid(u).
func (l lane) geluArgument(x, u, square register) {
	l.mul(x, x, square)
	l.mul(2*geluRoot*geluCubic, square, u)
	l.add(2*geluRoot, u, u)
	l.mul(x, u, u)
}

// mishTanh writes e = exp(x) to t[0], tanh(log(1 + e)) = n / (n + 2), n = e (e + 2), to
// t[1] and 1/(n + 2) to t[2]. Beyond 30 the tanh is 1 in float32.
func (l lane) mishTanh(x register, t []register) {
	e, n, inverse := t[0], t[1], t[2]
	l.set(30, t[3])
	l.min(x, t[3], e)
	l.exp(e, t[3], t[4])
	l.add(2.0, e, n)
	l.mul(e, n, n)
	l.add(2.0, n, t[3])
	l.set(1, inverse)
	l.div(t[3], inverse, inverse)
	l.mul(inverse, n, n)
}

// logOnePlusExp writes log(1 + exp(-|x|)) to t[0].
func (l lane) logOnePlusExp(x register, t []register) {
	l.negAbs(x, t[0])
	l.exp(t[0], t[1], t[2])
	l.log1p(t[0], t[1:]...)
}

// softplusDerivative: 1 - exp(-|y|), where y is the softplus or the log-sigmoid.
func softplusDerivative(l lane, s, dy, _ register, t []register) {
	l.negAbs(s, s)
	l.expm1(s, t[0], t[1])
	l.mul(s, dy, dy)
	l.neg(dy, dy)
}

// hardSigmoid computes x = min(max(x + 3, 0), 6) / 6.
func (l lane) hardSigmoid(x, tmp register) {
	l.add(3.0, x, x)
	l.atLeast(0, x, tmp)
	l.atMost(6, x, tmp)
	l.mul(1.0/6, x, x)
}

// activationTables lists the activations for both instruction sets.
func activationTables() string {
	var b strings.Builder
	for _, v := range []isa{avx512, avx2} {
		fmt.Fprintf(&b, "\nvar %sActivations = [ref.Activations]func(dst, x []float32, alpha float32){\n", v.name)
		for _, a := range activationForms {
			fmt.Fprintf(&b, "\tref.%s: %s%s,\n", a.name, v.name, a.name)
		}
		fmt.Fprintf(&b, "}\n\nvar %sGradients = [ref.Activations]func(dx, s, dy []float32, alpha float32){\n", v.name)
		for _, a := range activationForms {
			fmt.Fprintf(&b, "\tref.%s: %s%sGrad,\n", a.name, v.name, a.name)
		}
		b.WriteString("}\n")
	}
	return b.String()
}
