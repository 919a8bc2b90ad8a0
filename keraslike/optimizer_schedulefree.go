// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
)

// ScheduleFreeAdamW needs no schedule, since it averages (Defazio et al. 2024). The weights are
// w = (1-β₁)·z + β₁·x, between z, which takes Adam's steps, and x, the mean of all z:
//
//	v = β₂·v + (1-β₂)·g²;  z -= rate·g/(√(v/(1-β₂ᵗ)) + ε);  x = (1 - 1/t)·x + z/t
//
// z starts at the weights before the first update. In the first WarmupSteps updates the rate increases
// linearly. As in Keras, weights after training are those between z and x. From the second update on,
// Keras computes x from the new z instead of the old one, except on JAX. Keras's default rate is 0.0025. See https://keras.io/api/optimizers/schedule_free_adamw/.
//
// Options: Beta1 (0.9), Beta2 (0.999), Epsilon (1e-8), WarmupSteps (0), ClipValue (none),
// ClipNorm (none), GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none),
// AccumulateGradients (1), AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func ScheduleFreeAdamW(rate float64, opts ...OptimizerOption) Optimizer {
	o := &scheduleFree{LearningRate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}
	o.apply(opts, fields{"Beta1": &o.Beta1, "Beta2": &o.Beta2, "Epsilon": &o.Epsilon, "WarmupSteps": &o.Warmup})
	return o
}

// WarmupSteps is the number of updates in which the rate of ScheduleFreeAdamW increases linearly to the
// learning rate; the default is 0.
func WarmupSteps(n int) OptimizerOption { return optionValue[int]{"WarmupSteps", n} }

var _ = registerOptimizer("schedulefreeadamw", func() Optimizer { return ScheduleFreeAdamW(0.0025) })

type scheduleFree struct {
	commonSettings
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta_1"`
	Beta2        float64 `json:"beta_2"`
	Epsilon      float64 `json:"epsilon"`
	Warmup       int     `json:"warmup_steps"`
}

func (o *scheduleFree) Name() string    { return "schedulefreeadamw" }
func (o *scheduleFree) Rate() float64   { return o.LearningRate }
func (o *scheduleFree) Slots() []string { return []string{"momentum", "velocity"} }

func (o *scheduleFree) Check() error {
	var mistakes []error
	if !(o.Beta1 > 0) {
		mistakes = append(mistakes, fmt.Errorf("beta_1 is %g, want a number above 0, by which the mean is divided", o.Beta1))
	}
	if o.Warmup < 0 || o.Warmup > maxSteps {
		mistakes = append(mistakes, fmt.Errorf("warm-up takes %d updates, want 0 to %d", o.Warmup, maxSteps))
	}
	return errors.Join(append(mistakes, o.check(), checkRate(o.LearningRate), checkFraction("beta_1", o.Beta1), checkFraction("beta_2", o.Beta2), checkEpsilon(o.Epsilon))...)
}

// Begin sets z to the weights.
func (o *scheduleFree) Begin(w []float32, slots [][]float32) { copy(slots[0], w) }

func (o *scheduleFree) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	if step < o.Warmup {
		rate *= float64(step) / float64(o.Warmup)
	}
	kernel.ScheduleFree(w, g, slots[0], slots[1], float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step)
}
