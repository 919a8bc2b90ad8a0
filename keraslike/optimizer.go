// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"maps"
)

// Optimizer updates weights from their gradients. It holds settings only; its state for
// each weight is in slots, which the model owns and saves. Formulas and defaults:
// https://keras.io/api/optimizers/.
//
// An optimizer may also implement SlotInitializer, SlotBeginner, RowOptimizer or PerWeightOptimizer.
type Optimizer interface {
	// Name is the optimizer's name in saved models.
	Name() string
	// Check returns an error for invalid settings.
	Check() error
	// Rate is the learning rate.
	Rate() float64
	// Slots returns the names of the state arrays kept for each weight, which have its
	// size. They start at 0 unless the optimizer is a SlotInitializer.
	Slots() []string
	// Update updates w in one pass, given its gradient g. step counts updates from 1;
	// rate is the learning rate to use, which differs from Rate under a schedule.
	Update(w, g []float32, slots [][]float32, step int, rate float64)
}

// SlotInitializer is an Optimizer whose slots do not all start at 0.
type SlotInitializer interface {
	Optimizer
	// InitialValue returns the initial value of every element of a slot.
	InitialValue(slot string) float64
}

// SlotBeginner is an Optimizer whose slots begin with values that depend on the weight.
type SlotBeginner interface {
	Optimizer
	// Begin sets the slots of a weight before its first update and the weight decay that precedes it.
	Begin(w []float32, slots [][]float32)
}

// PerWeightOptimizer is an Optimizer that treats weights differently, by their paths or shapes, such as
// Adafactor and Muon.
type PerWeightOptimizer interface {
	Optimizer
	// ForWeight returns the optimizer of one weight, whose Slots and Update, and InitialValue, Begin
	// and SlotShape if it has them, are used for that weight. It is called for each weight when the model
	// is compiled. The name and the settings of a saved model are those of the PerWeightOptimizer.
	ForWeight(path string, shape []int) Optimizer
}

// SlotShaper is an Optimizer, made by ForWeight, whose slots do not all have the weight's shape.
type SlotShaper interface {
	Optimizer
	// SlotShape returns the shape of a slot.
	SlotShape(slot string) []int
}

// RowOptimizer is an Optimizer that can update individual rows of a weight, such as the
// rows of an embedding that a batch uses. For any other Optimizer the gradient is expanded
// with zeros for the unused rows and passed to Update.
type RowOptimizer interface {
	Optimizer
	// Decays describes what Update does to elements whose gradient is 0. If ok is true, it
	// leaves the weights unchanged, multiplies the listed slots by a factor and leaves the
	// other slots unchanged; the model applies these factors when a row is used again. If
	// ok is false, it does something else, so every update must include all rows.
	Decays() (slots []int, by float64, ok bool)
	// UpdateRows is Update for the given rows of w, whose gradients are the rows of g. It
	// changes no other rows of w or of the slots. It may be called concurrently for
	// disjoint sets of rows.
	UpdateRows(w, g []float32, rows []int32, slots [][]float32, step int, rate float64)
}

// optimizerKinds maps each name to a function that makes the optimizer with default
// settings, into which the settings of a saved model are read. Every optimizer registers
// itself.
var optimizerKinds = map[string]func() Optimizer{}

// registerOptimizer makes an optimizer known to Load.
func registerOptimizer(name string, make func() Optimizer) struct{} {
	optimizerKinds[name] = make
	return struct{}{}
}

// OptimizerOption is an option of an optimizer. ClipValue, ClipNorm, GlobalClipNorm, WeightDecay,
// ExcludeFromWeightDecay, AccumulateGradients, AverageWeights, OverwriteWeights and WithSchedule fit
// every optimizer.
// The other options fit the optimizers whose doc lists them; Compile returns an error for
// one that does not fit.
type OptimizerOption interface{ applyOptimizer(*settable) }

// ClipValue clips every element of every gradient to [-limit, limit]. By default gradients
// are not clipped.
func ClipValue(limit float64) OptimizerOption { return optionValue[float64]{"ClipValue", limit} }

// ClipNorm scales the gradient of a weight down to a Euclidean norm of limit if its norm is
// larger. By default gradients are not clipped.
func ClipNorm(limit float64) OptimizerOption { return optionValue[float64]{"ClipNorm", limit} }

// GlobalClipNorm scales all gradients by the same factor so that their joint Euclidean norm
// is at most limit (Pascanu et al. 2013). By default gradients are not clipped.
func GlobalClipNorm(limit float64) OptimizerOption {
	return optionValue[float64]{"GlobalClipNorm", limit}
}

// WeightDecay subtracts rate·decay·w from every weight before each update (Loshchilov &
// Hutter 2019). The default is 0.004 for AdamW and 0 (no decay) for the others.
func WeightDecay(decay float64) OptimizerOption { return optionValue[float64]{"WeightDecay", decay} }

