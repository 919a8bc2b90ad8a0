// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Lion takes steps of constant size along the sign of a running average of the gradient
// (Chen et al. 2023):
//
//	w -= rate·sign(β₁·m + (1-β₁)·g);  m = β₂·m + (1-β₂)·g
//
// Keras's default rate is 0.001. See https://keras.io/api/optimizers/lion/.
//
// Options: Beta1 (0.9), Beta2 (0.99), LazyRows (off), ClipValue (none), ClipNorm (none),
// GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none), AccumulateGradients (1),
// AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Lion(rate float64, opts ...OptimizerOption) Optimizer {
	o := &lion{LearningRate: rate, Beta1: 0.9, Beta2: 0.99}
	o.apply(opts, fields{"Beta1": &o.Beta1, "Beta2": &o.Beta2, "LazyRows": &o.LazyRows})
	return o
}

var _ = registerOptimizer("lion", func() Optimizer { return Lion(0.001) })

type lion struct {
	commonSettings
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta_1"`
	Beta2        float64 `json:"beta_2"`
}

func (o *lion) Name() string    { return "lion" }
func (o *lion) Rate() float64   { return o.LearningRate }
func (o *lion) Slots() []string { return []string{"momentum"} }

func (o *lion) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkFraction("beta_1", o.Beta1), checkFraction("beta_2", o.Beta2))
}

func (o *lion) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	kernel.Lion(w, g, slots[0], float32(rate), float32(o.Beta1), float32(o.Beta2))
}

func (o *lion) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	kernel.LionRows(w, g, slots[0], float32(rate), float32(o.Beta1), float32(o.Beta2), rows, rowWidth(g, rows))
}

// Decays returns false: the running average of the gradient moves the weight.
func (o *lion) Decays() (slots []int, by float64, ok bool) { return nil, 1, false }
