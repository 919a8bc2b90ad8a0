// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
)

// OptimizerOption fits every optimiser of this package.
type OptimizerOption func(*tuning)

func (o OptimizerOption) applySGD(s *sgd)           { o(&s.tuning) }
func (o OptimizerOption) applyRMSprop(s *rmsprop)   { o(&s.tuning) }
func (o OptimizerOption) applyAdam(s *adam)         { o(&s.tuning) }
func (o OptimizerOption) applyNadam(s *nadam)       { o(&s.tuning) }
func (o OptimizerOption) applyAdamax(s *adamax)     { o(&s.tuning) }
func (o OptimizerOption) applyAdagrad(s *adagrad)   { o(&s.tuning) }
func (o OptimizerOption) applyAdadelta(s *adadelta) { o(&s.tuning) }
func (o OptimizerOption) applyLion(s *lion)         { o(&s.tuning) }

// ClipValue keeps every element of every gradient between -limit and limit.
func ClipValue(limit float64) OptimizerOption { return func(t *tuning) { t.ClipValue = limit } }

// ClipNorm scales the gradient of each weight down to a Euclidean norm of limit
// where it has a larger one.
func ClipNorm(limit float64) OptimizerOption { return func(t *tuning) { t.ClipNorm = limit } }

// GlobalClipNorm scales all gradients down together where the norm of all of them
// is larger than limit (Pascanu et al. 2013).
func GlobalClipNorm(limit float64) OptimizerOption {
	return func(t *tuning) { t.GlobalClipNorm = limit }
}

// WeightDecay takes rate·decay·w off every weight before each update (Loshchilov &
// Hutter 2019). Only AdamW has it by default.
func WeightDecay(decay float64) OptimizerOption { return func(t *tuning) { t.WeightDecay = decay } }

// AccumulateGradients adds the gradients of n batches up and makes one update of
// their mean: batches n times as large for the same memory. The default is 1. What an
// optimizer counts, as Adam for its correction, are updates; schedules and
// AverageWeights count batches, as in Keras.
func AccumulateGradients(n int) OptimizerOption { return func(t *tuning) { t.Accumulate = n } }

// AverageWeights keeps a moving average of every weight, a = momentum·a +
// (1-momentum)·w after each batch, starting at the weights after the first update
// (Polyak & Juditsky 1992). With AccumulateGradients the batches between two updates
// count, too, as in Keras. When Fit ends, not when it is interrupted, the averages
// become the weights. Keras's use_ema has a momentum of 0.99.
func AverageWeights(momentum float64) OptimizerOption {
	return func(t *tuning) { t.Average = momentum }
}

// WithSchedule lets the learning rate follow a schedule that starts from the
// optimiser's rate and counts batches:
//
//	keraslike.SGD(0.1, keraslike.WithSchedule(keraslike.ExponentialDecay{Steps: 1000, Rate: 0.9}))
func WithSchedule(s Schedule) OptimizerOption { return func(t *tuning) { t.Schedule.Schedule = s } }

// tuning is what every optimiser can be given beside its own settings.
type tuning struct {
	ClipValue      float64   `json:"clip_value,omitempty"`
	ClipNorm       float64   `json:"clip_norm,omitempty"`
	GlobalClipNorm float64   `json:"global_clip_norm,omitempty"`
	WeightDecay    float64   `json:"weight_decay,omitempty"`
	Accumulate     int       `json:"gradient_accumulation_steps,omitempty"`
	Average        float64   `json:"ema_momentum,omitempty"`
	Schedule       scheduled `json:"schedule,omitzero"`
	LazyRows       bool      `json:"lazy_rows,omitempty"`

	mistake error // in the options
}

func (t *tuning) settings() *tuning { return t }

// settingsOf are the settings of an optimiser; one that is not of this package has none.
func settingsOf(o Optimizer) *tuning {
	if own, ok := o.(interface{ settings() *tuning }); ok {
		return own.settings()
	}
	return &tuning{}
}

func (t *tuning) check() error {
	mistakes := []error{t.mistake}
	for _, v := range []struct {
		name  string
		value float64
	}{{"clip value", t.ClipValue}, {"clip norm", t.ClipNorm}, {"global clip norm", t.GlobalClipNorm}, {"weight decay", t.WeightDecay}} {
		mistakes = append(mistakes, atLeastZero(v.name, v.value))
	}
	if t.clips() > 1 {
		mistakes = append(mistakes, errors.New("gradients are clipped in more than one way, want one"))
	}
	if t.Accumulate < 0 {
		mistakes = append(mistakes, fmt.Errorf("gradients of %d batches are accumulated, want at least 1, or 0 for 1", t.Accumulate))
	}
	mistakes = append(mistakes, unit("momentum of the weights' average", t.Average))
	if t.Schedule.Schedule != nil {
		if err := t.Schedule.Check(); err != nil {
			mistakes = append(mistakes, fmt.Errorf("schedule %s: %w", t.Schedule.Name(), err))
		}
	}
	return errors.Join(mistakes...)
}

// clips counts the ways in which gradients are clipped.
func (t *tuning) clips() (n int) {
	for _, limit := range []float64{t.ClipValue, t.ClipNorm, t.GlobalClipNorm} {
		if limit > 0 {
			n++
		}
	}
	return n
}

// every is the number of batches of one update.
func (t *tuning) every() int { return max(1, t.Accumulate) }
