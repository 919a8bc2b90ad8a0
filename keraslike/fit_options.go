// SPDX-License-Identifier: Apache-2.0

package keraslike

import "fmt"

// FitOption is an option of Fit.
type FitOption interface{ applyFit(*fit) }

// Epochs is how often all samples are seen; the default is 1.
type Epochs int

// Until is the number of epochs that the model will have been trained when Fit ends,
// those before counted, which Progress tells: Fit goes on with the next one, or with the
// rest of the one that was interrupted, and does nothing where the model is there. It
// stands for Epochs and InitialEpoch where the number of epochs done is not known:
//
//	m, err := keraslike.Load("run.safetensors") // saved WithOptimizer
//	h, err := m.Fit(ctx, data, keraslike.Until(20))
type Until int

// BatchSize is the number of samples of one update; the default is 32. The last
// batch of an epoch may be smaller, and none is larger than a Source. It is an option
// of Evaluate, too.
type BatchSize int

// ValidationSplit is the share of the samples, taken from the end of the data,
// that is not trained on and measured after each epoch.
type ValidationSplit float64

// KeepOrder reads the samples in their own order in every epoch; without it
// each epoch has an order of its own, drawn from the model's seed.
type KeepOrder struct{}

// Validation measures the model on other samples, a Source or a Stream, after each
// epoch.
func Validation(s Samples) ValidationOption { return ValidationOption{s} }

// ValidationOption is made by Validation.
type ValidationOption struct{ data Samples }

// StepsPerEpoch is the number of batches of an epoch. A Stream without an end needs
// it; of a Source it takes the first so many of each epoch's order.
type StepsPerEpoch int

// ValidationSteps is the number of batches of validation; a Stream without an end
// needs it.
type ValidationSteps int

// InitialEpoch is the number of epochs that were trained before: training goes on
// with the next one up to Epochs, as in Keras.
type InitialEpoch int

// Callbacks are told of all events, in the order given, each LastCallback after the others.
// Package callbacks has early stopping, checkpoints, logs and a progress display.
func Callbacks(c ...Callback) CallbacksOption { return c }

// CallbacksOption is made by Callbacks.
type CallbacksOption []Callback

func (n Epochs) applyFit(f *fit)           { f.epochs, f.counted = int(n), true }
func (n Until) applyFit(f *fit)            { f.until, f.bounded = int(n), true }
func (n BatchSize) applyFit(f *fit)        { f.batch = int(n) }
func (v ValidationSplit) applyFit(f *fit)  { f.split = float64(v) }
func (KeepOrder) applyFit(f *fit)          { f.keepOrder = true }
func (v ValidationOption) applyFit(f *fit) { f.validation, f.validated = v.data, true }
func (n InitialEpoch) applyFit(f *fit)     { f.initial = int(n) }
func (c CallbacksOption) applyFit(f *fit)  { f.callbacks = append(f.callbacks, c...) }

func (w ClassWeights) applyFit(f *fit) { f.classWeights = w }

func (n StepsPerEpoch) applyFit(f *fit) {
	f.steps = int(n)
	f.mistakes = append(f.mistakes, atLeastOne("steps per epoch", f.steps))
}

func (n ValidationSteps) applyFit(f *fit) {
	f.validationSteps = int(n)
	f.mistakes = append(f.mistakes, atLeastOne("steps of validation", f.validationSteps))
}

func atLeastOne(what string, n int) error {
	if n < 1 {
		return fmt.Errorf("%d %s, want at least 1", n, what)
	}
	return nil
}
