// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"maps"
)

// Optimizer changes weights by their gradients. It holds settings only: what it
// remembers of each weight lies in slots, which the model owns and saves.
// Formulas and defaults: https://keras.io/api/optimizers/.
//
// An optimizer may also be a SlotInitializer or a RowOptimizer.
type Optimizer interface {
	// Name is the optimizer's name in saved models.
	Name() string
	// Check returns an error for settings that make no sense.
	Check() error
	// Rate is the learning rate.
	Rate() float64
	// Slots names the arrays that belong to each weight, which have its size. They
	// start at 0 unless the optimizer is a SlotInitializer.
	Slots() []string
	// Update changes w in one pass, given its gradient. The step counts from 1;
	// rate stands for Rate where a schedule changes it.
	Update(w, g []float32, slots [][]float32, step int, rate float64)
}

// SlotInitializer is an Optimizer with slots that do not start at 0.
type SlotInitializer interface {
	Optimizer
	// Start is the number that all elements of a slot start at.
	Start(slot string) float64
}

// RowOptimizer is an Optimizer that can update single rows of a weight, as those of an
// embedding of which a batch uses only some. Any other Optimizer gets such a gradient with
// zeros for the unused rows, by Update.
type RowOptimizer interface {
	Optimizer
	// Decays tells what Update does to elements whose gradient is 0. With ok it leaves
	// them as they are, multiplies the given slots by a factor and changes no other slot;
	// the model applies these factors when a row is used again. Without ok it does
	// something else, so that all rows have to take part in every update.
	Decays() (slots []int, by float64, ok bool)
	// UpdateRows is Update for the given rows of w, whose gradients are the rows of g.
	// It changes no other rows of w or of the slots. Disjoint sets of rows may be updated
	// at the same time, by different goroutines.
	UpdateRows(w, g []float32, rows []int32, slots [][]float32, step int, rate float64)
}

// optimizerKinds makes an optimizer with default settings for each name, into
// which a saved model's settings are read. Every optimizer registers itself.
var optimizerKinds = map[string]func() Optimizer{}

// registerOptimizer adds an optimizer to those that Load knows.
func registerOptimizer(name string, make func() Optimizer) struct{} {
	optimizerKinds[name] = make
	return struct{}{}
}

// OptimizerOption is an option of an optimizer. Those that clip, decay, accumulate, average
// and schedule fit all of them: ClipValue, ClipNorm, GlobalClipNorm, WeightDecay,
// AccumulateGradients, AverageWeights and WithSchedule. The others fit the optimizers that
// list them; Compile reports the rest.
type OptimizerOption interface{ applyOptimizer(*settable) }

// ClipValue limits every element of every gradient to the range from -limit to limit. There
// is no limit by default.
func ClipValue(limit float64) OptimizerOption { return optionValue[float64]{"ClipValue", limit} }

// ClipNorm scales the gradient of each weight down to a Euclidean norm of limit
// where it has a larger one. There is no limit by default.
func ClipNorm(limit float64) OptimizerOption { return optionValue[float64]{"ClipNorm", limit} }

// GlobalClipNorm scales all gradients down together where the norm of all of them
// is larger than limit (Pascanu et al. 2013). There is no limit by default.
func GlobalClipNorm(limit float64) OptimizerOption {
	return optionValue[float64]{"GlobalClipNorm", limit}
}

// WeightDecay subtracts rate·decay·w from every weight before each update (Loshchilov &
// Hutter 2019). The default is 0.004 in AdamW and 0, which is none, elsewhere.
func WeightDecay(decay float64) OptimizerOption { return optionValue[float64]{"WeightDecay", decay} }

// AccumulateGradients sums the gradients of n batches and makes one update of
// their mean: batches n times as large for the same memory. The default is 1. What an
// optimizer counts, as Adam for its correction, are updates; schedules and
// AverageWeights count batches, as in Keras.
func AccumulateGradients(n int) OptimizerOption { return optionValue[int]{"AccumulateGradients", n} }

// AverageWeights maintains a moving average of every weight, a = momentum·a +
// (1-momentum)·w after each batch, starting at the weights after the first update
// (Polyak & Juditsky 1992). With AccumulateGradients the batches between two updates
// count, too, as in Keras. When Fit ends, but not when it is interrupted, the averages
// become the weights. Without this option, the default, nothing is averaged; Keras's
// use_ema has a momentum of 0.99.
func AverageWeights(momentum float64) OptimizerOption {
	return optionValue[float64]{"AverageWeights", momentum}
}

// WithSchedule lets the learning rate follow a schedule that starts from the
// optimizer's rate and counts batches; without it the rate is constant:
//
//	k.SGD(0.1, k.WithSchedule(k.ExponentialDecay{Steps: 1000, Rate: 0.9}))
func WithSchedule(s Schedule) OptimizerOption {
	return optionValue[scheduled]{"WithSchedule", scheduled{s}}
}

// Momentum is, for an optimizer, the share of the last update that is added to the next:
// an option of SGD and RMSprop, by default 0. For BatchNormalization it is the share that
// the moving statistics retain at each step, by default 0.99.
type Momentum float64

func (v Momentum) applyOptimizer(s *settable) { assignOption(s, "Momentum", float64(v)) }

// Epsilon is added to a divisor to keep it away from 0: in RMSprop, Adam, AdamW, Nadam,
// Adamax, Adagrad and Adadelta 1e-7 by default, in BatchNormalization and
// LayerNormalization, where it is added to the variance, 1e-3.
type Epsilon float64

func (v Epsilon) applyOptimizer(s *settable) { assignOption(s, "Epsilon", float64(v)) }

