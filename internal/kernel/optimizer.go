// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Each optimizer is one pass over a parameter w and its gradient g, with the formulas of Keras 3
// (keras.io/api/optimizers). The caller owns the state slices, which are initially 0.

// SGD is w -= lr g; with momentum (v not nil) v = momentum v - lr g, then w += v, or, in
// Nesterov's form, w += momentum v - lr g.
func SGD[T Float](w, g, v []T, lr, momentum T, nesterov bool) {
	checkUpdate("sgd", w, g, v, nil, nil)
	w32, ok := single(w)
	if !ok {
		ref.SGD(w, g, v, lr, momentum, nesterov)
		return
	}
	sgdJobs.Run(sgdJob{w32, f32(g), f32(v), float32(lr), float32(momentum), nesterov}, len(w), cheapGrain)
}

type sgdJob struct {
	w, g, v      []float32
	lr, momentum float32
	nesterov     bool
}

var sgdJobs parallel.Jobs[sgdJob, *sgdJob]

func (j *sgdJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

// update updates the elements lo to hi-1 of w; g is their gradient.
func (j *sgdJob) update(lo, hi int, g []float32) {
	simd.Active.SGD(j.w[lo:hi], g, part(j.v, lo, hi), j.lr, j.momentum, j.nesterov)
}

// RMSprop (Hinton 2012): ms = rho ms + (1-rho) g^2 and w -= lr g / sqrt(ms + eps). Centered
// (mg not nil): mg = rho mg + (1-rho) g, and ms - mg^2 replaces ms under the root. With momentum
// (mom not nil) the increments accumulate: mom = momentum mom + increment, w -= mom.
func RMSprop[T Float](w, g, ms, mom, mg []T, lr, rho, momentum, eps T) {
	checkUpdate("rmsprop", w, g, ms, mom, mg)
	w32, ok := single(w)
	if !ok {
		ref.RMSprop(w, g, ms, mom, mg, lr, rho, momentum, eps)
		return
	}
	rmspropJobs.Run(rmspropJob{
		w32, f32(g), f32(ms), f32(mom), f32(mg), float32(lr), float32(rho), float32(momentum), float32(eps),
	}, len(w), cheapGrain)
}

type rmspropJob struct {
	w, g, ms, mom, mg      []float32
	lr, rho, momentum, eps float32
}

var rmspropJobs parallel.Jobs[rmspropJob, *rmspropJob]

func (j *rmspropJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

func (j *rmspropJob) update(lo, hi int, g []float32) {
	simd.Active.RMSprop(j.w[lo:hi], g, j.ms[lo:hi], part(j.mom, lo, hi), part(j.mg, lo, hi), j.lr, j.rho, j.momentum, j.eps)
}

// Adam (Kingma & Ba 2015): m += (1-b1)(g - m), v += (1-b2)(g^2 - v) and
// w -= alpha m / (sqrt(v) + eps), alpha = lr sqrt(1-b2^t) / (1-b1^t), t = step, from 1.
// AMSGrad (vmax not nil): vmax = max(vmax, v) replaces v under the root.
func Adam[T Float](w, g, m, v, vmax []T, lr, beta1, beta2, eps T, step int) {
	checkUpdate("adam", w, g, m, v, vmax)
	w32, ok := single(w)
	if !ok {
		ref.Adam(w, g, m, v, vmax, lr, beta1, beta2, eps, step)
		return
	}
	adamJobs.Run(adamJob{
		w32, f32(g), f32(m), f32(v), f32(vmax),
		float32(ref.AdamRate(lr, beta1, beta2, step)), float32(beta1), float32(beta2), float32(eps),
	}, len(w), cheapGrain)
}

type adamJob struct {
	w, g, m, v, vmax         []float32
	alpha, beta1, beta2, eps float32
}

var adamJobs parallel.Jobs[adamJob, *adamJob]

func (j *adamJob) Piece(lo, hi int) { j.update(lo, hi, j.g[lo:hi]) }

func (j *adamJob) update(lo, hi int, g []float32) {
	simd.Active.Adam(j.w[lo:hi], g, j.m[lo:hi], j.v[lo:hi], part(j.vmax, lo, hi), j.alpha, j.beta1, j.beta2, j.eps)
}

// checkUpdate checks the lengths of an update's slices; a, b and c may be nil.
func checkUpdate[T Float](what string, w, g, a, b, c []T) {
	sameLen(what, len(w), len(g))
	for _, s := range [3][]T{a, b, c} {
		if s != nil {
			sameLen(what, len(w), len(s))
		}
	}
}
