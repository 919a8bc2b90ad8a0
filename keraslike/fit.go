// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// fit is one call of Fit.
type fit struct {
	epochs, batch   int
	epochsSet       bool // by Epochs
	initial         int
	until           int
	untilSet        bool // by Until
	steps           int  // of an epoch, 0 for all
	split           float64
	keepOrder       bool
	validationBatch int // as given: the batch of training is at most all of its samples
	validation      Samples
	validationSet   bool // validation data is given
	validationSteps int
	classWeights    ClassWeights
	callbacks       []Callback
	dist            *distribution // nil for one process

	mistakes []error // in the options

	m               *Model
	train           *batchIterator // of a Source; nil for a Stream
	reader          *batchReader
	graph           *modelGraph  // of the batch
	phases          *phaseGraphs // of the batch, of a model with Phases
	scores          *scores
	state           Training
	stepsPerEpoch   int              // steps of a whole one
	resuming        bool             // an epoch that was interrupted
	savedCallbacks  []callbackRecord // by the run that is resumed
	runsLast        []bool           // for each callback
	checksGradients bool             // gradients are checked
}

// errAborted is the error for Finisher if Fit ends without returning.
var errAborted = errors.New("fit was aborted")

// Fit trains the model and returns the loss and the metrics of each epoch. "loss" and the
// metrics are means over the samples during training; those of validation, "val_...", are
// measured after the epoch.
//
// When ctx is canceled Fit finishes the batch that runs and returns an error that wraps
// ErrInterrupted and the context's error, unless that batch was the last of all. Nothing is
// trained where ctx was canceled before. After any error the History holds the epochs
// that were completed.
//
// The next Fit after an interruption, on the same model or on one that was saved
// WithOptimizer and loaded, resumes with the next batch of the same epoch and ends with the
// same weights, byte for byte, as an uninterrupted run. Each StatefulCallback gets its state
// back, whether it is the same value or a new one with the same key. This also applies to a
// model that a callback saved WithOptimizer, if Until or InitialEpoch continues its epochs.
// The logs of a resumed epoch cover all of its samples, except for custom metrics that are
// not a SummingMeasurement, which cover the rest. A Stream that is a Resetter starts over and
// skips the samples already trained on; any other Stream continues after the samples that
// were read ahead.
//
// Options and their defaults:
//
//	Epochs           1     how often all samples are seen
//	BatchSize        32    samples of one update
//	ValidationSplit  0     the share at the end of the data that validates
//	Validation       none  other samples that validate
//	ValidationSteps  all   batches of validation
//	StepsPerEpoch    all   batches of an epoch
//	KeepOrder        off   samples are not shuffled in each epoch
//	ClassWeights     none  factors of the losses of samples, by class
//	Callbacks        none  early stopping, checkpoints, logs: see package callbacks
//	InitialEpoch     0     epochs trained before, which count among Epochs
//	Until            off   epochs in all, those of earlier calls included
//	Distributed      none  several processes train together
func (m *Model) Fit(ctx context.Context, data Samples, options ...FitOption) (h *History, err error) {
	defer caught(&err, "fit", nil, "")
	f := &fit{m: m, epochs: 1, batch: 32}
	h = &History{}
	for _, o := range given(options, &err) {
		o.applyFit(f)
	}
	if ctx == nil {
		err = cmp.Or(err, errNoContext)
	} else {
		err = f.together(ctx, err, func() error { return f.prepare(data) })
	}
	if err != nil {
		return h, fmt.Errorf("fit: %w", err)
	}
	if f.initial == f.epochs { // Until has been reached
		return h, nil
	}
	m.running = f
	m.checkGradients(f.checksGradients)
	finished := false
	defer func() {
		m.running = nil
		m.checkGradients(false)
		m.releaseTraining()
		f.dist.release(m)
		if !finished { // after a panic, or where a callback ends the goroutine
			_ = f.finish(errAborted)
		}
	}()
	err = f.dist.finish(ctx, f.run(ctx, h), m.checksum)
	if errors.Is(err, ErrInterrupted) {
		var forgotten error
		m.interrupted, forgotten = f.interruption()
		m.interrupted.Stopped = true
		if forgotten != nil {
			err = errors.Join(err, forgotten)
		}
	} else { // only an interrupted epoch is resumed
		if m.pending {
			m.epochs++
		}
		m.position, m.pending, m.interrupted = 0, false, interruption{}
	}
	if err != nil {
		err = fmt.Errorf("fit: %w", err)
	}
	finished = true
	if panicked := f.finish(err); panicked != nil {
		err = errors.Join(err, panicked)
	}
	return h, err
}

