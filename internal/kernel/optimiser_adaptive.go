// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Nadam (Dozat 2015): m and v as in Adam, u_t = b1 (1 - 0.96^t / 2), U_t = u_1 ... u_t;
// w -= lr mhat / (sqrt(v / (1-b2^t)) + eps) with
// mhat = u_(t+1) m / (1-U_(t+1)) + (1-u_t) g / (1-U_t).
func Nadam[T Float](w, g, m, v []T, lr, beta1, beta2, eps T, step int) {
	l := startUpdate("nadam", w, g, m, v, nil)
	if l == nil {
		ref.Nadam(w, g, m, v, lr, beta1, beta2, eps, step)
		return
	}
	cm, cg, cv := ref.NadamRates(lr, beta1, beta2, step)
	l.s = [8]float32{float32(cm), float32(cg), float32(cv), float32(beta1), float32(beta2), float32(eps)}
	l.each(len(w), cheapGrain, nadamPiece)
}

func nadamPiece(l *loop, lo, hi int) {
	simd.Active.Nadam(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], l.v[3][lo:hi],
		l.s[0], l.s[1], l.s[2], l.s[3], l.s[4], l.s[5])
}

// Adamax (Kingma & Ba 2015): m as in Adam, u = max(b2 u, |g|) and
// w -= lr / (1-b1^t) m / (u + eps).
func Adamax[T Float](w, g, m, u []T, lr, beta1, beta2, eps T, step int) {
	l := startUpdate("adamax", w, g, m, u, nil)
	if l == nil {
		ref.Adamax(w, g, m, u, lr, beta1, beta2, eps, step)
		return
	}
	l.s = [8]float32{float32(ref.AdamaxRate(lr, beta1, step)), float32(beta1), float32(beta2), float32(eps)}
	l.each(len(w), cheapGrain, adamaxPiece)
}

func adamaxPiece(l *loop, lo, hi int) {
	simd.Active.Adamax(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], l.v[3][lo:hi], l.s[0], l.s[1], l.s[2], l.s[3])
}

// Adagrad (Duchi et al. 2011): acc += g^2 and w -= lr g / sqrt(acc + eps).
func Adagrad[T Float](w, g, acc []T, lr, eps T) {
	l := startUpdate("adagrad", w, g, acc, nil, nil)
	if l == nil {
		ref.Adagrad(w, g, acc, lr, eps)
		return
	}
	l.s[0], l.s[1] = float32(lr), float32(eps)
	l.each(len(w), cheapGrain, adagradPiece)
}

func adagradPiece(l *loop, lo, hi int) {
	simd.Active.Adagrad(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], l.s[0], l.s[1])
}

// Adadelta (Zeiler 2012): a = rho a + (1-rho) g^2, d = -sqrt(b + eps) / sqrt(a + eps) g,
// b = rho b + (1-rho) d^2 and w += lr d.
func Adadelta[T Float](w, g, a, b []T, lr, rho, eps T) {
	l := startUpdate("adadelta", w, g, a, b, nil)
	if l == nil {
		ref.Adadelta(w, g, a, b, lr, rho, eps)
		return
	}
	l.s[0], l.s[1], l.s[2] = float32(lr), float32(rho), float32(eps)
	l.each(len(w), cheapGrain, adadeltaPiece)
}

func adadeltaPiece(l *loop, lo, hi int) {
	simd.Active.Adadelta(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], l.v[3][lo:hi], l.s[0], l.s[1], l.s[2])
}

// Lion (Chen et al. 2023): w -= lr sign(b1 m + (1-b1) g), then m = b2 m + (1-b2) g.
func Lion[T Float](w, g, m []T, lr, beta1, beta2 T) {
	l := startUpdate("lion", w, g, m, nil, nil)
	if l == nil {
		ref.Lion(w, g, m, lr, beta1, beta2)
		return
	}
	l.s[0], l.s[1], l.s[2] = float32(lr), float32(beta1), float32(beta2)
	l.each(len(w), cheapGrain, lionPiece)
}

func lionPiece(l *loop, lo, hi int) {
	simd.Active.Lion(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], l.s[0], l.s[1], l.s[2])
}
