// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sums over slices. Each vector of the unrolled loop has a float32 accumulator; at the end, their
// elements are added in float64.

// sum describes a reduction; term leaves an element's contribution in the register it returns.
type sum struct {
	function
	term func(l lane) register
}

func (s sum) emit(v arith) {
	const result = "float64"
	v.Function(v.name + s.name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr(s.signature() + result)
	free, held := v.free(len(s.numbers))
	slices := sliceRegisters[:len(s.slices)]
	for i, name := range s.slices {
		v.Load(v.Param(name).Base(), slices[i])
	}
	v.Load(v.Param(s.slices[0]).Len(), reg.RCX)
	for i, name := range s.numbers {
		v.broadcast(name, held[i])
	}
	total := s.row(v, slices, free, held)
	v.VMOVSD(total.AsX(), address(v.ReturnIndex(0)))
	v.VZEROUPPER()
	v.RET()
}

// row leaves the sum over the RCX elements at the pointers as a float64 in the register it returns.
func (s sum) row(v arith, slices []reg.GPPhysical, free, held []register) register {
	unroll := 4
	for unroll*(s.temps+1) > len(free) {
		unroll /= 2
	}
	acc, free := free[:unroll], free[unroll:]
	v.zeros(acc)
	v.loop("", slices, unroll, func(u int, masked bool) {
		term := s.term(lane{v, free[u*s.temps : (u+1)*s.temps], held, slices, u * v.width, masked})
		if masked {
			v.clearRest(term)
		}
		v.add(term, acc[u], acc[u])
	})
	v.fold(acc)
	v.total(acc[0], free[0])
	return acc[0]
}

const (
	line       = 64    // bytes of a line of a cache
	fetchAhead = 16384 // how many bytes ahead adjacent rows are read
)

// eachRow emits a sum of one slice for each row of a matrix.
func (s sum) eachRow(v arith, name string) {
	free, held := v.free(0)
	v.eachRow(name, func() {}, func(x reg.GPPhysical) register {
		ahead := s
		ahead.term = func(l lane) register {
			if !l.masked {
				v.fetchAhead(x, l.offset)
			}
			return s.term(l)
		}
		total := ahead.row(v, []reg.GPPhysical{x}, free, held)
		v.VCVTSD2SS(total.AsX(), total.AsX(), total.AsX())
		return total
	})
}

// fetchAhead reads the line of the vector at x + offset ahead of time.
func (v arith) fetchAhead(x reg.GPPhysical, offset int) {
	if offset%line == 0 {
		v.PREFETCHT0(operand.Mem{Base: x, Disp: offset + fetchAhead})
	}
}

// eachRow emits a reduction of one slice for each row of a matrix, with the bits that it has for a row
// alone: rows follow each other without a call in between, so that the result of one is completed while the
// next one is read. Code that row emits reduces the RCX elements at x to the first element of a register.
func (v arith) eachRow(name string, begin func(), row func(x reg.GPPhysical) register) {
	v.Function(v.name + "Fn" + name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(dst, x []float32, cols int)")
	dst, x, cols, rows := reg.RDX, sliceRegisters[0], reg.RBX, reg.R8
	v.Load(v.Param("dst").Base(), dst)
	v.Load(v.Param("dst").Len(), rows)
	v.Load(v.Param("x").Base(), x)
	v.Load(v.Param("cols"), cols)
	begin()
	v.TESTQ(rows, rows)
	v.JZ(operand.LabelRef("end"))
	v.Label("row")
	v.MOVQ(cols, reg.RCX)
	v.VMOVSS(row(x).AsX(), operand.Mem{Base: dst})
	v.ADDQ(operand.U32(4), dst)
	// the pointer is beyond the row by what its last vector has too much
	v.MOVQ(cols, reg.RAX)
	v.NEGQ(reg.RAX)
	v.ANDQ(operand.U32(v.width/4-1), reg.RAX)
	v.SHLQ(operand.U8(2), reg.RAX)
	v.SUBQ(reg.RAX, x)
	v.DECQ(rows)
	v.JNZ(operand.LabelRef("row"))
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}

// addRows emits dst_j = x_0j + x_1j + ..., one after the other, of rows that are step floats apart and
// longer than dst: what follows is read ahead of time.
func (v arith) addRows() {
	v.Function(v.name + "FnAddRows")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(dst, x []float32, rows, step int)")
	dst, x, rows, left, row, p, n := reg.RDI, reg.RSI, reg.R8, reg.RCX, reg.RDX, reg.RBX, reg.R11
	v.Load(v.Param("dst").Base(), dst)
	v.Load(v.Param("dst").Len(), left)
	v.Load(v.Param("x").Base(), x)
	v.Load(v.Param("rows"), rows)
	v.Load(v.Param("step"), row)
	v.SHLQ(operand.U8(2), row)
	lanes := v.width / 4
	pass := func(name string, vectors int, masked bool) {
		at := func(i int) operand.Mem { return operand.Mem{Base: p, Disp: i * v.width} }
		ahead := func() {
			for i := 0; i < vectors*v.width && vectors > 1; i += line {
				v.PREFETCHT0(operand.Mem{Base: p, Disp: vectors*v.width + i})
			}
		}
		sums, tmp := v.regs[:vectors], v.regs[vectors]
		v.MOVQ(x, p)
		v.MOVQ(rows, n)
		for i, s := range sums {
			v.load(at(i), masked, s)
		}
		ahead()
		v.JMP(operand.LabelRef(name + "Next"))
		v.Label(name + "Row")
		ahead()
		for i, s := range sums {
			if masked {
				v.load(at(i), true, tmp)
				v.add(tmp, s, s)
			} else {
				v.add(at(i), s, s)
			}
		}
		v.Label(name + "Next")
		v.ADDQ(row, p)
		v.DECQ(n)
		v.JNZ(operand.LabelRef(name + "Row"))
		for i, s := range sums {
			v.store(s, masked, operand.Mem{Base: dst, Disp: i * v.width})
		}
	}
	for _, b := range []struct {
		name    string
		vectors int
	}{{"eight", 8}, {"one", 1}} {
		width := b.vectors * lanes
		v.Label(b.name)
		v.CMPQ(left, operand.U32(width))
		v.JLT(operand.LabelRef(b.name + "Done"))
		pass(b.name, b.vectors, false)
		v.ADDQ(operand.U32(width*4), dst)
		v.ADDQ(operand.U32(width*4), x)
		v.SUBQ(operand.U32(width), left)
		v.JMP(operand.LabelRef(b.name))
		v.Label(b.name + "Done")
	}
	v.TESTQ(left, left)
	v.JZ(operand.LabelRef("end"))
	v.setMask(left, reg.R10)
	pass("part", 1, true)
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}

// address returns where a parameter or a result is.
func address(c gotypes.Component) operand.Mem {
	p, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

// clearRest zeroes the elements beyond the mask.
func (v arith) clearRest(x register) {
	if v.is512() {
		v.VMOVAPS_Z(x, reg.K1, x)
	} else {
		v.VANDPS(v.lastReg(), x, x)
	}
}

// total leaves the sum of x's elements, added in float64, in the low element of x.
func (v arith) total(x, tmp register) {
	if v.is512() {
		v.VEXTRACTF64X4(operand.U8(1), x, tmp.AsY())
		v.VCVTPS2PD(x.AsY(), x)
		v.VCVTPS2PD(tmp.AsY(), tmp)
		v.VADDPD(tmp, x, x)
		v.VEXTRACTF64X4(operand.U8(1), x, tmp.AsY())
	} else {
		v.VEXTRACTF128(operand.U8(1), x, tmp.AsX())
		v.VCVTPS2PD(x.AsX(), x)
		v.VCVTPS2PD(tmp.AsX(), tmp)
	}
	v.VADDPD(tmp.AsY(), x.AsY(), x.AsY())
	v.VEXTRACTF128(operand.U8(1), x.AsY(), tmp.AsX())
	v.VADDPD(tmp.AsX(), x.AsX(), x.AsX())
	v.VPERMILPD(operand.U8(1), x.AsX(), tmp.AsX())
	v.VADDSD(tmp.AsX(), x.AsX(), x.AsX())
}

func reductions(c *build.Context) {
	both(c, func(v arith) {
		for _, s := range sums {
			s.emit(v)
		}
		anomaly.emit(v)
		for _, s := range rowSums {
			s.emit(v)
		}
		v.rowMax()
		v.columnSum()
	})
}

// sumOf makes a reduction of one slice: f leaves the contribution of its element in x.
func sumOf(name string, f func(l lane, x register)) sum {
	return sum{function{name: name, slices: []string{"x"}, temps: 1}, func(l lane) register {
		l.get(0, l.t[0])
		f(l, l.t[0])
		return l.t[0]
	}}
}

// sumOf2 makes a reduction of two slices: f leaves the contribution of their elements in a.
func sumOf2(name string, numbers []string, temps int, f func(l lane, a, b register)) sum {
	return sum{function{name: name, slices: []string{"a", "b"}, numbers: numbers, temps: temps + 2}, func(l lane) register {
		a, b := l.t[temps], l.t[temps+1]
		l.get(0, a)
		l.get(1, b)
		f(l, a, b)
		return a
	}}
}

// sums are entries of simd.Table, each with a reference of the same name.
var sums = []sum{
	sumOf("Sum", func(l lane, x register) {}),
	sumOf("SumSquares", func(l lane, x register) { l.mul(x, x, x) }),
	sumOf("SumAbs", func(l lane, x register) { l.abs(x, x) }),
	sumOf2("Dot", nil, 0, func(l lane, a, b register) { l.mul(b, a, a) }),
}

// anomaly is 0, or NaN if x has a NaN or an infinity.
var anomaly = sumOf("Anomaly", func(l lane, x register) { l.sub(x, x, x) })

// rowSum is a reduction used in kernels over rows.
type rowSum struct {
	doc string
	sum
}

var rowSums = []rowSum{
	{"sum of (a - b)^2", sumOf2("SquaredDistance", nil, 0, func(l lane, a, b register) { l.sub(b, a, a); l.mul(a, a, a) })},
	{"sum of |a - b|", sumOf2("AbsDistance", nil, 0, func(l lane, a, b register) { l.sub(b, a, a); l.abs(a, a) })},
	{"sum of a ((alpha - b) + beta) where a is not 0", sumOf2("XentTerms", []string{"alpha", "beta"}, 2, func(l lane, t, z register) {
		l.sub(z, l.scalars[0], z)
		l.add(l.scalars[1], z, z)
		l.mul(t, z, z)
		l.zero(l.t[0])
		l.keep(notEqual, t, l.t[0], z, l.t[1])
		l.VMOVAPS(z, t)
	})},
	{"sum of max(a, 0) - a b + log(1 + exp(-|a|))", sumOf2("SigmoidXentTerms", nil, 5, func(l lane, z, t register) {
		l.logOnePlusExp(z, l.t)
		l.VFNMADD231PS(t, z, l.t[0])
		l.atLeast(0, z, l.t[1])
		l.add(l.t[0], z, z)
	})},
	{"sum of exp(x - alpha)", sum{function{name: "SumExp", slices: []string{"x"}, numbers: alpha, temps: 3}, func(l lane) register {
		l.get(0, l.t[2])
		l.sub(l.scalars[0], l.t[2], l.t[2])
		l.exp(l.t[2], l.t...)
		return l.t[2]
	}}},
	{"the same, with dst = exp(x - alpha)", sum{function{name: "ExpSum", slices: xOnly, numbers: alpha, temps: 3}, func(l lane) register {
		l.get(1, l.t[2])
		l.sub(l.scalars[0], l.t[2], l.t[2])
		l.exp(l.t[2], l.t...)
		l.put(0, l.t[2])
		return l.t[2]
	}}},
}

// rowMax emits the maximum of a slice; if there is a NaN, it may or may not be the result.
func (v arith) rowMax() {
	v.Function(v.name + "RowMax")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(x []float32) float32")
	x := sliceRegisters[:1]
	v.Load(v.Param("x").Base(), x[0])
	v.Load(v.Param("x").Len(), reg.RCX)
	acc, lowest, tmp := v.regs[0:2], v.regs[2], v.regs[3]
	v.VBROADCASTSS(v.constant(0xff800000), lowest)
	v.VMOVAPS(lowest, acc[0])
	v.VMOVAPS(lowest, acc[1])
	v.loop("", x, 2, func(u int, masked bool) {
		m := operand.Mem{Base: x[0], Disp: u * v.width}
		switch {
		case !masked:
			v.VMAXPS(m, acc[u], acc[u])
		case v.is512():
			v.VMAXPS(m, acc[0], reg.K1, acc[0])
		default:
			v.VMASKMOVPS(m, v.lastReg(), tmp)
			v.VBLENDVPS(v.lastReg(), tmp, lowest, tmp)
			v.VMAXPS(tmp, acc[0], acc[0])
		}
	})
	a := acc[0]
	v.max(acc[1], a, a)
	if v.is512() {
		v.VEXTRACTF64X4(operand.U8(1), a, tmp.AsY())
		v.VMAXPS(tmp.AsY(), a.AsY(), a.AsY())
	}
	v.VEXTRACTF128(operand.U8(1), a.AsY(), tmp.AsX())
	v.VMAXPS(tmp.AsX(), a.AsX(), a.AsX())
	v.VPERMILPS(operand.U8(0x4e), a.AsX(), tmp.AsX())
	v.VMAXPS(tmp.AsX(), a.AsX(), a.AsX())
	v.VPERMILPS(operand.U8(0xb1), a.AsX(), tmp.AsX())
	v.VMAXPS(tmp.AsX(), a.AsX(), a.AsX())
	v.VMOVSS(a.AsX(), address(v.ReturnIndex(0)))
	v.VZEROUPPER()
	v.RET()
}

// columnSum emits dst_j = sum_r x_rj for rows that are cols floats apart. It processes as many
// columns at once as it has vectors for, and several rows if there are few columns, because each
// addition depends on the previous one.
func (v arith) columnSum() {
	v.Function(v.name + "ColSum")
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr("func(dst, x []float32, rows, cols int)")
	dst, x, rows, left, row, p, n := reg.RDI, reg.RSI, reg.R8, reg.RCX, reg.RDX, reg.RBX, reg.R11
	v.Load(v.Param("dst").Base(), dst)
	v.Load(v.Param("x").Base(), x)
	v.Load(v.Param("rows"), rows)
	v.Load(v.Param("cols"), left)
	v.MOVQ(left, row)
	v.SHLQ(operand.U8(2), row)
	lanes := v.width / 4
	pass := func(name string, vectors, together int, masked bool) {
		sums := v.regs[:vectors*together]
		for _, r := range sums {
			v.zero(r)
		}
		v.MOVQ(x, p)
		v.MOVQ(rows, n)
		add := func(t int) {
			for i := range vectors {
				m, s := operand.Mem{Base: p, Disp: i * v.width}, sums[t*vectors+i]
				if !masked {
					v.add(m, s, s)
					continue
				}
				tmp := v.regs[14-t]
				v.load(m, true, tmp)
				v.add(tmp, s, s)
			}
			v.ADDQ(row, p)
		}
		v.SUBQ(operand.U32(together), n)
		v.JLT(operand.LabelRef(name + "Few"))
		v.Label(name + "Rows")
		for t := range together {
			add(t)
		}
		v.SUBQ(operand.U32(together), n)
		v.JGE(operand.LabelRef(name + "Rows"))
		v.Label(name + "Few")
		v.ADDQ(operand.U32(together), n)
		v.JZ(operand.LabelRef(name + "Sum"))
		v.Label(name + "Row")
		add(0)
		v.DECQ(n)
		v.JNZ(operand.LabelRef(name + "Row"))
		v.Label(name + "Sum")
		for t := together / 2; t > 0; t /= 2 {
			for i := range t * vectors {
				v.add(sums[t*vectors+i], sums[i], sums[i])
			}
		}
		for i := range vectors {
			v.store(sums[i], masked, operand.Mem{Base: dst, Disp: i * v.width})
		}
	}
	for _, b := range []struct {
		name              string
		vectors, together int
	}{{"four", 4, 2}, {"one", 1, 4}} {
		width := b.vectors * lanes
		v.Label(b.name)
		v.CMPQ(left, operand.U32(width))
		v.JLT(operand.LabelRef(b.name + "Done"))
		pass(b.name, b.vectors, b.together, false)
		v.ADDQ(operand.U32(width*4), dst)
		v.ADDQ(operand.U32(width*4), x)
		v.SUBQ(operand.U32(width), left)
		v.JMP(operand.LabelRef(b.name))
		v.Label(b.name + "Done")
	}
	v.TESTQ(left, left)
	v.JZ(operand.LabelRef("end"))
	v.setMask(left, reg.R10)
	pass("part", 1, 4, true)
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}
