// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/text"
)

// prepared is what a model with a front reads in place of the data that it is given: the inputs of
// its graph, computed from the raw ones.
type prepared struct {
	m        *Model
	plan     *frontPlan
	training bool
	seed     *uint64 // of a prediction in training mode
	texts    sourceStrings
	inputs   [][]int // shapes of the raw inputs
	edges    [][]int // shapes of what the front makes of them
	targets  [][]int
	batches  *sync.Pool // of rawBatch
}

// preparedSource is prepared for a Source.
type preparedSource struct {
	prepared
	sourceWrapper
}

// weightedPrepared is preparedSource for a Source with sample weights.
type weightedPrepared struct {
	*preparedSource
	weights SampleWeighter
}

func (s *weightedPrepared) Weights(indices []int, to []float32) error {
	return s.weights.Weights(indices, to)
}

// preparedStream is prepared for a Stream.
type preparedStream struct {
	prepared
	stream Stream
	read   int    // samples since the last reset
	shard  uint64 // of a distributed training
	order  []int
}

// prepare returns the data that the graph of the model reads: the data itself, unless the model has a
// front. Random layers act if it is for training.
func (m *Model) prepare(data Samples, training bool) (Samples, error) {
	if m.front == nil {
		return data, nil
	}
	p, err := m.newPrepared(data, training)
	if err != nil {
		return nil, err
	}
	switch data := data.(type) {
	case Source:
		s := &preparedSource{p, sourceWrapper{data}}
		if w, ok := data.(SampleWeighter); ok {
			return &weightedPrepared{s, w}, nil
		}
		return s, nil
	case Stream:
		return &preparedStream{prepared: p, stream: data}, nil
	}
	return nil, fmt.Errorf("the data is %T, want a Source with Len and Read or a Stream with Next", data)
}

// prepareShard is prepare for a part of a stream in a distributed training.
func (m *Model) prepareShard(shard Stream, i int) (Samples, error) {
	data, err := m.prepare(shard, true)
	if p, ok := data.(*preparedStream); ok {
		p.shard = uint64(i)
	}
	return data, err
}

// unprepared returns the data that prepare was called with.
func unprepared(data Samples) Samples {
	switch p := data.(type) {
	case *preparedSource:
		return p.Source
	case *weightedPrepared:
		return p.Source
	case *preparedStream:
		return p.stream
	}
	return data
}

// newPrepared compares the data with the inputs of the model.
func (m *Model) newPrepared(data Samples, training bool) (p prepared, err error) {
	plan, err := m.plan()
	if err != nil {
		return p, fmt.Errorf("model %q: %w", m.name, err)
	}
	p = prepared{m: m, plan: plan, training: training, batches: &sync.Pool{}}
	if p.inputs, p.targets, err = shapesOf(data); err != nil {
		return p, err
	}
	if p.texts, err = stringsOf(data); err != nil {
		return p, err
	}
	if len(p.inputs) != len(m.inputs) {
		return p, fmt.Errorf("the data has %s, model %q wants %d", text.Count(len(p.inputs), "input"), m.name, len(m.inputs))
	}
	for k, t := range m.inputs {
		if is := p.texts.is(k); is != t.strings {
			return p, fmt.Errorf("input %d of the data is of %s, model %q wants %s", k, kindOfValues(is), m.name, kindOfValues(t.strings))
		}
		if !shapesMatch(p.inputs[k], t.shape) {
			return p, fmt.Errorf("input %d of the data has shape %v, model %q wants %v", k, Shape(p.inputs[k]), m.name, t.shape)
		}
	}
	if sparse, err := hasSparse(data); sparse || err != nil {
		return p, errors.Join(err, errors.New("sparse inputs cannot be preprocessed by layers"))
	}
	if p.ragged() {
		if _, ok := data.(RaggedSource); !ok {
			return p, fmt.Errorf("the data has free axes and is %T, want a RaggedSource", data)
		}
	}
	p.edges, err = p.edgesOf(p.inputs)
	return p, err
}

// ragged reports whether samples of the raw data differ in length.
func (p *prepared) ragged() bool {
	return slices.ContainsFunc(p.inputs, func(s []int) bool { return Shape(s).isFree() })
}

// edgesOf returns the shapes of what enters the graph for raw inputs of these shapes.
func (p *prepared) edgesOf(inputs [][]int) ([][]int, error) {
	m := p.m
	var edges [][]int
	if !m.isFree() || slices.ContainsFunc(inputs, func(s []int) bool { return Shape(s).isFree() }) {
		for _, t := range m.edges {
			edges = append(edges, t.shape)
		}
		return edges, nil
	}
	var in []Shape
	for k, t := range m.inputs {
		in = append(in, likeShape(inputs[k], t.shape))
	}
	evaluating.Lock()
	defer evaluating.Unlock()
	z, err := m.sizesFrom(m.inputs, m.front, in, newSizing())
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	for _, t := range m.edges {
		edges = append(edges, z.shape(t))
	}
	return edges, nil
}

