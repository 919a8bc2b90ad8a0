// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// nodesOfStep is how many times as many nodes a Step may have as the expression of a model.
const nodesOfStep = 8

// newPhaseGraph is newGraph for a phase.
func (m *Model) newPhaseGraph(memory int64, mode mode, key graphKey, c *compiled) (*modelGraph, error) {
	var z *sizes
	if c.data.own {
		var err error
		if z, err = m.affordable(mode, key.batch, key.lengths); err != nil {
			return nil, fmt.Errorf("model %q: %w", m.name, err)
		}
	}
	s := m.newStep(mode, key, c, z, nil, &c.data)
	p := c.phases[key.phase]
	g, err := s.graph(p)
	if err == nil {
		err = g.compile(s.v, memory)
	}
	if err != nil {
		return nil, fmt.Errorf("model %q: %s: %w", m.name, p.label(), err)
	}
	return g, nil
}

// newStep returns an empty step of a phase. sizes are those of the model, which the step may not need.
func (m *Model) newStep(mode mode, key graphKey, c *compiled, z *sizes, zErr error, data *phaseData) *Step {
	sizing := newSizing()
	if z != nil {
		sizing = z.sizing
	}
	p := c.phases[key.phase]
	v := &expression{Scope: &Scope{
		sizing:   sizing,
		maxNodes: nodesOfStep * nodesPerLayer * m.layersLimit(), maxMemory: m.memoryLimit(mode, key.batch),
		g: graph.New(), training: mode == modeTrain, batch: key.batch, samples: key.batch, random: &graph.Random{Key: m.random.Key}, paths: m.paths,
		weights: map[*Weight]*graph.Node{}, constants: map[string]*graph.Node{}, logits: map[*graph.Node]logits{}, groups: &graph.Groups{},
		compiledFrozen: c.frozen,
	}}
	return &Step{
		v: v, net: &m.network, self: m.core(), phase: p.name, trained: p.trained, mode: mode, key: key, data: data, sizes: z, sizesErr: zErr,
		input: map[int]*graph.Node{}, target: map[int]*graph.Node{}, masks: map[*graph.Node]*graph.Node{},
	}
}

// graph builds the graph of the phase, which is not compiled yet.
func (s *Step) graph(p *compiledPhase) (*modelGraph, error) {
	building.Lock()
	defer building.Unlock()
	v := s.v
	if err := s.build(p); err != nil {
		return nil, err
	}
	g := &modelGraph{graphKey: s.key, scope: v.Scope, ofPhase: true}
	g.cost.nodes, g.logged.nodes, g.measured.nodes, g.outputs.nodes = graph.Nodes{v.cost}, s.logged, s.measured, s.outputs
	for k := range s.measures {
		g.rows = append(g.rows, s.measured[2*k].Shape()[0])
	}
	g.locks = locksOf(s.foreign)
	if s.mode != modeTrain {
		g.locks = locksOf(slices.Concat(s.net.weights, s.foreign))
		return g, nil
	}
	var variables graph.Nodes
	for _, w := range p.weights {
		variable, used := v.Scope.trained(w)
		if !used {
			return nil, fmt.Errorf("trains weight %q, which its step does not use: Trains lists the models or layers that it trains", s.net.paths[w])
		}
		variables = append(variables, variable)
	}
	var err error
	if g.gradients.nodes, err = graph.Grad(v.cost, variables...); err != nil {
		return nil, v.annotate(err)
	}
	g.updated, g.written = v.updates, slices.Clone(p.weights)
	for _, w := range v.updates {
		if !p.trained[w] {
			g.written = append(g.written, w)
		}
		g.updates.nodes = append(g.updates.nodes, v.Scope.weights[w])
	}
	return g, v.err
}

// build calls the function of the phase and completes its loss.
func (s *Step) build(p *compiledPhase) error {
	v := s.v
	err := v.groups.Record(v.g, p.series(), func() error {
		err := guard("step", nil, "", func() error { v.cost = p.given.(*phase).step(s); return nil })
		if v.err != nil {
			return v.err
		}
		return err
	})
	switch cost := v.cost; {
	case err != nil:
		return err
	case cost == nil:
		return fmt.Errorf("its step returned no node, want its loss")
	case cost.Graph() != v.g:
		return fmt.Errorf("its step returned a node of another graph")
	case len(cost.Shape()) > 0 || cost.Dtype() != graph.Float32:
		return fmt.Errorf("its loss has shape %v of %v, want a scalar of float32, such as graph.Mean returns", cost.Shape(), cost.Dtype())
	}
	for _, w := range p.weights {
		if variable, used := v.Scope.weights[w]; used {
			v.addPenalty(v.Do(w.regularizer.penalty(variable)))
		}
	}
	for _, penalty := range v.penalties {
		v.cost = v.Do(graph.Add(v.cost, penalty))
	}
	for _, one := range v.logged {
		s.Log(one.name, one.node)
	}
	return s.addData()
}

// addData lists the inputs, targets and weights of the data, also those that the phase does not use.
func (s *Step) addData() error {
	v, d := s.v, s.data
	inputs := len(d.inputs)
	if d.own {
		inputs = len(s.net.edges)
	}
	declares := s.declares
	s.declares = false
	defer func() { s.declares = declares }()
	for k := range inputs {
		if !d.own && d.inputs[k] == nil {
			return fmt.Errorf("uses input %d of the data, and none its input %d: declare all by Step.Input", len(d.inputs)-1, k)
		}
		v.in = append(v.in, s.Input(k))
	}
	for k, shape := range d.targets {
		if shape == nil {
			return fmt.Errorf("uses target %d of the data, and none its target %d: declare all by Step.Target", len(d.targets)-1, k)
		}
		if shape.isFree() && !d.own {
			return fmt.Errorf("target %d has shape %v; Any is for data with the inputs of the model, which Step.Input has without a shape", k, shape)
		}
		v.targets = append(v.targets, s.Target(k, shape...))
	}
	if s.key.weighted {
		v.weights = append(v.weights, s.Weights())
	}
	return v.err
}

// phaseSpec describes the data that the phases read.
func (m *Model) phaseSpec() *dataSpec {
	c := m.compiled
	d := &dataSpec{network: &network{}, compiled: c, model: m.name, inputs: c.data.inputs, targets: c.data.targets}
	if c.data.own {
		d.network = &m.network
	}
	for k := range d.targets {
		d.wanted = append(d.wanted, fmt.Sprintf("target %d of its phases", k))
	}
	return d
}
