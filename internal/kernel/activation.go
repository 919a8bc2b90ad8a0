// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Activation names an element-wise activation function; package ref has the formulas.
type Activation = ref.Activation

// The activations of https://keras.io/api/layers/activations/. alpha is the negative slope of
// LeakyReLU and the scale of ELU; the others ignore it.
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

// ParseActivation is the inverse of Activation.String. It also accepts Keras's older names
// "swish" and "hard_swish".
func ParseActivation(name string) (Activation, error) { return ref.ParseActivation(name) }

// Activate writes dst = a(x). dst may be x.
func Activate[T Float](dst, x []T, a Activation, alpha T) {
	sameLen("activate", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.Activate(dst, x, a, alpha)
		return
	}
	activateJobs.Run(activateJob{d, f32(x), a, float32(alpha)}, len(d), costlyGrain)
}

type activateJob struct {
	dst, x []float32
	act    Activation
	alpha  float32
}

var activateJobs parallel.Jobs[activateJob, *activateJob]

func (j *activateJob) Piece(lo, hi int) {
	simd.Active.Activate(j.dst[lo:hi], j.x[lo:hi], j.act, j.alpha)
}

// AddActivate writes dst = act(a + b). dst may be a or b.
func AddActivate(dst, a, b []float32, act Activation, alpha float32) {
	sameLen("add", len(dst), len(a), len(b))
	addActivateJobs.Run(addActivateJob{dst, a, b, act, alpha}, len(dst), costlyGrain)
}

type addActivateJob struct {
	dst, a, b []float32
	act       Activation
	alpha     float32
}

var addActivateJobs parallel.Jobs[addActivateJob, *addActivateJob]

func (j *addActivateJob) Piece(lo, hi int) {
	dst := j.dst[lo:hi]
	simd.Active.Add(dst, j.a[lo:hi], j.b[lo:hi])
	simd.Active.Activate(dst, dst, j.act, j.alpha)
}

// ActivateGrad writes dx = a'(s) dy, where s is the output if a.FromOutput() and the input
// otherwise. dx may be dy or s. At a kink, the derivative of the flat or left side is used:
// that of ReLU at 0 is 0.
func ActivateGrad[T Float](dx, s, dy []T, a Activation, alpha T) {
	sameLen("activate grad", len(dx), len(s), len(dy))
	d, ok := single(dx)
	if !ok {
		ref.ActivateGrad(dx, s, dy, a, alpha)
		return
	}
	activateGradJobs.Run(activateGradJob{d, f32(s), f32(dy), a, float32(alpha)}, len(d), costlyGrain)
}

type activateGradJob struct {
	dx, s, dy []float32
	act       Activation
	alpha     float32
}

var activateGradJobs parallel.Jobs[activateGradJob, *activateGradJob]

func (j *activateGradJob) Piece(lo, hi int) {
	simd.Active.ActivateGrad(j.dx[lo:hi], j.s[lo:hi], j.dy[lo:hi], j.act, j.alpha)
}
