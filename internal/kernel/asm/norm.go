// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Primitives of layer normalization that are neither element-wise nor a single sum; they are
// used in kernels over rows, which the first-level cache holds. Those of four rows at once do not
// wait for the sums of one row before the next, and load gamma and beta once.

// normRow are the entries of rowPrimitives that this file emits.
var normRow = []entry{
	{name: "Moments", signature: "func(x []float32) (mean float32, squares float64)", doc: "the mean m, and the sum of (x - m)^2"},
	{name: "SumAndDot", signature: "func(x, dy []float32, alpha float32) (sum, dot float64)", doc: "the sums of dy and of dy (x - alpha)"},
	{name: "ScaledSumAndDot", signature: "func(x, dy, gamma []float32, alpha float32) (sum, dot float64)", doc: "the same for gamma dy"},
	{name: "Moments4", signature: "func(x []float32) (mean [4]float32, squares [4]float64)", doc: "moments of four rows"},
	{name: "Standardize4", signature: "func(dst, x, g, b []float32, alpha, beta [4]float32)", doc: "standardizeScaled of four rows"},
	{name: "NormSums4", signature: "func(dgamma, dbeta, x, dy []float32, alpha, beta [4]float32)", doc: "normSums of four rows"},
}

func norms(c *build.Context) {
	both(c, func(v arith) {
		v.moments()
		v.sumAndDot(normRow[1], "x", "dy")
		v.sumAndDot(normRow[2], "x", "dy", "gamma")
		v.moments4(normRow[3])
		v.standardize4(normRow[4])
		v.normSums4(normRow[5])
	})
}

const normUnroll = 4

// fold adds up accumulators, the second half to the first, until one is left.
func (v arith) fold(acc []register) {
	for n := len(acc) / 2; n > 0; n /= 2 {
		for i := range n {
			v.add(acc[i+n], acc[i], acc[i])
		}
	}
}

