// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adagrad divides the gradient by the root of the sum of all squared gradients (Duchi et
// al. 2011):
//
//	a += g²;  w -= rate·g/√(a + ε)
//
// where a starts at InitialAccumulator. See https://keras.io/api/optimizers/adagrad/.
//
// Options: InitialAccumulator (0.1), Epsilon (1e-7), ClipValue (none), ClipNorm (none),
// GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none), AccumulateGradients (1),
// AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Adagrad(rate float64, opts ...OptimizerOption) Optimizer {
	o := &adagrad{LearningRate: rate, InitialAccumulator: 0.1, Epsilon: 1e-7}
	o.apply(opts, fields{"InitialAccumulator": &o.InitialAccumulator, "Epsilon": &o.Epsilon})
	return o
}

var _ = registerOptimizer("adagrad", func() Optimizer { return Adagrad(0.001) })

type adagrad struct {
	commonSettings
	LearningRate       float64 `json:"learning_rate"`
	InitialAccumulator float64 `json:"initial_accumulator_value"`
	Epsilon            float64 `json:"epsilon"`
}

func (o *adagrad) Name() string    { return "adagrad" }
func (o *adagrad) Rate() float64   { return o.LearningRate }
func (o *adagrad) Slots() []string { return []string{"accumulator"} }

func (o *adagrad) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkNonNegative("initial accumulator", o.InitialAccumulator), checkEpsilon(o.Epsilon))
}

// InitialValue returns InitialAccumulator.
func (o *adagrad) InitialValue(string) float64 { return o.InitialAccumulator }

func (o *adagrad) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	kernel.Adagrad(w, g, slots[0], float32(rate), float32(o.Epsilon))
}

func (o *adagrad) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	kernel.AdagradRows(w, g, slots[0], float32(rate), float32(o.Epsilon), rows, rowWidth(g, rows))
}

// Decays returns no slot: a sum does not decay.
func (o *adagrad) Decays() (slots []int, by float64, ok bool) { return nil, 1, true }