// FitOption is an option of Fit, which lists all of them.
type FitOption interface{ applyFit(*fit) }

// BatchOption is an option of Fit and of Evaluate.
type BatchOption interface {
	FitOption
	EvaluateOption
}

type fitOption func(*fit)

func (o fitOption) applyFit(f *fit) { o(f) }

// Epochs sets the number of passes over all samples. The default is 1.
func Epochs(n int) FitOption {
	return fitOption(func(f *fit) { f.epochs, f.epochsSet = n, true })
}

// Until sets the total number of epochs after which Fit returns, including those of earlier
// calls (see Model.Progress). Fit continues with the next epoch, or with the rest of an
// interrupted one, and does nothing if the model has completed them all. Use it instead of
// Epochs and InitialEpoch if the number of completed epochs is unknown:
//
//	m, err := keraslike.Load("run.safetensors") // saved WithOptimizer
//	h, err := m.Fit(ctx, data, keraslike.Until(20))
func Until(epochs int) FitOption {
	return fitOption(func(f *fit) { f.until, f.untilSet = epochs, true })
}

// InitialEpoch sets the number of epochs trained before: training continues with the next one
// up to Epochs, as in Keras. The default is 0.
func InitialEpoch(n int) FitOption {
	return fitOption(func(f *fit) { f.initial = n })
}

// BatchSize sets the number of samples in one update, and in one step of Evaluate, by default 32, or of
// PredictSource, by default 128. The last batch of an epoch may be smaller.
func BatchSize(n int) RankOption {
	return sizeOption{batchOption{
		fitOption: func(f *fit) { f.batch = n },
		evaluate:  func(e *evaluation) { e.batch = n },
	}, n}
}

type sizeOption struct {
	batchOption
	n int
}

func (o sizeOption) applyPredict(p *prediction) { p.batch, p.sized = o.n, true }

// ValidationSteps sets the number of batches of validation, or of Evaluate. An endless Stream
// requires it. The default is all batches.
func ValidationSteps(n int) BatchOption {
	return batchOption{
		fitOption: func(f *fit) {
			f.validationSteps, f.mistakes = n, append(f.mistakes, atLeastOne("steps of validation", n))
		},
		evaluate: func(e *evaluation) { e.steps, e.mistake = n, atLeastOne("steps", n) },
	}
}

type batchOption struct {
	fitOption
	evaluate func(*evaluation)
}

func (o batchOption) applyEvaluate(e *evaluation) { o.evaluate(e) }

// ValidationSplit sets the fraction of the samples, taken from the end of the data, that is
// used for validation after each epoch instead of training. The default is 0.
func ValidationSplit(share float64) FitOption {
	return fitOption(func(f *fit) { f.split = share })
}

// Validation sets the samples, a Source or a Stream, on which the model is measured after each epoch.
func Validation(s Samples) FitOption {
	return fitOption(func(f *fit) { f.validation, f.validationSet = s, true })
}

// StepsPerEpoch sets the number of batches in an epoch. An endless Stream requires it; with a
// Source each epoch uses the first batches of its order. The default is all batches.
func StepsPerEpoch(n int) FitOption {
	return fitOption(func(f *fit) {
		f.steps, f.mistakes = n, append(f.mistakes, atLeastOne("steps per epoch", n))
	})
}

// FitFlag is an option of Fit that is on or off.
type FitFlag string

// KeepOrder reads the samples in their original order in every epoch. By default each epoch
// shuffles them with the seed of the model.
const KeepOrder FitFlag = "KeepOrder"

func (o FitFlag) applyFit(f *fit) {
	if o != KeepOrder {
		f.mistakes = append(f.mistakes, fmt.Errorf("flag %q is unknown, want KeepOrder", string(o)))
	}
	f.keepOrder = true
}