// epochKey is the key of the random numbers of an epoch.
func (p *prepared) epochKey() uint64 {
	if p.seed != nil {
		return mixed(*p.seed ^ mixed(hashName("preprocessing")))
	}
	return mixed(p.m.seed ^ mixed(hashName("preprocessing")+uint64(p.m.epochs)))
}

// sampleKey is the key of the random numbers of a sample.
func sampleKey(epoch uint64, sample int) uint64 { return mixed(epoch + uint64(sample)) }

// mixed is the finalizer of SplitMix64 (Steele et al. 2014, https://doi.org/10.1145/2660193.2660195),
// a bijection after which keys that differ in one bit have nothing in common.
func mixed(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// rawBatch is memory for raw inputs and for the front.
type rawBatch struct {
	numbers [][]float32
	strings [][]string
	runs    []*preparation // one for each goroutine
	errs    []error
}

func (p *prepared) rawBatch() *rawBatch {
	if b, ok := p.batches.Get().(*rawBatch); ok {
		return b
	}
	return &rawBatch{numbers: make([][]float32, len(p.inputs)), strings: make([][]string, len(p.inputs))}
}

// grow makes room for n samples of these shapes.
func (b *rawBatch) grow(p *prepared, n int, shapes [][]int) {
	for k, s := range shapes {
		size := n * Shape(s).Size()
		if p.texts.is(k) {
			b.strings[k] = slices.Grow(b.strings[k][:0], size)[:size]
		} else {
			b.numbers[k] = slices.Grow(b.numbers[k][:0], size)[:size]
		}
	}
}

// minShare is the number of samples that is worth a goroutine.
const minShare = 4

// compute runs the front for the n samples of b, which have these shapes, and puts the results into
// edges. indices are the numbers of the samples.
func (p *prepared) compute(b *rawBatch, shapes [][]int, indices []int, epoch uint64, edges [][]float32) error {
	n := len(indices)
	workers := max(1, min(runtime.GOMAXPROCS(0), n/minShare))
	for len(b.runs) < workers {
		b.runs = append(b.runs, p.plan.newPreparation())
	}
	part := func(w int) error {
		return guard("preprocessing", nil, "", func() error {
			return p.computePart(b, b.runs[w], shapes, w*n/workers, (w+1)*n/workers, indices, epoch, edges)
		})
	}
	if workers == 1 {
		return part(0)
	}
	b.errs = slices.Grow(b.errs[:0], workers)[:workers]
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() { b.errs[w] = part(w) })
	}
	wait.Wait()
	return errors.Join(b.errs...)
}

// computePart is compute for samples lo to hi-1 of the batch.
func (p *prepared) computePart(b *rawBatch, run *preparation, shapes [][]int, lo, hi int, indices []int, epoch uint64, edges [][]float32) error {
	run.training = p.training
	to := make([][]float32, len(edges))
	n := len(indices)
	for i := lo; i < hi; i++ {
		for k, s := range shapes {
			v := &run.values[k]
			v.shape = append(v.shape[:0], likeShape(s, p.m.inputs[k].shape)...)
			each := v.shape.Size()
			if p.texts.is(k) {
				v.strings = b.strings[k][i*each : (i+1)*each]
				continue
			}
			v.numbers = b.numbers[k][i*each : (i+1)*each]
			if at := kernel.Finite(v.numbers); at >= 0 {
				return fmt.Errorf("input %d of sample %d: value %d is %v", k, indices[i], at, v.numbers[at])
			}
		}
		for e, memory := range edges {
			each := len(memory) / n
			to[e] = memory[i*each : (i+1)*each : (i+1)*each]
		}
		run.key = sampleKey(epoch, indices[i])
		if err := run.run(to); err != nil {
			return fmt.Errorf("sample %d: %w", indices[i], err)
		}
	}
	return nil
}

// Shapes returns the shapes of what enters the graph.
func (p *prepared) Shapes() (inputs, targets [][]int) { return p.edges, p.targets }

// Shapes returns the shapes of what enters the graph.
func (s *preparedSource) Shapes() (inputs, targets [][]int) { return s.prepared.Shapes() }

// StringInput reports that the graph gets numbers.
func (s *preparedSource) StringInput(int) bool { return false }

// SparseInput reports that what the front makes is dense.
func (s *preparedSource) SparseInput(int) bool { return false }

// Prefetch reads at least one batch ahead for training, since the front takes time.
func (s *preparedSource) Prefetch() int {
	n := s.sourceWrapper.Prefetch()
	if s.training {
		n = max(n, 1)
	}
	return n
}

// SampleShapes returns the shapes of what enters the graph for sample i.
func (s *preparedSource) SampleShapes(i int) (inputs, targets [][]int) {
	raw, targets := s.sourceWrapper.SampleShapes(i)
	edges, err := s.edgesOf(raw)
	if err != nil {
		return nil, targets // which is reported as a wrong number of inputs
	}
	return edges, targets
}

