// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The functions of floats that graph's element-wise ops apply, fields of simd.Functions. They hold over
// the whole range of float32, with the special values of package math; package elementwise
// states their errors.

func functions(c *build.Context) {
	doubles := map[bits64]operand.Mem{}
	both(c, func(v arith) {
		for _, f := range mathFunctions() {
			f.name = "Fn" + f.name
			f.emit(v)
		}
		for _, f := range angleForms {
			s := f.function()
			s.name = "Fn" + s.name
			s.emit(v)
		}
		v.powers(doubles)
		for _, p := range predicates {
			v.predicate(p)
		}
		v.where()
		v.floatOfBool()
		squaresFrom.emit(v)
		sums[0].eachRow(v, "SumEach")
		v.addRows()
		for _, c := range columnPasses {
			v.columns(c)
		}
		v.extreme("Largest", math.Inf(-1), v.VMAXPS, true)
		v.extreme("Smallest", math.Inf(1), v.VMINPS, true)
		v.extremes("LargestEach", math.Inf(-1), v.VMAXPS)
		v.extremes("SmallestEach", math.Inf(1), v.VMINPS)
		v.extreme("Product", 1, v.VMULPS, false)
	})
}

// form is a function of one or two floats that leaves its result in the first register.
type form struct {
	name    string
	numbers []string
	temps   int
	unary   func(l lane, x register)
	binary  func(l lane, a, b register)
}

// domain has the arguments for which a function needs no special cases: those for whose bits, or what key makes
// of them, are at most a limit, as unsigned integers.
type domain struct {
	key   func(a arith, x, dst register)
	most  number
	temps int // that the short form needs
}

// within returns the domain |x| <= limit.
func within(limit float64, temps int) *domain { return &domain{arith.abs, bits(limit), temps} }

var largestNumber = bits(math.MaxFloat32)

// domains are those of unary forms and of activations.
var domains = map[string]*domain{
	"Exp":            within(expLimit, 2),
	"Log1p":          {nil, bits(1), 2},
	"Log":            {func(a arith, x, dst register) { a.subInt(bits(smallestNormal), x, dst) }, largestNumber - bits(smallestNormal), 4},
	"ActExponential": within(expLimit, 2),
	"ActSigmoid":     within(expLimit, 2),
	"ActSiLU":        within(expLimit, 3),
	"ActMish":        within(expLimit, 5),
	"ActSoftplus":    within(expLimit, 3),
	"ActLogSigmoid":  within(expLimit, 3),
	"ActGELU":        within(13, 5),
	"ActGELUTanh":    within(9, 4),
}

func (f form) function() function {
	if f.unary != nil {
		return of1(f.name, f.numbers, f.temps, f.unary)
	}
	return of2(f.name, f.numbers, f.temps, f.binary)
}

// mathFunctions are the fields of simd.Functions that follow from a form.
func mathFunctions() (list []function) {
	for _, f := range append(slices.Clone(unaryForms), binaryForms...) {
		list = append(list, f.function())
	}
	return list
}

func unary(name string, numbers []string, temps int, f func(l lane, x register)) form {
	return form{name: name, numbers: numbers, temps: temps, unary: f}
}

func binary(name string, numbers []string, temps int, f func(l lane, a, b register)) form {
	return form{name: name, numbers: numbers, temps: temps, binary: f}
}

var unaryForms = []form{
	unary("Neg", nil, 0, func(l lane, x register) { l.neg(x, x) }),
	unary("Abs", nil, 0, func(l lane, x register) { l.abs(x, x) }),
	unary("Sign", nil, 2, func(l lane, x register) {
		l.and(signBit, x, l.t[0])
		l.or(bits(1), l.t[0], l.t[0])
		l.abs(x, l.t[1])
		l.choose(greater, l.t[1], 0.0, l.t[0], x, x, l.t[1])
	}),
	unary("Sqrt", nil, 0, func(l lane, x register) { l.VSQRTPS(x, x) }),
	unary("Reciprocal", nil, 1, func(l lane, x register) { l.set(1, l.t[0]); l.div(x, l.t[0], x) }),
	unary("Rsqrt", nil, 1, func(l lane, x register) { l.VSQRTPS(x, x); l.set(1, l.t[0]); l.div(x, l.t[0], x) }),
	unary("Floor", nil, 0, func(l lane, x register) { l.toIntegral(9, x, x) }),
	unary("Ceil", nil, 0, func(l lane, x register) { l.toIntegral(10, x, x) }),
	unary("Round", nil, 0, func(l lane, x register) { l.toIntegral(8, x, x) }),
	unary("Trunc", nil, 0, func(l lane, x register) { l.toIntegral(11, x, x) }),
	unary("Affine", []string{"scale", "shift"}, 0, func(l lane, x register) {
		l.mul(l.scalars[0], x, x)
		l.add(l.scalars[1], x, x)
	}),
	unary("Exp", nil, 2, func(l lane, x register) { l.exp(x, l.t...) }),
	unary("Expm1", nil, 3, func(l lane, x register) { l.expMinus1(x, l.t) }),
	unary("Log", nil, 5, func(l lane, x register) { l.log(x, l.t) }),
	unary("Log1p", nil, 5, func(l lane, x register) { l.logOnePlus(x, l.t) }),
	unary("Tanh", nil, 5, func(l lane, x register) { l.tanh(x, l.t...) }),
	unary("Erf", nil, 4, func(l lane, x register) { l.erf(x, l.t) }),
}

