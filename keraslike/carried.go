// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike/safetensors"
)

// The states that a batch leaves for the next one, see Stateful.

// carriedState is a state of a layer: its name within the layer and its shape for one sample.
type carriedState struct {
	name  string
	shape Shape
}

// carriedPlace is a state of a layer of a network, or of one nested in it.
type carriedPlace struct {
	layer *layer
	path  string // of the layer
	carriedState
}

// name returns the name of the state within the network.
func (p carriedPlace) name() string { return p.path + "/" + p.carriedState.name }

// carry declares states of the layer, or of a layer within it, that batches leave for the next.
func (b *Builder) carry(shapes ...Shape) {
	for k, shape := range shapes {
		b.layer.carries = append(b.layer.carries, carriedState{stateName(b.prefix, k), slices.Clone(shape)})
	}
}

func stateName(prefix string, k int) string { return fmt.Sprintf("%sstate_%d", prefix, k) }

// collectCarries lists the states of the network and of those nested in it, each layer once.
func (n *network) collectCarries(prefix string, done map[*network]bool) (list []carriedPlace) {
	if done[n] {
		return nil
	}
	done[n] = true
	for _, l := range n.layers() {
		if inner := l.network(); inner != nil {
			list = append(list, inner.collectCarries(prefix+l.name+"/", done)...)
			continue
		}
		for _, c := range l.carries {
			list = append(list, carriedPlace{l, prefix + l.name, c})
		}
	}
	return list
}

// isStateful reports whether batches leave states for the next.
func (n *network) isStateful() bool { return len(n.carries) > 0 }

// statefulTogether is the error of a stateful model in a distributed computation.
func (n *network) statefulTogether() error {
	return fmt.Errorf("%s %q is Stateful, so each batch needs the states of the one before: it cannot be Distributed, where ranks compute parts of batches at the same time", n.carries[0].layer.def.Kind(), n.carries[0].path)
}

// statefulSampled is the error of a stateful model in TrainingMode.
func (n *network) statefulSampled() error {
	return fmt.Errorf("%s %q is Stateful, and TrainingMode changes nothing of the model: it cannot leave states for the next batch", n.carries[0].layer.def.Kind(), n.carries[0].path)
}

// carrying are the nodes of the states in a graph, by their places in the network.
type carrying struct {
	places        []carriedPlace
	before, after carriedNodes // what the graph reads, and what it leaves
}

type carriedNodes []*graph.Node

// newCarrying returns the nodes of a graph of n before any layer has been added. Graphs for gradients of
// a layer's output begin at 0.
func newCarrying(n *network, mode mode) (c carrying) {
	if mode != modeGradient {
		c.places = n.carries
	}
	c.before, c.after = make(carriedNodes, len(c.places)), make(carriedNodes, len(c.places))
	return c
}

// list returns the nodes that there are, and their places.
func (c carriedNodes) list() (nodes graph.Nodes, places []int) {
	for k, n := range c {
		if n != nil {
			nodes, places = append(nodes, n), append(places, k)
		}
	}
	return nodes, places
}

// place returns the place of state k of the layer, -1 where the graph has none.
func (s *Scope) place(k int) int {
	name := stateName(s.prefix, k)
	return slices.IndexFunc(s.carrying.places, func(p carriedPlace) bool {
		return p.layer == s.layer && p.carriedState.name == name
	})
}

// carried returns the states of the layer that the batch before, or an earlier use of the layer in this
// one, has left.
func (s *Scope) carried(shapes ...Shape) []*graph.Node {
	list := make([]*graph.Node, len(shapes))
	for k, shape := range shapes {
		i, full := s.place(k), append([]int{s.batch}, shape...)
		switch {
		case i < 0:
			list[k] = s.Do(graph.Zeros(s.g, graph.Float32, full...))
		case s.carrying.after[i] != nil:
			list[k] = s.carrying.after[i]
		case s.carrying.before[i] != nil:
			list[k] = s.carrying.before[i]
		default:
			list[k] = s.input(s.carrying.places[i].name(), full...)
			s.carrying.before[i] = list[k]
		}
	}
	return list
}

