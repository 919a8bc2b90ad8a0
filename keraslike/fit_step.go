// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"time"

	"github.com/reef-dl/reef/graph"
)

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
func (f *fit) learn(p *plan, indices []int, weights []float32) (err error) {
	t, m := &f.state, f.m
	if weights != nil {
		if err := p.weigh(weights); err != nil {
			return err
		}
	}
	rate, err := m.trainer.scheduled(t.Rate)
	if err != nil {
		return err
	}
	if err := m.update(p, rate); err != nil {
		return blame(err, indices)
	}
	if next, err := m.trainer.scheduled(t.Rate); err == nil { // else the next batch says so, if there is one
		t.Rate = next
	}
	f.targets = f.targets[:0]
	for _, place := range p.targets {
		f.targets = append(f.targets, place.own.Float32s())
	}
	if err := f.scores.add(p, len(indices), f.targets, weights); err != nil {
		return blame(err, indices)
	}
	t.Step++
	t.Samples += len(indices)
	m.position, m.pending = t.Samples, t.Step == t.Steps
	t.Logs, err = f.scores.logs(t.Logs[:0])
	return err
}

// blame names the sample of a batch that a run-time error points to.
func blame(err error, indices []int) error {
	if row, ok := err.(*graph.RowError); ok && row.Rows == len(indices) {
		return fmt.Errorf("sample %d: %w", indices[row.Row], row.Err)
	}
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