// Callbacks adds callbacks, which are called at every event in the given order, LastCallbacks
// after all others. Package callbacks provides early stopping, checkpoints, logs and a
// progress display.
func Callbacks(c ...Callback) FitOption {
	return fitOption(func(f *fit) { f.callbacks = append(f.callbacks, c...) })
}

func (w ClassWeights) applyFit(f *fit) { f.classWeights = w }

func atLeastOne(what string, n int) error {
	if n < 1 {
		return fmt.Errorf("%d %s, want at least 1", n, what)
	}
	return nil
}

// errRunning is returned if a callback calls Fit or Compile on the model that is being
// trained.
var errRunning = errors.New("a call of Fit on this model is still running")

// prepare checks the options against the data and the model, and finds the starting point.
func (f *fit) prepare(data Samples) (err error) {
	m := f.m
	if err := f.check(data); err != nil {
		return err
	}
	if err := f.open(data); err != nil {
		return err
	}
	if f.scores, err = newScores(&m.network, m.compiled); err != nil {
		return err
	}
	rate, err := m.trainer.scheduled(m.trainer.rate)
	if err != nil {
		return err
	}
	f.state = Training{Model: m, Epochs: f.epochs, Steps: f.steps, Total: saturatingProduct(f.steps, f.batch), Rate: rate}
	if f.train != nil {
		f.state.Steps = f.train.count()
		if f.steps > 0 {
			f.state.Steps = min(f.steps, f.state.Steps)
		}
		f.arrange()
		f.state.Total = f.train.samples(f.state.Steps)
	}
	f.stepsPerEpoch = f.state.Steps
	f.state.scores = f.scores
	if err := f.checkStateful(); err != nil {
		return err
	}
	if err := f.inspectCallbacks(); err != nil {
		return err
	}
	return f.resume()
}

// check validates the options and sets the first and last epoch.
func (f *fit) check(data Samples) error {
	m := f.m
	switch {
	case m.compiled == nil:
		return ErrNotCompiled
	case m.running != nil:
		return errRunning
	case m.compiled.phases != nil && f.dist != nil:
		return errDistributedPhases
	case m.compiled.phases != nil && len(f.classWeights) > 0:
		return errors.New("class weights are factors of a loss of one output; a phase weights the samples itself, by Step.Weights and a source with weights")
	case isNil(data):
		return errors.New("no data")
	case slices.ContainsFunc(f.callbacks, nilCallback):
		return fmt.Errorf("callback %d is nil", slices.IndexFunc(f.callbacks, nilCallback))
	case f.validationSet && isNil(f.validation):
		return errors.New("validation: no data")
	case f.untilSet && (f.epochsSet || f.initial != 0):
		return fmt.Errorf("Until(%d) is given beside Epochs or InitialEpoch, want one of them", f.until)
	case f.untilSet && f.until < 1:
		return fmt.Errorf("until %d epochs, want at least 1", f.until)
	case f.untilSet:
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

// open opens the training data and checks that it fits the model.
func (f *fit) open(data Samples) (err error) {
	m := f.m
	f.validationBatch = f.batch
	if data, err = m.prepare(data, true); err != nil {
		return err
	}
	if source, ok := data.(Source); ok {
		n, err := lenOf(source)
		if err != nil {
			return err
		}
		train, err := f.trainingSamples(n)
		if err != nil {
			return err
		}
		f.batch = min(f.batch, train)
		if m.isStateful() { // whose batches all have one size
			f.validationBatch = f.batch
		}
		f.train = newBatchIterator(source, 0, train, f.batch)
	} else if f.split > 0 {
		return errors.New("a stream cannot be split for validation")
	}
	if f.reader, err = newBatchReader(m.dataSpec(), data, f.train, f.batch, f.classWeights, f.buffers); err != nil {
		return err
	}
	if f.validation != nil {
		validation, err := m.prepare(f.validation, false)
		if err == nil {
			_, err = m.dataSpec().accepts(validation)
		}
		if err != nil {
			return fmt.Errorf("validation: %w", err)
		}
	}
	return nil
}

// trainingSamples returns how many of n samples are used for training.
func (f *fit) trainingSamples(n int) (train int, err error) {
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
