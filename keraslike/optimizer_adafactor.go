// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adafactor keeps little state: of a matrix it stores only the means of squared gradients along rows
// and columns, whose product replaces Adam's v (Shazeer & Stern 2018):
//
//	β = 1 - t^d;  r = β·r + (1-β)·mean over columns of (g² + ε₁);  c likewise over rows;  v = r·c/mean r
//	u = g/√v;  w -= min(rate, 1/√t)·max(ε₂, rms w)·u/max(1, rms u/threshold)
//
// with d = Beta2Decay, ε₁ = Epsilon1, ε₂ = Epsilon2 and threshold = ClipThreshold. The last two axes of
// a weight are those of matrices; of a vector v itself is stored. Keras's argument relative_step has no
// effect, since the step is min(rate, 1/√t) in any case. Keras's default rate is 0.001.
// See https://keras.io/api/optimizers/adafactor/.
//
// Options: Beta2Decay (-0.8), Epsilon1 (1e-30), Epsilon2 (1e-3), ClipThreshold (1), ClipValue
// (none), ClipNorm (none), GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none),
// AccumulateGradients (1), AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Adafactor(rate float64, opts ...OptimizerOption) Optimizer {
	o := &adafactor{LearningRate: rate, Beta2Decay: -0.8, Epsilon1: 1e-30, Epsilon2: 1e-3, ClipThreshold: 1}
	o.apply(opts, fields{"Beta2Decay": &o.Beta2Decay, "Epsilon1": &o.Epsilon1, "Epsilon2": &o.Epsilon2, "ClipThreshold": &o.ClipThreshold})
	return o
}

// Beta2Decay is the exponent d < 0 of the decay 1 - t^d of Adafactor's averages; the default is -0.8.
func Beta2Decay(exponent float64) OptimizerOption {
	return optionValue[float64]{"Beta2Decay", exponent}
}

// Epsilon1 is added to Adafactor's squared gradients; the default is 1e-30.
func Epsilon1(epsilon float64) OptimizerOption { return optionValue[float64]{"Epsilon1", epsilon} }

// Epsilon2 is the least size of weights to which Adafactor's steps are proportional; the default is
// 1e-3.
func Epsilon2(epsilon float64) OptimizerOption { return optionValue[float64]{"Epsilon2", epsilon} }

// ClipThreshold is the root mean square above which Adafactor scales a step down; the default is 1.
func ClipThreshold(threshold float64) OptimizerOption {
	return optionValue[float64]{"ClipThreshold", threshold}
}

var _ = registerOptimizer("adafactor", func() Optimizer { return Adafactor(0.001) })

type adafactor struct {
	commonSettings
	LearningRate  float64 `json:"learning_rate"`
	Beta2Decay    float64 `json:"beta_2_decay"`
	Epsilon1      float64 `json:"epsilon_1"`
	Epsilon2      float64 `json:"epsilon_2"`
	ClipThreshold float64 `json:"clip_threshold"`

	shape []int // of the weight of ForWeight
}

func (o *adafactor) Name() string  { return "adafactor" }
func (o *adafactor) Rate() float64 { return o.LearningRate }

func (o *adafactor) Check() error {
	decay := error(nil)
	if !(o.Beta2Decay < 0 && o.Beta2Decay >= -10) {
		decay = fmt.Errorf("beta_2 decay is %g, want at least -10 and below 0", o.Beta2Decay)
	}
	return errors.Join(o.check(), checkRate(o.LearningRate), decay, checkNonNegative("epsilon_1", o.Epsilon1), checkNonNegative("epsilon_2", o.Epsilon2), checkPositive("clip threshold", o.ClipThreshold))
}

// ForWeight returns the optimizer with the weight's shape.
func (o *adafactor) ForWeight(_ string, shape []int) Optimizer {
	own := *o
	own.shape = shape
	return &own
}

func (o *adafactor) Slots() []string {
	if len(o.shape) < 2 {
		return []string{"velocity"}
	}
	return []string{"row_average", "column_average"}
}

// SlotShape returns the shape without its last axis or its last but one.
func (o *adafactor) SlotShape(slot string) []int {
	n := len(o.shape)
	switch slot {
	case "row_average":
		return o.shape[:n-1]
	case "column_average":
		return append(append([]int{}, o.shape[:n-2]...), o.shape[n-1])
	}
	return o.shape
}

func (o *adafactor) Update(w, g []float32, slots [][]float32, step int, rate float64) {
	rate = min(rate, 1/math.Sqrt(float64(step)))
	beta := 1 - math.Pow(float64(step), o.Beta2Decay)
	e1, e2, clip := float32(o.Epsilon1), float32(o.Epsilon2), float32(o.ClipThreshold)
	if n := len(o.shape); n >= 2 {
		kernel.Adafactor(w, g, slots[0], slots[1], o.shape[n-2], o.shape[n-1], float32(rate), float32(beta), e1, e2, clip)
		return
	}
	kernel.AdafactorVector(w, g, slots[0], float32(rate), float32(beta), e1, e2, clip)
}