// Read reads samples and computes the front.
func (s *preparedSource) Read(indices []int, inputs, targets [][]float32) error {
	if len(inputs) == 0 {
		return s.Source.Read(indices, nil, targets)
	}
	b := s.rawBatch()
	defer s.batches.Put(b)
	epoch := uint64(0)
	if s.training {
		epoch = s.epochKey()
	}
	if !s.ragged() {
		return s.readBatch(b, s.inputs, indices, epoch, inputs, targets)
	}
	in, out := make([][]float32, len(inputs)), make([][]float32, len(targets))
	share := func(to, of [][]float32, i int) {
		for k, memory := range of {
			each := len(memory) / len(indices)
			to[k] = memory[i*each : (i+1)*each]
		}
	}
	for i := range indices { // of different lengths
		share(in, inputs, i)
		share(out, targets, i)
		raw, _, err := sampleShapesOf(s.sourceWrapper, indices[i])
		if err != nil {
			return err
		}
		for k, t := range s.m.inputs {
			if k >= len(raw) || !shapesMatch(raw[k], t.shape) || Shape(raw[k]).isFree() {
				return fmt.Errorf("sample %d: its inputs have shapes %s, model %q wants %s", indices[i], formatShapes(asShapes(raw)), s.m.name, formatShapes(shapesOfTensors(s.m.inputs)))
			}
		}
		if err := s.readBatch(b, raw, indices[i:i+1], epoch, in, nilIfEmpty(out)); err != nil {
			return err
		}
	}
	return nil
}

func shapesOfTensors(list []*Tensor) (shapes []Shape) {
	for _, t := range list {
		shapes = append(shapes, t.shape)
	}
	return shapes
}

// readBatch reads samples of the same shapes.
func (s *preparedSource) readBatch(b *rawBatch, shapes [][]int, indices []int, epoch uint64, inputs, targets [][]float32) error {
	b.grow(&s.prepared, len(indices), shapes)
	for k := range shapes {
		if s.texts.is(k) {
			if err := s.texts.read(k, indices, b.strings[k]); err != nil {
				return err
			}
			b.numbers[k] = nil
		}
	}
	if err := s.Source.Read(indices, b.numbers, targets); err != nil {
		return err
	}
	return s.compute(b, shapes, indices, epoch, inputs)
}

func (s *preparedStream) below() Stream { return s.stream }

func (s *preparedStream) rewind() { s.read = 0 }

// Prefetch forwards to the stream.
func (s *preparedStream) Prefetch() int {
	if p, ok := s.stream.(Prefetcher); ok {
		return p.Prefetch()
	}
	return 0
}

// Err forwards to the stream.
func (s *preparedStream) Err() error {
	if c, ok := s.stream.(CheckedSamples); ok {
		return c.Err()
	}
	return nil
}

// Next reads samples and computes the front.
func (s *preparedStream) Next(inputs, targets [][]float32) (n int, err error) {
	most := len(inputs[0]) / Shape(s.edges[0]).Size()
	b := s.rawBatch()
	defer s.batches.Put(b)
	b.grow(&s.prepared, most, s.inputs)
	if n, err = s.stream.Next(b.numbers, targets); n < 1 || n > most {
		return n, err
	}
	s.order = s.order[:0]
	for i := range n {
		s.order = append(s.order, s.read+i)
	}
	s.read += n
	edges := make([][]float32, len(inputs))
	for e, memory := range inputs {
		edges[e] = memory[:n*Shape(s.edges[e]).Size()]
	}
	if failed := s.compute(b, s.inputs, s.order, mixed(s.epochKey()+s.shard), edges); failed != nil {
		return 0, failed
	}
	return n, err
}

// prepareValues computes the front for a batch that is given as tensors.
func (m *Model) prepareValues(values []graph.Value, training bool) ([]graph.Value, error) {
	if m.front == nil {
		return values, nil
	}
	var arrays []*Array
	for k, v := range values {
		t, ok := v.(*tensor.Dense)
		if !ok {
			return nil, fmt.Errorf("input %d is %T, want a *tensor.Dense for a model with preprocessing", k, v)
		}
		a, err := FromTensor(t)
		if err != nil {
			return nil, fmt.Errorf("input %d: %w", k, err)
		}
		arrays = append(arrays, a)
	}
	source, err := MultiData(arrays, nil)
	if err != nil {
		return nil, err
	}
	data, err := m.prepare(source, training)
	if err != nil {
		return nil, err
	}
	s := data.(*preparedSource)
	n := s.Len()
	var edges [][]float32
	var out []graph.Value
	for _, shape := range s.edges {
		memory := make([]float32, n*Shape(shape).Size())
		edges = append(edges, memory)
		out = append(out, tensor.New(tensor.WithShape(Shape(shape).withBatch(n)...), tensor.WithBacking(memory)))
	}
	b := s.rawBatch()
	b.grow(&s.prepared, n, s.inputs)
	indices := upTo(n)
	if err := source.Read(indices, b.numbers, nil); err != nil {
		return nil, err
	}
	epoch := uint64(0)
	if training {
		epoch = mixed(s.epochKey() + uint64(m.trainer.steps))
	}
	return out, s.compute(b, s.inputs, indices, epoch, edges)
}
