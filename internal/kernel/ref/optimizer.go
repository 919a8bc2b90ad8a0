// SPDX-License-Identifier: Apache-2.0

package ref

import "math"

// The optimizers follow Keras 3 (keras.io/api/optimizers): one pass over a parameter w and its
// gradient g. The caller owns the state slices, which are initially 0.

func sqrt[T Float](x T) T { return T(math.Sqrt(float64(x))) }

// Decay multiplies x repeatedly by a number, rounding each product.
func Decay[T Float](x []T, by T, times int) {
	for range times {
		for i := range x {
			x[i] *= by
		}
	}
}

// SGD is w -= lr g; with momentum (v not nil) v = momentum v - lr g, then w += v, or,
// in Nesterov's form, w += momentum v - lr g.
func SGD[T Float](w, g, v []T, lr, momentum T, nesterov bool) {
	switch {
	case v == nil:
		for i := range w {
			w[i] -= lr * g[i]
		}
	case nesterov:
		for i := range w {
			v[i] = momentum*v[i] - lr*g[i]
			w[i] += momentum*v[i] - lr*g[i]
		}
	default:
		for i := range w {
			v[i] = momentum*v[i] - lr*g[i]
			w[i] += v[i]
		}
	}
}

// RMSprop (Hinton 2012): ms = rho ms + (1-rho) g^2 and w -= lr g / sqrt(ms + eps). Centered (mg
// not nil): mg = rho mg + (1-rho) g, and ms - mg^2 replaces ms under the root. With momentum
// (mom not nil) the increments accumulate: mom = momentum mom + increment, w -= mom.
func RMSprop[T Float](w, g, ms, mom, mg []T, lr, rho, momentum, eps T) {
	for i := range w {
		ms[i] = rho*ms[i] + (1-rho)*g[i]*g[i]
		den := ms[i] + eps
		if mg != nil {
			mg[i] = rho*mg[i] + (1-rho)*g[i]
			den = ms[i] - mg[i]*mg[i] + eps
		}
		inc := lr * g[i] / sqrt(den)
		if mom != nil {
			mom[i] = momentum*mom[i] + inc
			inc = mom[i]
		}
		w[i] -= inc
	}
}

// Adam (Kingma & Ba 2015): m += (1-b1)(g - m), v += (1-b2)(g^2 - v) and
// w -= alpha m / (sqrt(v) + eps), alpha = lr sqrt(1-b2^t) / (1-b1^t), t = step, from 1.
// AMSGrad (vmax not nil): vmax = max(vmax, v) replaces v under the root.
func Adam[T Float](w, g, m, v, vmax []T, lr, beta1, beta2, eps T, step int) {
	AdamUpdate(w, g, m, v, vmax, AdamRate(lr, beta1, beta2, step), beta1, beta2, eps)
}

// AdamUpdate is Adam with a given alpha.
func AdamUpdate[T Float](w, g, m, v, vmax []T, alpha, beta1, beta2, eps T) {
	for i := range w {
		m[i] += (g[i] - m[i]) * (1 - beta1)
		v[i] += (g[i]*g[i] - v[i]) * (1 - beta2)
		u := v[i]
		if vmax != nil {
			vmax[i] = max(vmax[i], u)
			u = vmax[i]
		}
		w[i] -= m[i] * alpha / (sqrt(u) + eps)
	}
}

// AdamRate returns Adam's bias-corrected learning rate lr sqrt(1-b2^t) / (1-b1^t).
func AdamRate[T Float](lr, beta1, beta2 T, step int) T {
	t := float64(step)
	return T(float64(lr) * math.Sqrt(1-math.Pow(float64(beta2), t)) / (1 - math.Pow(float64(beta1), t)))
}
