// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// predictBatch is the largest batch of Predict; Limits.Memory may require smaller ones.
const predictBatch = 128

// Predict computes the output of a model with one output for samples x, one array for
// each input: (n, ...) becomes (n, output...). PredictAll returns several outputs. It is safe
// for concurrent use; each call uses a separate graph that shares the weights.
//
// A sample has the same bytes alone and in any batch, on any number of workers, and in Evaluate;
// another instruction set may give others. That holds for all layers of this package, and for
// those of users if they compute each sample by itself.
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
// Targets are not read. A canceled context ends it with an error that wraps ErrInterrupted and
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
	spec := m.inputSpec()
	shapes, err := spec.accepts(source)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("no data")
	}
	size := min(predictBatch, n)
	if shapes != nil {
		if size, err = m.predictSize(size, shapes.lengths); err != nil {
			return nil, err
		}
	}
	var g *modelGraph // of the batch
	defer func() { m.releaseGraph(g) }()
	r, err := newBatchReader(spec, source, newBatchIterator(source, 0, n, size), size, nil, func(n int, _ bool, l lengths) (b *batchBuffers, err error) {
		if key := (graphKey{batch: n, lengths: l}); g == nil || g.graphKey != key {
			m.releaseGraph(g)
			if g, err = m.acquireGraph(key, m.memoryLimit(modePredict, 1)); err != nil {
				return nil, err
			}
		}
		return &g.batchBuffers, nil
	})
	if err != nil {
		return nil, err
	}
	if err := r.begin(0, 0); err != nil {
		return nil, err
	}
	defer r.end()
	results := newPredictions(spec, r.ragged, shapes, n)
	for {
		if ctx.Err() != nil {
			return nil, interrupted(ctx)
		}
		b, err := r.next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			return results.arrays()
		}
		if err := g.run(); err != nil {
			return nil, err
		}
		if err := results.add(b, g.outputs.values); err != nil {
			return nil, err
		}
	}
}

// predictSize returns the batch size for at most most samples, halved until the graph fits
// in the memory limit.
func (m *Model) predictSize(most int, l lengths) (int, error) {
	m.graphs.mu.Lock()
	known := m.graphs.maxPredict[l]
	m.graphs.mu.Unlock()
	if known > 0 {
		return min(known, most), nil
	}
	for size := most; ; size /= 2 {
		g, err := m.acquireGraph(graphKey{batch: size, lengths: l}, m.memoryLimit(modePredict, 1))
		if err == nil {
			m.releaseGraph(g)
		}
		if tooLarge := (*graph.MemoryError)(nil); err != nil && (!errors.As(err, &tooLarge) || size == 1) {
			return 0, err
		}
		if err != nil {
			continue
		}
		if size < most {
			m.graphs.mu.Lock()
			if m.graphs.maxPredict == nil {
				m.graphs.maxPredict = map[lengths]int{}
			}
			m.graphs.maxPredict[l] = size
			m.graphs.mu.Unlock()
		}
		return size, nil
	}
}

// acquireGraph returns an idle graph for a key, or builds one of at most memory bytes.
func (m *Model) acquireGraph(key graphKey, memory int64) (*modelGraph, error) {
	m.graphs.mu.Lock()
	defer m.graphs.mu.Unlock()
	if idle := m.graphs.prediction[key]; len(idle) > 0 {
		m.graphs.prediction[key] = idle[:len(idle)-1]
		return idle[len(idle)-1], nil
	}
	return m.newGraph(memory, modePredict, key, m.compiled, nil)
}

// releaseGraph returns a graph to the cache; nil is ignored.
func (m *Model) releaseGraph(g *modelGraph) {
	if g == nil {
		return
	}
	m.graphs.mu.Lock()
	defer m.graphs.mu.Unlock()
	if m.graphs.prediction == nil {
		m.graphs.prediction = map[graphKey][]*modelGraph{}
	}
	m.graphs.prediction[g.graphKey] = append(m.graphs.prediction[g.graphKey], g)
}