// begin emits the start of a function over the given slices, the first of which determines the
// length.
func (v arith) begin(e entry, slices ...string) []reg.GPPhysical {
	v.Function(v.name + e.name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr(e.signature)
	pointers := sliceRegisters[:len(slices)]
	v.slices(pointers, slices...)
	return pointers
}

func (v arith) slices(pointers []reg.GPPhysical, slices ...string) {
	for i, name := range slices {
		v.Load(v.Param(name).Base(), pointers[i])
	}
	v.Load(v.Param(slices[0]).Len(), reg.RCX)
}

func (v arith) zeros(acc []register) {
	for _, r := range acc {
		v.zero(r)
	}
}

// momentsUnroll is the number of sums of a row, the same for one row and for four: it determines the
// order of summation, so that a row has the same bits alone and among others.
const momentsUnroll = 2

// moments reads the row twice: squares of distances from the mean do not cancel.
func (v arith) moments() {
	pointers := v.begin(normRow[0], "x")
	acc, tmp, mean := v.regs[:momentsUnroll], v.regs[momentsUnroll], v.regs[momentsUnroll+1]
	v.zeros(acc)
	v.loop("sum", pointers, momentsUnroll, func(u int, masked bool) {
		v.load(operand.Mem{Base: pointers[0], Disp: u * v.width}, masked, tmp)
		v.add(tmp, acc[u], acc[u])
	})
	v.fold(acc)
	v.total(acc[0], tmp)
	v.slices(pointers, "x")
	v.VXORPS(mean.AsX(), mean.AsX(), mean.AsX())
	v.VCVTSI2SDQ(reg.RCX, mean.AsX(), mean.AsX())
	v.VDIVSD(mean.AsX(), acc[0].AsX(), mean.AsX())
	v.VCVTSD2SS(mean.AsX(), mean.AsX(), mean.AsX())
	v.VMOVSS(mean.AsX(), address(v.ReturnIndex(0)))
	v.VBROADCASTSS(mean.AsX(), mean)
	v.zeros(acc)
	v.loop("squares", pointers, momentsUnroll, func(u int, masked bool) {
		v.load(operand.Mem{Base: pointers[0], Disp: u * v.width}, masked, tmp)
		v.sub(mean, tmp, tmp)
		if masked {
			v.clearRest(tmp)
		}
		v.mulAdd(tmp, tmp, acc[u])
	})
	v.fold(acc)
	v.total(acc[0], tmp)
	v.VMOVSD(acc[0].AsX(), address(v.ReturnIndex(1)))
	v.VZEROUPPER()
	v.RET()
}

// sumAndDot emits the two sums over dy, multiplied by the third slice if there is one.
func (v arith) sumAndDot(e entry, slices ...string) {
	pointers := v.begin(e, slices...)
	sum, dot := v.regs[:normUnroll], v.regs[normUnroll:2*normUnroll]
	x, dy, alpha := v.regs[2*normUnroll], v.regs[2*normUnroll+1], v.regs[2*normUnroll+2]
	v.broadcast("alpha", alpha)
	v.zeros(v.regs[:2*normUnroll])
	v.loop("", pointers, normUnroll, func(u int, masked bool) {
		at := func(i int) operand.Mem { return operand.Mem{Base: pointers[i], Disp: u * v.width} }
		v.load(at(0), masked, x)
		v.load(at(1), masked, dy)
		v.sub(alpha, x, x)
		if len(slices) == 3 {
			g := v.regs[2*normUnroll+3]
			v.load(at(2), masked, g)
			v.mul(g, dy, dy)
		}
		v.add(dy, sum[u], sum[u])
		v.mulAdd(dy, x, dot[u]) // dy is 0 beyond the mask
	})
	v.fold(sum)
	v.fold(dot)
	v.total(sum[0], x)
	v.total(dot[0], x)
	v.VMOVSD(sum[0].AsX(), address(v.ReturnIndex(0)))
	v.VMOVSD(dot[0].AsX(), address(v.ReturnIndex(1)))
	v.VZEROUPPER()
	v.RET()
}

const fourRows = 4

// stride leaves the distance of rows of RCX elements in R11, and three times that in R12.
func (v arith) stride() {
	v.MOVQ(reg.RCX, reg.R11)
	v.SHLQ(operand.U8(2), reg.R11)
	v.LEAQ(operand.Mem{Base: reg.R11, Index: reg.R11, Scale: 2}, reg.R12)
}

// row returns the address of vector u of row r.
func (v arith) row(p reg.GPPhysical, r, u int) operand.Mem {
	m := operand.Mem{Base: p, Disp: u * v.width}
	switch r {
	case 1, 2:
		m.Index, m.Scale = reg.R11, uint8(r)
	case 3:
		m.Index, m.Scale = reg.R12, 1
	}
	return m
}

// moments4 is moments for four rows; len(x) is that of all four.
func (v arith) moments4(e entry) {
	const unroll = momentsUnroll
	pointers := v.begin(e, "x")
	acc, tmp, mean := v.regs[:unroll*fourRows], v.regs[8], v.regs[9:13]
	v.SHRQ(operand.U8(2), reg.RCX)
	v.stride()
	v.MOVQ(reg.RCX, reg.RBX)
	v.zeros(acc)
	v.loop("sum", pointers, unroll, func(u int, masked bool) {
		for r := range fourRows {
			v.load(v.row(pointers[0], r, u), masked, tmp)
			v.add(tmp, acc[u*fourRows+r], acc[u*fourRows+r])
		}
	})
	v.Load(v.Param("x").Base(), pointers[0])
	v.MOVQ(reg.RBX, reg.RCX)
	v.VXORPS(tmp.AsX(), tmp.AsX(), tmp.AsX())
	v.VCVTSI2SDQ(reg.RCX, tmp.AsX(), tmp.AsX())
	for r, m := range mean {
		v.add(acc[fourRows+r], acc[r], acc[r])
		v.total(acc[r], m)
		v.VDIVSD(tmp.AsX(), acc[r].AsX(), m.AsX())
		v.VCVTSD2SS(m.AsX(), m.AsX(), m.AsX())
		v.VMOVSS(m.AsX(), address(v.ReturnIndex(0).Index(r)))
		v.VBROADCASTSS(m.AsX(), m)
	}
	v.zeros(acc)
	next := v.next(pointers[0], reg.RSI)
	v.loop("squares", []reg.GPPhysical{pointers[0], next}, unroll, func(u int, masked bool) {
		for r, m := range mean {
			if u*v.width%64 == 0 {
				v.PREFETCHT0(v.row(next, r, u))
			}
			v.load(v.row(pointers[0], r, u), masked, tmp)
			v.sub(m, tmp, tmp)
			if masked {
				v.clearRest(tmp)
			}
			v.mulAdd(tmp, tmp, acc[u*fourRows+r])
		}
	})
	for r := range fourRows {
		v.add(acc[fourRows+r], acc[r], acc[r])
		v.total(acc[r], tmp)
		v.VMOVSD(acc[r].AsX(), address(v.ReturnIndex(1).Index(r)))
	}
	v.VZEROUPPER()
	v.RET()
}

// next returns to, a register that points four rows behind p: what is prefetched there in time,
// because the rows of a block are read next to each other, which the processor does not foresee.
func (v arith) next(p, to reg.GPPhysical) reg.GPPhysical {
	v.LEAQ(operand.Mem{Base: p, Index: reg.R11, Scale: 4}, to)
	return to
}

// scalars4 broadcasts alpha and beta of the four rows.
func (v arith) scalars4(alpha, beta []register) {
	for r := range fourRows {
		v.VBROADCASTSS(address(v.Param("alpha").Index(r)), alpha[r])
		v.VBROADCASTSS(address(v.Param("beta").Index(r)), beta[r])
	}
}

// standardize4 takes the length of a row from g.
func (v arith) standardize4(e entry) {
	pointers := v.begin(e, "dst", "x", "g", "b")
	v.Load(v.Param("g").Len(), reg.RCX)
	v.stride()
	alpha, beta, t := v.regs[:4], v.regs[4:8], v.regs[8:]
	v.scalars4(alpha, beta)
	v.loop("", pointers, 1, func(u int, masked bool) {
		g, b, x := t[0], t[1], t[2:6]
		v.load(v.row(pointers[2], 0, u), masked, g)
		v.load(v.row(pointers[3], 0, u), masked, b)
		for r, x := range x {
			v.load(v.row(pointers[1], r, u), masked, x)
			v.sub(alpha[r], x, x)
			v.mul(beta[r], x, x)
			v.mul(g, x, x)
			v.add(b, x, x)
			v.store(x, masked, v.row(pointers[0], r, u))
		}
	})
	v.VZEROUPPER()
	v.RET()
}

// normSums4 takes the length of a row from dgamma.
func (v arith) normSums4(e entry) {
	pointers := v.begin(e, "dgamma", "dbeta", "x", "dy")
	v.stride()
	alpha, beta, t := v.regs[:4], v.regs[4:8], v.regs[8:]
	v.scalars4(alpha, beta)
	next := v.next(pointers[3], reg.R8)
	v.loop("", append(pointers, next), 1, func(u int, masked bool) {
		dgamma, dbeta, x, dy := t[0], t[1], t[2], t[3]
		v.load(v.row(pointers[0], 0, u), masked, dgamma)
		v.load(v.row(pointers[1], 0, u), masked, dbeta)
		for r := range fourRows {
			v.PREFETCHT0(v.row(next, r, u))
			v.load(v.row(pointers[2], r, u), masked, x)
			v.load(v.row(pointers[3], r, u), masked, dy)
			v.sub(alpha[r], x, x)
			v.mul(beta[r], x, x)
			v.add(dy, dbeta, dbeta)
			v.mulAdd(dy, x, dgamma)
		}
		v.store(dgamma, masked, v.row(pointers[0], 0, u))
		v.store(dbeta, masked, v.row(pointers[1], 0, u))
	})
	v.VZEROUPPER()
	v.RET()
}
