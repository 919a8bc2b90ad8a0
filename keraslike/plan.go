// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// purpose says what a graph of the model is for. There is no mode to flip:
// each purpose has graphs of its own, which share the weights.
type purpose int

const (
	predicting purpose = iota // outputs
	evaluating                // outputs and loss
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
	inputs  []*place
	targets []*place
	weights []*place
	roots   graph.Nodes // outputs, the cost, where there are several outputs the loss of each, the gradients, the updates
	outs    int         // how many outputs there are
	// firstGradient is the place of the first gradient among the roots.
	firstGradient int
	updates       []*Weight // what the last roots are new values of
	values        []graph.Value
	floats        [][]float32 // the memory of values
	scope         *Scope
}

// view is a graph of the model before it is compiled.
type view struct {
	*Scope
	in, targets, weights, out graph.Nodes
	cost                      *graph.Node
	losses                    graph.Nodes // of the outputs, where there are several
}

// view builds the graph without compiling it; it is how mistakes in layers'
// expressions are found early.
func (m *Model) view(p purpose, key planKey) (*view, error) {
	s := &Scope{
		g: graph.New(), training: p >= fitting, batch: key.batch, random: m.random, tracing: p == tracing, paths: m.paths,
		weights: map[*Weight]*graph.Node{}, logits: map[*graph.Node]logits{}, groups: &graph.Groups{},
	}
	v := &view{Scope: s}
	for _, x := range m.inputs {
		v.in = append(v.in, s.Do(graph.Input(s.g, graph.Float32, x.layer.name, x.shape.withBatch(key.batch)...)))
	}
	v.out = s.run(m, "", v.in)
	if s.err == nil && (p == evaluating || p == fitting) {
		s.err = s.groups.Record(s.g, "loss", func() error { v.addCost(m, key.weighted); return s.err })
	}
	if s.err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, s.err)
	}
	return v, nil
}

// run adds the expressions of a model's layers; prefix is the path of the model.
func (s *Scope) run(m *Model, prefix string, in []*graph.Node) []*graph.Node {
	value := map[*Tensor]*graph.Node{}
	for i, t := range m.inputs {
		value[t] = in[i]
	}
	layer, path, frozen := s.layer, s.path, s.frozen
	defer func() { s.layer, s.path, s.frozen = layer, path, frozen }()
	for _, t := range m.order {
		if s.err != nil {
			return nil
		}
		s.layer, s.path, s.frozen, s.more = t.layer, prefix+t.layer.name, frozen || t.layer.frozen, nil
		inputs := make([]*graph.Node, len(t.in))
		for i, x := range t.in {
			inputs[i] = value[x]
		}
		s.err = s.groups.Record(s.g, s.path, func() error {
			if err := attempt("Forward", func() error { value[t] = t.layer.def.Forward(s, inputs); return nil }); err != nil {
				return fmt.Errorf("%s %q: %w", t.layer.def.Kind(), s.path, err)
			}
			return s.err
		})
		if s.err == nil {
			s.err = s.checkOutputs(t, append([]*graph.Node{value[t]}, s.more...))
		}
		for k, n := range s.more {
			value[t.more[k]] = n
		}
		if s.tracing && t.layer.sub == nil {
			s.traced.paths, s.traced.nodes = append(s.traced.paths, s.path), append(s.traced.nodes, value[t])
		}
	}
	if s.err != nil {
		return nil
	}
	out := make([]*graph.Node, len(m.outputs))
	for i, t := range m.outputs {
		out[i] = value[t]
	}
	return out
}

// checkOutputs compares the shapes that a layer promised with those it made.
func (s *Scope) checkOutputs(t *Tensor, out []*graph.Node) error {
	if len(out) != 1+len(t.more) {
		s.more = nil
		return fmt.Errorf("%s %q: Forward gave %d outputs, Build promised %d", t.layer.def.Kind(), s.path, len(out), 1+len(t.more))
	}
	for k, x := range t.outputs() {
		if out[k] == nil {
			return fmt.Errorf("%s %q: Forward gave no node", t.layer.def.Kind(), s.path)
		}
		if want := x.shape.withBatch(s.batch); !slices.Equal([]int(out[k].Shape()), want) {
			return fmt.Errorf("%s %q: Forward gave shape %v, Build promised %v", t.layer.def.Kind(), s.path, out[k].Shape(), graph.Shape(want))
		}
	}
	return nil
}

// addCost adds the losses with their targets and weights, and all penalties.
func (v *view) addCost(m *Model, weighted bool) {
	c := m.compiled
	for k, out := range v.out {
		name := "target"
		if k > 0 {
			name = fmt.Sprint("target ", k)
		}
		t := v.Do(graph.Input(v.g, graph.Float32, name, c.targets[k].withBatch(v.batch)...))
		v.targets = append(v.targets, t)
		loss := v.mean(v.rows(c.losses[k], out, t), c.losses[k], weighted, k)
		if len(v.out) > 1 {
			v.losses = append(v.losses, loss)
		}
		if c.lossWeights != nil && loss != nil {
			loss = v.Do(graph.Scale(loss, c.lossWeights[k]))
		}
		if v.cost == nil {
			v.cost = loss
		} else {
			v.cost = v.Do(graph.Add(v.cost, loss))
		}
	}
	for _, w := range m.weights {
		if n, used := v.Scope.weights[w]; used {
			v.AddLoss(v.Do(w.regularizer.penalty(n)))
		}
	}
	for _, penalty := range v.penalties {
		v.cost = v.Do(graph.Add(v.cost, penalty))
	}
}

