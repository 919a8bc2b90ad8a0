// SPDX-License-Identifier: Apache-2.0

package main

// tanh(a + b) = tanh(a) + (1 - tanh(a)^2) b / (1 + v), v = b coth(b) - 1 + b tanh(a), where a is the node that is
// closest to |x|: what is added to the number of the table is so small that its errors hardly count.

// The nodes serve numbers that are rounded to 0 to 6 and 7 or more. testdata/approximations.py computed them such
// that both tables are exact to 1/100 of a unit in the last place, and the polynomial P of
// b coth(b) = 1 + b^2 P(b^2), whose relative error is at most 5e-9 up to b^2 = 0.27.
var (
	tanhNodes = [8]float64{
		0, 0.9187169671058655, 2.0086071491241455, 3.0035860538482666, 4.017388820648193, 4.983946323394775, 6.017683982849121, 7.624475479125977,
	}
	tanhAtNodes = [8]float64{
		0, 0.7252898812294006, 0.964630663394928, 0.9950900077819824, 0.999352216720581, 0.9999062418937683, 0.9999881386756897, 0.9999995231628418,
	}
	tanhSlopes = [8]float64{
		1, 0.47395458817481995, 0.06948768347501755, 0.00979587621986866, 0.0012951468816027045, 0.0001875074376584962, 2.372252674831543e-05, 9.539476195641328e-07,
	}
	cothPolynomial = []float64{0.0020112127531319857, -0.02220609411597252, 0.3333326280117035}
)

// tanhLimit is a number from which on the result is 1.
const tanhLimit = 9.2

// tanh is x = tanh(x) with an error of at most 1.27 units in the last place. It is exact near 0, of which it keeps the sign, and
// nowhere does it decrease: among all floats, as a walk over them has shown.
func (a arith) tanh(x register, t ...register) {
	b, i, v, p, w := t[0], t[1], t[2], t[3], t[4]
	a.abs(x, b)
	a.atMost(tanhLimit, b, p)
	a.VCVTPS2DQ(b, i)
	a.minInt(number(len(tanhNodes)-1), i, i)
	a.look("tanhNodes", tanhNodes, i, w)
	a.sub(w, b, b)
	a.mul(b, b, v)
	a.polynomial(cothPolynomial, v, p)
	a.mul(p, v, v)
	a.look("tanhAtNodes", tanhAtNodes, i, w)
	a.mulAdd(w, b, v)
	a.add(1.0, v, p)
	a.div(p, v, v)
	a.VFNMADD213PS(b, b, v) // b - b v / (1 + v)
	a.look("tanhSlopes", tanhSlopes, i, p)
	a.VFMADD213PS(w, p, v)
	a.and(signBit, x, x)
	a.or(v, x, x)
}
