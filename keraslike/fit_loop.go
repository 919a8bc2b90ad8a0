// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

func (f *fit) run(ctx context.Context, h *History) error {
	t := &f.state
	t.history = h
	if err := f.notify(TrainBegin); err != nil {
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
			if err := f.notify(EpochEnd); err != nil {
				return err
			}
			if f.dist.canceled(ctx) && e < f.epochs && !t.stop {
				err = f.stopped(ctx)
			}
		}
		if errors.Is(err, ErrInterrupted) {
			t.Interrupted = true
			return errors.Join(err, f.notify(TrainEnd))
		}
		if err != nil {
			return err
		}
	}
	for _, one := range f.m.allTrainers() {
		if err := one.useAverages(); err != nil {
			return err
		}
	}
	if err := f.startNextEpoch(); err != nil {
		return err
	}
	return f.notify(TrainEnd)
}

// startNextEpoch makes the sources of a distributed training continue alike on all ranks, of which each has read other
// samples.
func (f *fit) startNextEpoch() error {
	if f.dist == nil {
		return nil
	}
	next := f.state.Epoch + 1
	if f.train != nil {
		if err := startEpoch(f.train.source, next); err != nil {
			return err
		}
	}
	return startEpoch(f.validation, next)
}

// arrange begins an epoch in its order of samples.
func (f *fit) arrange() {
	if f.keepOrder {
		f.train.begin(nil)
		return
	}
	f.train.begin(newRand(f.m.seed, fmt.Sprintf("order of epoch %d", f.m.epochs)))
}

func (f *fit) stopped(ctx context.Context) error {
	t := &f.state
	return fmt.Errorf("epoch %d, after step %d of %d: %w", t.Epoch, t.Step, t.Steps, f.dist.interrupted(ctx))
}

