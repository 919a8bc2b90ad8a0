// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reef-dl/reef/graph"
)

// fit is one call of Fit.
type fit struct {
	epochs, batch   int
	initial         int
	steps           int // of an epoch, 0 for all
	split           float64
	keepOrder       bool
	validation      Samples
	validationSteps int
	classWeights    ClassWeights
	callbacks       []Callback

	m       *Model
	train   *batches // of a Source; nil for a Stream
	feed    *feed
	scores  *scores
	targets [][]float32 // of the batch
	state   Training
}

// ErrStopped is wrapped by the error of a Fit whose context was cancelled: the
// batch was finished and the model holds its updates.
var ErrStopped = errors.New("training was stopped")

// Fit trains the model. It returns what it measured in each epoch; "loss" and
// the metrics are means over the samples while the weights move, those of
// validation, named "val_...", are taken after the epoch.
//
// When ctx is cancelled the batch that runs is finished, and the error wraps
// ErrStopped and the context's error. After any error the History holds the
// epochs that were completed.
//
// A Fit that follows an interrupted one, of the same model or of one saved
// WithOptimizer and loaded, goes on with the batch after the last one of the same
// epoch and ends with the same weights, byte for byte, as if it had not been
// interrupted; what it logs of that epoch is of the rest of it. A Stream is read
// from where it stands.
func (m *Model) Fit(ctx context.Context, data Samples, options ...FitOption) (*History, error) {
	f := &fit{m: m, epochs: 1, batch: 32}
	for _, o := range options {
		o.applyFit(f)
	}
	h := &History{}
	if err := f.prepare(data); err != nil {
		return h, fmt.Errorf("fit: %w", err)
	}
	err := f.run(ctx, h)
	if !errors.Is(err, ErrStopped) {
		m.position = 0 // only an interrupted epoch is gone on with
	}
	if err != nil {
		return h, fmt.Errorf("fit: %w", err)
	}
	return h, nil
}

