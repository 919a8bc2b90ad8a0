// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adagrad divides by the root of the sum of all squares (Duchi et al. 2011):
//
//	a += g²;  w -= rate·g/√(a + ε)
//
// Defaults: a starts at 0.1, ε 1e-7. See https://keras.io/api/optimizers/adagrad/.
func Adagrad(rate float64, opts ...AdagradOption) Optimizer {
	o := &adagrad{LearningRate: rate, InitialAccumulator: 0.1, Epsilon: 1e-7}
	for _, opt := range given(opts, &o.mistake) {
		opt.applyAdagrad(o)
	}
	return o
}

// AdagradOption is an option of Adagrad: InitialAccumulator, Epsilon or an OptimizerOption.
type AdagradOption interface{ applyAdagrad(*adagrad) }

// InitialAccumulator is where Adagrad's sums start; the default is 0.1.
type InitialAccumulator float64

func (v InitialAccumulator) applyAdagrad(o *adagrad) { o.InitialAccumulator = float64(v) }

func checkStart(v float64) error {
	return atLeastZero("initial accumulator", v)
}

type adagrad struct {
	tuning
	LearningRate       float64 `json:"learning_rate"`
	InitialAccumulator float64 `json:"initial_accumulator_value"`
	Epsilon            float64 `json:"epsilon"`
}

func (o *adagrad) Name() string    { return "adagrad" }
func (o *adagrad) Rate() float64   { return o.LearningRate }
func (o *adagrad) Slots() []string { return []string{"accumulator"} }

func (o *adagrad) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkStart(o.InitialAccumulator), checkEpsilon(o.Epsilon))
}

// Start is where the accumulator starts.
func (o *adagrad) Start(string) float64 { return o.InitialAccumulator }

func (o *adagrad) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	kernel.Adagrad(w, g, slots[0], float32(rate), float32(o.Epsilon))
}

func (o *adagrad) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	kernel.AdagradRows(w, g, slots[0], float32(rate), float32(o.Epsilon), rows, width(g, rows))
}

// Decays is nothing: a sum stays.
func (o *adagrad) Decays() (slots []int, by float64, ok bool) { return nil, 1, true }