// Rho is the share that a running average retains at each step; the default is 0.9 in
// RMSprop and 0.95 in Adadelta.
func Rho(share float64) OptimizerOption { return optionValue[float64]{"Rho", share} }

// Beta1 is the share that the average of the gradient retains at each step; the default is
// 0.9. In Lion it is the share of that average in the direction of the update.
func Beta1(share float64) OptimizerOption { return optionValue[float64]{"Beta1", share} }

// Beta2 is the share that the average of the gradient's square retains at each step, in Lion
// that of the gradient; the default is 0.999, in Lion 0.99.
func Beta2(share float64) OptimizerOption { return optionValue[float64]{"Beta2", share} }

// InitialAccumulator is where the sums of Adagrad start; the default is 0.1.
func InitialAccumulator(start float64) OptimizerOption {
	return optionValue[float64]{"InitialAccumulator", start}
}

// OptimizerFlag is an OptimizerOption that turns something on; by default it is off.
type OptimizerFlag string

func (f OptimizerFlag) applyOptimizer(s *settable) { assignOption(s, string(f), true) }

// The flags.
const (
	// Nesterov looks ahead along the momentum of SGD (Nesterov 1983, Sutskever et al. 2013).
	Nesterov OptimizerFlag = "Nesterov"

	// Centered makes RMSprop divide by an estimate of the gradient's variance instead of its
	// second moment. For a gradient that hardly changes this is a difference of two equal
	// numbers, which rounding may leave below -ε: the weight is then NaN, as in Keras, and
	// Fit says so.
	Centered OptimizerFlag = "Centered"

	// AMSGrad never lets the divisor of Adam and AdamW shrink (Reddi et al. 2018).
	AMSGrad OptimizerFlag = "AMSGrad"

	// LazyRows leaves the rows of an embedding that a batch does not use unchanged, along
	// with their slots. By default, as in Keras, they take part in every update with a
	// gradient of 0, by which momentum still moves them and averages decay: after a word
	// was used, Adam moves its row for as long as m = β₁ᵗ·m is not negligible, while a lazy
	// row waits, with its m and v, until the word is used again. Results differ from
	// Keras's. A step takes time in proportion to the rows of the batch instead of those of
	// the table, which pays where the table is large and a batch uses little of it.
	//
	// It is an option of SGD with Momentum, RMSprop with Momentum, Adam, AdamW, Adamax,
	// Nadam and Lion. The others do not need it: there a gradient of 0 leaves the weights
	// unchanged, and the decay of averages is made up for later. Weight decay, averages of
	// weights and constraints always apply to all rows. So does every update where an
	// embedding is applied more than once or its table has a penalty, as the gradient then
	// covers all rows.
	LazyRows OptimizerFlag = "LazyRows"
)

// commonSettings is what every optimizer of this package can be given beside its own
// settings.
type commonSettings struct {
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

// apply applies options to an optimizer that has these settings beside the common ones; nil
// is a common one that it does not have.
func (c *commonSettings) apply(options []OptimizerOption, own fields) {
	all := fields{
		"ClipValue": &c.ClipValue, "ClipNorm": &c.ClipNorm, "GlobalClipNorm": &c.GlobalClipNorm, "WeightDecay": &c.WeightDecay,
		"AccumulateGradients": &c.Accumulate, "AverageWeights": &c.Average, "WithSchedule": &c.Schedule,
	}
	maps.Copy(all, own)
	maps.DeleteFunc(all, func(_ string, at any) bool { return at == nil })
	c.mistake = configure(options, OptimizerOption.applyOptimizer, all)
}

func (c *commonSettings) common() *commonSettings { return c }

// commonOf are the common settings of an optimizer; one that is not of this package has none.
func commonOf(o Optimizer) *commonSettings {
	if own, ok := o.(interface{ common() *commonSettings }); ok {
		return own.common()
	}
	return &commonSettings{}
}

func (c *commonSettings) check() error {
	mistakes := []error{c.mistake}
	for _, v := range []struct {
		name  string
		value float64
	}{{"clip value", c.ClipValue}, {"clip norm", c.ClipNorm}, {"global clip norm", c.GlobalClipNorm}, {"weight decay", c.WeightDecay}} {
		mistakes = append(mistakes, atLeastZero(v.name, v.value))
	}
	if c.clips() > 1 {
		mistakes = append(mistakes, errors.New("gradients are clipped in more than one way, want one"))
	}
	if c.Accumulate < 0 {
		mistakes = append(mistakes, fmt.Errorf("gradients of %d batches are accumulated, want at least 1, or 0 for 1", c.Accumulate))
	}
	mistakes = append(mistakes, unit("momentum of the weights' average", c.Average))
	if c.Schedule.Schedule != nil {
		if err := c.Schedule.Check(); err != nil {
			mistakes = append(mistakes, fmt.Errorf("schedule %s: %w", c.Schedule.Name(), err))
		}
	}
	return errors.Join(mistakes...)
}

// clips counts the ways in which gradients are clipped.
func (c *commonSettings) clips() (n int) {
	for _, limit := range []float64{c.ClipValue, c.ClipNorm, c.GlobalClipNorm} {
		if limit > 0 {
			n++
		}
	}
	return n
}

// batches is the number of batches that one update is made of.
func (c *commonSettings) batches() int { return max(1, c.Accumulate) }

// maxRate is far beyond every rate that learns.
const maxRate = 1e6

func checkRate(rate float64) error {
	if !(rate >= 0 && rate <= maxRate) {
		return fmt.Errorf("learning rate is %g, want 0 to %g", rate, maxRate)
	}
	return nil
}

func checkEpsilon(e float64) error { return atLeastZero("epsilon", e) }

// rowWidth is the length of a row, given compact rows.
func rowWidth(g []float32, rows []int32) int { return len(g) / max(1, len(rows)) }
