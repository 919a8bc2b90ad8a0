// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"

	"github.com/reef-dl/reef/internal/kernel"
)

// Adam is gradient descent with running averages of the gradient and of its
// square, corrected for their start at 0 (Kingma & Ba 2015):
//
//	m = β₁·m + (1-β₁)·g;  v = β₂·v + (1-β₂)·g²
//	w -= rate·√(1-β₂ᵗ)/(1-β₁ᵗ) · m/(√v + ε)
//
// AMSGrad divides by the largest v so far. Defaults: β₁ 0.9, β₂ 0.999, ε 1e-7.
// See https://keras.io/api/optimizers/adam/ (whose default rate is 0.001).
func Adam(rate float64, opts ...AdamOption) Optimizer {
	o := &adam{LearningRate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
	for _, opt := range given(opts, &o.mistake) {
		opt.applyAdam(o)
	}
	return o
}

// AdamW is Adam with a WeightDecay, by default of 0.004: w -= rate·decay·w before
// each update (Loshchilov & Hutter 2019). Options are those of Adam.
// See https://keras.io/api/optimizers/adamw/.
func AdamW(rate float64, opts ...AdamOption) Optimizer {
	return Adam(rate, append([]AdamOption{decoupled{}}, opts...)...)
}

type decoupled struct{}

func (decoupled) applyAdam(o *adam) { o.W, o.WeightDecay = true, 0.004 }

// AdamOption is an option of Adam: Beta1, Beta2, Epsilon, AMSGrad, LazyRows or an
// OptimizerOption.
type AdamOption interface{ applyAdam(*adam) }

// Beta1 is the share that the average of the gradient keeps; the default is 0.9.
type Beta1 float64

func (v Beta1) applyAdam(o *adam)     { o.Beta1 = float64(v) }
func (v Beta1) applyNadam(o *nadam)   { o.Beta1 = float64(v) }
func (v Beta1) applyAdamax(o *adamax) { o.Beta1 = float64(v) }
func (v Beta1) applyLion(o *lion)     { o.Beta1 = float64(v) }

// Beta2 is the share that the average of the gradient's square keeps, in Lion
// that of the gradient; the default is 0.999, in Lion 0.99.
type Beta2 float64

func (v Beta2) applyAdam(o *adam)     { o.Beta2 = float64(v) }
func (v Beta2) applyNadam(o *nadam)   { o.Beta2 = float64(v) }
func (v Beta2) applyAdamax(o *adamax) { o.Beta2 = float64(v) }
func (v Beta2) applyLion(o *lion)     { o.Beta2 = float64(v) }

// AMSGrad never lets the divisor shrink (Reddi et al. 2018).
type AMSGrad struct{}

func (AMSGrad) applyAdam(o *adam) { o.AMSGrad = true }

type adam struct {
	tuning
	W            bool    `json:"-"` // goes by the name of adamw
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta_1"`
	Beta2        float64 `json:"beta_2"`
	Epsilon      float64 `json:"epsilon"`
	AMSGrad      bool    `json:"amsgrad"`
}

func (o *adam) Name() string {
	if o.W {
		return "adamw"
	}
	return "adam"
}

func (o *adam) Rate() float64 { return o.LearningRate }

func (o *adam) Check() error {
	return errors.Join(o.check(), checkRate(o.LearningRate), unit("beta_1", o.Beta1), unit("beta_2", o.Beta2), checkEpsilon(o.Epsilon))
}

func checkEpsilon(e float64) error {
	return atLeastZero("epsilon", e)
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
	kernel.AdamRows(w, g, slots[0], slots[1], o.largest(slots), float32(rate), float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon), step, rows, width(g, rows))
}

// Decays is not ok: the average of the gradient moves the weight.
func (o *adam) Decays() (slots []int, by float64, ok bool) { return nil, 1, false }

func (o *adam) largest(slots [][]float32) []float32 {
	if !o.AMSGrad {
		return nil
	}
	return slots[2]
}
