// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// RMSprop divides the gradient by a running average of its magnitude (Tieleman & Hinton
// 2012):
//
//	s = ρ·s + (1-ρ)·g²
//	w -= rate·g/√(s + ε)
//
// Centered first subtracts the square of the running average of g from s. With Momentum m
// the updates accumulate: v = m·v + update, w -= v. Keras's default rate is 0.001.
// See https://keras.io/api/optimizers/rmsprop/.
//
// Options: Rho (0.9), Momentum (0), Epsilon (1e-7), Centered (off), LazyRows (off), ClipValue
// (none), ClipNorm (none), GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none),
// AccumulateGradients (1), AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func RMSprop(rate float64, opts ...OptimizerOption) Optimizer {
	o := &rmsprop{LearningRate: rate, Rho: 0.9, Epsilon: 1e-7}
	o.apply(opts, fields{"Rho": &o.Rho, "Momentum": &o.Momentum, "Epsilon": &o.Epsilon, "Centered": &o.Centered, "LazyRows": &o.LazyRows})
	return o
}

var _ = registerOptimizer("rmsprop", func() Optimizer { return RMSprop(0.001) })

type rmsprop struct {
	commonSettings
	LearningRate float64 `json:"learning_rate"`
	Rho          float64 `json:"rho"`
	Momentum     float64 `json:"momentum"`
	Epsilon      float64 `json:"epsilon"`
	Centered     bool    `json:"centered"`
}

func (o *rmsprop) Name() string  { return "rmsprop" }
func (o *rmsprop) Rate() float64 { return o.LearningRate }

func (o *rmsprop) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkFraction("rho", o.Rho), checkFraction("momentum", o.Momentum), checkEpsilon(o.Epsilon))
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
	momentum, average := o.optionalSlots(slots)
	kernel.RMSprop(w, g, slots[0], momentum, average, float32(rate), float32(o.Rho), float32(o.Momentum), float32(o.Epsilon))
}

func (o *rmsprop) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	momentum, average := o.optionalSlots(slots)
	kernel.RMSpropRows(w, g, slots[0], momentum, average, float32(rate), float32(o.Rho), float32(o.Momentum), float32(o.Epsilon), rows, rowWidth(g, rows))
}

// Decays returns the averages, so the first update of a row that was unused for a while is
// large. With momentum it returns false, because momentum moves the weight.
func (o *rmsprop) Decays() (slots []int, by float64, ok bool) {
	slots = []int{0}
	if o.Centered {
		slots = append(slots, len(o.Slots())-1)
	}
	return slots, o.Rho, o.Momentum == 0
}

// optionalSlots returns the slots after the first, nil for those that the settings do not use.
func (o *rmsprop) optionalSlots(slots [][]float32) (momentum, average []float32) {
	slots = slots[1:]
	if o.Momentum > 0 {
		momentum, slots = slots[0], slots[1:]
	}
	if o.Centered {
		average = slots[0]
	}
	return momentum, average
}
