// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// predictBatch is the most that Predict computes at once; less where Limits.Memory asks for it.
const predictBatch = 128

// Predict computes the model's output for x, float32 with the samples along
// the first axis: (n, ...) becomes (n, output...). The model must have one
// input and one output. It may be called from many goroutines at once; each
// takes a graph of its own that shares the weights.
func (m *Model) Predict(x *tensor.Dense) (*tensor.Dense, error) {
	source, err := Data(x, nil)
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	out, err := m.PredictSource(source)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// PredictSource computes all outputs of the model for all samples of a source.
// Targets are not read.
func (m *Model) PredictSource(source Source) (out []*tensor.Dense, err error) {
	defer caught(&err, "predict", nil, "")
	if m.err != nil {
		return nil, m.err
	}
	if !m.built {
		return nil, fmt.Errorf("predict: model %q has no weights yet: build, compile or load it", m.name)
	}
	if isNil(source) {
		return nil, errors.New("predict: no data")
	}
	n, err := lenOf(source)
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	b, err := m.newBatches(source, 0, n, predictBatch, false)
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	if n == 0 {
		return nil, errors.New("predict: no data")
	}
	if b.size, err = m.predictSize(min(predictBatch, n)); err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	out = make([]*tensor.Dense, len(m.outputs))
	for k, t := range m.outputs {
		out[k] = tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(t.shape.withBatch(n)...))
	}
	for indices := b.next(); len(indices) > 0; indices = b.next() {
		if err := m.predict(b, indices, out); err != nil {
			return nil, fmt.Errorf("predict: %w", err)
		}
	}
	return out, nil
}

// predictSize is how many of up to most samples are computed at once: half as many
// again and again until their graph keeps to the limit of memory.
func (m *Model) predictSize(most int) (int, error) {
	m.mu.Lock()
	known := m.predictMost
	m.mu.Unlock()
	if known > 0 {
		return min(known, most), nil
	}
	for size := most; ; size /= 2 {
		p, err := m.borrow(size, m.memoryLimit(predicting, 1))
		if err == nil {
			m.giveBack(p)
		}
		if tooMuch := (*graph.MemoryError)(nil); err != nil && (!errors.As(err, &tooMuch) || size == 1) {
			return 0, err
		}
		if err != nil {
			continue
		}
		if size < most {
			m.mu.Lock()
			m.predictMost = size
			m.mu.Unlock()
		}
		return size, nil
	}
}

func (m *Model) predict(b *batches, indices []int, out []*tensor.Dense) error {
	p, err := m.borrow(len(indices), m.memoryLimit(predicting, 1))
	if err != nil {
		return err
	}
	defer m.giveBack(p)
	if err := b.read(p, indices); err != nil {
		return err
	}
	if err := p.run(); err != nil {
		return err
	}
	for k, values := range p.outputs.values {
		each := len(values) / len(indices)
		copy(out[k].Float32s()[indices[0]*each:], values)
	}
	return nil
}

// borrow takes an idle plan for the batch size, or makes one of at most so many bytes.
func (m *Model) borrow(batch int, memory int64) (*plan, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if idle := m.prediction[batch]; len(idle) > 0 {
		m.prediction[batch] = idle[:len(idle)-1]
		return idle[len(idle)-1], nil
	}
	return m.newPlanWithin(memory, predicting, planKey{batch: batch})
}

func (m *Model) giveBack(p *plan) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.prediction == nil {
		m.prediction = map[int][]*plan{}
	}
	m.prediction[p.batch] = append(m.prediction[p.batch], p)
}