// epoch trains on all batches once, or on those that remain after an interruption, and
// validates.
func (f *fit) epoch(ctx context.Context, h *History) error {
	t, m := &f.state, f.m
	t.Elapsed, t.Waited, t.Steps = 0, 0, f.stepsPerEpoch
	if !f.resuming {
		if err := f.scores.reset(); err != nil {
			return err
		}
	}
	f.resuming = false
	if f.train != nil {
		f.arrange()
		f.train.position = min(m.position, len(f.train.order))
		t.Total = f.train.samples(f.stepsPerEpoch)
	}
	t.Samples, t.Step = m.position, ceilDiv(m.position, f.batch)
	if f.train != nil && m.position > 0 { // batches may be of another size than before
		t.Step = f.train.before(m.position)
		t.Steps = t.Step + f.train.from(m.position, t.Total)
	}
	t.Logs = t.Logs[:0]
	if f.dist != nil && f.train != nil {
		if err := startEpoch(f.train.source, t.Epoch); err != nil {
			return err
		}
	}
	if err := f.notify(EpochBegin); err != nil {
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

// batches trains on the remaining batches of an epoch.
func (f *fit) batches(ctx context.Context) error {
	t, m, start := &f.state, f.m, time.Now()
	if err := f.beginReading(t.Steps-t.Step, m.position); err != nil {
		return err
	}
	defer f.endReading()
	for t.Steps == 0 || t.Step < t.Steps {
		more, err := f.advance(ctx)
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
		if err := f.notify(BatchEnd); err != nil {
			return err
		}
		if f.dist.canceled(ctx) && !m.pending {
			return f.stopped(ctx)
		}
	}
	if err := m.checkWeights(); err != nil {
		return fmt.Errorf("epoch %d: %w", t.Epoch, err)
	}
	m.pending = true // also where the end was not known before
	return nil
}

// validate appends the loss and the metrics on the validation data to the logs.
func (f *fit) validate(ctx context.Context) error {
	e := &evaluation{batch: f.validationBatch, steps: f.validationSteps, dist: f.dist}
	data := f.validation
	if f.split > 0 {
		data, e.lo = unprepared(f.train.source), len(f.train.order)
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
	if f.dist != nil {
		if err := startEpoch(data, f.state.Epoch); err != nil {
			return fmt.Errorf("validation: %w", err)
		}
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

// advance trains on the next batch and reports whether there was one.
func (f *fit) advance(ctx context.Context) (more bool, err error) {
	if f.dist != nil {
		return f.step(ctx)
	}
	b, err := f.reader.next()
	f.state.Waited = f.reader.waited
	if b == nil || err != nil {
		return false, err
	}
	return true, f.trainBatch(b)
}

// buffers returns the buffers of the training graph for a batch size.
func (f *fit) buffers(n int, weighted bool, l lengths) (b *batchBuffers, err error) {
	key := graphKey{batch: n, weighted: weighted, lengths: l, leaf: f.dist != nil}
	if f.m.compiled.phases != nil {
		if f.phases, err = f.m.trainingPhases(key); err != nil {
			return nil, err
		}
		return &f.phases.list[0].batchBuffers, nil
	}
	if f.dist != nil && f.dist.lockstep != nil {
		f.graph, err = f.dist.lockstep.graphOf(f.m, key)
	} else {
		f.graph, err = f.m.trainingGraph(key)
	}
	if err != nil {
		return nil, err
	}
	return &f.graph.batchBuffers, nil
}

// trainBatch makes one update with the batch in the buffers of the graph.
func (f *fit) trainBatch(b *batch) (err error) {
	t, m, g := &f.state, f.m, f.graph
	if f.phases != nil {
		if err := m.updatePhases(f.phases, f.scores, b); err != nil {
			return err
		}
		f.adoptSchedule()
		return f.countStep(len(b.indices))
	}
	rate, err := m.trainer.scheduled(t.Rate)
	if err != nil {
		return err
	}
	if err := m.update(g, rate); err != nil {
		return nameSample(err, b.indices)
	}
	f.adoptSchedule()
	if err := f.scores.add(g.result(), b); err != nil {
		return nameSample(err, b.indices)
	}
	return f.countStep(len(b.indices))
}

// adoptSchedule sets the learning rate of the next update by the schedule, if there is one.
func (f *fit) adoptSchedule() {
	t := &f.state
	if next, err := f.m.trainer.scheduled(t.Rate); err == nil { // else the next batch reports the error
		t.Rate = next
	}
}

// countStep counts a batch of n samples and updates the logs.
func (f *fit) countStep(n int) (err error) {
	t, m := &f.state, f.m
	t.Step++
	t.Samples += n
	m.position, m.pending = t.Samples, t.Step == t.Steps
	t.Logs, err = f.scores.logs(t.Logs[:0])
	return err
}

// inspectCallbacks finds out which callbacks run last, which logs there will be and whether
// gradients are checked.
func (f *fit) inspectCallbacks() (err error) {
	f.runsLast = make([]bool, len(f.callbacks))
	names := f.state.Series()
	if f.validation != nil || f.split > 0 {
		for _, name := range f.state.Series() {
			names = append(names, "val_"+name)
		}
	}
	allKnown := true
	for i, c := range f.callbacks {
		if last, ok := c.(LastCallback); ok {
			err = guard("callback", c, "RunsLast", func() error { f.runsLast[i] = last.RunsLast(); return nil })
		}
		if adder, ok := c.(LogAdder); !ok {
			allKnown = false
		} else if err == nil {
			err = guard("callback", c, "AddsLogs", func() error { names = append(names, adder.AddsLogs()...); return nil })
		}
		if err != nil {
			return err
		}
	}
	if allKnown {
		f.state.names = names
	}
	f.checksGradients = slices.ContainsFunc(f.callbacks, func(c Callback) bool {
		_, ok := c.(NotFiniteHandler)
		return ok
	})
	return nil
}

// notify calls all callbacks with an event, LastCallbacks after all others.
func (f *fit) notify(e Event) error {
	var failed error
	notified := f.callbacks
	for i, c := range f.callbacks {
		if f.runsLast[i] {
			continue
		}
		if failed = f.call(c, e); failed == nil {
			failed = f.adoptRate(c) // which the callback may have changed
		}
		if failed != nil {
			notified = f.callbacks[:i]
			break
		}
	}
	for i, c := range notified {
		if !f.runsLast[i] {
			continue
		}
		before := f.state.Rate
		err := f.call(c, e)
		if err == nil && f.state.Rate != before {
			err = f.adoptRate(c)
		}
		if err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

// adoptRate adopts the learning rate if a callback changed it.
func (f *fit) adoptRate(c Callback) error {
	rate := &f.m.trainer.rate
	if f.state.Rate == *rate {
		return nil
	}
	if err := checkRate(f.state.Rate); err != nil {
		f.state.Rate = *rate
		return fmt.Errorf("callback %T: %w", c, err)
	}
	if err := f.m.scaleRates(*rate, f.state.Rate); err != nil {
		f.state.Rate = *rate
		return fmt.Errorf("callback %T: %w", c, err)
	}
	*rate = f.state.Rate
	return nil
}

func (f *fit) call(c Callback, e Event) (err error) {
	defer caught(&err, "callback", c, "")
	return c.On(e, &f.state)
}

// handleNotFinite lets a callback decide how a diverged training ends; ended means that it
// ends without an error.
func (f *fit) handleNotFinite(err error) (ended bool, _ error) {
	var found *NotFiniteError
	if !errors.As(err, &found) {
		return false, err
	}
	for _, c := range f.callbacks {
		if h, ok := c.(NotFiniteHandler); ok {
			own := guard("callback", c, "HandleNotFinite", func() error { return h.HandleNotFinite(found) })
			if own == nil {
				return true, nil
			}
			if !errors.Is(own, found) {
				err = errors.Join(err, own)
			}
			return false, err
		}
	}
	return false, err
}

// finish calls Finish of every Finisher with the result of Fit.
func (f *fit) finish(result error) (err error) {
	for _, c := range f.callbacks {
		if c, ok := c.(Finisher); ok {
			panicked := guard("callback", c, "Finish", func() error { c.Finish(result); return nil })
			err = errors.Join(err, panicked)
		}
	}
	return err
}
