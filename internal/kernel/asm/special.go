// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/mmcloughlin/avo/operand"

// Elementary functions on vectors, in place; they clobber the registers t.

const (
	log2e = 1.44269504088896341
	ln2Hi = 0.693359375
	ln2Lo = -2.12194440e-4
)

// expPolynomial holds P in exp(r) = 1 + r + r^2 P(r), |r| <= ln(2)/2 (Cephes, expf).
var expPolynomial = []float64{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// polynomial evaluates a polynomial at x, highest coefficient first.
func (a arith) polynomial(coefficients []float64, x, dst register) {
	a.set(coefficients[0], dst)
	for _, c := range coefficients[1:] {
		a.horner(c, x, dst)
	}
}

// reduce writes n = round(x / ln 2) to n, leaves r = x - n ln 2 in x, and writes 1 + r P(r) to p.
func (a arith) reduce(x, n, p register) {
	a.mul(log2e, x, n)
	a.round(n, n)
	a.negMulAdd(ln2Hi, n, x)
	a.negMulAdd(ln2Lo, n, x)
	a.polynomial(expPolynomial, x, p)
	a.horner(1.0, x, p)
}

// exp is x = exp(x) with an error of at most 1e-7; outside of float32's range it is 0 or +Inf.
func (a arith) exp(x register, t ...register) {
	if a.inside {
		a.expInside(x, t...)
		return
	}
	a.atMost(89, x, t[0])
	a.atLeast(-104, x, t[0])
	a.reduce(x, t[0], t[1])
	a.horner(1.0, x, t[1])
	if a.is512() {
		a.VSCALEFPS(t[0], t[1], x)
		return
	}
	// 2^n as two factors, since n ranges from -150 to 128
	a.VCVTPS2DQ(t[0], t[0])
	a.VPSRAD(operand.U8(1), t[0], x)
	a.subInt(x, t[0], t[0])
	a.power2(x)
	a.power2(t[0])
	a.mul(x, t[1], t[1])
	a.mul(t[0], t[1], x)
}

// expLimit is up to which |x| neither 2^n nor exp(x) is beyond the range of normal numbers.
const expLimit = 87

// expInside is x = exp(x) for |x| <= expLimit, with the bits of exp; that of NaN is NaN.
func (a arith) expInside(x register, t ...register) {
	a.reduce(x, t[0], t[1])
	a.horner(1.0, x, t[1])
	a.VCVTPS2DQ(t[0], t[0])
	a.VPSLLD(operand.U8(exponent), t[0], t[0])
	a.addInt(t[0], t[1], x)
}

// power2 turns an integer n, -126 <= n <= 127, into the float 2^n (AVX2).
func (a arith) power2(n register) {
	a.addInt(number(127), n, n)
	a.VPSLLD(operand.U8(exponent), n, n)
}

// expm1 is x = exp(x) - 1 for x <= 0, without cancellation near 0.
func (a arith) expm1(x register, t ...register) {
	a.atLeast(-87, x, t[0])
	a.reduce(x, t[0], t[1])
	a.mul(x, t[1], t[1]) // exp(r) - 1
	if a.is512() {
		a.set(1, x)
		a.VSCALEFPS(t[0], x, t[0])
	} else {
		a.VCVTPS2DQ(t[0], t[0])
		a.power2(t[0])
	}
	a.sub(1.0, t[0], x)
	a.mulAdd(t[0], t[1], x) // 2^n (exp(r) - 1) + (2^n - 1)
}

// sigmoid is x = 1 / (1 + exp(-x)).
func (a arith) sigmoid(x register, t ...register) {
	a.neg(x, x)
	a.exp(x, t...)
	a.add(1.0, x, x)
	a.set(1, t[0])
	a.div(x, t[0], x)
}

// logPolynomial holds P of log(1+z) = z - z^2/2 + z^3 P(z), sqrt(1/2) <= 1+z < sqrt(2) (Cephes,
// logf).
var logPolynomial = []float64{
	7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
	-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
}

// phi writes the normal distribution function of x to t[0] and exp(-x^2/2) to t[1], by
// Abramowitz & Stegun 7.1.26 for erf; error 1e-7.
func (a arith) phi(x register, t ...register) {
	tail, bell, z, u := t[0], t[1], t[2], t[3]
	a.mul(x, x, bell)
	a.mul(-0.5, bell, bell)
	a.exp(bell, z, u)
	a.abs(x, z)
	a.mul(0.3275911/1.41421356237309505, z, z)
	a.add(1.0, z, z)
	a.set(1, u)
	a.div(z, u, z)
	a.polynomial([]float64{1.061405429 / 2, -1.453152027 / 2, 1.421413741 / 2, -0.284496736 / 2, 0.254829592 / 2}, z, tail)
	a.mul(z, tail, tail)
	a.mul(bell, tail, tail)
	a.set(1, u)
	a.sub(tail, u, u)
	a.zero(z)
	a.choose(less, x, z, tail, u, tail, z)
}
