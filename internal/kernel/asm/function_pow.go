// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wide is an arith of float64. Constants are 64-bit patterns.
type wide struct {
	arith
	doubles map[bits64]operand.Mem
}

// bits64 is the pattern of a float64 or an integer.
type bits64 uint64

func (w wide) constant(n bits64) operand.Mem {
	if m, ok := w.doubles[n]; ok {
		return m
	}
	m := w.StaticGlobal(fmt.Sprintf("wide%016x", uint64(n)))
	w.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 4 {
		w.AddDatum(8*i, operand.U64(n))
	}
	w.doubles[n] = m
	return m
}

// powers emits dst = a^b. |a|^b is exp2(b log2 |a|) in float64, whose error of 1e-10 leaves all results
// that are floats exact; then come the sign and the cases in which the power is not that product.
func (v arith) powers(doubles map[bits64]operand.Mem) {
	f := power(doubles).function()
	f.name = "Fn" + f.name
	f.emit(v)
}

func power(doubles map[bits64]operand.Mem) form {
	return binary("Pow", nil, 9, func(l lane, a, b register) {
		abs, lo, hi, y := l.t[0], l.t[1], l.t[2], l.t[3]
		t := l.t[4:9]
		w := wide{l.arith, doubles}
		l.abs(a, abs)
		for i, half := range []register{lo, hi} {
			w.half(i, abs, half)
			w.half(i, b, y)
			w.pow(half, y, t)
			w.narrow(half)
		}
		if l.is512() {
			l.VINSERTF64X4(operand.U8(1), hi.AsY(), lo, lo)
		} else {
			l.VINSERTF128(operand.U8(1), hi.AsX(), lo, lo)
		}
		r, s, u, tmp := lo, hi, y, t[0]
		l.fix(equal, abs, 1, 1, r, s, tmp)
		// where b is an odd integer, the sign is that of a
		l.mul(0.5, b, s)
		l.round(s, u)
		l.and(signBit, a, t[1])
		l.keep(notEqual, s, u, t[1], tmp)
		l.round(b, u)
		l.keep(equal, u, b, t[1], tmp)
		l.or(t[1], r, r)
		// a finite negative number has no power that is not an integer: NaN
		l.set(math.NaN(), s)
		l.keep(notEqual, u, b, s, tmp)
		l.zero(t[1])
		l.keep(less, a, t[1], s, tmp)
		l.set(math.Inf(1), t[1])
		l.keep(notEqual, abs, t[1], s, tmp)
		l.or(s, r, r)
		l.set(math.NaN(), s)
		l.choose(unordered, a, b, s, r, r, tmp)
		l.fix(equal, a, 1, 1, r, s, tmp)
		l.fix(equal, b, 0, 1, r, s, tmp)
		l.VMOVAPS(r, a)
	})
}

// half writes half i of the floats x to dst, as float64.
func (w wide) half(i int, x, dst register) {
	if i == 0 {
		w.VCVTPS2PD(w.halfOf(x), dst)
		return
	}
	if w.is512() {
		w.VEXTRACTF64X4(operand.U8(1), x, dst.AsY())
	} else {
		w.VEXTRACTF128(operand.U8(1), x, dst.AsX())
	}
	w.VCVTPS2PD(w.halfOf(dst), dst)
}

func (w wide) halfOf(x register) reg.VecPhysical {
	if w.is512() {
		return x.AsY().(reg.VecPhysical)
	}
	return x.AsX().(reg.VecPhysical)
}

// narrow rounds x to floats, in its lower half.
func (w wide) narrow(x register) {
	if w.is512() {
		w.VCVTPD2PS(x, w.halfOf(x))
	} else {
		w.VCVTPD2PSY(x, w.halfOf(x))
	}
}

// op emits dst = f(n, y).
func (w wide) op(f, broadcast instruction, n bits64, ops ...operand.Op) {
	ops = append([]operand.Op{w.constant(n)}, ops...)
	if w.is512() {
		broadcast(ops...)
	} else {
		f(ops...)
	}
}