// carry leaves states of the layer for the next batch.
func (s *Scope) carry(states []*graph.Node) {
	if s.batch != s.samples {
		s.Do(nil, fmt.Errorf("%s %q: is Stateful within TimeDistributed, whose steps are computed at the same time", s.layer.def.Kind(), s.path))
	}
	for k, h := range states {
		if i := s.place(k); i >= 0 {
			s.carrying.after[i] = h
		}
	}
}

// carriedStates are the values of a model's states.
type carriedStates struct {
	mu     sync.Mutex
	batch  int         // of each state, 0 before the first batch
	values [][]float32 // by their places in the network; nil before the first batch
}

// ResetStates sets the states of all layers that are Stateful to 0. The next batch may have another
// number of samples. Keras resets states neither between epochs nor between calls; in Fit, a callback
// can do so at EpochBegin:
//
//	k.CallbackFunc(func(e k.Event, t *k.Training) error {
//		if e == k.EpochBegin {
//			t.Model.ResetStates()
//		}
//		return nil
//	})
//
// It may be called while other goroutines predict.
func (m *Model) ResetStates() {
	m.carried.mu.Lock()
	defer m.carried.mu.Unlock()
	m.carried.batch, m.carried.values = 0, nil
}

// size returns the number of samples of a batch, 0 if any may come.
func (c *carriedStates) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.batch
}

