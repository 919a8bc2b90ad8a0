// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Nadam (Dozat 2015): m and v as in Adam, u_t = b1 (1 - 0.96^t / 2), U_t = u_1 ... u_t;
// w -= lr mhat / (sqrt(v / (1-b2^t)) + eps) with
// mhat = u_(t+1) m / (1-U_(t+1)) + (1-u_t) g / (1-U_t).
func Nadam[T Float](w, g, m, v []T, lr, beta1, beta2, eps T, step int) {
	checkUpdate("nadam", w, g, m, v, nil)
	w32, ok := single(w)
	if !ok {
		ref.Nadam(w, g, m, v, lr, beta1, beta2, eps, step)
		return
	}
	cm, cg, cv := ref.NadamRates(lr, beta1, beta2, step)
	nadamJobs.Run(nadamJob{
		w32, f32(g), f32(m), f32(v),
		float32(cm), float32(cg), float32(cv), float32(beta1), float32(beta2), float32(eps),
	}, len(w), cheapGrain)
}

type nadamJob struct {
	w, g, m, v        []float32
	cm, cg, cv        float32 // factors of m and g in lr mhat, and of v under the root
	beta1, beta2, eps float32
}

var nadamJobs parallel.Jobs[nadamJob, *nadamJob]

func (j *nadamJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

func (j *nadamJob) update(lo, hi int, g []float32) {
	simd.Active.Nadam(j.w[lo:hi], g, j.m[lo:hi], j.v[lo:hi], j.cm, j.cg, j.cv, j.beta1, j.beta2, j.eps)
}

// Adamax (Kingma & Ba 2015): m as in Adam, u = max(b2 u, |g|) and
// w -= lr / (1-b1^t) m / (u + eps).
func Adamax[T Float](w, g, m, u []T, lr, beta1, beta2, eps T, step int) {
	checkUpdate("adamax", w, g, m, u, nil)
	w32, ok := single(w)
	if !ok {
		ref.Adamax(w, g, m, u, lr, beta1, beta2, eps, step)
		return
	}
	adamaxJobs.Run(adamaxJob{
		w32, f32(g), f32(m), f32(u), float32(ref.AdamaxRate(lr, beta1, step)), float32(beta1), float32(beta2), float32(eps),
	}, len(w), cheapGrain)
}

type adamaxJob struct {
	w, g, m, u              []float32
	rate, beta1, beta2, eps float32
}

var adamaxJobs parallel.Jobs[adamaxJob, *adamaxJob]

func (j *adamaxJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

func (j *adamaxJob) update(lo, hi int, g []float32) {
	simd.Active.Adamax(j.w[lo:hi], g, j.m[lo:hi], j.u[lo:hi], j.rate, j.beta1, j.beta2, j.eps)
}

// Adagrad (Duchi et al. 2011): acc += g^2 and w -= lr g / sqrt(acc + eps).
func Adagrad[T Float](w, g, acc []T, lr, eps T) {
	checkUpdate("adagrad", w, g, acc, nil, nil)
	w32, ok := single(w)
	if !ok {
		ref.Adagrad(w, g, acc, lr, eps)
		return
	}
	adagradJobs.Run(adagradJob{w32, f32(g), f32(acc), float32(lr), float32(eps)}, len(w), cheapGrain)
}

type adagradJob struct {
	w, g, acc []float32
	lr, eps   float32
}

var adagradJobs parallel.Jobs[adagradJob, *adagradJob]

func (j *adagradJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

func (j *adagradJob) update(lo, hi int, g []float32) {
	simd.Active.Adagrad(j.w[lo:hi], g, j.acc[lo:hi], j.lr, j.eps)
}

// Adadelta (Zeiler 2012): a = rho a + (1-rho) g^2, d = -sqrt(b + eps) / sqrt(a + eps) g,
// b = rho b + (1-rho) d^2 and w += lr d.
func Adadelta[T Float](w, g, a, b []T, lr, rho, eps T) {
	checkUpdate("adadelta", w, g, a, b, nil)
	w32, ok := single(w)
	if !ok {
		ref.Adadelta(w, g, a, b, lr, rho, eps)
		return
	}
	adadeltaJobs.Run(adadeltaJob{w32, f32(g), f32(a), f32(b), float32(lr), float32(rho), float32(eps)}, len(w), cheapGrain)
}

type adadeltaJob struct {
	w, g, a, b   []float32
	lr, rho, eps float32
}

var adadeltaJobs parallel.Jobs[adadeltaJob, *adadeltaJob]

func (j *adadeltaJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

func (j *adadeltaJob) update(lo, hi int, g []float32) {
	simd.Active.Adadelta(j.w[lo:hi], g, j.a[lo:hi], j.b[lo:hi], j.lr, j.rho, j.eps)
}

// Lion (Chen et al. 2023): w -= lr sign(b1 m + (1-b1) g), then m = b2 m + (1-b2) g.
func Lion[T Float](w, g, m []T, lr, beta1, beta2 T) {
	checkUpdate("lion", w, g, m, nil, nil)
	w32, ok := single(w)
	if !ok {
		ref.Lion(w, g, m, lr, beta1, beta2)
		return
	}
	lionJobs.Run(lionJob{w32, f32(g), f32(m), float32(lr), float32(beta1), float32(beta2)}, len(w), cheapGrain)
}

type lionJob struct {
	w, g, m          []float32
	lr, beta1, beta2 float32
}

var lionJobs parallel.Jobs[lionJob, *lionJob]

func (j *lionJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

func (j *lionJob) update(lo, hi int, g []float32) {
	simd.Active.Lion(j.w[lo:hi], g, j.m[lo:hi], j.lr, j.beta1, j.beta2)
}
