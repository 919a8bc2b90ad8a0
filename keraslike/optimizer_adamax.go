// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adamax is Adam with the largest gradient in place of the mean square (Kingma &
// Ba 2015):
//
//	m = β₁·m + (1-β₁)·g;  u = max(β₂·u, |g|);  w -= rate/(1-β₁ᵗ) · m/(u + ε)
//
// Defaults: β₁ 0.9, β₂ 0.999, ε 1e-7. See https://keras.io/api/optimizers/adamax/.
func Adamax(rate float64, opts ...AdamaxOption) Optimizer {
	o := &adamax{LearningRate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
	for _, opt := range given(opts, &o.mistake) {
		opt.applyAdamax(o)
	}
	return o
}

// AdamaxOption is an option of Adamax: Beta1, Beta2, Epsilon, LazyRows or an OptimizerOption.
type AdamaxOption interface{ applyAdamax(*adamax) }

type adamax struct {
	tuning
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta_1"`
	Beta2        float64 `json:"beta_2"`
	Epsilon      float64 `json:"epsilon"`
}

func (o *adamax) Name() string    { return "adamax" }
func (o *adamax) Rate() float64   { return o.LearningRate }
func (o *adamax) Slots() []string { return []string{"momentum", "norm"} }

func (o *adamax) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), unit("beta_1", o.Beta1), unit("beta_2", o.Beta2), checkEpsilon(o.Epsilon))
}

func (o *adamax) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	kernel.Adamax(w, g, slots[0], slots[1], float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step)
}

func (o *adamax) UpdateRows(w, g []float32, rows []int32, slots [][]float32, step int, rate float64) {
	kernel.AdamaxRows(w, g, slots[0], slots[1], float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step, rows, width(g, rows))
}

// Decays is not ok: the average of the gradient moves the weight.
func (o *adamax) Decays() (slots []int, by float64, ok bool) { return nil, 1, false }
