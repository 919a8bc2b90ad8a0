// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/buffer"
)

// predictBatch is the largest batch of Predict; Limits.Memory may require smaller ones.
const predictBatch = 128

// Predict computes the output of a model with one output for samples x, one array for
// each input: (n, ...) becomes (n, output...). PredictAll returns several outputs. NaN and Inf in x
// are an error that names the sample. It is safe for concurrent use, see Model.
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
func (m *Model) PredictAll(x ...*Array) (out []*Array, err error) {
	defer caught(&err, "predict", nil, "")
	if err := m.canPredict(); err != nil {
		return nil, err
	}
	if m.accepts(x) {
		out = make([]*Array, len(m.outputs))
		err = m.predictArrays(context.Background(), out, x)
	} else {
		var source Source // of samples that differ in length, or one that gives the error
		if source, err = arraySource(x); err == nil {
			out, err = m.predictSource(context.Background(), source, &prediction{batch: predictBatch})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	return out, nil
}

// PredictInto is PredictAll into arrays of the caller, one for each output, and allocates nothing after
// the first call for a number of samples, unless layers such as StringLookup run before the network:
//
//	y, err := keraslike.NewArray(make([]float32, 10), 1, 10)
//	for request := range requests {
//		err = m.PredictInto([]*keraslike.Array{y}, request)
//		...
//	}
//
// The arrays must have the shapes that PredictAll returns and share no memory with each other and
// with x. After an error their values are undefined.
func (m *Model) PredictInto(out []*Array, x ...*Array) (err error) {
	defer caught(&err, "predict into", nil, "")
	if err := m.canPredict(); err != nil {
		return err
	}
	accepted := m.accepts(x)
	if !accepted && m.front == nil {
		err = m.unaccepted(x)
	}
	if err == nil && len(x) == 0 {
		err = errors.New("no data")
	}
	if err == nil {
		err = m.checkOutputs(out, x)
	}
	switch {
	case err != nil:
	case accepted:
		err = m.predictArrays(context.Background(), out, x)
	default:
		err = m.predictRaw(out, x)
	}
	if err != nil {
		return fmt.Errorf("predict into: %w", err)
	}
	return nil
}

// PredictOption is an option of PredictSource: BatchSize, TrainingMode or Distributed.
type PredictOption interface{ applyPredict(*prediction) }

// prediction holds the settings of one call of PredictSource.
type prediction struct {
	batch    int  // the most samples of a batch
	sized    bool // it was given
	training bool
	seed     uint64
	dist     *distribution
	mistake  error
}

// PredictSource computes all outputs of the model for all samples of a source.
// Targets are not read. A canceled context ends it with an error that wraps ErrInterrupted and
// the context's. Like Predict it may be called from many goroutines at once.
//
// Options and their defaults:
//
//	BatchSize     128   samples that are computed at once, fewer if memory does not suffice; all at once in a
//	                    model with Stateful layers, whose batches have one size
//	TrainingMode  none  dropout and other random layers act, by a seed
//	Distributed   none  several processes predict together, each a part
func (m *Model) PredictSource(ctx context.Context, source Source, options ...PredictOption) (out []*Array, err error) {
	defer caught(&err, "predict", nil, "")
	p := &prediction{batch: predictBatch}
	for _, o := range given(options, &err) {
		o.applyPredict(p)
	}
	if err == nil {
		err = errors.Join(checkContext(ctx), p.check())
	}
	switch {
	case p.dist != nil && ctx != nil:
		if err == nil && m.err == nil && m.isStateful() {
			err = m.statefulTogether()
		}
		if opened := p.dist.open(); opened != nil {
			err = errors.Join(err, opened)
			break
		}
		out, err = m.predictTogether(ctx, source, p, err)
		err = p.dist.finish(ctx, err, noFacts)
	case err != nil:
	default:
		if err := m.canPredict(); err != nil {
			return nil, err
		}
		if p.training && m.isStateful() {
			return nil, fmt.Errorf("predict: %w", m.statefulSampled())
		}
		out, err = m.predictSource(ctx, source, p)
	}
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	return out, nil
}

// canPredict reports why the model cannot predict.
func (m *Model) canPredict() error {
	if m.err != nil {
		return m.err
	}
	if !m.built {
		return fmt.Errorf("predict: model %q has no weights yet: build, compile or load it", m.name)
	}
	return nil
}

// accepts reports whether the model can predict from arrays x where they are.
func (m *Model) accepts(x []*Array) bool {
	if len(x) != len(m.inputs) || m.front != nil {
		return false
	}
	for k, a := range x {
		if a.Len() == 0 || a.strings != nil || a.Len() != x[0].Len() || a.ragged != nil || !shapesMatch(a.shape[1:], m.inputs[k].shape) {
			return false
		}
	}
	return true
}

// unaccepted returns an error that says why accepts returned false.
func (m *Model) unaccepted(x []*Array) error {
	source, err := arraySource(x)
	if err != nil {
		return err
	}
	if _, err := m.inputSpec().accepts(source); err != nil {
		return err
	}
	return errors.New("the samples differ in length, and so would their outputs: Predict and PredictAll take them")
}

// arraySource makes a source of arrays.
func arraySource(x []*Array) (Source, error) {
	if len(x) == 1 {
		return Data(x[0], nil)
	}
	return MultiData(x, nil)
}

// checkOutputs reports which of the outputs of PredictInto have another number of samples than the
// inputs, or memory in common with another array. Their shapes are compared with those of the graph.
func (m *Model) checkOutputs(out, x []*Array) error {
	if len(out) != len(m.outputs) {
		return fmt.Errorf("got %d outputs, model %q has %d", len(out), m.name, len(m.outputs))
	}
	for k, y := range out {
		if y.Strings() != nil {
			return fmt.Errorf("output %d is an array of strings, want numbers", k)
		}
		if y.Len() != x[0].Len() {
			return fmt.Errorf("output %d is for %d samples, the inputs have %d", k, y.Len(), x[0].Len())
		}
		for i, other := range x {
			if overlap(y.values, other.values) {
				return fmt.Errorf("output %d shares memory with input %d", k, i)
			}
		}
		for i, other := range out[:k] {
			if overlap(y.values, other.values) {
				return fmt.Errorf("output %d shares memory with output %d", k, i)
			}
		}
	}
	return nil
}

// overlap reports whether two slices have memory in common.
func overlap(a, b []float32) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	at := func(s []float32) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s))) }
	return at(a) < at(b)+uintptr(4*len(b)) && at(b) < at(a)+uintptr(4*len(a))
}

