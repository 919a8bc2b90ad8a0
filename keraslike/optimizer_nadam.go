// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Nadam is Adam with Nesterov momentum (Dozat 2015). With u = β₁·(1 - 0.96ᵗ/2) for step t,
// u' for the next step, and U and U' the products of all u up to and including each:
//
//	m = β₁·m + (1-β₁)·g;  v = β₂·v + (1-β₂)·g²
//	w -= rate·(u'·m/(1-U') + (1-u)·g/(1-U)) / (√(v/(1-β₂ᵗ)) + ε)
//
// Keras's default rate is 0.001. See https://keras.io/api/optimizers/Nadam/.
//
// Options: Beta1 (0.9), Beta2 (0.999), Epsilon (1e-7), LazyRows (off), ClipValue (none), ClipNorm
// (none), GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none),
// AccumulateGradients (1), AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Nadam(rate float64, opts ...OptimizerOption) Optimizer {
	o := &nadam{LearningRate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
	o.apply(opts, fields{"Beta1": &o.Beta1, "Beta2": &o.Beta2, "Epsilon": &o.Epsilon, "LazyRows": &o.LazyRows})
	return o
}

var _ = registerOptimizer("nadam", func() Optimizer { return Nadam(0.001) })

type nadam struct {
	commonSettings
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta_1"`
	Beta2        float64 `json:"beta_2"`
	Epsilon      float64 `json:"epsilon"`
}

func (o *nadam) Name() string    { return "nadam" }
func (o *nadam) Rate() float64   { return o.LearningRate }
func (o *nadam) Slots() []string { return []string{"momentum", "velocity"} }

func (o *nadam) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkFraction("beta_1", o.Beta1), checkFraction("beta_2", o.Beta2), checkEpsilon(o.Epsilon))
}

func (o *nadam) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	kernel.Nadam(w, g, slots[0], slots[1], float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step)
}

func (o *nadam) UpdateRows(w, g []float32, rows []int32, slots [][]float32, step int, rate float64) {
	kernel.NadamRows(w, g, slots[0], slots[1], float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step, rows, rowWidth(g, rows))
}

// Decays returns false: the running average of the gradient moves the weight.
func (o *nadam) Decays() (slots []int, by float64, ok bool) { return nil, 1, false }
