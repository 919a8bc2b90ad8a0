// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// errRunning is the mistake of a callback that trains or compiles its own model, whose
// epochs, metrics and optimizer are those of the Fit that runs.
var errRunning = errors.New("a call of Fit on this model is still running")

// prepare checks the options against the data and the model, and decides where to begin.
func (f *fit) prepare(data Samples) (err error) {
	m := f.m
	if err := f.check(data); err != nil {
		return err
	}
	if err := f.open(data); err != nil {
		return err
	}
	if f.scores, err = m.measure(m.compiled); err != nil {
		return err
	}
	rate, err := m.trainer.scheduled(m.trainer.rate)
	if err != nil {
		return err
	}
	f.state = Training{Model: m, Epochs: f.epochs, Steps: f.steps, Total: product(f.steps, f.batch), Rate: rate}
	if f.train != nil {
		f.state.Steps = f.train.count()
		if f.steps > 0 {
			f.state.Steps = min(f.steps, f.state.Steps)
		}
		f.state.Total = min(len(f.train.order), product(f.state.Steps, f.batch))
	}
	f.perEpoch = f.state.Steps
	f.state.scores = f.scores
	if err := f.askCallbacks(); err != nil {
		return err
	}
	return f.resume()
}

// check checks the options, and what they say of epochs against those of the model.
func (f *fit) check(data Samples) error {
	m := f.m
	switch {
	case m.compiled == nil:
		return ErrNotCompiled
	case m.running != nil:
		return errRunning
	case isNil(data):
		return errors.New("no data")
	case slices.ContainsFunc(f.callbacks, nilCallback):
		return fmt.Errorf("callback %d is nil", slices.IndexFunc(f.callbacks, nilCallback))
	case f.validated && isNil(f.validation):
		return errors.New("validation: no data")
	case f.bounded && (f.counted || f.initial != 0):
		return fmt.Errorf("Until(%d) is given beside Epochs or InitialEpoch, want one of them", f.until)
	case f.bounded && f.until < 1:
		return fmt.Errorf("until %d epochs, want at least 1", f.until)
	case f.bounded:
		f.initial, f.epochs = min(m.epochs, f.until), f.until
	case f.epochs < 1:
		return fmt.Errorf("%d epochs, want at least 1", f.epochs)
	case f.initial < 0 || f.initial >= f.epochs:
		return fmt.Errorf("initial epoch is %d, want 0 to %d", f.initial, f.epochs-1)
	}
	switch {
	case f.batch < 1:
		return fmt.Errorf("batches of %d samples, want at least 1", f.batch)
	case errors.Join(f.mistakes...) != nil:
		return errors.Join(f.mistakes...)
	case !(f.split >= 0 && f.split < 1):
		return fmt.Errorf("validation split is %g, want 0 <= split < 1", f.split)
	case f.split > 0 && f.validation != nil:
		return errors.New("both validation data and a validation split are given")
	}
	return nil
}

// open finds out what is trained on and checks that it fits the model.
func (f *fit) open(data Samples) (err error) {
	m := f.m
	if source, ok := data.(Source); ok {
		n, err := lenOf(source)
		if err != nil {
			return err
		}
		train, err := f.share(n)
		if err != nil {
			return err
		}
		f.batch = min(f.batch, train)
		f.train = inOrder(source, 0, train, f.batch)
	} else if f.split > 0 {
		return errors.New("a stream cannot be split for validation")
	}
	if f.reader, err = newBatchReader(m.dataSpec(), data, f.train, f.batch, f.classWeights, f.buffers); err != nil {
		return err
	}
	if f.validation != nil {
		if err := m.dataSpec().accepts(f.validation); err != nil {
			return fmt.Errorf("validation: %w", err)
		}
	}
	return nil
}

// share is how many of n samples are trained on.
func (f *fit) share(n int) (train int, err error) {
	train = int(float64(n) * (1 - f.split)) // rounded as Keras does
	switch {
	case train < 1:
		return 0, fmt.Errorf("the data has %d samples, %d to train on", n, train)
	case train == n && f.split > 0:
		return 0, fmt.Errorf("the data has %d samples, none to validate on with a split of %g", n, f.split)
	}
	return train, nil
}

func nilCallback(c Callback) bool { return isNil(c) }

// parts is how many times b has to be taken for a.
func parts(a, b int) int {
	if a%b > 0 {
		return a/b + 1
	}
	return a / b
}

// product is a·b, or as much as can be counted.
func product(a, b int) int {
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}
