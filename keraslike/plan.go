// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// purpose says what a graph of the model is for. There is no mode to flip:
// each purpose has graphs of its own, which share the weights.
type purpose int

const (
	predicting purpose = iota // outputs
	evaluating                // outputs and loss
	locating                  // the node of every layer, for gradients between them
	fitting                   // outputs, loss and gradients, with dropout
	tracing                   // the outputs of all layers, with dropout
)

// planKey tells the plans of one purpose apart.
type planKey struct {
	batch    int
	weighted bool // whether samples have weights
}

// plan is the model's graph for one purpose and one batch size, compiled, with
// the memory that samples are read into.
type plan struct {
	batch   int
	program *graph.Program
	batchBuffers
	losses  []Loss        // of the outputs, where they are computed
	domains []*valueRange // of their targets
	updated []*Weight     // what the updates are new values of
	scope   *Scope

	// What the program computes, by meaning; all of it is overwritten by the next run.
	outputs     root
	cost        root // one node, where a loss is computed
	lossOf      root // of each output, where there are several
	masks       root // of each output, nil for none
	gradients   root // of the trained weights
	updates     root
	activations root // of all layers, of a graph that traces them

	computed []computed
}

// root is one kind of what a program computes.
type root struct {
	nodes  graph.Nodes
	values [][]float32 // of the last run, nil where the node is
}

// computed ties the value of a node, which another tensor may hold after a run, to its
// numbers in a root.
type computed struct {
	node   *graph.Node
	value  graph.Value
	floats *[]float32
}

// allRoots are the plan's roots, in the order in which its program has them.
func (p *plan) allRoots() []*root {
	return []*root{&p.outputs, &p.cost, &p.lossOf, &p.masks, &p.gradients, &p.updates, &p.activations}
}

// view is a graph of the model before it is compiled.
type view struct {
	*Scope
	in, targets, weights, out graph.Nodes
	outMasks                  graph.Nodes // of the outputs, nil for none
	cost                      *graph.Node
	losses                    graph.Nodes   // of the outputs, where there are several
	domains                   []*valueRange // of targets, for each output
}

// view builds the graph without compiling it; it is how mistakes in layers'
// expressions are found early.
func (m *Model) view(p purpose, key planKey) (*view, error) {
	if err := m.affordable(p, 1); err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	s := &Scope{
		nodes: nodesOfLayer * m.layersLimit(), memory: m.memoryLimit(p, key.batch),
		g: graph.New(), training: p >= fitting, batch: key.batch, samples: key.batch, random: m.random, tracing: p == tracing, paths: m.paths,
		weights: map[*Weight]*graph.Node{}, constants: map[string]*graph.Node{}, logits: map[*graph.Node]logits{}, groups: &graph.Groups{},
	}
	if m.compiled != nil {
		s.compiled = m.compiled.frozen
	}
	v := &view{Scope: s}
	if p == locating {
		s.located = map[string]*graph.Node{}
	}
	for _, x := range m.inputs {
		v.in = append(v.in, s.input(x.layer.name, x.shape.withBatch(key.batch)...))
	}
	v.out, v.outMasks = s.run(m, "", v.in, nil)
	if s.err == nil && (p == evaluating || p == fitting) {
		s.err = s.groups.Record(s.g, "loss", func() error { v.addCost(m, key.weighted); return s.err })
	}
	if s.err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, s.err)
	}
	return v, nil
}

// run adds the expressions of a model's layers and returns its outputs and their
// masks; prefix is the path of the model.
func (s *Scope) run(m *Model, prefix string, in, masks []*graph.Node) (out, outMasks []*graph.Node) {
	value, mask := map[*Tensor]*graph.Node{}, map[*Tensor]*graph.Node{}
	for i, t := range m.inputs {
		value[t] = in[i]
		if i < len(masks) {
			mask[t] = masks[i]
		}
	}
	outer := s.application
	defer func() { s.application = outer }()
	for _, t := range m.order {
		if s.err != nil {
			return nil, nil
		}
		s.application = application{layer: t.layer, path: prefix + t.layer.name, frozen: outer.frozen || s.isFrozen(t.layer)}
		inputs := make([]*graph.Node, len(t.in))
		for i, x := range t.in {
			inputs[i] = value[x]
			if !t.layer.unmasked {
				s.masks = append(s.masks, mask[x])
			}
		}
		s.err = s.groups.Record(s.g, s.path, func() error {
			if err := attempt("Forward", func() error { value[t] = s.forward(t.layer.def, inputs); return nil }); err != nil {
				return fmt.Errorf("%s %q: %w", t.layer.def.Kind(), s.path, err)
			}
			return s.err
		})
		if n := len(s.g.AllNodes()); s.err == nil && n > s.nodes {
			s.err = fmt.Errorf("%s %q: the graph has %d nodes here, the most is %d, %d times Limits.Layers", t.layer.def.Kind(), s.path, n, s.nodes, nodesOfLayer)
		}
		if s.err == nil {
			s.err = s.checkOutputs(t, append([]*graph.Node{value[t]}, s.more...))
		}
		if s.err != nil {
			return nil, nil
		}
		for k, x := range t.more {
			value[x] = s.more[k]
		}
		for k, n := range s.outMasks {
			mask[t.Output(k)] = n
		}
		if _, again := s.located[s.path]; s.located != nil && !again {
			s.located[s.path] = value[t]
		}
		if s.tracing && t.layer.model() == nil {
			s.traced.paths, s.traced.nodes = append(s.traced.paths, s.path), append(s.traced.nodes, value[t])
		}
	}
	for _, t := range m.outputs {
		out, outMasks = append(out, value[t]), append(outMasks, mask[t])
	}
	return out, outMasks
}