var binaryForms = []form{
	binary("Div", nil, 0, func(l lane, a, b register) { l.div(b, a, a) }),
	binary("Min", nil, 2, func(l lane, a, b register) {
		l.min(a, b, a) // NaN if a is NaN
		l.choose(unordered, b, b, b, a, a, l.t[0])
	}),
}

// toIntegral rounds in the way that the immediate operand says.
func (a arith) toIntegral(how uint8, x, dst register) {
	if a.is512() {
		a.VRNDSCALEPS(operand.U8(how), x, dst)
	} else {
		a.VROUNDPS(operand.U8(how), x, dst)
	}
}

// fix is x = v where y pred limit.
func (a arith) fix(pred uint8, y register, limit, v float64, x, t, tmp register) {
	a.set(v, t)
	a.choose(pred, y, limit, t, x, x, tmp)
}

// expMinus1 is x = exp(x) - 1 for any x: 2 (2^(n-1) (exp(r) - 1) + (2^(n-1) - 1/2)).
func (a arith) expMinus1(x register, t []register) {
	n, p, sign := t[0], t[1], t[2]
	a.and(signBit, x, sign)
	a.atMost(89, x, n)
	a.atLeast(-30, x, n)
	a.reduce(x, n, p)
	a.mul(x, p, p)
	a.sub(1.0, n, n)
	if a.is512() {
		a.set(1, x)
		a.VSCALEFPS(n, x, n)
	} else {
		a.VCVTPS2DQ(n, n)
		a.power2(n)
	}
	a.sub(0.5, n, x)
	a.mulAdd(n, p, x)
	a.add(x, x, x)
	a.or(sign, x, x)
}

// mantissa takes x > 0 apart: x becomes m - 1, sqrt(1/2) <= m < sqrt(2), and e the exponent.
func (a arith) mantissa(x, e, tmp register) {
	a.subInt(number(0x3f3504f3), x, e)
	a.VPSRAD(operand.U8(exponent), e, e)
	a.VPSLLD(operand.U8(exponent), e, tmp)
	a.subInt(tmp, x, x)
	a.VCVTDQ2PS(e, e)
	a.sub(1.0, x, x)
}

// logOf writes log(1 + z) + e ln 2 to p.
func (a arith) logOf(z, e, p, square register) {
	a.polynomial(logPolynomial, z, p)
	a.mul(z, z, square)
	a.mul(z, p, p)
	a.mul(square, p, p)
	a.mulAdd(ln2Lo, e, p)
	a.mulAdd(-0.5, square, p)
	a.add(z, p, p)
	a.mulAdd(ln2Hi, e, p)
}

// logLimits sets the logarithm y of x where that is 0, negative, infinite or NaN.
func (a arith) logLimits(x, y, t, tmp register) {
	a.fix(equal, x, 0, math.Inf(-1), y, t, tmp)
	a.fix(less, x, 0, math.NaN(), y, t, tmp)
	a.set(math.Inf(1), t)
	a.choose(notLess, x, t, x, y, y, tmp)
}

// log is x = log(x).
func (a arith) log(x register, t []register) {
	if a.inside {
		w, e, p, square := t[0], t[1], t[2], t[3]
		a.VMOVAPS(x, w)
		a.mantissa(w, e, p)
		a.logOf(w, e, p, square)
		a.VMOVAPS(p, x)
		return
	}
	w, e, p, square, down := t[0], t[1], t[2], t[3], t[4]
	a.mul(float64(1<<23), x, w)
	a.set(smallestNormal, e)
	a.choose(less, x, e, w, x, w, p)
	a.set(23, down)
	a.keep(less, x, e, down, p)
	a.mantissa(w, e, p)
	a.sub(down, e, e)
	a.logOf(w, e, p, square)
	a.logLimits(x, p, w, e)
	a.VMOVAPS(p, x)
}

