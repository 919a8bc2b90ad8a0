// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// log(1 + f) = f - f^2 R(f) / Q(f), -0.25 <= f <= 1, with a relative error of at most 1.1e-8 by
// testdata/approximations.py. The quotient's own errors count less than half, since f^2 R/Q is at most 0.31 where log(1 + f) is 0.69.
var (
	log1pNumerator   = []float64{0.9490761756896973, 5.368674278259277, 5.583207130432129}
	log1pDenominator = []float64{8.43588638305664, 18.181625366210938, 11.166418075561523} // of a polynomial that begins with f^3
)

// exponentMask has the bits of an exponent and the sign.
const exponentMask number = 1<<32 - 1<<exponent

// log1p is u = log(1 + u) for -0.25 <= u <= 1 with an error of at most 1.65 units in the last place.
func (a arith) log1p(u register, t ...register) {
	p, q := t[0], t[1]
	a.polynomial(log1pNumerator, u, p)
	a.add(log1pDenominator[0], u, q)
	for _, c := range log1pDenominator[1:] {
		a.horner(c, u, q)
	}
	a.mul(u, p, p)
	a.div(q, p, p)
	a.negMulAdd(p, u, u)
}

// logOnePlus is x = log(1 + x). The sum w is m 2^e, with e = 0 where 0.75 <= w <= 2; the result is
// log1p((1 + x) 2^-e - 1) + e ln 2.
func (a arith) logOnePlus(x register, t []register) {
	if a.inside {
		a.log1p(x, t...)
		return
	}
	w, e, f, scale, q := t[0], t[1], t[2], t[3], t[4]
	above2 := bits(1) + 1
	a.add(1.0, x, w)
	a.subInt(above2, w, e)
	a.maxInt(bits(0.75)-above2, e, f)
	a.minInt(number(0), f, f)
	a.subInt(f, e, e)
	a.and(exponentMask, e, e)
	// four times 2^-e, as 2^-128 is not a normal number
	a.set(4, scale)
	a.subInt(e, scale, scale)
	a.set(-1, f)
	a.mulAdd(0.25, scale, f)
	a.mul(x, scale, scale)
	a.mulAdd(0.25, scale, f)
	a.VCVTDQ2PS(e, e)
	a.log1p(f, scale, q)
	a.mulAdd(math.Ln2/(1<<exponent), e, f)
	a.and(signBit, x, q)
	a.or(q, f, f) // that of -0 is lost above
	a.logLimits(w, f, scale, q)
	a.VMOVAPS(f, x)
}
