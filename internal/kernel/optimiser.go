// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// The optimisers are one pass over a parameter w with its gradient g, by the formulas of
// Keras 3 (keras.io/api/optimizers). State slices belong to the caller and start at 0.

// SGD is w -= lr g; with momentum (v not nil) v = momentum v - lr g, then w += v, or, in
// Nesterov's form, w += momentum v - lr g.
func SGD[T Float](w, g, v []T, lr, momentum T, nesterov bool) {
	l := startUpdate("sgd", w, g, v, nil, nil)
	if l == nil {
		ref.SGD(w, g, v, lr, momentum, nesterov)
		return
	}
	l.s[0], l.s[1], l.flag = float32(lr), float32(momentum), nesterov
	l.each(len(w), cheapGrain, sgdPiece)
}

func sgdPiece(l *loop, lo, hi int) {
	simd.Active.SGD(l.v[0][lo:hi], l.v[1][lo:hi], part(l.v[2], lo, hi), l.s[0], l.s[1], l.flag)
}

// RMSprop (Hinton 2012): ms = rho ms + (1-rho) g^2 and w -= lr g / sqrt(ms + eps). Centred
// (mg not nil): mg = rho mg + (1-rho) g, and ms - mg^2 stands for ms under the root. With
// momentum (mom not nil) the increments are gathered: mom = momentum mom + increment, w -= mom.
func RMSprop[T Float](w, g, ms, mom, mg []T, lr, rho, momentum, eps T) {
	l := startUpdate("rmsprop", w, g, ms, mom, mg)
	if l == nil {
		ref.RMSprop(w, g, ms, mom, mg, lr, rho, momentum, eps)
		return
	}
	l.s = [8]float32{float32(lr), float32(rho), float32(momentum), float32(eps)}
	l.each(len(w), cheapGrain, rmspropPiece)
}

func rmspropPiece(l *loop, lo, hi int) {
	simd.Active.RMSprop(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], part(l.v[3], lo, hi), part(l.v[4], lo, hi),
		l.s[0], l.s[1], l.s[2], l.s[3])
}

// Adam (Kingma & Ba 2015): m += (1-b1)(g - m), v += (1-b2)(g^2 - v) and
// w -= alpha m / (sqrt(v) + eps), alpha = lr sqrt(1-b2^t) / (1-b1^t), t = step, from 1.
// AMSGrad (vmax not nil): vmax = max(vmax, v) stands under the root.
func Adam[T Float](w, g, m, v, vmax []T, lr, beta1, beta2, eps T, step int) {
	l := startUpdate("adam", w, g, m, v, vmax)
	if l == nil {
		ref.Adam(w, g, m, v, vmax, lr, beta1, beta2, eps, step)
		return
	}
	l.s = [8]float32{float32(ref.AdamRate(lr, beta1, beta2, step)), float32(beta1), float32(beta2), float32(eps)}
	l.each(len(w), cheapGrain, adamPiece)
}

func adamPiece(l *loop, lo, hi int) {
	simd.Active.Adam(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], l.v[3][lo:hi], part(l.v[4], lo, hi),
		l.s[0], l.s[1], l.s[2], l.s[3])
}

// startUpdate checks an update's slices, of which a, b and c may be nil, and returns a loop
// over them, or nil when T is float64.
func startUpdate[T Float](what string, w, g, a, b, c []T) *loop {
	sameLen(what, len(w), len(g))
	for _, s := range [3][]T{a, b, c} {
		if s != nil {
			sameLen(what, len(w), len(s))
		}
	}
	w32, ok := single(w)
	if !ok {
		return nil
	}
	l := loops.get()
	l.v[0] = w32
	l.v[1], _ = single(g)
	l.v[2], _ = single(a)
	l.v[3], _ = single(b)
	l.v[4], _ = single(c)
	return l
}
