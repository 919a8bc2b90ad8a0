// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"time"
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
	plan     *plan // of the batch
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

func (f *fit) run(ctx context.Context, h *History) error {
	t := &f.state
	if err := f.tell(TrainBegin); err != nil {
		return err
	}
	if err := f.restoreCallbacks(); err != nil {
		return err
	}
	for e := f.initial + 1; e <= f.epochs && !t.stop; e++ {
		t.Epoch = e
		ended, err := f.handleNotFinite(f.epoch(ctx, h))
		if ended {
			t.stop, f.m.position, f.m.pending = true, 0, false
			break
		}
		if err == nil {
			h.add(t.Epoch, t.Logs, t.Elapsed)
			if err := f.tell(EpochEnd); err != nil {
				return err
			}
			if ctx.Err() != nil && e < f.epochs && !t.stop {
				err = f.stopped(ctx)
			}
		}
		if errors.Is(err, ErrStopped) {
			t.Interrupted = true
			return errors.Join(err, f.tell(TrainEnd))
		}
		if err != nil {
			return err
		}
	}
	f.m.trainer.useAverages()
	return f.tell(TrainEnd)
}

func (f *fit) stopped(ctx context.Context) error {
	t := &f.state
	return fmt.Errorf("epoch %d, after step %d of %d: %w: %w", t.Epoch, t.Step, t.Steps, ErrStopped, ctx.Err())
}

// epoch goes through all batches once, or through those that an interruption left,
// and measures validation.
func (f *fit) epoch(ctx context.Context, h *History) error {
	t, m := &f.state, f.m
	t.Elapsed, t.Waited, t.Steps = 0, 0, f.perEpoch
	if !f.resumes {
		if err := f.scores.reset(); err != nil {
			return err
		}
	}
	f.resumes = false
	if f.train != nil {
		f.train.rewind()
		if !f.keepOrder {
			f.train.shuffle(child(m.seed, fmt.Sprintf("order of epoch %d", m.epochs)))
		}
		f.train.at = min(m.position, len(f.train.order))
	}
	t.Samples, t.Step = m.position, parts(m.position, f.batch)
	if f.train != nil && m.position > 0 { // batches may be of another size than before
		t.Steps = t.Step + parts(t.Total-m.position, f.batch)
	}
	t.Logs = t.Logs[:0]
	if err := f.tell(EpochBegin); err != nil {
		return err
	}
	if t.Step > 0 { // perhaps nothing is left but validation
		var err error
		if t.Logs, err = f.scores.logs(t.Logs); err != nil {
			return err
		}
	}
	if begun := t.Samples; !m.pending {
		err := f.batches(ctx)
		h.Samples += t.Samples - begun
		if err != nil {
			return err
		}
	}
	if err := f.validate(ctx); err != nil {
		return err
	}
	m.epochs, m.position, m.pending = m.epochs+1, 0, false
	return nil
}

// batches trains on the batches that are left of an epoch.
func (f *fit) batches(ctx context.Context) error {
	t, m, start := &f.state, f.m, time.Now()
	if err := f.reader.begin(t.Steps-t.Step, m.position); err != nil {
		return err
	}
	defer f.reader.end()
	for t.Steps == 0 || t.Step < t.Steps {
		more, err := f.advance()
		if err != nil {
			return fmt.Errorf("epoch %d, step %d: %w", t.Epoch, t.Step+1, err)
		}
		if !more {
			if t.Steps > 0 || t.Step == 0 {
				return fmt.Errorf("epoch %d: the stream ended after %d steps, want %d", t.Epoch, t.Step, max(1, t.Steps))
			}
			break
		}
		t.Elapsed = time.Since(start)
		if err := f.tell(BatchEnd); err != nil {
			return err
		}
		if ctx.Err() != nil && !m.pending {
			return f.stopped(ctx)
		}
	}
	if err := m.checkWeights(); err != nil {
		return fmt.Errorf("epoch %d: %w", t.Epoch, err)
	}
	m.pending = true // also where the end was not known before
	return nil
}

// validate appends the measures on the validation data to the logs.
func (f *fit) validate(ctx context.Context) error {
	e := &evaluation{batch: f.batch, steps: f.validationSteps}
	data := f.validation
	if f.split > 0 {
		data, e.lo = f.train.source, len(f.train.order)
	}
	if source, ok := data.(Source); ok {
		n, err := lenOf(source)
		if err != nil {
			return fmt.Errorf("validation: %w", err)
		}
		e.hi = n
	}
	if data == nil {
		return nil
	}
	logs, err := f.m.evaluate(ctx, data, e)
	if err != nil {
		return fmt.Errorf("epoch %d, validation: %w", f.state.Epoch, err)
	}
	for _, l := range logs {
		f.state.Logs = append(f.state.Logs, Log{"val_" + l.Name, l.Value})
	}
	return nil
}
