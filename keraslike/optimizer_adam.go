// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adam scales updates by running averages of the gradient and of its square, corrected for
// their initialization to 0 (Kingma & Ba 2015):
//
//	m = β₁·m + (1-β₁)·g;  v = β₂·v + (1-β₂)·g²
//	w -= rate·√(1-β₂ᵗ)/(1-β₁ᵗ) · m/(√v + ε)
//
// AMSGrad divides by the largest v so far. Keras's default rate is 0.001.
// See https://keras.io/api/optimizers/adam/.
//
// Options: Beta1 (0.9), Beta2 (0.999), Epsilon (1e-7), AMSGrad (off), LazyRows (off), ClipValue
// (none), ClipNorm (none), GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none),
// AccumulateGradients (1), AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Adam(rate float64, opts ...OptimizerOption) Optimizer {
	o := newAdam(rate)
	o.configure(opts)
	return o
}

// AdamW is Adam with decoupled weight decay: w -= rate·decay·w before each update
// (Loshchilov & Hutter 2019). Keras's default rate is 0.001.
// See https://keras.io/api/optimizers/adamw/.
//
// Options: Beta1 (0.9), Beta2 (0.999), Epsilon (1e-7), AMSGrad (off), LazyRows (off), ClipValue
// (none), ClipNorm (none), GlobalClipNorm (none), WeightDecay (0.004), ExcludeFromWeightDecay
// (none), AccumulateGradients (1), AverageWeights (none), OverwriteWeights (none), WithSchedule
// (none).
func AdamW(rate float64, opts ...OptimizerOption) Optimizer {
	o := newAdam(rate)
	o.W, o.WeightDecay = true, 0.004
	o.configure(opts)
	return o
}

var (
	_ = registerOptimizer("adam", func() Optimizer { return Adam(0.001) })
	_ = registerOptimizer("adamw", func() Optimizer { return AdamW(0.001) })
)

type adam struct {
	commonSettings
	W            bool    `json:"-"` // it is adamw, not adam
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta_1"`
	Beta2        float64 `json:"beta_2"`
	Epsilon      float64 `json:"epsilon"`
	AMSGrad      bool    `json:"amsgrad"`
}

func newAdam(rate float64) *adam {
	return &adam{LearningRate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
}

func (o *adam) configure(opts []OptimizerOption) {
	o.apply(opts, fields{"Beta1": &o.Beta1, "Beta2": &o.Beta2, "Epsilon": &o.Epsilon, "AMSGrad": &o.AMSGrad, "LazyRows": &o.LazyRows})
}

func (o *adam) Name() string {
	if o.W {
		return "adamw"
	}
	return "adam"
}

func (o *adam) Rate() float64 { return o.LearningRate }

func (o *adam) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkFraction("beta_1", o.Beta1), checkFraction("beta_2", o.Beta2), checkEpsilon(o.Epsilon))
}

func (o *adam) Slots() []string {
	slots := []string{"momentum", "velocity"}
	if o.AMSGrad {
		slots = append(slots, "velocity_max")
	}
	return slots
}

func (o *adam) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	kernel.Adam(w, g, slots[0], slots[1], o.largest(slots), float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step)
}

func (o *adam) UpdateRows(w, g []float32, rows []int32, slots [][]float32, step int, rate float64) {
	kernel.AdamRows(w, g, slots[0], slots[1], o.largest(slots), float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step, rows, rowWidth(g, rows))
}

// Decays returns false: the running average of the gradient moves the weight.
func (o *adam) Decays() (slots []int, by float64, ok bool) { return nil, 1, false }

func (o *adam) largest(slots [][]float32) []float32 {
	if !o.AMSGrad {
		return nil
	}
	return slots[2]
}