// run runs a graph after the states of the batch before.
func (c *carriedStates) run(g *modelGraph) error {
	if len(g.carriedTo) == 0 {
		return g.run()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.bind(g); err != nil {
		return err
	}
	if err := g.run(); err != nil {
		return err
	}
	c.keep(g)
	return nil
}

// bind gives a graph its states before a run; mu is held.
func (c *carriedStates) bind(g *modelGraph) error {
	places := g.scope.carrying.places
	if len(places) == 0 {
		return nil
	}
	if c.batch > 0 && g.batch != c.batch {
		return fmt.Errorf("%s %q is Stateful and has the states of a batch of %s, got a batch of %d: all batches must be of one size, until ResetStates", places[0].layer.def.Kind(), places[0].path, text.Count(c.batch, "sample"), g.batch)
	}
	if c.values == nil {
		c.values = make([][]float32, len(places))
	}
	for i, b := range g.carried {
		k, want := g.carriedFrom[i], g.carriedSizes[i]
		if c.batch == 0 || c.values[k] == nil {
			c.values[k] = kernel.Floats(want)
		}
		if got := len(c.values[k]); got != want {
			return fmt.Errorf("%s: the batch before left %d values, this one has a state of shape %v: lengths may not change before ResetStates", places[k].name(), got, b.node.Shape())
		}
		if err := b.bindFloats(c.values[k]); err != nil {
			return err
		}
	}
	return nil
}

// keep copies what a run has left; mu is held.
func (c *carriedStates) keep(g *modelGraph) {
	for i, k := range g.carriedTo {
		c.batch = g.batch
		if left := g.carries.values[i]; len(c.values[k]) != len(left) {
			c.values[k] = slices.Clone(left)
		} else {
			copy(c.values[k], left)
		}
	}
}

// predictionBatch returns the largest batch of a prediction of n samples. The batches of a stateful model
// all have the size of those before; if there were none, of BatchSize, without which all samples are one
// batch.
func (m *Model) predictionBatch(p *prediction, n int) (int, error) {
	if !m.isStateful() {
		return min(p.batch, n), nil
	}
	size := m.carried.size()
	switch {
	case size == 0 && !p.sized:
		return n, nil
	case size == 0:
		size = p.batch
	case p.sized && p.batch != size:
		return 0, fmt.Errorf("batches of %d samples after batches of %d: the model has Stateful layers, so all batches are of one size, until ResetStates", p.batch, size)
	}
	return size, m.checkBatches(n, size)
}

// checkBatches reports n samples that are not all in batches of one size, which a stateful model needs.
func (m *Model) checkBatches(n, size int) error {
	if rest := n % size; m.isStateful() && rest != 0 {
		p := m.carries[0]
		return fmt.Errorf("%s %q is Stateful: the last of %d samples would be a batch of %d after batches of %d, want a multiple of %d", p.layer.def.Kind(), p.path, n, rest, size, size)
	}
	return nil
}

// checkStateful reports what a stateful model cannot be trained on.
func (f *fit) checkStateful() error {
	m, n := f.m, 0
	if !m.isStateful() {
		return nil
	}
	if f.dist != nil {
		return m.statefulTogether()
	}
	if f.train != nil {
		n = len(f.train.order)
		if f.steps > 0 {
			n = min(n, saturatingProduct(f.steps, f.batch))
		}
		if !f.keepOrder && n > f.batch {
			return fmt.Errorf("%s %q is Stateful: sample i of a batch continues sample i of the batch before, which KeepOrder keeps together", m.carries[0].layer.def.Kind(), m.carries[0].path)
		}
	}
	if err := m.checkBatches(n, f.batch); err != nil {
		return err
	}
	validated := 0
	if source, ok := f.validation.(Source); ok {
		validated, _ = lenOf(source) // validate reports the error
	} else if f.split > 0 {
		all, err := lenOf(f.train.source)
		if err != nil {
			return err
		}
		validated = all - len(f.train.order)
	}
	if f.validationSteps > 0 {
		validated = min(validated, saturatingProduct(f.validationSteps, f.batch))
	}
	if err := m.checkBatches(validated, f.batch); err != nil {
		return fmt.Errorf("validation: %w", err)
	}
	return nil
}

// statefulLengths is the error of samples that differ in length.
func (n *network) statefulLengths() error {
	return fmt.Errorf("%s %q is Stateful: samples that differ in length are batched by length, and a batch does not continue the one before: pad them", n.carries[0].layer.def.Kind(), n.carries[0].path)
}

// carriedPrefix is the prefix of the names of states in files.
const carriedPrefix = "optimizer/carried "

// state returns the states under their names in files, and the size of their batch.
func (m *Model) carriedState() (list []stateArray, batch int) {
	c := &m.carried
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.batch == 0 {
		return nil, 0
	}
	for k, p := range m.carries {
		if v := c.values[k]; v != nil {
			list = append(list, stateArray{name: carriedPrefix + p.name(), shape: carriedShape(c.batch, p.shape, len(v)), values: slices.Clone(v)})
		}
	}
	return list, c.batch
}

// carriedShape returns the shape of a state of n values in files: the layer's, or rows for the samples
// where that has free lengths.
func carriedShape(batch int, sample Shape, n int) []int {
	if full := append([]int{batch}, sample...); Shape(full).Size() == n {
		return full
	}
	return []int{batch, n / batch}
}

// restoreCarried reads the states of a file.
func (m *Model) restoreCarried(f *safetensors.File, batch int, expected map[string]bool) error {
	if batch < 0 || batch > 0 && !m.isStateful() {
		return fmt.Errorf("settings of compile: states of batches of %d, which the model has no place for", batch)
	}
	values := make([][]float32, len(m.carries))
	for k, p := range m.carries {
		name := carriedPrefix + p.name()
		if batch == 0 || !f.Has(name) {
			continue
		}
		expected[name] = true
		shape, v, err := f.Tensor(name)
		switch {
		case err != nil:
			return err
		case len(v) == 0 || shape[0] != batch || !m.isFree() && !slices.Equal(shape[1:], []int(p.shape)):
			return fmt.Errorf("tensor %q has shape %v, the model wants %v", name, shape, append([]int{batch}, p.shape...))
		case kernel.Finite(v) >= 0:
			return fmt.Errorf("tensor %q: value %d is %v", name, kernel.Finite(v), v[kernel.Finite(v)])
		}
		values[k] = slices.Clone(v)
	}
	if batch > 0 && !slices.ContainsFunc(values, func(v []float32) bool { return v != nil }) {
		return errors.New("has no states, and a batch of them")
	}
	if batch == 0 {
		values = nil
	}
	m.carried.mu.Lock()
	defer m.carried.mu.Unlock()
	m.carried.batch, m.carried.values = batch, values
	return nil
}
