// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// NadamRows is Nadam on some rows; step counts the steps of the whole parameter.
func NadamRows[T Float](w, g, m, v []T, lr, beta1, beta2, eps T, step int, rows []int32, dim int) {
	l := startRows("nadam rows", w, g, m, v, nil, rows, dim)
	if l == nil {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Nadam(w[lo:hi], g[i*dim:(i+1)*dim], m[lo:hi], v[lo:hi], lr, beta1, beta2, eps, step)
		}
		return
	}
	cm, cg, cv := ref.NadamRates(lr, beta1, beta2, step)
	l.s = [8]float32{float32(cm), float32(cg), float32(cv), float32(beta1), float32(beta2), float32(eps)}
	l.each(len(rows), rowGrain(cheapGrain, dim), nadamRowsPiece)
}

func nadamRowsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		simd.Active.Nadam(l.v[0][a:b], l.v[1][i*l.width:(i+1)*l.width], l.v[2][a:b], l.v[3][a:b],
			l.s[0], l.s[1], l.s[2], l.s[3], l.s[4], l.s[5])
	}
}

// AdamaxRows is Adamax on some rows; step counts the steps of the whole parameter.
func AdamaxRows[T Float](w, g, m, u []T, lr, beta1, beta2, eps T, step int, rows []int32, dim int) {
	l := startRows("adamax rows", w, g, m, u, nil, rows, dim)
	if l == nil {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Adamax(w[lo:hi], g[i*dim:(i+1)*dim], m[lo:hi], u[lo:hi], lr, beta1, beta2, eps, step)
		}
		return
	}
	l.s = [8]float32{float32(ref.AdamaxRate(lr, beta1, step)), float32(beta1), float32(beta2), float32(eps)}
	l.each(len(rows), rowGrain(cheapGrain, dim), adamaxRowsPiece)
}

func adamaxRowsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		simd.Active.Adamax(l.v[0][a:b], l.v[1][i*l.width:(i+1)*l.width], l.v[2][a:b], l.v[3][a:b],
			l.s[0], l.s[1], l.s[2], l.s[3])
	}
}

// AdagradRows is Adagrad on some rows.
func AdagradRows[T Float](w, g, acc []T, lr, eps T, rows []int32, dim int) {
	l := startRows("adagrad rows", w, g, acc, nil, nil, rows, dim)
	if l == nil {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Adagrad(w[lo:hi], g[i*dim:(i+1)*dim], acc[lo:hi], lr, eps)
		}
		return
	}
	l.s[0], l.s[1] = float32(lr), float32(eps)
	l.each(len(rows), rowGrain(cheapGrain, dim), adagradRowsPiece)
}

func adagradRowsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		simd.Active.Adagrad(l.v[0][a:b], l.v[1][i*l.width:(i+1)*l.width], l.v[2][a:b], l.s[0], l.s[1])
	}
}

// AdadeltaRows is Adadelta on some rows.
func AdadeltaRows[T Float](w, g, a, b []T, lr, rho, eps T, rows []int32, dim int) {
	l := startRows("adadelta rows", w, g, a, b, nil, rows, dim)
	if l == nil {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Adadelta(w[lo:hi], g[i*dim:(i+1)*dim], a[lo:hi], b[lo:hi], lr, rho, eps)
		}
		return
	}
	l.s[0], l.s[1], l.s[2] = float32(lr), float32(rho), float32(eps)
	l.each(len(rows), rowGrain(cheapGrain, dim), adadeltaRowsPiece)
}

func adadeltaRowsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		simd.Active.Adadelta(l.v[0][a:b], l.v[1][i*l.width:(i+1)*l.width], l.v[2][a:b], l.v[3][a:b], l.s[0], l.s[1], l.s[2])
	}
}

// LionRows is Lion on some rows.
func LionRows[T Float](w, g, m []T, lr, beta1, beta2 T, rows []int32, dim int) {
	l := startRows("lion rows", w, g, m, nil, nil, rows, dim)
	if l == nil {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Lion(w[lo:hi], g[i*dim:(i+1)*dim], m[lo:hi], lr, beta1, beta2)
		}
		return
	}
	l.s[0], l.s[1], l.s[2] = float32(lr), float32(beta1), float32(beta2)
	l.each(len(rows), rowGrain(cheapGrain, dim), lionRowsPiece)
}

func lionRowsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		simd.Active.Lion(l.v[0][a:b], l.v[1][i*l.width:(i+1)*l.width], l.v[2][a:b], l.s[0], l.s[1], l.s[2])
	}
}
