// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Element-wise functions map slices to slices of the same length.

// lane is one vector of an element-wise function: the body is emitted twice for the main loop
// and once more, masked, for the tail.
type lane struct {
	arith
	t       []register // available to the body
	scalars []register // the function's scalar parameters, broadcast
	slices  []reg.GPPhysical
	offset  int
	masked  bool
}

// get loads slice i into dst; put stores src to it.
func (l lane) get(i int, dst register) {
	l.load(operand.Mem{Base: l.slices[i], Disp: l.offset}, l.masked, dst)
}

func (l lane) put(i int, src register) {
	l.store(src, l.masked, operand.Mem{Base: l.slices[i], Disp: l.offset})
}

// function describes an element-wise function; its first slice determines the length.
type function struct {
	name    string
	slices  []string
	numbers []string
	temps   int // number of registers that body needs
	body    func(l lane)
}

func (f function) signature() string {
	sig := "func(" + strings.Join(f.slices, ", ") + " []float32"
	if len(f.numbers) > 0 {
		sig += ", " + strings.Join(f.numbers, ", ") + " float32"
	}
	return sig + ")"
}

var sliceRegisters = []reg.GPPhysical{reg.RDI, reg.RSI, reg.RBX, reg.RDX, reg.R8}

// free returns the vector registers that hold neither scalars nor, in AVX2, the mask.
func (i isa) free(numbers int) (free, held []register) {
	n := len(i.regs)
	if i.width == 32 {
		n--
	}
	return i.regs[:n-numbers], i.regs[n-numbers : n]
}

