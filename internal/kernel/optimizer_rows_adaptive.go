// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/reef-dl/reef/internal/kernel/ref"

// NadamRows is Nadam for some rows; step counts the steps of the whole parameter.
func NadamRows[T Float](w, g, m, v []T, lr, beta1, beta2, eps T, step int, rows []int32, dim int) {
	checkRowUpdate("nadam rows", w, g, m, v, nil, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Nadam(w[lo:hi], g[i*dim:(i+1)*dim], m[lo:hi], v[lo:hi], lr, beta1, beta2, eps, step)
		}
		return
	}
	cm, cg, cv := ref.NadamRates(lr, beta1, beta2, step)
	j := nadamJob{
		w32, f32(g), f32(m), f32(v),
		float32(cm), float32(cg), float32(cv), float32(beta1), float32(beta2), float32(eps),
	}
	nadamRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.m, j.v}})
}

var nadamRowsJobs rowJobs[nadamJob, *nadamJob]

// AdamaxRows is Adamax for some rows; step counts the steps of the whole parameter.
func AdamaxRows[T Float](w, g, m, u []T, lr, beta1, beta2, eps T, step int, rows []int32, dim int) {
	checkRowUpdate("adamax rows", w, g, m, u, nil, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Adamax(w[lo:hi], g[i*dim:(i+1)*dim], m[lo:hi], u[lo:hi], lr, beta1, beta2, eps, step)
		}
		return
	}
	j := adamaxJob{w32, f32(g), f32(m), f32(u), float32(ref.AdamaxRate(lr, beta1, step)), float32(beta1), float32(beta2), float32(eps)}
	adamaxRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.m, j.u}})
}

var adamaxRowsJobs rowJobs[adamaxJob, *adamaxJob]

// AdagradRows is Adagrad for some rows.
func AdagradRows[T Float](w, g, acc []T, lr, eps T, rows []int32, dim int) {
	checkRowUpdate("adagrad rows", w, g, acc, nil, nil, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Adagrad(w[lo:hi], g[i*dim:(i+1)*dim], acc[lo:hi], lr, eps)
		}
		return
	}
	j := adagradJob{w32, f32(g), f32(acc), float32(lr), float32(eps)}
	adagradRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.acc}})
}

var adagradRowsJobs rowJobs[adagradJob, *adagradJob]

// AdadeltaRows is Adadelta for some rows.
func AdadeltaRows[T Float](w, g, a, b []T, lr, rho, eps T, rows []int32, dim int) {
	checkRowUpdate("adadelta rows", w, g, a, b, nil, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Adadelta(w[lo:hi], g[i*dim:(i+1)*dim], a[lo:hi], b[lo:hi], lr, rho, eps)
		}
		return
	}
	j := adadeltaJob{w32, f32(g), f32(a), f32(b), float32(lr), float32(rho), float32(eps)}
	adadeltaRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.a, j.b}})
}

var adadeltaRowsJobs rowJobs[adadeltaJob, *adadeltaJob]

// LionRows is Lion for some rows.
func LionRows[T Float](w, g, m []T, lr, beta1, beta2 T, rows []int32, dim int) {
	checkRowUpdate("lion rows", w, g, m, nil, nil, rows, dim)
	w32, ok := single(w)
	if !ok {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Lion(w[lo:hi], g[i*dim:(i+1)*dim], m[lo:hi], lr, beta1, beta2)
		}
		return
	}
	j := lionJob{w32, f32(g), f32(m), float32(lr), float32(beta1), float32(beta2)}
	lionRowsJobs.run(j, j.g, rowWalk{rows, dim, [4][]float32{j.w, j.m}})
}

var lionRowsJobs rowJobs[lionJob, *lionJob]
