// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
)

// Optimizer changes weights by their gradients. It holds settings only: what it
// remembers of each weight lies in slots, which the model keeps and saves.
// Formulas and defaults: https://keras.io/api/optimizers/.
type Optimizer interface {
	// Name is the optimiser's name in saved models.
	Name() string
	// Check returns an error for settings that make no sense.
	Check() error
	// Rate is the learning rate.
	Rate() float64
	// Slots names the arrays that are kept for each weight, of its size, at
	// first all 0 or, where the optimiser has a method Start(slot string) float64,
	// that number.
	Slots() []string
	// Update changes w in one pass, given its gradient. The step counts from 1;
	// rate stands for Rate where a schedule changes it.
	Update(w, g []float32, slots [][]float32, step int, rate float64)
}

// RowOptimizer is an Optimizer that need not go through all rows of a weight where only
// some have a gradient, as those of an embedding. One that is no RowOptimizer gets such a
// gradient with zeros for the other rows, by Update.
type RowOptimizer interface {
	Optimizer
	// Decays tells what Update does to elements whose gradient is 0. With ok it leaves
	// them as they are, multiplies the given slots by a factor and changes no other slot;
	// the model makes up for these products when a row is needed again. Without ok it
	// does something else, so that all rows have to take part in every update.
	Decays() (slots []int, by float64, ok bool)
	// UpdateRows is Update for the given rows of w, whose gradients are the rows of g.
	// Other rows of w and of the slots stay as they are, and parts of the rows may be
	// updated at the same time, by different goroutines.
	UpdateRows(w, g []float32, rows []int32, slots [][]float32, step int, rate float64)
}

// LazyRows leaves the rows of an embedding that a batch has no gradient for as they are,
// with all that the optimizer keeps for them. By default, as in Keras, they take part in
// every update with a gradient of 0, by which momentum still moves them and averages
// decay: after a word has been met, Adam moves its row for as long as m = β₁ᵗ·m is not
// negligible, while a lazy row waits, with its m and v, until the word is met again.
// Results differ from Keras's; a step takes time by the rows of the batch and not by those
// of the table, which pays where the table is large and a batch meets little of it.
//
// It is an option of SGD with Momentum, RMSprop with Momentum, Adam, AdamW, Adamax, Nadam
// and Lion. The others have no need of it: a gradient of 0 leaves the weights alone there,
// and what decays is made up for. Weight decay, averages of weights and constraints are of
// all rows, always, and so is everything where an embedding is applied more than once or
// its table has a penalty, as the gradient is one of all rows there.
type LazyRows struct{}

func (LazyRows) applySGD(o *sgd)         { o.LazyRows = true }
func (LazyRows) applyRMSprop(o *rmsprop) { o.LazyRows = true }
func (LazyRows) applyAdam(o *adam)       { o.LazyRows = true }
func (LazyRows) applyNadam(o *nadam)     { o.LazyRows = true }
func (LazyRows) applyAdamax(o *adamax)   { o.LazyRows = true }
func (LazyRows) applyLion(o *lion)       { o.LazyRows = true }

// optimizerKinds makes an optimiser with default settings for each name, into
// which a saved model's settings are read.
var optimizerKinds = map[string]func() Optimizer{
	"sgd":      func() Optimizer { return SGD(0.01) },
	"rmsprop":  func() Optimizer { return RMSprop(0.001) },
	"adam":     func() Optimizer { return Adam(0.001) },
	"adamw":    func() Optimizer { return AdamW(0.001) },
	"nadam":    func() Optimizer { return Nadam(0.001) },
	"adamax":   func() Optimizer { return Adamax(0.001) },
	"adagrad":  func() Optimizer { return Adagrad(0.001) },
	"adadelta": func() Optimizer { return Adadelta(0.001) },
	"lion":     func() Optimizer { return Lion(0.001) },
}

// Momentum is the share of the last update that is added to the next, for SGD
// and RMSprop. The default is 0.
type Momentum float64

func (v Momentum) applySGD(o *sgd)         { o.Momentum = float64(v) }
func (v Momentum) applyRMSprop(o *rmsprop) { o.Momentum = float64(v) }

// Epsilon keeps a divisor away from 0. The default is 1e-7.
type Epsilon float64

func (v Epsilon) applyRMSprop(o *rmsprop)   { o.Epsilon = float64(v) }
func (v Epsilon) applyAdam(o *adam)         { o.Epsilon = float64(v) }
func (v Epsilon) applyNadam(o *nadam)       { o.Epsilon = float64(v) }
func (v Epsilon) applyAdamax(o *adamax)     { o.Epsilon = float64(v) }
func (v Epsilon) applyAdagrad(o *adagrad)   { o.Epsilon = float64(v) }
func (v Epsilon) applyAdadelta(o *adadelta) { o.Epsilon = float64(v) }

// unit reports a setting outside [0, 1).
func unit(name string, v float64) error {
	if !(v >= 0 && v < 1) {
		return fmt.Errorf("%s is %g, want 0 <= %s < 1", name, v, name)
	}
	return nil
}

// width is the length of a row, given compact rows.
func width(g []float32, rows []int32) int { return len(g) / max(1, len(rows)) }

// mostRate is far beyond every rate that learns.
const mostRate = 1e6

func checkRate(rate float64) error {
	if !(rate >= 0 && rate <= mostRate) {
		return fmt.Errorf("learning rate is %g, want 0 to %g", rate, mostRate)
	}
	return nil
}

// atLeastZero reports a setting that is negative, infinite or NaN.
func atLeastZero(name string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 1) {
		return fmt.Errorf("%s is %g, want a finite number of at least 0", name, v)
	}
	return nil
}

// aboveZero reports a setting that is not positive, infinite or NaN.
func aboveZero(name string, v float64) error {
	if !(v > 0) || math.IsInf(v, 1) {
		return fmt.Errorf("%s is %g, want a finite number above 0", name, v)
	}
	return nil
}
