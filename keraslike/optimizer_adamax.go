// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adamax is Adam with the infinity norm of past gradients instead of their mean square
// (Kingma & Ba 2015):
//
//	m = β₁·m + (1-β₁)·g;  u = max(β₂·u, |g|);  w -= rate/(1-β₁ᵗ) · m/(u + ε)
//
// Keras's default rate is 0.001. See https://keras.io/api/optimizers/adamax/.
//
// Options: Beta1 (0.9), Beta2 (0.999), Epsilon (1e-7), LazyRows (off), ClipValue (none), ClipNorm
// (none), GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none),
// AccumulateGradients (1), AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Adamax(rate float64, opts ...OptimizerOption) Optimizer {
	o := &adamax{LearningRate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
	o.apply(opts, fields{"Beta1": &o.Beta1, "Beta2": &o.Beta2, "Epsilon": &o.Epsilon, "LazyRows": &o.LazyRows})
	return o
}

var _ = registerOptimizer("adamax", func() Optimizer { return Adamax(0.001) })

type adamax struct {
	commonSettings
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta_1"`
	Beta2        float64 `json:"beta_2"`
	Epsilon      float64 `json:"epsilon"`
}

func (o *adamax) Name() string    { return "adamax" }
func (o *adamax) Rate() float64   { return o.LearningRate }
func (o *adamax) Slots() []string { return []string{"momentum", "norm"} }

func (o *adamax) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkFraction("beta_1", o.Beta1), checkFraction("beta_2", o.Beta2), checkEpsilon(o.Epsilon))
}

func (o *adamax) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	kernel.Adamax(w, g, slots[0], slots[1], float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step)
}

func (o *adamax) UpdateRows(w, g []float32, rows []int32, slots [][]float32, step int, rate float64) {
	kernel.AdamaxRows(w, g, slots[0], slots[1], float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step, rows, rowWidth(g, rows))
}

// Decays returns false: the running average of the gradient moves the weight.
func (o *adamax) Decays() (slots []int, by float64, ok bool) { return nil, 1, false }
