// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// SGD is stochastic gradient descent, w -= rate·g. With Momentum m it is
//
//	v = m·v - rate·g;  w += v                (plain)
//	v = m·v - rate·g;  w += m·v - rate·g     (Nesterov)
//
// Keras's default rate is 0.01. See https://keras.io/api/optimizers/sgd/.
//
// Options: Momentum (0), Nesterov (off), LazyRows (off), ClipValue (none), ClipNorm (none),
// GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none), AccumulateGradients (1),
// AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func SGD(rate float64, opts ...OptimizerOption) Optimizer {
	o := &sgd{LearningRate: rate}
	o.apply(opts, fields{"Momentum": &o.Momentum, "Nesterov": &o.Nesterov, "LazyRows": &o.LazyRows})
	return o
}

var _ = registerOptimizer("sgd", func() Optimizer { return SGD(0.01) })

type sgd struct {
	commonSettings
	LearningRate float64 `json:"learning_rate"`
	Momentum     float64 `json:"momentum"`
	Nesterov     bool    `json:"nesterov"`
}

func (o *sgd) Name() string  { return "sgd" }
func (o *sgd) Rate() float64 { return o.LearningRate }

func (o *sgd) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), checkFraction("momentum", o.Momentum))
}

func (o *sgd) Slots() []string {
	if o.Momentum == 0 {
		return nil
	}
	return []string{"velocity"}
}

func (o *sgd) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	kernel.SGD(w, g, o.velocity(slots), float32(rate), float32(o.Momentum), o.Nesterov)
}

func (o *sgd) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	kernel.SGDRows(w, g, o.velocity(slots), float32(rate), float32(o.Momentum), o.Nesterov, rows, rowWidth(g, rows))
}

// Decays returns no slot. With momentum it returns false, because the velocity moves the
// weight.
func (o *sgd) Decays() (slots []int, by float64, ok bool) { return nil, 1, o.Momentum == 0 }

func (o *sgd) velocity(slots [][]float32) []float32 {
	if len(slots) == 0 {
		return nil
	}
	return slots[0]
}