// rows adds a loss, which may be a user's own.
func (v *view) rows(loss Loss, out, target *graph.Node) (rows *graph.Node) {
	err := attempt(fmt.Sprintf("loss %q: Rows", loss.Name()), func() (err error) {
		rows, err = loss.Rows(out, v.logitsFor(loss, out), target)
		return err
	})
	return v.Do(rows, err)
}

// mean is the mean of an output's losses, each times its sample's weight.
func (v *view) mean(rows *graph.Node, loss Loss, weighted bool, k int) *graph.Node {
	if rows == nil || !weighted {
		return v.Do(graph.Mean(rows))
	}
	shape := rows.Shape()
	if n := Shape(shape).Size(); len(shape) == 0 || n%v.batch != 0 {
		return v.Do(nil, fmt.Errorf("%s gives %v, which has no value for each sample, so that samples cannot have weights", loss.Name(), shape))
	}
	w := v.Do(graph.Input(v.g, graph.Float32, fmt.Sprint("sample weights ", k), shape...))
	v.weights = append(v.weights, w)
	return v.Do(graph.WeightedMean(rows, w))
}

// building serialises the making of graphs: Gorgonia's constructors share
// counters that are not guarded.
var building sync.Mutex

// newPlan builds and compiles the graph for a purpose and a batch size.
func (m *Model) newPlan(p purpose, key planKey) (*plan, error) {
	building.Lock()
	defer building.Unlock()
	v, err := m.view(p, key)
	if err != nil {
		return nil, err
	}
	pl := &plan{batch: key.batch, scope: v.Scope, roots: slices.Clone(v.out), outs: len(v.out)}
	switch {
	case p == tracing:
		pl.roots = v.traced.nodes
	case v.cost != nil:
		pl.roots = append(append(pl.roots, v.cost), v.losses...)
	}
	pl.firstGradient = len(pl.roots)
	if p == fitting {
		var free graph.Nodes
		for _, w := range m.free {
			n, used := v.Scope.weights[w]
			if !used {
				return nil, fmt.Errorf("model %q: weight %q was declared and is never used", m.name, m.paths[w])
			}
			free = append(free, n)
		}
		if len(free) == 0 {
			return nil, fmt.Errorf("model %q: has no weights to train", m.name)
		}
		gradients, err := graph.Grad(v.cost, free...)
		if err != nil {
			return nil, fmt.Errorf("model %q: %w", m.name, err)
		}
		pl.roots = append(pl.roots, gradients...)
		for _, w := range v.updates {
			pl.roots, pl.updates = append(pl.roots, v.Scope.weights[w]), append(pl.updates, w)
		}
	}
	if pl.program, err = graph.Compile(pl.roots...); err != nil {
		return nil, fmt.Errorf("model %q: %w", m.name, err)
	}
	pl.inputs, pl.targets, pl.weights = places(v.in), places(v.targets), places(v.weights)
	pl.values, pl.floats = make([]graph.Value, len(pl.roots)), make([][]float32, len(pl.roots))
	return pl, nil
}

// place is a data node of a plan with the value that is bound to it: memory of
// the plan's own, a sparse matrix, or a caller's value.
type place struct {
	node  *graph.Node
	own   *tensor.Dense
	rows  *graph.CSR
	bound graph.Value
}

func places(nodes graph.Nodes) (list []*place) {
	for _, n := range nodes {
		list = append(list, &place{node: n})
	}
	return list
}

// bind ties a value to the node, if it is not tied already.
func (p *place) bind(v graph.Value) error {
	if p.bound == v {
		return nil
	}
	if err := graph.Let(p.node, v); err != nil {
		return err
	}
	p.bound = v
	return nil
}

// dense is the place's own memory, bound.
func (p *place) dense() ([]float32, error) {
	if p.own == nil {
		p.own = tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(p.node.Shape()...))
	}
	return p.own.Float32s(), p.bind(p.own)
}

// sparse is the place's own sparse matrix, bound.
func (p *place) sparse() (*graph.CSR, error) {
	if p.rows == nil {
		shape := p.node.Shape()
		if len(shape) != 2 {
			return nil, fmt.Errorf("%q has shape %v; only rows of features can be sparse", p.node.Name(), shape)
		}
		p.rows = graph.NewCSR(shape[0], shape[1])
	}
	return p.rows, p.bind(p.rows)
}

// run computes the plan's roots from what lies in inputs and targets.
func (p *plan) run() error {
	if err := p.program.RunAll(); err != nil {
		var op *graph.OpError
		if errors.As(err, &op) && op.Group == "" {
			op.Group = p.scope.groups.Of(op.Node)
		}
		return err
	}
	for i, r := range p.roots {
		// The value of a root only changes where an op of Gorgonia made it.
		if v := r.Value(); v != p.values[i] {
			p.values[i], p.floats[i] = v, graph.Floats(v)
		}
	}
	return nil
}

// outputs and losses are what the last run computed. They are overwritten by the
// next.
func (p *plan) outputs() [][]float32 { return p.floats[:p.outs] }
func (p *plan) loss() float64        { return float64(p.floats[p.outs][0]) }

// lossOf is the loss of one output of several.
func (p *plan) lossOf(k int) float64 { return float64(p.floats[p.outs+1+k][0]) }

// weigh gives every sample of the batch its weight.
func (p *plan) weigh(weights []float32) error {
	for _, place := range p.weights {
		memory, err := place.dense()
		if err != nil {
			return err
		}
		each := len(memory) / len(weights)
		for i, w := range weights {
			for j := range each {
				memory[i*each+j] = w
			}
		}
	}
	return nil
}

// update copies what the layers have computed for their State arrays.
func (p *plan) update() {
	first := len(p.floats) - len(p.updates)
	for i, w := range p.updates {
		copy(w.value.Float32s(), p.floats[first+i])
	}
}