// prepare checks the options against the data and the model.
func (f *fit) prepare(data Samples) (err error) {
	m := f.m
	if m.compiled == nil {
		return ErrNotCompiled
	}
	switch {
	case data == nil:
		return errors.New("no data")
	case f.epochs < 1:
		return fmt.Errorf("%d epochs, want at least 1", f.epochs)
	case f.initial < 0 || f.initial >= f.epochs:
		return fmt.Errorf("initial epoch is %d, want 0 to %d", f.initial, f.epochs-1)
	case f.batch < 1:
		return fmt.Errorf("batches of %d samples, want at least 1", f.batch)
	case f.steps < 0 || f.validationSteps < 0:
		return fmt.Errorf("%d steps per epoch, %d of validation, want at least 1", f.steps, f.validationSteps)
	case !(f.split >= 0 && f.split < 1):
		return fmt.Errorf("validation split is %g, want 0 <= split < 1", f.split)
	case f.split > 0 && f.validation != nil:
		return errors.New("both validation data and a validation split are given")
	}
	train := 0
	if source, ok := data.(Source); ok {
		if train, err = f.share(source.Len()); err != nil {
			return err
		}
		if f.train, err = m.newBatches(source, 0, train, f.batch, true); err != nil {
			return err
		}
	} else if f.split > 0 {
		return errors.New("a stream cannot be split for validation")
	}
	if f.feed, err = m.newFeed(data, f.train, f.batch, f.classWeights); err != nil {
		return err
	}
	if f.validation != nil {
		if err := m.accepts(f.validation, true); err != nil {
			return fmt.Errorf("validation: %w", err)
		}
	}
	if f.scores, err = m.measure(m.compiled); err != nil {
		return err
	}
	m.compiled.guarded = false
	f.state = Training{Model: m, Epochs: f.epochs, Steps: f.steps, Total: f.steps * f.batch, Rate: m.compiled.scheduled(m.compiled.rate)}
	if f.train != nil {
		f.state.Steps = f.train.count()
		if f.steps > 0 {
			f.state.Steps = min(f.steps, f.state.Steps)
		}
		f.state.Total = min(train, f.state.Steps*f.batch)
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

func (f *fit) run(ctx context.Context, h *History) error {
	t := &f.state
	if err := f.tell(TrainBegin); err != nil {
		return err
	}
	for e := f.initial + 1; e <= f.epochs && !t.stop; e++ {
		t.Epoch = e
		err := f.epoch(ctx)
		h.Samples += t.Samples
		if f.absorbed(err) {
			return f.tell(TrainEnd)
		}
		if errors.Is(err, ErrStopped) {
			return errors.Join(err, f.tell(TrainEnd))
		}
		if err != nil {
			return err
		}
		h.add(t)
		if err := f.tell(EpochEnd); err != nil {
			return err
		}
	}
	f.m.average()
	return f.tell(TrainEnd)
}

// absorbed reports whether a callback makes an ordinary end of an error.
func (f *fit) absorbed(err error) bool {
	var bad *NotFiniteError
	if !errors.As(err, &bad) {
		return false
	}
	for _, c := range f.callbacks {
		if n, ok := c.(*TerminateOnNaN); ok {
			n.Found = bad
			return true
		}
	}
	return false
}

func (f *fit) tell(e Event) error {
	for _, c := range f.callbacks {
		if err := c.On(e, &f.state); err != nil {
			return err
		}
		f.m.compiled.rate = f.state.Rate // which the callback may have changed
	}
	return nil
}

// epoch goes through all batches once, or through those that an interruption left,
// and measures validation.
func (f *fit) epoch(ctx context.Context) error {
	t, m := &f.state, f.m
	t.Step, t.Samples, t.Elapsed, t.Waited = 0, 0, 0, 0
	f.scores.reset()
	if t.Total > 0 && m.position >= t.Total {
		m.position = 0 // the interrupted epoch was one of more samples
	}
	if f.train != nil {
		f.train.rewind()
		if !f.keepOrder {
			f.train.shuffle(child(m.seed, fmt.Sprintf("order of epoch %d", m.epochs)))
		}
		f.train.at = min(m.position, len(f.train.order))
	}
	t.Samples, t.Step = m.position, (m.position+f.batch-1)/f.batch
	t.Logs = t.Logs[:0]
	if err := f.tell(EpochBegin); err != nil {
		return err
	}
	start := time.Now()
	if err := f.feed.begin(t.Steps - t.Step); err != nil {
		return err
	}
	defer f.feed.end()
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
		if ctx.Err() != nil {
			return fmt.Errorf("epoch %d, after step %d of %d: %w: %w", t.Epoch, t.Step, t.Steps, ErrStopped, ctx.Err())
		}
	}
	f.feed.end()
	if t.Steps == 0 { // the end was not known before
		m.epochs, m.position = m.epochs+1, 0
	}
	return f.validate(ctx)
}

// advance trains on the next batch; false at the end.
func (f *fit) advance() (more bool, err error) {
	if f.feed.direct() {
		indices := f.train.next()
		if len(indices) == 0 {
			return false, nil
		}
		return true, f.step(indices)
	}
	start := time.Now()
	b, err := f.feed.next()
	f.state.Waited += time.Since(start)
	if b == nil || err != nil {
		return false, err
	}
	p, err := f.m.fitting(planKey{b.n, b.weights != nil})
	if err != nil {
		return false, err
	}
	if err := b.copyTo(p); err != nil {
		return false, err
	}
	defer f.feed.giveBack(b)
	return true, f.learn(p, b.indices, b.weights)
}

// step trains on the samples at the indices, which are read straight into the
// graph's memory.
func (f *fit) step(indices []int) error {
	p, err := f.m.fitting(planKey{len(indices), f.feed.weighted()})
	if err != nil {
		return err
	}
	start := time.Now()
	err = f.train.read(p, indices)
	f.state.Waited += time.Since(start)
	if err != nil {
		return err
	}
	weights, err := f.feed.weigh(indices, f.train.targets)
	if err != nil {
		return err
	}
	return f.learn(p, indices, weights)
}

// learn makes an update on what lies in the plan.
func (f *fit) learn(p *plan, indices []int, weights []float32) error {
	t, m := &f.state, f.m
	if weights != nil {
		if err := p.weigh(weights); err != nil {
			return err
		}
	}
	if err := m.update(p, m.compiled.scheduled(t.Rate)); err != nil {
		return blame(err, indices)
	}
	t.Rate = m.compiled.scheduled(t.Rate)
	t.Step++
	t.Samples += len(indices)
	if m.position = t.Samples; t.Step == t.Steps {
		m.epochs, m.position = m.epochs+1, 0
	}
	f.targets = f.targets[:0]
	for _, place := range p.targets {
		f.targets = append(f.targets, place.own.Float32s())
	}
	f.scores.add(p, len(indices), f.targets, weights)
	t.Logs = f.scores.logs(t.Logs[:0])
	return nil
}

// blame names the sample of a batch that a run-time error points to.
func blame(err error, indices []int) error {
	var row *graph.RowError
	if errors.As(err, &row) && row.Rows%len(indices) == 0 {
		return fmt.Errorf("sample %d: %w", indices[row.Row/(row.Rows/len(indices))], err)
	}
	return err
}

// fitting is the training plan for a batch size.
func (m *Model) fitting(key planKey) (*plan, error) {
	if p, ok := m.training[key]; ok {
		return p, nil
	}
	p, err := m.newPlan(fitting, key)
	if err != nil {
		return nil, err
	}
	m.training[key] = p
	return p, nil
}

// validate appends the measures on the validation data to the logs.
func (f *fit) validate(ctx context.Context) error {
	e := &evaluation{batch: f.batch, steps: f.validationSteps}
	data := f.validation
	if f.split > 0 {
		data, e.lo, e.hi = f.train.source, len(f.train.order), f.train.source.Len()
	} else if source, ok := data.(Source); ok {
		e.hi = source.Len()
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