// ExcludeFromWeightDecay excludes the weights whose path contains one of the texts from WeightDecay,
// such as biases and the weights of normalizations:
//
//	k.AdamW(1e-3, k.ExcludeFromWeightDecay("bias", "gamma", "beta"))
//
// Each text must be part of the path of a weight that is trained. By default all weights decay.
func ExcludeFromWeightDecay(paths ...string) OptimizerOption {
	return optionValue[[]string]{"ExcludeFromWeightDecay", append([]string{}, paths...)}
}

// AccumulateGradients makes one update from the mean gradient of n batches, which has the
// effect of a batch n times as large without its memory. The default is 1. The optimizer's
// own step count, such as in Adam's bias correction, counts updates; schedules and
// AverageWeights count batches, as in Keras.
func AccumulateGradients(n int) OptimizerOption { return optionValue[int]{"AccumulateGradients", n} }

// AverageWeights maintains an exponential moving average of every weight,
// a = momentum·a + (1-momentum)·w after each batch, initialized to the weights after the
// first update (Polyak & Juditsky 1992). With AccumulateGradients the batches between two
// updates count too, as in Keras. When Fit ends, but not when it is interrupted, the
// averages replace the weights. By default nothing is averaged. Keras's use_ema has a
// default momentum of 0.99.
func AverageWeights(momentum float64) OptimizerOption {
	return optionValue[float64]{"AverageWeights", momentum}
}

// OverwriteWeights also replaces the weights by their averages at every so many updates, before
// constraints are applied; it needs AverageWeights. With AccumulateGradients they are replaced after each
// of the batches of such an update, as in Keras. By default they are replaced only when Fit ends.
func OverwriteWeights(every int) OptimizerOption {
	return optionValue[int]{"OverwriteWeights", every}
}

// WithSchedule makes the learning rate follow a schedule, which starts from the
// optimizer's rate and counts batches. By default the rate is constant:
//
//	k.SGD(0.1, k.WithSchedule(k.ExponentialDecay{Steps: 1000, Rate: 0.9}))
func WithSchedule(s Schedule) OptimizerOption {
	return optionValue[scheduled]{"WithSchedule", scheduled{s}}
}

// Momentum is an option of optimizers and of BatchNormalization.
//
// For SGD and RMSprop it is the fraction of the previous update that is added to the next
// one; the default is 0. For Muon it is the fraction of the sum of gradients that is kept; the default
// is 0.95. For BatchNormalization it is the fraction of the moving mean and
// variance that is kept at each step; the default is 0.99.
type Momentum float64

func (v Momentum) applyOptimizer(s *settable) { assignOption(s, "Momentum", float64(v)) }

// Epsilon is a small constant that is added to a divisor to keep it away from 0. It is an
// option of optimizers and of normalization layers.
//
// For RMSprop, Adam, AdamW, Adamax, Nadam, Adagrad, Adadelta, Lamb and Muon the default is 1e-7,
// for ScheduleFreeAdamW 1e-8. For
// BatchNormalization, LayerNormalization and GroupNormalization it is added to the
// variance, and the default is 1e-3.
type Epsilon float64

func (v Epsilon) applyOptimizer(s *settable) { assignOption(s, "Epsilon", float64(v)) }

// Rho is the decay rate of the running averages; the default is 0.9 for RMSprop and 0.95 for
// Adadelta.
func Rho(rho float64) OptimizerOption { return optionValue[float64]{"Rho", rho} }

// Beta1 is the decay rate of the running average of the gradient; the default is 0.9. In
// ScheduleFreeAdamW it is the weight of the average of the weights. In Lion it is the weight of that average in the direction of the update.
func Beta1(beta1 float64) OptimizerOption { return optionValue[float64]{"Beta1", beta1} }

// Beta2 is the decay rate of the running average of the squared gradient; the default is
// 0.999. In Lion it is the decay rate of the average of the gradient; the default is 0.99.
func Beta2(beta2 float64) OptimizerOption { return optionValue[float64]{"Beta2", beta2} }

// InitialAccumulator is the initial value of the sums of squares of Adagrad and Ftrl; the default is 0.1.
func InitialAccumulator(start float64) OptimizerOption {
	return optionValue[float64]{"InitialAccumulator", start}
}

// OptimizerFlag is an OptimizerOption that turns something on. All flags are off by default.
type OptimizerFlag string

func (f OptimizerFlag) applyOptimizer(s *settable) { assignOption(s, string(f), true) }

