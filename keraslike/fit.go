// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// fit is one call of Fit.
type fit struct {
	epochs, batch   int
	counted         bool // by Epochs
	initial         int
	until           int
	bounded         bool // by Until
	steps           int  // of an epoch, 0 for all
	split           float64
	keepOrder       bool
	validation      Samples
	validated       bool // validation data is given
	validationSteps int
	classWeights    ClassWeights
	callbacks       []Callback

	mistakes []error // in the options

	m        *Model
	train    *batches // of a Source; nil for a Stream
	reader   *batchReader
	plan     *modelGraph // of the batch
	scores   *scores
	state    Training
	perEpoch int              // steps of a whole one
	resumes  bool             // an epoch that was interrupted
	left     []callbackRecord // by the run that is resumed
	runsLast []bool           // for each callback
	guarded  bool             // gradients are checked
}

// errAborted is what callbacks are told where nothing can be returned.
var errAborted = errors.New("fit was aborted")

// Fit trains the model. It returns what it measured in each epoch; "loss" and
// the metrics are means over the samples while the weights move, those of
// validation, named "val_...", are taken after the epoch.
//
// When ctx is canceled Fit finishes the batch that runs and returns an error that wraps
// ErrStopped and the context's error, unless that batch was the last of all. Nothing is
// trained where ctx was canceled before. After any error the History holds the epochs
// that were completed.
//
// A Fit that follows an interrupted one, of the same model or of one saved
// WithOptimizer and loaded, resumes with the next batch of the same epoch and ends with
// the same weights, byte for byte, as a run without a break. Every StatefulCallback
// gets back what it remembered, whether it is the same one or a new one of the same
// settings. So it is with a model that a callback has saved WithOptimizer, if Until or
// InitialEpoch tells Fit to continue its epochs. The logs of a
// resumed epoch cover all of it; a metric of one's own that is no SummingMeasurement
// covers the rest. A Stream that is a Resetter begins again and skips the samples that were
// trained on; any other continues from where it stands, after what was read ahead.
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
func (m *Model) Fit(ctx context.Context, data Samples, options ...FitOption) (h *History, err error) {
	defer caught(&err, "fit", nil, "")
	f := &fit{m: m, epochs: 1, batch: 32}
	h = &History{}
	for _, o := range given(options, &err) {
		o.applyFit(f)
	}
	switch {
	case err != nil:
	case ctx == nil:
		err = errNoContext
	case ctx.Err() != nil: // the model stays as it is, and where it stands
		err = fmt.Errorf("%w before it began: %w", ErrStopped, ctx.Err())
	default:
		err = f.prepare(data)
	}
	if err != nil {
		return h, fmt.Errorf("fit: %w", err)
	}
	if f.initial == f.epochs { // Until has been reached
		return h, nil
	}
	m.running, m.trainer.guarded = f, f.guarded
	finished := false
	defer func() {
		m.running, m.trainer.guarded = nil, false
		if !finished { // after a panic, or where a callback ends the goroutine
			_ = f.finish(errAborted)
		}
	}()
	err = f.run(ctx, h)
	if errors.Is(err, ErrStopped) {
		var forgotten error
		m.left, forgotten = f.interruption()
		m.left.Stopped = true
		if forgotten != nil {
			err = errors.Join(err, forgotten)
		}
	} else { // only an interrupted epoch is resumed
		if m.pending {
			m.epochs++
		}
		m.position, m.pending, m.left = 0, false, interruption{}
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

// Epochs is how often all samples are seen; the default is 1.
func Epochs(n int) FitOption {
	return fitOption(func(f *fit) { f.epochs, f.counted = n, true })
}

// Until is the number of epochs that the model will have been trained for when Fit returns,
// those of earlier calls included (Model.Progress tells how many there were). Fit continues
// with the next epoch, or with the rest of an interrupted one, and does nothing where the
// model has had them all. Until replaces Epochs and InitialEpoch where the number of epochs
// done is not known:
//
//	m, err := keraslike.Load("run.safetensors") // saved WithOptimizer
//	h, err := m.Fit(ctx, data, keraslike.Until(20))
func Until(epochs int) FitOption {
	return fitOption(func(f *fit) { f.until, f.bounded = epochs, true })
}

// InitialEpoch is the number of epochs that were trained before: training continues with
// the next one up to Epochs, as in Keras. The default is 0.
func InitialEpoch(n int) FitOption {
	return fitOption(func(f *fit) { f.initial = n })
}

// BatchSize is the number of samples of one update, and of one step of Evaluate; the
// default is 32. The last batch of an epoch may be smaller, and none is larger than a
// Source.
func BatchSize(n int) BatchOption {
	return batchOption{
		fitOption: func(f *fit) { f.batch = n },
		evaluate:  func(e *evaluation) { e.batch = n },
	}
}

// ValidationSteps is the number of batches of validation, or of Evaluate; a Stream without
// an end needs it. The default is all batches.
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

// ValidationSplit is the share of the samples, taken from the end of the data, that is not
// trained on but measured after each epoch. The default is 0.
func ValidationSplit(share float64) FitOption {
	return fitOption(func(f *fit) { f.split = share })
}

// Validation measures the model on other samples, a Source or a Stream, after each epoch.
func Validation(s Samples) FitOption {
	return fitOption(func(f *fit) { f.validation, f.validated = s, true })
}

// StepsPerEpoch is the number of batches of an epoch. A Stream without an end needs it; of
// a Source each epoch takes that many batches of its order. The default is all batches.
func StepsPerEpoch(n int) FitOption {
	return fitOption(func(f *fit) {
		f.steps, f.mistakes = n, append(f.mistakes, atLeastOne("steps per epoch", n))
	})
}

// FitFlag is an option of Fit that is on or off.
type FitFlag string

// KeepOrder reads the samples in their own order in every epoch. Without it each epoch has
// an order of its own, drawn from the model's seed.
const KeepOrder FitFlag = "KeepOrder"

func (o FitFlag) applyFit(f *fit) {
	if o != KeepOrder {
		f.mistakes = append(f.mistakes, fmt.Errorf("flag %q is unknown, want KeepOrder", string(o)))
	}
	f.keepOrder = true
}

// Callbacks are called at every event, in the order given, each LastCallback after the
// others. Package callbacks has early stopping, checkpoints, logs and a progress display.
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
	if f.scores, err = newScores(&m.network, m.compiled); err != nil {
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