// newPlan builds and compiles the graph for a purpose and a batch size.
func (m *Model) newPlan(p purpose, key planKey) (*plan, error) {
	return m.newPlanWithin(m.memoryLimit(p, key.batch), p, key)
}

// newPlanWithin is newPlan with a limit of bytes.
func (m *Model) newPlanWithin(memory int64, p purpose, key planKey) (*plan, error) {
	if err := m.affordable(p, key.batch); err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	building.Lock()
	defer building.Unlock()
	pl, v, err := m.express(p, key)
	if err != nil {
		return nil, err
	}
	memory -= int64(4 * m.cost.held * float64(key.batch)) // affordable: no overflow
	if err := pl.compile(v, memory); err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	return pl, nil
}

// express builds the graph, for which no memory is planned yet.
func (m *Model) express(p purpose, key planKey) (*plan, *view, error) {
	v, err := m.view(p, key)
	if err != nil {
		return nil, nil, err
	}
	pl := &plan{batch: key.batch, scope: v.Scope}
	if p == tracing {
		pl.activations.nodes = v.traced.nodes
		return pl, v, nil
	}
	pl.outputs.nodes = slices.Clone(v.out)
	if v.cost != nil {
		pl.losses = m.compiled.losses
		pl.cost.nodes, pl.lossOf.nodes, pl.masks.nodes = graph.Nodes{v.cost}, v.losses, v.outMasks
	}
	if p == fitting {
		var trained graph.Nodes
		for _, w := range m.trainer.weights {
			n, used := v.Scope.weights[w]
			if !used {
				return nil, nil, fmt.Errorf("model %q: weight %q was declared and is never used", m.name, m.paths[w])
			}
			trained = append(trained, n)
		}
		if len(trained) == 0 {
			return nil, nil, fmt.Errorf("model %q: has no weights to train", m.name)
		}
		if pl.gradients.nodes, err = graph.Grad(v.cost, trained...); err != nil {
			return nil, nil, fmt.Errorf("model %q: %w", m.name, v.blame(err))
		}
		pl.updated = v.updates
		for _, w := range v.updates {
			pl.updates.nodes = append(pl.updates.nodes, v.Scope.weights[w])
		}
	}
	return pl, v, nil
}

// nodes are the nodes of all roots, in the order of the program.
func (p *plan) nodes() (list graph.Nodes) {
	for _, r := range p.allRoots() {
		for _, n := range r.nodes {
			if n != nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// compile makes the program of the roots, for whose values there are so many bytes.
func (p *plan) compile(v *view, memory int64) (err error) {
	if p.program, err = graph.CompileWithin(memory, p.nodes()...); err != nil {
		if tooMuch := (*graph.MemoryError)(nil); errors.As(err, &tooMuch) {
			err = fmt.Errorf("a batch of %d samples: %w (Limits.Memory)", p.batch, tooMuch)
		}
		return err
	}
	for _, r := range p.allRoots() {
		r.values = make([][]float32, len(r.nodes))
		for i, n := range r.nodes {
			if n != nil {
				p.computed = append(p.computed, computed{node: n, floats: &r.values[i]})
			}
		}
	}
	p.inputs, p.targets, p.sampleWeights, p.domains = inputBuffers(v.in), inputBuffers(v.targets), inputBuffers(v.weights), v.domains
	return nil
}

// run computes the plan's roots from what lies in inputs and targets.
func (p *plan) run() error {
	if err := p.program.RunAll(); err != nil {
		return p.scope.blame(err)
	}
	for i := range p.computed {
		// The value of a root only changes where an op of Gorgonia made it.
		if c := &p.computed[i]; c.node.Value() != c.value {
			c.value = c.node.Value()
			*c.floats = graph.Floats(c.value)
		}
	}
	return p.checkTargets()
}

// loss is the value of the cost in the last run.
func (p *plan) loss() float64 { return float64(p.cost.values[0][0]) }

// result is what the last run computed of its batch.
func (p *plan) result() result {
	return result{p.loss(), p.lossOf.values, p.outputs.values, p.masks.values}
}

// mask is the mask of an output, nil for none.
func (p *plan) mask(k int) []float32 { return p.masks.values[k] }

// update copies what the layers have computed for their State arrays.
func (p *plan) update() {
	for i, w := range p.updated {
		copy(w.value.Float32s(), p.updates.values[i])
	}
}
