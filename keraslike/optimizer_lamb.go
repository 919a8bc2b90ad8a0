// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Lamb scales Adam's step of each weight array to the norm of the weights, for training with large
// batches (You et al. 2020):
//
//	m = β₁·m + (1-β₁)·g;  v = β₂·v + (1-β₂)·g²
//	u = m/(1-β₁ᵗ)/(√(v/(1-β₂ᵗ)) + ε);  w -= rate·|w|/|u|·u
//
// where the ratio is 1 if a norm is 0. Keras's default rate is 0.001.
// See https://keras.io/api/optimizers/lamb/.
//
// Options: Beta1 (0.9), Beta2 (0.999), Epsilon (1e-7), ClipValue (none), ClipNorm (none),
// GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none), AccumulateGradients (1),
// AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Lamb(rate float64, opts ...OptimizerOption) Optimizer {
	o := &lamb{LearningRate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
	o.apply(opts, fields{"Beta1": &o.Beta1, "Beta2": &o.Beta2, "Epsilon": &o.Epsilon})
	return o
}

var _ = registerOptimizer("lamb", func() Optimizer { return Lamb(0.001) })

type lamb struct {
	commonSettings
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta_1"`
	Beta2        float64 `json:"beta_2"`
	Epsilon      float64 `json:"epsilon"`
}

func (o *lamb) Name() string    { return "lamb" }
func (o *lamb) Rate() float64   { return o.LearningRate }
func (o *lamb) Slots() []string { return []string{"momentum", "velocity"} }

func (o *lamb) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkFraction("beta_1", o.Beta1), checkFraction("beta_2", o.Beta2), checkEpsilon(o.Epsilon))
}

func (o *lamb) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	kernel.Lamb(w, g, slots[0], slots[1], float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step)
}
