// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
)

// EvaluateOption is an option of Evaluate: BatchSize, ValidationSteps or Distributed.
type EvaluateOption interface{ applyEvaluate(*evaluation) }

// evaluation holds the settings of one call of Evaluate or of one validation.
type evaluation struct {
	batch, steps int
	mistake      error
	lo, hi       int // the samples of a Source
	dist         *distribution
}

// Evaluate measures the loss and the metrics on a Source or a Stream, without dropout and
// without changing the model. The loss is the mean over samples plus the penalties.
//
// Options and their defaults:
//
//	BatchSize        32    samples that are computed at once
//	ValidationSteps  all   batches that are measured
//	Distributed      none  several processes measure together
func (m *Model) Evaluate(ctx context.Context, data Samples, options ...EvaluateOption) (logs Logs, err error) {
	defer caught(&err, "evaluate", nil, "")
	e, err := m.newEvaluation(ctx, data, options)
	if e.dist != nil && ctx != nil {
		logs, err = m.evaluateTogether(ctx, data, e, err)
	} else if err == nil {
		logs, err = m.evaluate(ctx, data, e)
	}
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return logs, nil
}

// EvaluateWith is Evaluate with other metrics than those of Compile. It returns the
// measurements, which can hold more than one number:
//
//	list, err := m.EvaluateWith(ctx, test, keraslike.ConfusionMatrix)
//	matrix := list[0].(keraslike.MatrixMeasurement).Rows()
//
// With several outputs each metric is measured on each output in turn.
func (m *Model) EvaluateWith(ctx context.Context, data Samples, metrics ...Metric) (list []Measurement, err error) {
	defer caught(&err, "evaluate", nil, "")
	e, err := m.newEvaluation(ctx, data, nil)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	if m.compiled.phases != nil {
		return nil, errors.New("evaluate: the model is compiled with Phases or an Objective, whose metrics are those of Step.Measure")
	}
	c := *m.compiled
	c.metrics = nil
	for _, metric := range given(metrics, &err) {
		metric.applyCompile(&c.compileSettings)
	}
	if err != nil {
		return nil, fmt.Errorf("evaluate: metric %w", err)
	}
	s, err := newScores(&m.network, &c)
	if err == nil {
		err = m.score(ctx, data, e, s)
	}
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	for _, one := range s.list {
		list = append(list, one.Measurement)
	}
	return list, nil
}

// newEvaluation returns the settings of a call, also with an error.
func (m *Model) newEvaluation(ctx context.Context, data Samples, options []EvaluateOption) (e *evaluation, err error) {
	e = &evaluation{batch: 32}
	for _, o := range given(options, &err) {
		o.applyEvaluate(e)
	}
	source, ok := data.(Source)
	if ok = ok && !isNil(data); ok && err == nil {
		e.hi, err = lenOf(source)
	}
	switch {
	case err != nil:
		return e, err
	case ctx == nil:
		return e, errNoContext
	case m.compiled == nil:
		return e, ErrNotCompiled
	case m.compiled.phases != nil && e.dist != nil:
		return e, errDistributedPhases
	case isNil(data) || ok && e.hi == 0:
		return e, errors.New("no data")
	case e.batch < 1:
		return e, fmt.Errorf("batches of %d samples, want at least 1", e.batch)
	case e.mistake != nil:
		return e, e.mistake
	case e.dist != nil && m.isStateful():
		return e, m.statefulTogether()
	}
	return e, nil
}

func (m *Model) evaluate(ctx context.Context, data Samples, e *evaluation) (Logs, error) {
	s, err := newScores(&m.network, m.compiled)
	if err != nil {
		return nil, err
	}
	if err := m.score(ctx, data, e, s); err != nil {
		return nil, err
	}
	return s.logs(nil)
}

// score accumulates the measurements over all batches.
func (m *Model) score(ctx context.Context, data Samples, e *evaluation, s *scores) error {
	data, err := m.prepare(data, false)
	if err != nil {
		return err
	}
	var order *batchIterator
	size := e.batch
	if source, ok := data.(Source); ok {
		if size = min(size, e.hi-e.lo); size < 1 {
			return errors.New("no data")
		}
		order = newBatchIterator(source, e.lo, e.hi, size)
	}
	var g *modelGraph // of the batch
	var phases *phaseGraphs
	defer func() { m.graphs.release(g); m.releasePhases(phases) }()
	r, err := newBatchReader(m.dataSpec(), data, order, size, nil, func(n int, weighted bool, l lengths) (b *batchBuffers, err error) {
		key := graphKey{batch: n, weighted: weighted, lengths: l}
		if m.compiled.phases != nil {
			if phases == nil || phases.key != key {
				m.releasePhases(phases)
				if phases, err = m.phaseGraphs(modeEvaluate, key); err != nil {
					return nil, err
				}
			}
			return &phases.list[0].batchBuffers, nil
		}
		if g == nil || g.graphKey != key {
			m.graphs.release(g)
			if g, err = m.graphInArena(modeEvaluate, key); err != nil {
				return nil, err
			}
		}
		return &g.batchBuffers, nil
	})
	if err != nil {
		return err
	}
	if e.dist != nil && order != nil {
		return m.scoreTogether(ctx, e, s, order, r, func() *modelGraph { return g })
	}
	if err := r.begin(e.steps, 0); err != nil {
		return err
	}
	defer r.end()
	for step := 0; e.steps == 0 || step < e.steps; step++ {
		if err := e.dist.step(ctx); err != nil { // each rank reads the whole stream
			return err
		}
		b, err := r.next()
		switch {
		case err != nil:
			return err
		case b != nil && phases != nil:
			if err := m.measurePhases(phases, s, b, step); err != nil {
				return err
			}
			continue
		case b != nil:
			err = m.carried.run(g)
			if err == nil {
				err = s.add(g.result(), b)
			}
			if err != nil {
				return nameSample(err, b.indices)
			}
			continue
		case e.steps > 0 && r.stream != nil:
			return fmt.Errorf("the stream ended after %d steps, want %d", step, e.steps)
		}
		break
	}
	if s.samples == 0 {
		return errors.New("the stream gave no samples")
	}
	return nil
}

// dataSpec describes the training data that the compiled model accepts.
func (m *Model) dataSpec() *dataSpec {
	if m.compiled.phases != nil {
		return m.phaseSpec()
	}
	d, c := m.inputSpec(), m.compiled
	d.compiled, d.signed = c, c.domains[0] == signs
	d.targets, d.targeted = []Shape{}, c.targeted
	for _, k := range c.targeted {
		of := c.losses[k].Name()
		if isNoLoss(c.losses[k]) {
			of = "the metrics"
		}
		d.targets = append(d.targets, c.targets[k])
		d.wanted = append(d.wanted, fmt.Sprintf("%s of outputs %v", of, m.outputs[k].shape))
	}
	return d
}

// inputSpec describes the inputs that the graph of the model accepts.
func (m *Model) inputSpec() *dataSpec {
	d := &dataSpec{network: &m.network, model: m.name}
	for _, t := range m.edges {
		d.inputs = append(d.inputs, t.shape)
	}
	for _, t := range m.outputs {
		d.outputs = append(d.outputs, t.shape)
	}
	return d
}
