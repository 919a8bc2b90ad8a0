// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adadelta scales each update by the size of past updates (Zeiler 2012):
//
//	a = ρ·a + (1-ρ)·g²;  d = √(b + ε)/√(a + ε)·g
//	b = ρ·b + (1-ρ)·d²;  w -= rate·d
//
// The paper's rate is 1, Keras's default is 0.001.
// See https://keras.io/api/optimizers/adadelta/.
//
// Options: Rho (0.95), Epsilon (1e-7), ClipValue (none), ClipNorm (none), GlobalClipNorm (none),
// WeightDecay (0), ExcludeFromWeightDecay (none), AccumulateGradients (1), AverageWeights (none),
// OverwriteWeights (none), WithSchedule (none).
func Adadelta(rate float64, opts ...OptimizerOption) Optimizer {
	o := &adadelta{LearningRate: rate, Rho: 0.95, Epsilon: 1e-7}
	o.apply(opts, fields{"Rho": &o.Rho, "Epsilon": &o.Epsilon})
	return o
}

var _ = registerOptimizer("adadelta", func() Optimizer { return Adadelta(0.001) })

type adadelta struct {
	commonSettings
	LearningRate float64 `json:"learning_rate"`
	Rho          float64 `json:"rho"`
	Epsilon      float64 `json:"epsilon"`
}

func (o *adadelta) Name() string    { return "adadelta" }
func (o *adadelta) Rate() float64   { return o.LearningRate }
func (o *adadelta) Slots() []string { return []string{"accumulated_grad", "accumulated_delta_var"} }

func (o *adadelta) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkFraction("rho", o.Rho), checkEpsilon(o.Epsilon))
}

func (o *adadelta) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	kernel.Adadelta(w, g, slots[0], slots[1], float32(rate), float32(o.Rho), float32(o.Epsilon))
}

func (o *adadelta) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	kernel.AdadeltaRows(w, g, slots[0], slots[1], float32(rate), float32(o.Rho), float32(o.Epsilon), rows, rowWidth(g, rows))
}

// Decays returns both averages.
func (o *adadelta) Decays() (slots []int, by float64, ok bool) { return []int{0, 1}, o.Rho, true }
