// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// RMSprop divides the gradient by a running average of its size (Tieleman &
// Hinton 2012):
//
//	s = ρ·s + (1-ρ)·g²
//	w -= rate·g/√(s + ε)
//
// Centered takes the square of the running average of g off s first; Momentum m
// adds the updates up: v = m·v + update, w -= v. Defaults: ρ 0.9, ε 1e-7.
// See https://keras.io/api/optimizers/rmsprop/ (whose default rate is 0.001).
func RMSprop(rate float64, opts ...RMSpropOption) Optimizer {
	o := &rmsprop{LearningRate: rate, Rho: 0.9, Epsilon: 1e-7}
	for _, opt := range given(opts, &o.mistake) {
		opt.applyRMSprop(o)
	}
	return o
}

// RMSpropOption is an option of RMSprop: Rho, Momentum, Epsilon, Centered, LazyRows or
// an OptimizerOption.
type RMSpropOption interface{ applyRMSprop(*rmsprop) }

// Rho is the share that a running average keeps at each step; the default is 0.9,
// in Adadelta 0.95.
type Rho float64

func (v Rho) applyRMSprop(o *rmsprop)   { o.Rho = float64(v) }
func (v Rho) applyAdadelta(o *adadelta) { o.Rho = float64(v) }

// Centered divides by an estimate of the gradient's variance instead of its
// second moment. Of a gradient that hardly changes it is a difference of two equal numbers,
// which rounding may leave below -ε: the weight is then NaN, as in Keras, and Fit says so.
type Centered struct{}

func (Centered) applyRMSprop(o *rmsprop) { o.Centered = true }

type rmsprop struct {
	tuning
	LearningRate float64 `json:"learning_rate"`
	Rho          float64 `json:"rho"`
	Momentum     float64 `json:"momentum"`
	Epsilon      float64 `json:"epsilon"`
	Centered     bool    `json:"centered"`
}

func (o *rmsprop) Name() string  { return "rmsprop" }
func (o *rmsprop) Rate() float64 { return o.LearningRate }

func (o *rmsprop) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), unit("rho", o.Rho), unit("momentum", o.Momentum), checkEpsilon(o.Epsilon))
}

func (o *rmsprop) Slots() []string {
	slots := []string{"velocity"}
	if o.Momentum > 0 {
		slots = append(slots, "momentum")
	}
	if o.Centered {
		slots = append(slots, "average_gradient")
	}
	return slots
}

func (o *rmsprop) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	momentum, average := o.rest(slots)
	kernel.RMSprop(w, g, slots[0], momentum, average, float32(rate), float32(o.Rho), float32(o.Momentum), float32(o.Epsilon))
}

func (o *rmsprop) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	momentum, average := o.rest(slots)
	kernel.RMSpropRows(w, g, slots[0], momentum, average, float32(rate), float32(o.Rho), float32(o.Momentum), float32(o.Epsilon), rows, width(g, rows))
}

// Decays are the averages, so that a word that was not met for a while makes a large
// step again; with momentum it is not ok, as that moves the weight.
func (o *rmsprop) Decays() (slots []int, by float64, ok bool) {
	slots = []int{0}
	if o.Centered {
		slots = append(slots, len(o.Slots())-1)
	}
	return slots, o.Rho, o.Momentum == 0
}

// rest are the slots behind the first, nil where a setting does not use them.
func (o *rmsprop) rest(slots [][]float32) (momentum, average []float32) {
	slots = slots[1:]
	if o.Momentum > 0 {
		momentum, slots = slots[0], slots[1:]
	}
	if o.Centered {
		average = slots[0]
	}
	return momentum, average
}
