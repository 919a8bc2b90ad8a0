// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
)

// Ftrl follows the regularized leader (McMahan et al. 2013), which suits shallow models of many
// sparse features, since L1Strength makes weights exactly 0:
//
//	n' = n + g²;  z += g + 2·s·w - (n'^-p - n^-p)/rate·w
//	w = (clip(z, -l₁, l₁) - z)/(n'^-p/rate + 2·l₂ + β/rate)
//
// where n starts at InitialAccumulator, p is the LearningRatePower, l₁ the L1Strength, l₂ the L2Strength,
// s the L2Shrinkage and β FtrlBeta. The first update replaces every weight by this formula, whatever its
// initial value, also rows of an embedding that do not occur, unless LazyRows is set. Keras's default rate is 0.001. See https://keras.io/api/optimizers/ftrl/.
//
// Options: LearningRatePower (-0.5), InitialAccumulator (0.1), L1Strength (0), L2Strength (0),
// L2Shrinkage (0), FtrlBeta (0), LazyRows (off), ClipValue (none), ClipNorm (none),
// GlobalClipNorm (none), WeightDecay (0), ExcludeFromWeightDecay (none), AccumulateGradients (1),
// AverageWeights (none), OverwriteWeights (none), WithSchedule (none).
func Ftrl(rate float64, opts ...OptimizerOption) Optimizer {
	o := &ftrl{LearningRate: rate, Power: -0.5, InitialAccumulator: 0.1}
	o.apply(opts, fields{
		"LearningRatePower": &o.Power, "InitialAccumulator": &o.InitialAccumulator, "L1Strength": &o.L1, "L2Strength": &o.L2,
		"L2Shrinkage": &o.Shrinkage, "FtrlBeta": &o.Beta, "LazyRows": &o.LazyRows,
	})
	return o
}

// LearningRatePower is how fast the learning rate of Ftrl falls with the sum of squared gradients, at
// most 0; 0 keeps it. The default is -0.5, as in Adagrad.
func LearningRatePower(power float64) OptimizerOption {
	return optionValue[float64]{"LearningRatePower", power}
}

// L1Strength is the factor of Σ |w| in Ftrl; the default is 0.
func L1Strength(factor float64) OptimizerOption { return optionValue[float64]{"L1Strength", factor} }

// L2Strength is the factor of Σ w² in Ftrl, which stabilizes; the default is 0.
func L2Strength(factor float64) OptimizerOption { return optionValue[float64]{"L2Strength", factor} }

// L2Shrinkage is the factor of Σ w² that Ftrl adds to the loss, which makes weights small; the default
// is 0.
func L2Shrinkage(factor float64) OptimizerOption {
	return optionValue[float64]{"L2Shrinkage", factor}
}

// FtrlBeta is the constant β of Ftrl's learning rates; the default is 0.
func FtrlBeta(beta float64) OptimizerOption { return optionValue[float64]{"FtrlBeta", beta} }

var _ = registerOptimizer("ftrl", func() Optimizer { return Ftrl(0.001) })

type ftrl struct {
	commonSettings
	LearningRate       float64 `json:"learning_rate"`
	Power              float64 `json:"learning_rate_power"`
	InitialAccumulator float64 `json:"initial_accumulator_value"`
	L1                 float64 `json:"l1_regularization_strength"`
	L2                 float64 `json:"l2_regularization_strength"`
	Shrinkage          float64 `json:"l2_shrinkage_regularization_strength"`
	Beta               float64 `json:"beta"`
}

func (o *ftrl) Name() string    { return "ftrl" }
func (o *ftrl) Rate() float64   { return o.LearningRate }
func (o *ftrl) Slots() []string { return []string{"accumulator", "linear"} }

func (o *ftrl) Check() error {
	power := error(nil)
	if !(o.Power <= 0 && o.Power >= -10) {
		power = fmt.Errorf("learning rate power is %g, want -10 to 0", o.Power)
	}
	return errors.Join(o.check(), checkRate(o.LearningRate), power, checkNonNegative("initial accumulator", o.InitialAccumulator),
		checkNonNegative("L1 strength", o.L1), checkNonNegative("L2 strength", o.L2), checkNonNegative("L2 shrinkage", o.Shrinkage), checkNonNegative("beta", o.Beta))
}

// InitialValue returns InitialAccumulator and 0.
func (o *ftrl) InitialValue(slot string) float64 {
	if slot == "accumulator" {
		return o.InitialAccumulator
	}
	return 0
}

func (o *ftrl) Update(w, g []float32, slots [][]float32, _ int, rate float64) {
	if rate == 0 { // the formula divides by it
		return
	}
	kernel.Ftrl(w, g, slots[0], slots[1], float32(rate), float32(o.Power), float32(o.L1), float32(o.L2), float32(o.Shrinkage), float32(o.Beta))
}

func (o *ftrl) UpdateRows(w, g []float32, rows []int32, slots [][]float32, _ int, rate float64) {
	if rate == 0 {
		return
	}
	kernel.FtrlRows(w, g, slots[0], slots[1], float32(rate), float32(o.Power), float32(o.L1), float32(o.L2), float32(o.Shrinkage), float32(o.Beta), rows, rowWidth(g, rows))
}

// Decays returns false: the formula replaces a weight at every update.
func (o *ftrl) Decays() (slots []int, by float64, ok bool) { return nil, 1, false }
