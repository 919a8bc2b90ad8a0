// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// graphKey tells the plans of one purpose apart.
type graphKey struct {
	batch    int
	weighted bool // whether samples have weights
}

// expression is a graph of the model before it is compiled.
type expression struct {
	*Scope
	in, targets, weights, out graph.Nodes
	outMasks                  graph.Nodes // of the outputs, nil for none
	cost                      *graph.Node
	losses                    graph.Nodes // of the outputs, where there are several
	domains                   []*numbers  // of targets, for each output
}

// newExpression builds the graph without compiling it, as c has it where the model is compiled; it is how mistakes in layers'
// expressions are found early.
func (n *network) newExpression(p mode, key graphKey, c *compiled) (*expression, error) {
	if err := n.affordable(p, 1); err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, err)
	}
	s := &Scope{
		nodes: nodesOfLayer * n.layersLimit(), memory: n.memoryLimit(p, key.batch),
		g: graph.New(), training: p >= modeTrain, batch: key.batch, samples: key.batch, random: n.random, tracing: p == modeTrace, paths: n.paths,
		weights: map[*Weight]*graph.Node{}, constants: map[string]*graph.Node{}, logits: map[*graph.Node]logits{}, groups: &graph.Groups{},
	}
	if c != nil {
		s.compiled = c.frozen
	}
	v := &expression{Scope: s}
	if p == modeGradient {
		s.located = map[string]*graph.Node{}
	}
	for _, x := range n.inputs {
		v.in = append(v.in, s.input(x.layer.name, x.shape.withBatch(key.batch)...))
	}
	v.out, v.outMasks = s.run(n, "", v.in, nil)
	if s.err == nil && (p == modeEvaluate || p == modeTrain) {
		s.err = s.groups.Record(s.g, "loss", func() error { v.addCost(n, c, key.weighted); return s.err })
	}
	if s.err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, s.err)
	}
	return v, nil
}

// run adds the expressions of a network's layers and returns its outputs and their
// masks; prefix is the path of the network.
func (s *Scope) run(net *network, prefix string, in, masks []*graph.Node) (out, outMasks []*graph.Node) {
	value, mask := map[*Tensor]*graph.Node{}, map[*Tensor]*graph.Node{}
	for i, t := range net.inputs {
		value[t] = in[i]
		if i < len(masks) {
			mask[t] = masks[i]
		}
	}
	outer := s.application
	defer func() { s.application = outer }()
	for _, t := range net.order {
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
		if s.tracing && t.layer.network() == nil {
			s.traced.paths, s.traced.nodes = append(s.traced.paths, s.path), append(s.traced.nodes, value[t])
		}
	}
	for _, t := range net.outputs {
		out, outMasks = append(out, value[t]), append(outMasks, mask[t])
	}
	return out, outMasks
}