const smallestNormal = 0x1p-126

// erfNear holds P of erf(x) = x + x P(x^2), |x| <= 0.93; erfFar that of 1 - erf(x) = exp(-(x + x P(x))),
// 0.9 <= x <= 4: least squares with the weights for which the largest relative error of erf is least.
var (
	erfNear = []float64{
		8.316763609683304e-05, -0.0008130009644823216, 0.005199906369140236, -0.026858941368242777, 0.11283687185520815,
		-0.37612633188125233, 0.12837916657973067,
	}
	erfFar = []float64{
		1.0432123429632271e-05, -0.00031484786024160716, 0.003610298912633536, -0.02369447213711471, 0.10615893707978771,
		0.6351981038270503, 0.12863705762901895,
	}
)

// erf is x = erf(x).
func (a arith) erf(x register, t []register) {
	far, p, u, v := t[0], t[1], t[2], t[3]
	a.abs(x, far)
	a.atMost(4, far, u)
	a.polynomial(erfFar, far, p)
	a.horner(far, far, p)
	a.neg(p, p)
	a.expInside(p, u, v)
	a.set(1, u)
	a.sub(p, u, p)
	a.and(signBit, x, u)
	a.or(u, p, p)
	a.mul(x, x, u)
	a.polynomial(erfNear, u, v)
	a.horner(x, x, v)
	a.or(signBit, x, u) // -|x|
	a.fixNear(u, v, p, x, far)
}

// fixNear is x = near where negAbs > -0.92, else far.
func (a arith) fixNear(negAbs, near, far, x, tmp register) {
	a.choose(greater, negAbs, -0.92, near, far, far, tmp)
	a.and(signBit, x, x)
	a.or(x, far, x)
}

// angleForm is a function of an angle x: reduce leaves x - n pi/2 in x, and value the result. Larger angles
// than largestAngle are beyond it.
type angleForm struct {
	name          string
	reduce, value func(l lane, x, n, sign register, t []register)
}

var angleForms = []angleForm{
	{"Sin", func(l lane, x, n, sign register, t []register) {
		l.and(signBit, x, sign)
		l.abs(x, x)
		l.quarter(x, n)
	}, sinOrCos},
	{"Cos", func(l lane, x, n, sign register, t []register) {
		l.zero(sign)
		l.abs(x, x)
		l.quarter(x, n)
		l.addInt(number(1), n, n)
	}, sinOrCos},
	{"Tan", func(l lane, x, n, sign register, t []register) {
		l.and(signBit, x, sign)
		l.abs(x, x)
		l.quarter(x, n)
	}, tangent},
}

// largestAngle is up to where three terms of pi/2 suffice.
const largestAngle = 1 << 17

// halfPi is pi/2 as a sum of floats.
var halfPi = func() (parts [3]float64) {
	rest := [...]float64{math.Pi / 2, 6.123233995736766e-17}
	hi := rest[0]
	for i := range parts {
		p := float64(float32(hi))
		parts[i] = p
		hi -= p
		if i == 1 {
			hi += rest[1]
		}
	}
	return parts
}()

// quarter writes n = round(2 x / pi), as an integer, and leaves x - n pi/2 in x.
func (a arith) quarter(x, n register) {
	a.mul(2/math.Pi, x, n)
	a.round(n, n)
	for _, p := range halfPi {
		a.negMulAdd(p, n, x)
	}
	a.VCVTPS2DQ(n, n)
}

var (
	// sin(x) = x + x^3 P(x^2) and cos(x) = 1 - x^2/2 + x^4 P(x^2), |x| <= pi/4 (Cephes, sinf and cosf)
	sinPolynomial = []float64{-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1}
	cosPolynomial = []float64{2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2}
	// tan(x) = x + x^3 P(x^2), |x| <= pi/4 (Cephes, tanf)
	tanPolynomial = []float64{9.38540185543e-3, 3.11992232697e-3, 2.44301354525e-2, 5.34112807005e-2, 1.33387994085e-1, 3.33331568548e-1}
)

