// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
)

// EvaluateOption is an option of Evaluate: BatchSize or ValidationSteps.
type EvaluateOption interface{ applyEvaluate(*evaluation) }

func (n BatchSize) applyEvaluate(e *evaluation) { e.batch = int(n) }
func (n ValidationSteps) applyEvaluate(e *evaluation) {
	e.steps, e.mistake = int(n), atLeastOne("steps", int(n))
}

// evaluation is one call of Evaluate, or of a validation.
type evaluation struct {
	batch, steps int
	mistake      error
	lo, hi       int // the samples of a Source
}

// Evaluate measures the loss and the metrics on a Source or a Stream, with dropout
// off, and changes nothing. The loss is the mean over samples plus the penalties.
func (m *Model) Evaluate(ctx context.Context, data Samples, options ...EvaluateOption) (logs Logs, err error) {
	defer caught(&err, "evaluate", nil, "")
	e, err := m.newEvaluation(ctx, data, options)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	logs, err = m.evaluate(ctx, data, e)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return logs, nil
}

// Measure is Evaluate for other metrics than those of Compile. It returns the
// measurements, which know more than one number where a metric has more:
//
//	list, err := m.Measure(ctx, test, keraslike.ConfusionMatrix)
//	matrix := list[0].(keraslike.Matrix).Rows()
//
// With several outputs each metric is measured on each output in turn.
func (m *Model) Measure(ctx context.Context, data Samples, metrics ...Metric) (list []Measurement, err error) {
	defer caught(&err, "measure", nil, "")
	e, err := m.newEvaluation(ctx, data, nil)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	c := *m.compiled
	c.metrics = nil
	for _, metric := range given(metrics, &err) {
		metric.applyCompile(&c.compileSettings)
	}
	if err != nil {
		return nil, fmt.Errorf("measure: metric %w", err)
	}
	s, err := m.measure(&c)
	if err == nil {
		err = m.score(ctx, data, e, s)
	}
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	for _, one := range s.list {
		list = append(list, one.Measurement)
	}
	return list, nil
}

func (m *Model) newEvaluation(ctx context.Context, data Samples, options []EvaluateOption) (*evaluation, error) {
	e := &evaluation{batch: 32}
	var err error
	for _, o := range given(options, &err) {
		o.applyEvaluate(e)
	}
	source, ok := data.(Source)
	if ok = ok && !isNil(data); ok && err == nil {
		e.hi, err = lenOf(source)
	}
	switch {
	case err != nil:
		return nil, err
	case ctx == nil:
		return nil, errNoContext
	case m.compiled == nil:
		return nil, ErrNotCompiled
	case isNil(data) || ok && e.hi == 0:
		return nil, errors.New("no data")
	case e.batch < 1:
		return nil, fmt.Errorf("batches of %d samples, want at least 1", e.batch)
	case e.mistake != nil:
		return nil, e.mistake
	}
	return e, nil
}

func (m *Model) evaluate(ctx context.Context, data Samples, e *evaluation) (Logs, error) {
	s, err := m.measure(m.compiled)
	if err != nil {
		return nil, err
	}
	if err := m.score(ctx, data, e, s); err != nil {
		return nil, err
	}
	return s.logs(nil)
}

// score adds up what is measured over all batches.
func (m *Model) score(ctx context.Context, data Samples, e *evaluation, s *scores) error {
	var b *batches
	size := e.batch
	if source, ok := data.(Source); ok {
		var err error
		if size = min(size, e.hi-e.lo); size < 1 {
			return errors.New("no data")
		}
		if b, err = m.newBatches(source, e.lo, e.hi, size, true); err != nil {
			return err
		}
	}
	f, err := m.newFeed(data, b, size, nil)
	if err != nil {
		return err
	}
	if err := f.begin(e.steps); err != nil {
		return err
	}
	defer f.end()
	for step := 0; e.steps == 0 || step < e.steps; step++ {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrStopped, ctx.Err())
		}
		more, err := m.scoreBatch(f, s)
		if err != nil {
			return err
		}
		if !more && e.steps > 0 && f.stream != nil {
			return fmt.Errorf("the stream ended after %d steps, want %d", step, e.steps)
		}
		if !more {
			break
		}
	}
	if s.samples == 0 {
		return errors.New("the stream gave no samples")
	}
	return nil
}

// scoreBatch measures the next batch; false at the end.
func (m *Model) scoreBatch(f *feed, s *scores) (more bool, err error) {
	var p *plan
	var indices []int
	var weights []float32
	var targets [][]float32
	if f.direct() {
		if indices = f.source.next(); len(indices) == 0 {
			return false, nil
		}
		if p, err = m.evaluating(planKey{len(indices), f.weighted()}); err != nil {
			return false, err
		}
		if err = f.source.read(p, indices); err != nil {
			return false, err
		}
		targets = f.source.targets
		weights, err = f.weigh(indices, targets)
	} else {
		b, err := f.next()
		if b == nil || err != nil {
			return false, err
		}
		defer f.giveBack(b)
		if p, err = m.evaluating(planKey{b.n, b.weights != nil}); err != nil {
			return false, err
		}
		if err = b.copyTo(p); err != nil {
			return false, err
		}
		indices, targets, weights = b.indices, b.targets, b.weights
	}
	if err == nil && weights != nil {
		err = p.weigh(weights)
	}
	if err != nil {
		return false, err
	}
	if err := p.run(); err != nil {
		return false, blame(err, indices)
	}
	if err := s.add(p, len(indices), targets, weights); err != nil {
		return false, blame(err, indices)
	}
	return true, nil
}

// evaluating is the plan of evaluation for a batch size.
func (m *Model) evaluating(key planKey) (*plan, error) {
	if p, ok := m.evaluation[key]; ok {
		return p, nil
	}
	p, err := m.newPlan(evaluating, key)
	if err != nil {
		return nil, err
	}
	m.evaluation[key] = p
	return p, nil
}
