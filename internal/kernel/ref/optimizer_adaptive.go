// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// Nadam (Dozat 2015): m and v as in Adam, u_t = b1 (1 - 0.96^t / 2), U_t = u_1 ... u_t;
// w -= lr mhat / (sqrt(v / (1-b2^t)) + eps) with
// mhat = u_(t+1) m / (1-U_(t+1)) + (1-u_t) g / (1-U_t).
func Nadam[T Float](w, g, m, v []T, lr, beta1, beta2, eps T, step int) {
	cm, cg, cv := NadamRates(lr, beta1, beta2, step)
	NadamUpdate(w, g, m, v, cm, cg, cv, beta1, beta2, eps)
}

// NadamRates returns the factors of m and g in lr mhat, and the factor of v under the root.
func NadamRates[T Float](lr, beta1, beta2 T, step int) (cm, cg, cv T) {
	u := func(t int) float64 { return float64(beta1) * (1 - 0.5*math.Pow(0.96, float64(t))) }
	product := 1.0
	for t := 1; t <= step && product > 1e-20; t++ { // from here on, 1-product is 1
		product *= u(t)
	}
	rate := float64(lr)
	return T(rate * u(step+1) / (1 - product*u(step+1))), T(rate * (1 - u(step)) / (1 - product)),
		T(1 / (1 - math.Pow(float64(beta2), float64(step))))
}

// NadamUpdate is Nadam with given factors, see NadamRates.
func NadamUpdate[T Float](w, g, m, v []T, cm, cg, cv, beta1, beta2, eps T) {
	for i := range w {
		m[i] += (g[i] - m[i]) * (1 - beta1)
		v[i] += (g[i]*g[i] - v[i]) * (1 - beta2)
		w[i] -= (cm*m[i] + cg*g[i]) / (sqrt(v[i]*cv) + eps)
	}
}

// Adamax (Kingma & Ba 2015): m as in Adam, u = max(b2 u, |g|) and
// w -= lr / (1-b1^t) m / (u + eps).
func Adamax[T Float](w, g, m, u []T, lr, beta1, beta2, eps T, step int) {
	AdamaxUpdate(w, g, m, u, AdamaxRate(lr, beta1, step), beta1, beta2, eps)
}

// AdamaxRate returns lr / (1-b1^t).
func AdamaxRate[T Float](lr, beta1 T, step int) T {
	return T(float64(lr) / (1 - math.Pow(float64(beta1), float64(step))))
}

// AdamaxUpdate is Adamax with a given rate, see AdamaxRate.
func AdamaxUpdate[T Float](w, g, m, u []T, rate, beta1, beta2, eps T) {
	for i := range w {
		m[i] += (g[i] - m[i]) * (1 - beta1)
		u[i] = max(beta2*u[i], abs(g[i]))
		w[i] -= rate * m[i] / (u[i] + eps)
	}
}

// Adagrad (Duchi et al. 2011): acc += g^2 and w -= lr g / sqrt(acc + eps).
func Adagrad[T Float](w, g, acc []T, lr, eps T) {
	for i := range w {
		acc[i] += g[i] * g[i]
		w[i] -= lr * g[i] / sqrt(acc[i]+eps)
	}
}

// Adadelta (Zeiler 2012): a = rho a + (1-rho) g^2, d = -sqrt(b + eps) / sqrt(a + eps) g,
// b = rho b + (1-rho) d^2 and w += lr d.
func Adadelta[T Float](w, g, a, b []T, lr, rho, eps T) {
	for i := range w {
		a[i] = rho*a[i] + (1-rho)*g[i]*g[i]
		d := -sqrt(b[i]+eps) / sqrt(a[i]+eps) * g[i]
		b[i] = rho*b[i] + (1-rho)*d*d
		w[i] += lr * d
	}
}

// Lion (Chen et al. 2023): w -= lr sign(b1 m + (1-b1) g), then m = b2 m + (1-b2) g.
func Lion[T Float](w, g, m []T, lr, beta1, beta2 T) {
	for i := range w {
		w[i] -= lr * sign(beta1*m[i]+(1-beta1)*g[i])
		m[i] = beta2*m[i] + (1-beta2)*g[i]
	}
}

func abs[T Float](x T) T { return T(math.Abs(float64(x))) }