// odd is dst = yes where n is odd, else no.
func (a arith) odd(n, yes, no, dst, tmp register) {
	a.VPSLLD(operand.U8(31), n, tmp)
	if a.is512() {
		a.VPMOVD2M(tmp, a.condition())
		a.VBLENDMPS(yes, no, a.condition(), dst)
		return
	}
	a.VBLENDVPS(tmp, yes, no, dst)
}

// sinOrCos leaves sin(x + n pi/2) with its sign changed by that of sign in x.
func sinOrCos(l lane, x, n, sign register, t []register) {
	square, s, c := t[0], t[1], t[2]
	l.mul(x, x, square)
	l.polynomial(sinPolynomial, square, s)
	l.mul(square, s, s)
	l.horner(x, x, s)
	l.polynomial(cosPolynomial, square, c)
	l.mul(square, c, c)
	l.add(-0.5, c, c)
	l.horner(1.0, square, c)
	l.odd(n, c, s, x, square)
	l.VPSRLD(operand.U8(1), n, n)
	l.VPSLLD(operand.U8(31), n, n)
	l.xor(n, x, x)
	l.xor(sign, x, x)
}

// tangent leaves tan(x + n pi/2) with its sign changed by that of sign in x.
func tangent(l lane, x, n, sign register, t []register) {
	square, p, inverse := t[0], t[1], t[2]
	l.mul(x, x, square)
	l.polynomial(tanPolynomial, square, p)
	l.mul(square, p, p)
	l.horner(x, x, p)
	l.set(-1, inverse)
	l.div(p, inverse, inverse)
	l.odd(n, inverse, p, x, square)
	l.xor(sign, x, x)
}

// function returns how many angles are too large.
func (f angleForm) function() sum {
	const temps = 7
	return sum{function{name: f.name, slices: xOnly, temps: temps}, func(l lane) register {
		x, n, sign, t, kept := l.t[0], l.t[1], l.t[2], l.t[3:6], l.t[6]
		l.get(1, x)
		l.abs(x, kept)
		f.reduce(l, x, n, sign, t)
		f.value(l, x, n, sign, t)
		l.put(0, x)
		l.set(largestAngle, n)
		l.set(1, x)
		l.keep(greater, kept, n, x, t[0])
		return x
	}}
}

// predicate maps floats to booleans.
type predicate struct {
	name string
	pred uint8
	abs  bool
	with any // what x is compared with: nil for b, itself for x
}

type itself struct{}

const notLess = 5 // or unordered

var predicates = []predicate{
	{"Equal", equal, false, nil},
	{"NotEqual", notEqual, false, nil},
	{"Less", less, false, nil},
	{"LessEqual", 2, false, nil},
	{"IsNaN", unordered, false, itself{}},
	{"IsInf", equal, true, math.Inf(1)},
	{"IsFinite", less, true, math.Inf(1)},
	{"NotZero", notEqual, false, 0.0},
}

// boolLanes are the floats for which a bool function computes 16 bytes.
const boolLanes = 16

