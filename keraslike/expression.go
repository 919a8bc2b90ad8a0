// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// graphKey identifies a cached graph of one mode.
type graphKey struct {
	batch    int
	weighted bool    // whether samples have weights
	lengths  lengths // of the free axes
	leaf     bool    // the batch is a part of that of a distributed training
	phase    int     // of a model with Phases
}

// expression is a graph of the model before the graph is compiled.
type expression struct {
	*Scope
	in, targets, weights, out graph.Nodes
	carried                   graph.Nodes // states that the batch before has left
	outputMasks               graph.Nodes // of the outputs, nil for none
	cost                      *graph.Node
	outputLosses              graph.Nodes         // of the outputs, where there are several, and what layers log
	domains                   []*valueRange       // of the targets
	weightsOf                 map[int]*graph.Node // the weights of samples for the loss of an output
	lossMasks                 graph.Nodes         // of what the loss of each output is the mean over, nil for all
}

// newExpression builds the graph without compiling it, for the sizes that belong to the key. c is
// nil for a model that is not compiled.
func (n *network) newExpression(mode mode, key graphKey, z *sizes, c *compiled) (*expression, error) {
	s := &Scope{
		sizing:   z.sizing,
		maxNodes: nodesPerLayer * n.layersLimit(), maxMemory: n.memoryLimit(mode, key.batch),
		g: graph.New(), training: mode >= modeTrain, leaf: key.leaf, batch: key.batch, samples: key.batch, random: n.random, tracesLayers: mode == modeTrace, paths: n.paths,
		weights: map[*Weight]*graph.Node{}, assigned: map[*Weight]*graph.Node{}, constants: map[string]*graph.Node{}, logits: map[*graph.Node]logits{}, groups: &graph.Groups{},
	}
	if mode == modeSample { // other predictions may run at the same time
		s.random = &graph.Random{}
	}
	if c != nil {
		s.compiledFrozen = c.frozen
	}
	s.carrying = newCarrying(n, mode)
	v := &expression{Scope: s}
	if mode == modeGradient {
		s.layerNodes = map[string]*graph.Node{}
	}
	for _, x := range n.edges {
		v.in = append(v.in, s.input(x.layer.name, z.shape(x).withBatch(key.batch)...))
	}
	v.out, v.outputMasks = s.run(n, "", n.edges, n.rest, v.in, nil)
	if s.err == nil && (mode == modeEvaluate || mode == modeTrain) {
		s.err = s.groups.Record(s.g, "loss", func() error { v.addCost(n, c, key.weighted); return s.err })
	}
	if s.err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, s.err)
	}
	return v, nil
}

// run adds the expressions of calls of a network, which begin with start, and returns its outputs and
// their masks; prefix is the path of the network.
func (s *Scope) run(net *network, prefix string, start, calls []*Tensor, in, masks []*graph.Node) (out, outMasks []*graph.Node) {
	value, mask := map[*Tensor]*graph.Node{}, map[*Tensor]*graph.Node{}
	for i, t := range start {
		value[t] = in[i]
		if i < len(masks) {
			mask[t] = masks[i]
		}
	}
	outer := s.application
	defer func() { s.application = outer }()
	z := s.sizing.find(net, sampleShapes(in))
	for _, t := range calls {
		if s.err != nil {
			return nil, nil
		}
		s.application = application{sizes: z, layer: t.layer, path: prefix + t.layer.name, frozen: outer.frozen || s.isFrozen(t.layer)}
		if s.err = s.apply(t, value, mask); s.err != nil {
			return nil, nil
		}
		s.recordNode(t.layer, value[t])
	}
	for _, t := range net.outputs {
		out, outMasks = append(out, value[t]), append(outMasks, mask[t])
	}
	return out, outMasks
}

// sampleShapes returns the shapes of one sample of nodes.
func sampleShapes(nodes []*graph.Node) []Shape {
	shapes := make([]Shape, len(nodes))
	for i, n := range nodes {
		if n != nil {
			shapes[i] = Shape(n.Shape()[1:])
		}
	}
	return shapes
}

// apply adds the expression of one call of a layer and stores its outputs and their masks in
// value and mask.
func (s *Scope) apply(t *Tensor, value, mask map[*Tensor]*graph.Node) error {
	inputs := make([]*graph.Node, len(t.in))
	for i, x := range t.in {
		inputs[i] = value[x]
		if !t.layer.ignoresMasks && !t.layer.passesUnused {
			s.masks = append(s.masks, mask[x])
		}
	}
	err := s.groups.Record(s.g, s.path, func() error {
		if err := attempt("Forward", func() error { value[t] = s.forward(t.layer.def, inputs); return nil }); err != nil {
			return fmt.Errorf("%s %q: %w", t.layer.def.Kind(), s.path, err)
		}
		return s.err
	})
	if err != nil {
		return err
	}
	if n := len(s.g.AllNodes()); n > s.maxNodes {
		return fmt.Errorf("%s %q: the graph has %d nodes here, the most is %d, %d times Limits.Layers", t.layer.def.Kind(), s.path, n, s.maxNodes, nodesPerLayer)
	}
	if err := s.checkOutputs(t, append([]*graph.Node{value[t]}, s.moreOutputs...)); err != nil {
		return err
	}
	for k, x := range t.moreOutputs {
		value[x] = s.moreOutputs[k]
	}
	if t.layer.passesUnused && returnsSequences(t.layer.def) {
		s.SetMask(0, mask[t.in[0]])
	}
	for k, n := range s.outputMasks {
		mask[t.Output(k)] = n
	}
	return nil
}

// recordNode records the first output of a layer in a graph that exposes all layers.
func (s *Scope) recordNode(l *layer, n *graph.Node) {
	if _, again := s.layerNodes[s.path]; s.layerNodes != nil && !again {
		s.layerNodes[s.path] = n
	}
	if s.tracesLayers && l.network() == nil {
		s.traced.paths, s.traced.nodes = append(s.traced.paths, s.path), append(s.traced.nodes, n)
	}
}
