// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// advance trains on the next batch; false at the end.
func (f *fit) advance() (more bool, err error) {
	b, err := f.reader.next()
	f.state.Waited = f.reader.waited
	if b == nil || err != nil {
		return false, err
	}
	return true, f.learn(b)
}

// buffers are those of the training graph for a batch size.
func (f *fit) buffers(n int, weighted bool) (b *batchBuffers, err error) {
	if f.plan, err = f.m.fitting(planKey{n, weighted}); err != nil {
		return nil, err
	}
	return &f.plan.batchBuffers, nil
}

// learn makes an update on the batch that lies in the plan's buffers.
func (f *fit) learn(b *batch) (err error) {
	t, m, p := &f.state, f.m, f.plan
	rate, err := m.trainer.scheduled(t.Rate)
	if err != nil {
		return err
	}
	if err := m.update(p, rate); err != nil {
		return blame(err, b.indices)
	}
	if next, err := m.trainer.scheduled(t.Rate); err == nil { // else the next batch says so, if there is one
		t.Rate = next
	}
	if err := f.scores.add(p.result(), b); err != nil {
		return blame(err, b.indices)
	}
	t.Step++
	t.Samples += len(b.indices)
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