// predictArrays computes the outputs of samples that lie in arrays, without copying them. Those of
// out that are nil are made.
func (m *Model) predictArrays(ctx context.Context, out, x []*Array) error {
	n := x[0].Len()
	size, err := m.predictionBatch(&prediction{batch: predictBatch}, n)
	if err != nil {
		return err
	}
	free := m.lengthsOf(func(k, axis int) int { return axisLength(x[k].shape, axis+1) })
	for from := 0; from < n; from += size {
		if ctx.Err() != nil {
			return interrupted(ctx)
		}
		g, err := m.predictionGraph(modePredict, min(size, n-from), free)
		if err != nil {
			return err
		}
		size = g.batch
		if err := m.predictBatch(g, out, x, from); err != nil {
			return err
		}
	}
	return nil
}

// predictBatch computes the outputs of the samples from number from on, and releases the graph.
func (m *Model) predictBatch(g *modelGraph, out, x []*Array, from int) error {
	defer m.graphs.release(g)
	n := g.batch
	for k, a := range x {
		each := a.sampleSize()
		values := a.values[from*each : (from+n)*each]
		if i := kernel.Finite(values); i >= 0 {
			return fmt.Errorf("input %d of sample %d: value %d is %v", k, from+i/each, i%each, values[i])
		}
		if err := g.inputs[k].bindFloats(values); err != nil {
			return err
		}
	}
	return m.predictInto(g, out, from, x[0].Len())
}

// predictInto computes the outputs of the batch in the buffers of a graph: the samples from number
// from on, of all.
func (m *Model) predictInto(g *modelGraph, out []*Array, from, all int) error {
	n := g.batch
	for k, shape := range g.outputShapes {
		each := shape.Size()
		if out[k] == nil {
			out[k] = &Array{shape: shape.withBatch(all), values: buffer.Unset(all * each)}
		} else if !slices.Equal(out[k].shape[1:], shape) {
			return fmt.Errorf("output %d has shape %s, the model's has %s", k, formatShape(out[k].shape), formatShape(shape.withBatch(all)))
		}
		if err := g.program.SetOutput(k, out[k].values[from*each:(from+n)*each]); err != nil {
			return err
		}
	}
	return m.graphs.predict(g, &m.carried)
}

// predictRaw computes the outputs of raw samples for a model with a front.
func (m *Model) predictRaw(out, x []*Array) error {
	source, err := arraySource(x)
	if err != nil {
		return err
	}
	results, err := m.predictSource(context.Background(), source, &prediction{batch: predictBatch})
	if err != nil {
		return err
	}
	for k, y := range results {
		if y.ragged != nil || !slices.Equal(y.shape, out[k].shape) {
			return fmt.Errorf("output %d has shape %s, the model's has %s", k, formatShape(out[k].shape), formatShape(y.shape))
		}
		copy(out[k].values, y.values)
	}
	return nil
}

