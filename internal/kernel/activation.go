// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Activation names an element-wise activation function; package ref has the formulas.
type Activation = ref.Activation

// The activations of https://keras.io/api/layers/activations/. alpha is LeakyReLU's
// slope and ELU's scale; the others ignore it.
const (
	Linear      = ref.Linear
	ReLU        = ref.ReLU
	ReLU6       = ref.ReLU6
	LeakyReLU   = ref.LeakyReLU
	ELU         = ref.ELU
	SELU        = ref.SELU
	GELU        = ref.GELU
	GELUTanh    = ref.GELUTanh
	SiLU        = ref.SiLU
	Mish        = ref.Mish
	Softplus    = ref.Softplus
	Softsign    = ref.Softsign
	Sigmoid     = ref.Sigmoid
	LogSigmoid  = ref.LogSigmoid
	HardSigmoid = ref.HardSigmoid
	HardSiLU    = ref.HardSiLU
	Tanh        = ref.Tanh
	Exponential = ref.Exponential

	activationCount = ref.Activations
)

// ParseActivation is the inverse of Activation.String; it also knows Keras's older
// names "swish" and "hard_swish".
func ParseActivation(name string) (Activation, error) { return ref.ParseActivation(name) }

// Activate writes dst = a(x). dst may be x.
func Activate[T Float](dst, x []T, a Activation, alpha T) {
	sameLen("activate", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.Activate(dst, x, a, alpha)
		return
	}
	l := loops.get()
	l.act, l.s[0] = a, float32(alpha)
	l.v[0] = d
	l.v[1], _ = single(x)
	l.each(len(d), dearGrain, activatePiece)
}

func activatePiece(l *loop, lo, hi int) {
	simd.Active.Activate(l.v[0][lo:hi], l.v[1][lo:hi], l.act, l.s[0])
}

// ActivateGrad writes dx = a'(s) dy, where s is the output where a.FromOutput(), else
// the input. dx may be dy or s. At a corner of a the derivative is that of the flat or
// left side: ReLU's at 0 is 0.
func ActivateGrad[T Float](dx, s, dy []T, a Activation, alpha T) {
	sameLen("activate grad", len(dx), len(s), len(dy))
	d, ok := single(dx)
	if !ok {
		ref.ActivateGrad(dx, s, dy, a, alpha)
		return
	}
	l := loops.get()
	l.act, l.s[0] = a, float32(alpha)
	l.v[0] = d
	l.v[1], _ = single(s)
	l.v[2], _ = single(dy)
	l.each(len(d), dearGrain, activateGradPiece)
}

func activateGradPiece(l *loop, lo, hi int) {
	simd.Active.ActivateGrad(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi], l.act, l.s[0])
}