// predicate emits a function of n floats, a multiple of 16.
func (v arith) predicate(p predicate) {
	v.Function(v.name + "Fn" + p.name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	slices := []reg.GPPhysical{reg.RDI, reg.RSI}
	if p.with == nil {
		v.SignatureExpr("func(dst []bool, a, b []float32)")
		slices = append(slices, reg.RBX)
		v.Load(v.Param("b").Base(), reg.RBX)
		v.Load(v.Param("a").Base(), reg.RSI)
	} else {
		v.SignatureExpr("func(dst []bool, x []float32)")
		v.Load(v.Param("x").Base(), reg.RSI)
	}
	v.Load(v.Param("dst").Base(), reg.RDI)
	v.Load(v.Param("dst").Len(), reg.RCX)
	one, limit := v.regs[12], v.regs[13]
	if v.is512() {
		v.VPBROADCASTB(v.constant(0x01010101), one.AsX())
	} else {
		v.VBROADCASTSS(v.constant(0x01010101), one)
	}
	if w, ok := p.with.(float64); ok {
		v.set(w, limit)
	}
	v.eachSixteen(slices[1:], func() {
		n := boolLanes * 4 / v.width
		for i := range n {
			x := v.regs[i]
			v.VMOVUPS(operand.Mem{Base: reg.RSI, Disp: i * v.width}, x)
			if p.abs {
				v.abs(x, x)
			}
			var y operand.Op = limit
			switch p.with.(type) {
			case nil:
				y = operand.Mem{Base: reg.RBX, Disp: i * v.width}
			case itself:
				y = x
			}
			if v.is512() {
				v.VCMPPS(operand.U8(p.pred), y, x, reg.K2)
			} else {
				v.VCMPPS(operand.U8(p.pred), y, x, x)
			}
		}
		x := v.regs[0].AsX()
		if v.is512() {
			v.VPMOVM2B(reg.K2, x)
		} else {
			for i := range n {
				v.VEXTRACTI128(operand.U8(1), v.regs[i], v.regs[4].AsX())
				v.VPACKSSDW(v.regs[4].AsX(), v.regs[i].AsX(), v.regs[i].AsX())
			}
			v.VPACKSSWB(v.regs[1].AsX(), x, x)
		}
		v.VPAND(one.AsX(), x, x)
		v.VMOVDQU(x, operand.Mem{Base: reg.RDI})
		v.ADDQ(operand.U32(boolLanes), reg.RDI)
	})
}

// eachSixteen runs body while there are 16 of the RCX elements left and advances the pointers by 16
// floats.
func (v arith) eachSixteen(pointers []reg.GPPhysical, body func()) {
	v.SUBQ(operand.U32(boolLanes), reg.RCX)
	v.JLT(operand.LabelRef("done"))
	v.Label("many")
	body()
	for _, p := range pointers {
		v.ADDQ(operand.U32(4*boolLanes), p)
	}
	v.SUBQ(operand.U32(boolLanes), reg.RCX)
	v.JGE(operand.LabelRef("many"))
	v.Label("done")
	v.VZEROUPPER()
	v.RET()
}

// where emits dst = c ? a : b for a multiple of 16.
func (v arith) where() {
	v.Function(v.name + "FnWhere")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(dst []float32, c []bool, a, b []float32)")
	v.Load(v.Param("dst").Base(), reg.RDI)
	v.Load(v.Param("c").Base(), reg.RDX)
	v.Load(v.Param("a").Base(), reg.RSI)
	v.Load(v.Param("b").Base(), reg.RBX)
	v.Load(v.Param("dst").Len(), reg.RCX)
	zero := v.regs[12]
	v.zero(zero)
	v.eachSixteen([]reg.GPPhysical{reg.RDI, reg.RSI, reg.RBX}, func() {
		for i := range boolLanes * 4 / v.width {
			c, a := v.regs[2*i], v.regs[2*i+1]
			v.VPMOVZXBD(operand.Mem{Base: reg.RDX, Disp: i * v.width / 4}, c)
			v.VMOVUPS(operand.Mem{Base: reg.RSI, Disp: i * v.width}, a)
			if v.is512() {
				v.VPTESTMD(c, c, reg.K2)
				v.VMOVUPS(operand.Mem{Base: reg.RBX, Disp: i * v.width}, c)
				v.VBLENDMPS(a, c, reg.K2, a)
			} else {
				v.VPCMPEQD(zero, c, c)
				v.VBLENDVPS(c, operand.Mem{Base: reg.RBX, Disp: i * v.width}, a, a)
			}
			v.VMOVUPS(a, operand.Mem{Base: reg.RDI, Disp: i * v.width})
		}
		v.ADDQ(operand.U32(boolLanes), reg.RDX)
	})
}

// floatOfBool emits dst = 0 or 1 for a multiple of 16.
func (v arith) floatOfBool() {
	v.Function(v.name + "FnFloatOfBool")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(dst []float32, x []bool)")
	v.Load(v.Param("dst").Base(), reg.RDI)
	v.Load(v.Param("x").Base(), reg.RDX)
	v.Load(v.Param("dst").Len(), reg.RCX)
	v.eachSixteen([]reg.GPPhysical{reg.RDI}, func() {
		for i := range boolLanes * 4 / v.width {
			x := v.regs[i]
			v.VPMOVZXBD(operand.Mem{Base: reg.RDX, Disp: i * v.width / 4}, x)
			v.VCVTDQ2PS(x, x)
			v.VMOVUPS(x, operand.Mem{Base: reg.RDI, Disp: i * v.width})
		}
		v.ADDQ(operand.U32(boolLanes), reg.RDX)
	})
}

// squaresFrom is the sum of (x - alpha)^2.
var squaresFrom = sum{function{name: "FnSumSquaresFrom", slices: []string{"x"}, numbers: alpha, temps: 1}, func(l lane) register {
	x := l.t[0]
	l.get(0, x)
	l.sub(l.scalars[0], x, x)
	l.clearIf(x)
	l.mul(x, x, x)
	return x
}}

// clearIf zeroes what lies beyond the mask, if there is one.
func (l lane) clearIf(x register) {
	if l.masked {
		l.clearRest(x)
	}
}

// extreme emits the maximum, minimum or product of a slice. If it is checked and there is a NaN, or sums of
// the elements are not defined, the result is NaN.
func (v arith) extreme(name string, start float64, f instruction, checked bool) {
	v.Function(v.name + "Fn" + name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(x []float32) float32")
	x := sliceRegisters[0]
	v.Load(v.Param("x").Base(), x)
	v.Load(v.Param("x").Len(), reg.RCX)
	e := v.extremeOf(f, checked)
	v.set(start, e.first)
	e.row(x, false)
	v.VMOVSS(e.acc[0].AsX(), address(v.ReturnIndex(0)))
	v.VZEROUPPER()
	v.RET()
}

// extremes emits what extreme does, checked, for each row of a matrix.
func (v arith) extremes(name string, start float64, f instruction) {
	e := v.extremeOf(f, true)
	v.eachRow(name, func() { v.set(start, e.first) }, func(x reg.GPPhysical) register {
		e.row(x, true)
		return e.acc[0]
	})
}

// extremum finds a maximum, minimum or product.
type extremum struct {
	arith
	f         instruction
	checked   bool
	acc, sums []register
	first, t  register // first has what no elements give
}

func (v arith) extremeOf(f instruction, checked bool) extremum {
	const unroll = 4
	return extremum{v, f, checked, v.regs[:unroll], v.regs[unroll : 2*unroll], v.regs[2*unroll], v.regs[2*unroll+1]}
}

// row leaves what the RCX elements at x give in the first element of acc[0].
func (v extremum) row(x reg.GPPhysical, ahead bool) {
	f, acc, sums, t := v.f, v.acc, v.sums, v.t
	for _, r := range acc {
		v.VMOVAPS(v.first, r)
	}
	v.zeros(sums)
	v.loop("", []reg.GPPhysical{x}, len(acc), func(u int, masked bool) {
		if ahead && !masked {
			v.fetchAhead(x, u*v.width)
		}
		v.load(operand.Mem{Base: x, Disp: u * v.width}, masked, t)
		if v.checked {
			v.add(t, sums[u], sums[u])
		}
		if masked {
			if v.is512() {
				v.VBLENDMPS(t, v.first, reg.K1, t)
			} else {
				v.VBLENDVPS(v.lastReg(), t, v.first, t)
			}
		}
		f(t, acc[u], acc[u])
	})
	a := acc[0]
	for n := len(acc) / 2; n > 0; n /= 2 {
		for i := range n {
			f(acc[i+n], acc[i], acc[i])
		}
	}
	halves := func(f instruction, a register) {
		if v.is512() {
			v.VEXTRACTF64X4(operand.U8(1), a, t.AsY())
			f(t.AsY(), a.AsY(), a.AsY())
		}
		v.VEXTRACTF128(operand.U8(1), a.AsY(), t.AsX())
		f(t.AsX(), a.AsX(), a.AsX())
		for _, order := range []uint8{0x4e, 0xb1} {
			v.VPERMILPS(operand.U8(order), a.AsX(), t.AsX())
			f(t.AsX(), a.AsX(), a.AsX())
		}
	}
	halves(f, a)
	if v.checked {
		v.fold(sums)
		halves(v.VADDPS, sums[0])
		v.VUCOMISS(sums[0].AsX(), sums[0].AsX())
		v.JNP(operand.LabelRef("defined"))
		v.VMOVAPS(sums[0].AsX(), a.AsX())
		v.Label("defined")
	}
}

// functionTables lists the functions for both instruction sets.
func functionTables() string {
	var b strings.Builder
	for _, v := range []isa{avx512, avx2} {
		fmt.Fprintf(&b, "\nvar %sFunctions = Functions{\n", v.name)
		entry := func(name string) { fmt.Fprintf(&b, "\t%s: %sFn%s,\n", name, v.name, name) }
		for _, f := range mathFunctions() {
			entry(f.name)
		}
		for _, c := range columnPasses {
			entry(c.name)
		}
		for _, f := range angleForms {
			entry(f.name)
		}
		for _, p := range predicates {
			entry(p.name)
		}
		for _, name := range []string{"Pow", "Where", "FloatOfBool", "SumSquaresFrom", "Largest", "Smallest", "Product", "SumEach", "LargestEach", "SmallestEach", "AddRows"} {
			entry(name)
		}
		fmt.Fprintf(&b, "\tSumExp: %sSumExp,\n", v.name)
		b.WriteString("}\n")
	}
	return b.String()
}