// predictionGraph returns a graph for at most most samples: fewer, halved again and again, if
// the graph does not fit in the memory limit.
func (m *Model) predictionGraph(mode mode, most int, l lengths) (*modelGraph, error) {
	for batch := most; ; batch /= 2 {
		g, err := m.acquireGraph(mode, graphKey{batch: batch, lengths: l}, m.memoryLimit(mode, 1))
		if err == nil || batch == 1 || !isTooLarge(err) || m.isStateful() {
			return g, err
		}
	}
}

// isTooLarge reports whether an error is about memory.
func isTooLarge(err error) bool {
	tooLarge := (*graph.MemoryError)(nil)
	return errors.As(err, &tooLarge)
}

// prepared returns a source of what the network reads, if other layers prepare it.
func (m *Model) prepared(source Source, p *prediction) (Source, error) {
	if m.front == nil || isNil(source) {
		return source, nil
	}
	data, err := m.prepare(source, p.training)
	if err != nil {
		return nil, err
	}
	if s, ok := data.(*preparedSource); ok && p.training {
		s.seed = &p.seed
	} else if s, ok := data.(*weightedPrepared); ok && p.training {
		s.seed = &p.seed
	}
	return data.(Source), nil // as the one that it wraps
}

func (m *Model) predictSource(ctx context.Context, source Source, p *prediction) (out []*Array, err error) {
	if source, err = m.prepared(source, p); err != nil {
		return nil, err
	}
	spec := m.inputSpec()
	shapes, n, err := spec.acceptsSource(source)
	if err != nil {
		return nil, err
	}
	if d, ok := source.(*data); ok && shapes != nil && *p == (prediction{batch: predictBatch}) {
		out = make([]*Array, len(m.outputs))
		return out, m.predictArrays(ctx, out, d.inputs)
	}
	return m.predictBatches(ctx, source, spec, shapes, n, p)
}

// acceptsSource is accepts for a source that must have samples. It also returns their number.
func (d *dataSpec) acceptsSource(source Source) (shapes *batchShapes, n int, err error) {
	if isNil(source) {
		return nil, 0, errors.New("no data")
	}
	if n, err = lenOf(source); err != nil {
		return nil, 0, err
	}
	if shapes, err = d.accepts(source); err == nil && n == 0 {
		err = errors.New("no data")
	}
	return shapes, n, err
}

// predictBatches reads the n samples of a source in batches; shapes are those of the samples, nil if
// they differ.
func (m *Model) predictBatches(ctx context.Context, source Source, spec *dataSpec, shapes *batchShapes, n int, p *prediction) (out []*Array, err error) {
	var g *modelGraph // of the batch
	defer func() { m.graphs.release(g) }()
	r, err := m.predictionReader(source, spec, shapes, n, p, &g)
	if err != nil {
		return nil, err
	}
	if err := r.begin(0, 0); err != nil {
		return nil, err
	}
	defer r.end()
	results := newPredictions(spec, r.ragged, shapes, n)
	for step := 0; ; step++ {
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
		if err := m.predictTo(results, g, b, n, p, step); err != nil {
			return nil, err
		}
	}
}

// predictionReader reads the n samples of a source in batches into the buffers of graphs for prediction; g is
// that of the batch, which the caller releases.
func (m *Model) predictionReader(source Source, spec *dataSpec, shapes *batchShapes, n int, p *prediction, g **modelGraph) (*batchReader, error) {
	size, err := m.predictionBatch(p, n)
	if err != nil {
		return nil, err
	}
	if shapes != nil {
		first, err := m.predictionGraph(p.mode(), size, shapes.lengths)
		if err != nil {
			return nil, err
		}
		*g, size = first, first.batch
	}
	return newBatchReader(spec, source, newBatchIterator(source, 0, n, size), size, nil, func(n int, _ bool, l lengths) (*batchBuffers, error) {
		if key := (graphKey{batch: n, lengths: l}); *g == nil || (*g).graphKey != key {
			m.graphs.release(*g)
			next, err := m.acquireGraph(p.mode(), key, m.memoryLimit(p.mode(), 1))
			if *g = next; err != nil {
				return nil, err
			}
		}
		return &(*g).batchBuffers, nil
	})
}

// predictTo adds the outputs of a batch in the buffers of a graph to the results of n samples.
func (m *Model) predictTo(results *predictions, g *modelGraph, b *batch, n int, p *prediction, step int) error {
	predict := m.predictInto
	if p.training {
		predict = func(g *modelGraph, out []*Array, from, all int) error { return m.sample(p, g, out, from, all, step) }
	}
	if results.ragged == nil {
		return predict(g, results.whole, b.indices[0], n)
	}
	outputs := make([]*Array, len(m.outputs))
	if err := predict(g, outputs, 0, g.batch); err != nil {
		return err
	}
	return results.add(b, outputs)
}