func (w wide) addNumber(x float64, y, dst register) {
	w.op(w.VADDPD, w.VADDPD_BCST, bits64(math.Float64bits(x)), y, dst)
}

func (w wide) setNumber(x float64, dst register) {
	w.VBROADCASTSD(w.constant(bits64(math.Float64bits(x))), dst)
}

func (w wide) polynomial(coefficients []float64, x, dst register) {
	w.setNumber(coefficients[0], dst)
	for _, c := range coefficients[1:] {
		w.op(w.VFMADD213PD, w.VFMADD213PD_BCST, bits64(math.Float64bits(c)), x, dst)
	}
}

// choose is dst = v where x = limit.
func (w wide) choose(x register, limit, v float64, dst, t, tmp register) {
	w.setNumber(v, t)
	n := bits64(math.Float64bits(limit))
	if w.is512() {
		w.VCMPPD_BCST(operand.U8(equal), w.constant(n), x, w.condition())
		w.VBLENDMPD(t, dst, w.condition(), dst)
		return
	}
	w.VCMPPD(operand.U8(equal), w.constant(n), x, tmp)
	w.VBLENDVPD(tmp, t, dst, dst)
}

// pow is x = x^y for x >= 0.
func (w wide) pow(x, y register, t []register) {
	const mantissa, top = 52, 1 << 62 // top: the exponent 1024
	const root = 0x3fe6a09e667f3bcd   // sqrt(1/2)
	e, z, p, square, tmp := t[0], t[1], t[2], t[3], t[4]
	// x = m 2^e, sqrt(1/2) <= m < sqrt(2)
	w.op(w.VPSUBQ, w.VPSUBQ_BCST, (root-top)&(1<<64-1), x, e)
	w.VPSRLQ(operand.U8(mantissa), e, e) // e + 1024
	w.VPSLLQ(operand.U8(mantissa), e, z)
	w.VPSUBQ(z, x, z)
	w.op(w.VPADDQ, w.VPADDQ_BCST, top, z, z) // m
	if w.is512() {
		w.VPORQ_BCST(w.constant(0x433<<mantissa), e, e)
	} else {
		w.VPOR(w.constant(0x433<<mantissa), e, e)
	}
	w.addNumber(-(1<<mantissa + 1024), e, e)
	// log2(x) = e + log2((1+z)/(1-z)), z = (m-1)/(m+1)
	w.addNumber(1, z, p)
	w.addNumber(-1, z, z)
	w.VDIVPD(p, z, z)
	w.VMULPD(z, z, square)
	w.polynomial(log2Series, square, p)
	w.VFMADD231PD(p, z, e)
	w.choose(x, 0, -1e300, e, p, tmp)
	w.choose(x, math.Inf(1), 1e300, e, p, tmp)
	w.VMULPD(y, e, e)
	w.setNumber(1000, p)
	w.VMINPD(p, e, e)
	w.setNumber(-1000, p)
	w.VMAXPD(p, e, e)
	// 2^e = 2^n 2^z
	if w.is512() {
		w.VRNDSCALEPD(operand.U8(8), e, square)
	} else {
		w.VROUNDPD(operand.U8(8), e, square)
	}
	w.VSUBPD(square, e, z)
	w.polynomial(exp2Series, z, x)
	w.addNumber(1<<mantissa*1.5, square, square) // n in the low bits
	w.VPSLLQ(operand.U8(mantissa), square, square)
	w.VPADDQ(square, x, x)
}

var (
	log2Series = series(7, func(k int) float64 { return 2 / math.Ln2 / float64(2*k+1) })
	exp2Series = series(10, func(k int) float64 { return math.Pow(math.Ln2, float64(k)) / math.Gamma(float64(k+1)) })
)

// series returns coefficients n to 0.
func series(n int, coefficient func(k int) float64) (list []float64) {
	for k := n; k >= 0; k-- {
		list = append(list, coefficient(k))
	}
	return list
}
