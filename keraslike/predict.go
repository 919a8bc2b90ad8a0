// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// predictBatch is the most that Predict computes at once; less where Limits.Memory asks for it.
const predictBatch = 128

// Predict computes the output of a model with one output for samples x, one array for
// each input: (n, ...) becomes (n, output...). PredictAll gives several outputs. It may be
// called from many goroutines at once; each takes a graph of its own that shares the
// weights.
func (m *Model) Predict(x ...*Array) (*Array, error) {
	if n := len(m.outputs); n > 1 {
		return nil, fmt.Errorf("predict: model %q has %d outputs, want 1; PredictAll returns several", m.name, n)
	}
	out, err := m.PredictAll(x...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// PredictAll is Predict for all outputs of a model, in the order of NewModel.
func (m *Model) PredictAll(x ...*Array) ([]*Array, error) {
	var source Source
	var err error
	if len(x) == 1 {
		source, err = Data(x[0], nil)
	} else {
		source, err = MultiData(x, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	return m.PredictSource(context.Background(), source)
}

// PredictSource computes all outputs of the model for all samples of a source.
// Targets are not read. A canceled context ends it with an error that wraps ErrStopped and
// the context's. Like Predict it may be called from many goroutines at once.
func (m *Model) PredictSource(ctx context.Context, source Source) (out []*Array, err error) {
	defer caught(&err, "predict", nil, "")
	if m.err != nil {
		return nil, m.err
	}
	if !m.built {
		return nil, fmt.Errorf("predict: model %q has no weights yet: build, compile or load it", m.name)
	}
	if out, err = m.predict(ctx, source); err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	return out, nil
}

func (m *Model) predict(ctx context.Context, source Source) (out []*Array, err error) {
	if err := checkContext(ctx); err != nil {
		return nil, err
	}
	if isNil(source) {
		return nil, errors.New("no data")
	}
	n, err := lenOf(source)
	if err != nil {
		return nil, err
	}
	if err := m.inputSpec().accepts(source); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("no data")
	}
	size, err := m.predictSize(min(predictBatch, n))
	if err != nil {
		return nil, err
	}
	var p *modelGraph // of the batch
	defer func() { m.giveBack(p) }()
	r, err := newBatchReader(m.inputSpec(), source, inOrder(source, 0, n, size), size, nil, func(n int, _ bool) (b *batchBuffers, err error) {
		if p == nil || p.batch != n {
			m.giveBack(p)
			if p, err = m.borrow(n, m.memoryLimit(modePredict, 1)); err != nil {
				return nil, err
			}
		}
		return &p.batchBuffers, nil
	})
	if err != nil {
		return nil, err
	}
	if err := r.begin(0, 0); err != nil {
		return nil, err
	}
	defer r.end()
	for _, t := range m.outputs {
		a := &Array{shape: t.shape.withBatch(n)}
		a.values = make([]float32, Shape(a.shape).Size())
		out = append(out, a)
	}
	for {
		if ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		b, err := r.next()
		if b == nil || err != nil {
			return out, err
		}
		if err := p.run(); err != nil {
			return nil, err
		}
		for k, values := range p.outputs.values {
			each := out[k].each()
			copy(out[k].values[b.indices[0]*each:], values)
		}
	}
}

// predictSize is how many of up to most samples are computed at once: half as many
// again and again until their graph keeps to the limit of memory.
func (m *Model) predictSize(most int) (int, error) {
	m.graphs.mu.Lock()
	known := m.graphs.most
	m.graphs.mu.Unlock()
	if known > 0 {
		return min(known, most), nil
	}
	for size := most; ; size /= 2 {
		p, err := m.borrow(size, m.memoryLimit(modePredict, 1))
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
			m.graphs.mu.Lock()
			m.graphs.most = size
			m.graphs.mu.Unlock()
		}
		return size, nil
	}
}

// borrow takes an idle plan for the batch size, or makes one of at most so many bytes.
func (m *Model) borrow(batch int, memory int64) (*modelGraph, error) {
	m.graphs.mu.Lock()
	defer m.graphs.mu.Unlock()
	if idle := m.graphs.prediction[batch]; len(idle) > 0 {
		m.graphs.prediction[batch] = idle[:len(idle)-1]
		return idle[len(idle)-1], nil
	}
	return m.newGraph(memory, modePredict, graphKey{batch: batch}, m.compiled, nil)
}

// giveBack lets others borrow a plan; nil is none.
func (m *Model) giveBack(p *modelGraph) {
	if p == nil {
		return
	}
	m.graphs.mu.Lock()
	defer m.graphs.mu.Unlock()
	if m.graphs.prediction == nil {
		m.graphs.prediction = map[int][]*modelGraph{}
	}
	m.graphs.prediction[p.batch] = append(m.graphs.prediction[p.batch], p)
}