func (f function) emit(v arith) {
	v.Function(v.name + f.name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr(f.signature())
	free, held := v.free(len(f.numbers))
	slices := sliceRegisters[:len(f.slices)]
	for i, name := range f.slices {
		v.Load(v.Param(name).Base(), slices[i])
	}
	v.Load(v.Param(f.slices[0]).Len(), reg.RCX)
	for i, name := range f.numbers {
		v.broadcast(name, held[i])
	}
	unroll := 2
	if 2*f.temps > len(free) {
		unroll = 1
	}
	v.loop("", slices, unroll, func(u int, masked bool) {
		f.body(lane{v, free[u*f.temps : (u+1)*f.temps], held, slices, u * v.width, masked})
	})
	v.VZEROUPPER()
	v.RET()
}

// broadcast fills dst with the named parameter.
func (v arith) broadcast(name string, dst register) {
	v.VBROADCASTSS(address(v.Param(name)), dst)
}

// loop runs body over the RCX elements at the pointers, unroll vectors per iteration, and once
// more for a tail of masked vectors. It clobbers R9 and R10. The name distinguishes the loops of a
// function.
func (v arith) loop(name string, pointers []reg.GPPhysical, unroll int, body func(u int, masked bool)) {
	lanes := v.width / 4
	advance := func(n int) {
		for _, p := range pointers {
			v.ADDQ(operand.U32(n*v.width), p)
		}
	}
	v.SUBQ(operand.U32(unroll*lanes), reg.RCX)
	v.JLT(operand.LabelRef(name + "rest"))
	v.Label(name + "many")
	for u := range unroll {
		body(u, false)
	}
	advance(unroll)
	v.SUBQ(operand.U32(unroll*lanes), reg.RCX)
	v.JGE(operand.LabelRef(name + "many"))
	v.Label(name + "rest")
	v.ADDQ(operand.U32(unroll*lanes), reg.RCX)
	v.JZ(operand.LabelRef(name + "done"))
	v.Label(name + "tail")
	v.MOVQ(operand.U64(lanes), reg.R9)
	v.CMPQ(reg.RCX, reg.R9)
	v.CMOVQLT(reg.RCX, reg.R9)
	v.setMask(reg.R9, reg.R10)
	body(0, true)
	advance(1)
	v.SUBQ(reg.R9, reg.RCX)
	v.JNZ(operand.LabelRef(name + "tail"))
	v.Label(name + "done")
}

// both emits fs for both instruction sets.
func both(c *build.Context, emit func(v arith)) {
	laneMask(c)
	numbers, tables := map[uint32]operand.Mem{}, map[string]operand.Mem{}
	for _, set := range []isa{avx512, avx2} {
		emit(arith{vec: vec{c, set}, numbers: numbers, tables: tables})
	}
}

func elementwise(c *build.Context) {
	both(c, func(v arith) {
		for _, f := range elementwiseFunctions {
			f.emit(v)
		}
		for _, f := range rowFunctions {
			f.emit(v)
		}
	})
}

var (
	xOnly = []string{"dst", "x"}
	aAndB = []string{"dst", "a", "b"}
)

// of2 makes a function of two slices: op leaves the result in a.
func of2(name string, numbers []string, temps int, op func(l lane, a, b register)) function {
	return function{name, aAndB, numbers, temps + 2, func(l lane) {
		a, b := l.t[temps], l.t[temps+1]
		l.get(1, a)
		l.get(2, b)
		op(l, a, b)
		l.put(0, a)
	}}
}

// of1 makes a function of one slice: op leaves the result in x.
func of1(name string, numbers []string, temps int, op func(l lane, x register)) function {
	return function{name, xOnly, numbers, temps + 1, func(l lane) {
		x := l.t[temps]
		l.get(1, x)
		op(l, x)
		l.put(0, x)
	}}
}

var alpha = []string{"alpha"}

// elementwiseFunctions are entries of simd.Table, each with a reference of the same name.
var elementwiseFunctions = []function{
	of2("Add", nil, 0, func(l lane, a, b register) { l.add(b, a, a) }),
	of2("Sub", nil, 0, func(l lane, a, b register) { l.sub(b, a, a) }),
	of2("Mul", nil, 0, func(l lane, a, b register) { l.mul(b, a, a) }),
	of2("Max", nil, 2, func(l lane, a, b register) {
		l.max(a, b, a) // NaN if a is NaN
		l.choose(unordered, b, b, b, a, a, l.t[0])
	}),
	of1("Scale", alpha, 0, func(l lane, x register) { l.mul(l.scalars[0], x, x) }),
	of1("AddScaled", alpha, 1, func(l lane, x register) {
		l.get(0, l.t[0])
		l.mul(l.scalars[0], x, x)
		l.add(l.t[0], x, x)
	}),
	of1("Clip", []string{"lo", "hi"}, 0, func(l lane, x register) {
		l.max(x, l.scalars[0], x)
		l.min(x, l.scalars[1], x)
	}),
	{"MaxGrad", []string{"da", "db", "a", "b", "dy"}, nil, 5, func(l lane) {
		const greaterEqual, notGreaterEqual = 13, 9
		a, b, dy, other := l.t[0], l.t[1], l.t[2], l.t[3]
		l.get(2, a)
		l.get(3, b)
		l.get(4, dy)
		l.VMOVAPS(dy, other)
		l.keep(greaterEqual, a, b, dy, l.t[4])
		l.keep(notGreaterEqual, a, b, other, l.t[4])
		l.put(0, dy)
		l.put(1, other)
	}},
}

// rowFunction is an element-wise primitive for kernels over rows; its scalars belong to the row.
type rowFunction struct {
	doc string
	function
}

var rowFunctions = []rowFunction{
	{"(x - alpha) - beta", of1("Shift", []string{"alpha", "beta"}, 0, func(l lane, x register) {
		l.sub(l.scalars[0], x, x)
		l.sub(l.scalars[1], x, x)
	})},
	{"a (b - alpha)", of2("SoftmaxBack", alpha, 0, func(l lane, y, dy register) {
		l.sub(l.scalars[0], dy, dy)
		l.mul(dy, y, y)
	})},
	{"b - alpha exp(a)", of2("LogSoftmaxBack", alpha, 2, func(l lane, y, dy register) {
		l.exp(y, l.t...)
		l.mul(l.scalars[0], y, y)
		l.sub(y, dy, y)
	})},
	{"alpha a + beta b", of2("Combine", []string{"alpha", "beta"}, 0, func(l lane, a, b register) {
		l.mul(l.scalars[1], b, b)
		l.mul(l.scalars[0], a, a)
		l.add(b, a, a)
	})},
	{"alpha (a - b)", of2("Distance", alpha, 0, func(l lane, a, b register) {
		l.sub(b, a, a)
		l.mul(l.scalars[0], a, a)
	})},
	{"alpha sign(a - b)", of2("Direction", alpha, 2, func(l lane, a, b register) {
		l.sub(b, a, a)
		l.and(signBit, a, b)
		l.xor(l.scalars[0], b, b)
		l.zero(l.t[0])
		l.keep(notEqual, a, l.t[0], b, l.t[1])
		l.choose(unordered, a, a, a, b, a, l.t[1])
	})},
	{"alpha (sigmoid(a) - b)", of2("SigmoidDistance", alpha, 2, func(l lane, z, t register) {
		l.sigmoid(z, l.t...)
		l.sub(t, z, z)
		l.mul(l.scalars[0], z, z)
	})},
	{"(x - alpha) beta", of1("Standardize", []string{"alpha", "beta"}, 0, func(l lane, x register) {
		l.sub(l.scalars[0], x, x)
		l.mul(l.scalars[1], x, x)
	})},
	{"the same, times g, plus b", function{"StandardizeScaled", []string{"dst", "x", "g", "b"}, []string{"alpha", "beta"}, 2, func(l lane) {
		x, g := l.t[0], l.t[1]
		l.get(1, x)
		l.sub(l.scalars[0], x, x)
		l.mul(l.scalars[1], x, x)
		l.get(2, g)
		l.mul(g, x, x)
		l.get(3, g)
		l.add(g, x, x)
		l.put(0, x)
	}}},
	{"((dy - beta) - (x - alpha) gamma) delta", function{"NormBack", []string{"dst", "x", "dy"}, normNumbers, 2, func(l lane) {
		l.get(2, l.t[1])
		l.normBack()
	}}},
	{"the same for dy g", function{"NormBackScaled", []string{"dst", "x", "dy", "g"}, normNumbers, 3, func(l lane) {
		l.get(2, l.t[1])
		l.get(3, l.t[2])
		l.mul(l.t[2], l.t[1], l.t[1])
		l.normBack()
	}}},
	{"dgamma += dy ((x - alpha) beta), dbeta += dy", function{"NormSums", []string{"dgamma", "dbeta", "x", "dy"}, []string{"alpha", "beta"}, 3, func(l lane) {
		x, dy, sum := l.t[0], l.t[1], l.t[2]
		l.get(2, x)
		l.get(3, dy)
		l.get(1, sum)
		l.sub(l.scalars[0], x, x)
		l.mul(l.scalars[1], x, x)
		l.add(dy, sum, sum)
		l.put(1, sum)
		l.get(0, sum)
		l.mulAdd(dy, x, sum)
		l.put(0, sum)
	}}},
}

var normNumbers = []string{"alpha", "beta", "gamma", "delta"}

// normBack computes the gradient of a normalized x from that of the result in t[1]; it clobbers t[0].
func (l lane) normBack() {
	x, g := l.t[0], l.t[1]
	l.get(1, x)
	l.sub(l.scalars[0], x, x)
	l.sub(l.scalars[1], g, g)
	l.negMulAdd(l.scalars[2], x, g)
	l.mul(l.scalars[3], g, g)
	l.put(0, g)
}