// The flags of optimizers.
const (
	// Nesterov makes SGD use Nesterov momentum (Nesterov 1983, Sutskever et al. 2013).
	Nesterov OptimizerFlag = "Nesterov"

	// Centered makes RMSprop divide by an estimate of the gradient's variance instead of its
	// second moment. If a gradient hardly changes, the variance is the difference of two
	// nearly equal numbers, which rounding can make smaller than -ε; the weight is then
	// NaN, as in Keras, and Fit returns an error.
	Centered OptimizerFlag = "Centered"

	// AMSGrad keeps the divisor of Adam and AdamW from decreasing (Reddi et al. 2018).
	AMSGrad OptimizerFlag = "AMSGrad"

	// LazyRows updates only those rows of an embedding that the batch uses and leaves the
	// other rows and their slots unchanged. By default, as in Keras, every row takes part
	// in every update, with a gradient of 0 if the batch does not use it: momentum still
	// moves the row and running averages decay. After a word was used, for example, Adam
	// keeps moving its row until m = β₁ᵗ·m is negligible, whereas a lazy row keeps its m and v
	// until the word is used again. Results therefore differ from Keras's. The time of a step
	// is proportional to the rows in the batch instead of the rows in the table, which
	// pays off if the table is large and a batch uses little of it.
	//
	// It is an option of SGD with Momentum, RMSprop with Momentum, Adam, AdamW, Adamax,
	// Nadam, Lion and Ftrl. Lamb, Adafactor, Muon and ScheduleFreeAdamW always update all rows. The other optimizers do not need it: there a gradient of 0 leaves the
	// weights unchanged, and the decay of averages is applied later. Weight decay, weight
	// averaging and constraints always apply to all rows. If an embedding is applied more
	// than once or its table has a regularizer, its gradient covers all rows, and so does
	// every update.
	LazyRows OptimizerFlag = "LazyRows"
)

// commonSettings are the settings that every optimizer of this package has in addition to
// its own.
type commonSettings struct {
	ClipValue      float64   `json:"clip_value,omitempty"`
	ClipNorm       float64   `json:"clip_norm,omitempty"`
	GlobalClipNorm float64   `json:"global_clip_norm,omitempty"`
	WeightDecay    float64   `json:"weight_decay,omitempty"`
	Accumulate     int       `json:"gradient_accumulation_steps,omitempty"`
	Average        float64   `json:"ema_momentum,omitempty"`
	Overwrite      int       `json:"ema_overwrite_frequency,omitempty"`
	Undecayed      []string  `json:"exclude_from_weight_decay,omitempty"`
	Schedule       scheduled `json:"schedule,omitzero"`
	LazyRows       bool      `json:"lazy_rows,omitempty"`

	mistake error // of the options
}

// apply applies options to an optimizer with the given settings of its own in addition to
// the common ones. A nil entry removes a common setting.
func (c *commonSettings) apply(options []OptimizerOption, own fields) {
	all := fields{
		"ClipValue": &c.ClipValue, "ClipNorm": &c.ClipNorm, "GlobalClipNorm": &c.GlobalClipNorm, "WeightDecay": &c.WeightDecay,
		"AccumulateGradients": &c.Accumulate, "AverageWeights": &c.Average, "WithSchedule": &c.Schedule,
		"ExcludeFromWeightDecay": &c.Undecayed, "OverwriteWeights": &c.Overwrite,
	}
	maps.Copy(all, own)
	maps.DeleteFunc(all, func(_ string, at any) bool { return at == nil })
	c.mistake = configure(options, OptimizerOption.applyOptimizer, all)
}

func (c *commonSettings) common() *commonSettings { return c }

// commonOf returns the common settings of an optimizer, empty ones for a custom optimizer.
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
		mistakes = append(mistakes, checkNonNegative(v.name, v.value))
	}
	if c.clips() > 1 {
		mistakes = append(mistakes, errors.New("more than one of ClipValue, ClipNorm and GlobalClipNorm is set, want at most one"))
	}
	if c.Accumulate < 0 {
		mistakes = append(mistakes, fmt.Errorf("gradients of %d batches are accumulated, want at least 1, or 0 for 1", c.Accumulate))
	}
	mistakes = append(mistakes, checkFraction("momentum of the weights' average", c.Average))
	switch {
	case c.Overwrite < 0:
		mistakes = append(mistakes, fmt.Errorf("OverwriteWeights is %d batches, want at least 1, or 0 for none", c.Overwrite))
	case c.Overwrite > 0 && c.Average == 0:
		mistakes = append(mistakes, errors.New("OverwriteWeights without AverageWeights, want both"))
	}
	if c.Schedule.Schedule != nil {
		if err := c.Schedule.Check(); err != nil {
			mistakes = append(mistakes, fmt.Errorf("schedule %s: %w", c.Schedule.Name(), err))
		}
	}
	return errors.Join(mistakes...)
}

// clips returns the number of clipping methods in use.
func (c *commonSettings) clips() (n int) {
	for _, limit := range []float64{c.ClipValue, c.ClipNorm, c.GlobalClipNorm} {
		if limit > 0 {
			n++
		}
	}
	return n
}

// batches returns the number of batches for each update.
func (c *commonSettings) batches() int { return max(1, c.Accumulate) }

// maxRate is far above any useful learning rate.
const maxRate = 1e6

func checkRate(rate float64) error {
	if !(rate >= 0 && rate <= maxRate) {
		return fmt.Errorf("learning rate is %g, want 0 to %g", rate, maxRate)
	}
	return nil
}

func checkEpsilon(e float64) error { return checkNonNegative("epsilon", e) }

// rowWidth returns the length of a row, given compact rows.
func rowWidth(g []float32, rows []int32) int { return len(g) / max(1, len(rows)) }
