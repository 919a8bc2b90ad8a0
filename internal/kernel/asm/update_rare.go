// SPDX-License-Identifier: Apache-2.0

package main

// The less common optimizers; rest, rest1 and rest2 are 1 - rho, 1 - beta1 and 1 - beta2.
var rareUpdates = []function{
	{"Nadam", []string{"w", "grad", "m", "v"}, []string{"cm", "cg", "cv", "rest1", "rest2", "eps"}, 4, func(l lane) {
		g, m, v, t := l.t[0], l.t[1], l.t[2], l.t[3]
		cm, cg, cv, eps := l.scalars[0], l.scalars[1], l.scalars[2], l.scalars[5]
		l.firstMoment(g, m, t, l.scalars[3])
		l.get(3, v)
		l.mul(g, g, t)
		l.sub(v, t, t)
		l.mulAdd(l.scalars[4], t, v)
		l.put(3, v)
		l.mul(cv, v, v)
		l.VSQRTPS(v, v)
		l.add(eps, v, v)
		l.mul(cm, m, m)
		l.mulAdd(cg, g, m)
		l.div(v, m, m)
		l.decrease(m, t)
	}},
	{"Adamax", []string{"w", "grad", "m", "u"}, []string{"rate", "rest1", "beta2", "eps"}, 4, func(l lane) {
		g, m, u, t := l.t[0], l.t[1], l.t[2], l.t[3]
		l.firstMoment(g, m, t, l.scalars[1])
		l.get(3, u)
		l.mul(l.scalars[2], u, u)
		l.abs(g, g)
		l.max(g, u, u)
		l.put(3, u)
		l.add(l.scalars[3], u, u)
		l.mul(l.scalars[0], m, m)
		l.div(u, m, m)
		l.decrease(m, t)
	}},
	{"Adagrad", []string{"w", "grad", "acc"}, []string{"lr", "eps"}, 2, func(l lane) {
		g, a := l.t[0], l.t[1]
		l.get(1, g)
		l.get(2, a)
		l.mulAdd(g, g, a)
		l.put(2, a)
		l.add(l.scalars[1], a, a)
		l.VSQRTPS(a, a)
		l.mul(l.scalars[0], g, g)
		l.div(a, g, g)
		l.decrease(g, a)
	}},
	{"Adadelta", []string{"w", "grad", "a", "b"}, []string{"lr", "rho", "rest", "eps"}, 4, func(l lane) {
		g, a, b, t := l.t[0], l.t[1], l.t[2], l.t[3]
		lr, rho, rest, eps := l.scalars[0], l.scalars[1], l.scalars[2], l.scalars[3]
		l.get(1, g)
		l.get(2, a)
		l.get(3, b)
		l.mul(rho, a, a)
		l.mul(rest, g, t)
		l.mulAdd(t, g, a)
		l.put(2, a)
		l.add(eps, a, a)
		l.VSQRTPS(a, a)
		l.add(eps, b, t)
		l.VSQRTPS(t, t)
		l.div(a, t, t)
		l.mul(g, t, t) // -d
		l.mul(rho, b, b)
		l.mul(rest, t, a)
		l.mulAdd(a, t, b)
		l.put(3, b)
		l.mul(lr, t, t)
		l.decrease(t, a)
	}},
	{"Lion", []string{"w", "grad", "m"}, []string{"lr", "beta1", "rest1", "beta2", "rest2"}, 4, func(l lane) {
		g, m, d, t := l.t[0], l.t[1], l.t[2], l.t[3]
		l.get(1, g)
		l.get(2, m)
		l.mul(l.scalars[1], m, t)
		l.mul(l.scalars[2], g, d)
		l.add(t, d, d)
		l.mul(l.scalars[3], m, m)
		l.mul(l.scalars[4], g, t)
		l.add(t, m, m)
		l.put(2, m)
		l.and(signBit, d, g)
		l.xor(l.scalars[0], g, g) // lr with the sign of d
		l.zero(m)
		l.keep(notEqual, d, m, g, t)
		l.decrease(g, t)
	}},
}

// firstMoment loads g and writes m += rest (g - m).
func (l lane) firstMoment(g, m, tmp, rest register) {
	l.get(1, g)
	l.get(2, m)
	l.sub(m, g, tmp)
	l.mulAdd(rest, tmp, m)
	l.put(2, m)
}

// decrease writes w -= by.
func (l lane) decrease(by, tmp register) {
	l.get(0, tmp)
	l.sub(by, tmp, tmp)
	l.put(0, tmp)
}
