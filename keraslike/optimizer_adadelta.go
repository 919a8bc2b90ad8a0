// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adadelta takes steps of the size of the last ones (Zeiler 2012):
//
//	a = ρ·a + (1-ρ)·g²;  d = √(b + ε)/√(a + ε)·g
//	b = ρ·b + (1-ρ)·d²;  w -= rate·d
//
// Defaults: ρ 0.95, ε 1e-7; the paper's rate is 1.
// See https://keras.io/api/optimizers/adadelta/.
func Adadelta(rate float64, opts ...AdadeltaOption) Optimizer {
	o := &adadelta{LearningRate: rate, Rho: 0.95, Epsilon: 1e-7}
	for _, opt := range given(opts, &o.mistake) {
		opt.applyAdadelta(o)
	}
	return o
}

// AdadeltaOption is an option of Adadelta: Rho, Epsilon or an OptimizerOption.
type AdadeltaOption interface{ applyAdadelta(*adadelta) }

type adadelta struct {
	tuning
	LearningRate float64 `json:"learning_rate"`
	Rho          float64 `json:"rho"`
	Epsilon      float64 `json:"epsilon"`
}

func (o *adadelta) Name() string    { return "adadelta" }
func (o *adadelta) Rate() float64   { return o.LearningRate }
func (o *adadelta) Slots() []string { return []string{"accumulated_grad", "accumulated_delta_var"} }

func (o *adadelta) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), unit("rho", o.Rho), checkEpsilon(o.Epsilon))
}

func (o *adadelta) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	kernel.Adadelta(w, g, slots[0], slots[1], float32(rate), float32(o.Rho), float32(o.Epsilon))
}

func (o *adadelta) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	kernel.AdadeltaRows(w, g, slots[0], slots[1], float32(rate), float32(o.Rho), float32(o.Epsilon), rows, width(g, rows))
}

// Decays are both averages.
func (o *adadelta) Decays() (slots []int, by float64, ok bool) { return []int{0, 1}, o.Rho, true }
