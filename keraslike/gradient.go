// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Gradient computes the gradient of one layer's output, the source, with respect to the
// output of another layer or the model's input: what saliency maps, Grad-CAM and pictures
// made by gradient ascent need. It has a separate graph without dropout that shares the
// weights of the model. It is not safe for concurrent use.
type Gradient struct {
	graph      *modelGraph
	source, at Shape
}

// Gradient prepares the gradient of the output of layer source with respect to that of
// layer at. Layers of nested models are named by their paths, "vgg16/block5_conv3"; of a
// layer that is used several times the first use counts. An empty source is the model's
// output, before softmax or sigmoid where it ends with one; an empty at is its input.
func (m *Model) Gradient(source, at string) (*Gradient, error) {
	switch {
	case m.err != nil:
		return nil, m.err
	case !m.built:
		return nil, fmt.Errorf("gradient: model %q has no weights yet: build, compile or load it", m.name)
	case len(m.inputs) > 1 || source == "" && len(m.outputs) > 1:
		return nil, fmt.Errorf("gradient: model %q has %s and %s, want one of each", m.name, text.Count(len(m.inputs), "input"), text.Count(len(m.outputs), "output"))
	case m.front != nil:
		return nil, fmt.Errorf("gradient: model %q has layers that run before the network, such as %q: ask a model of the layers behind them", m.name, m.front[0].layer.name)
	case m.isFree():
		return nil, fmt.Errorf("gradient: model %q has an input of shape %v, want fixed lengths: apply the model to an Input that has them", m.name, m.inputs[0].shape)
	}
	g, err := m.gradient(source, at)
	if err != nil {
		return nil, fmt.Errorf("gradient: model %q: %w", m.name, err)
	}
	return g, nil
}

func (m *Model) gradient(source, at string) (*Gradient, error) {
	z, err := m.affordable(modeGradient, 1, lengths{})
	if err != nil {
		return nil, err
	}
	building.Lock()
	defer building.Unlock()
	v, err := m.newExpression(modeGradient, graphKey{batch: 1}, z, m.compiled)
	if err != nil {
		return nil, err
	}
	from, to := v.out[0], v.in[0]
	if z := v.logits[from].node; z != nil {
		from = z
	}
	if source != "" {
		if from, err = v.layer(source); err != nil {
			return nil, err
		}
	}
	if at != "" {
		if to, err = v.layer(at); err != nil {
			return nil, err
		}
	}
	direction := v.input("direction", from.Shape()...)
	if v.err != nil {
		return nil, v.err
	}
	v.targets = graph.Nodes{direction}
	gradient := direction // of a layer with respect to itself
	if from != to {
		if !slices.Contains(from.Graph().ExactSubgraphRoots(from).AllNodes(), to) {
			return nil, fmt.Errorf("layer %q does not depend on layer %q", source, at)
		}
		gradients, err := graph.Backpropagate(graph.Nodes{from}, graph.Nodes{direction}, graph.Nodes{to})
		if err != nil {
			return nil, v.annotate(err)
		}
		gradient = gradients[0]
	}
	compiled := &modelGraph{graphKey: graphKey{batch: 1}, scope: v.Scope, outputs: root{nodes: graph.Nodes{from, to}}, gradients: root{nodes: graph.Nodes{gradient}}}
	if err := compiled.compile(v, m.memoryLimit(modeGradient, 1)); err != nil {
		return nil, err
	}
	return &Gradient{graph: compiled, source: Shape(from.Shape()[1:]), at: Shape(to.Shape()[1:])}, nil
}

// layer returns the node of the layer at a path.
func (v *expression) layer(path string) (*graph.Node, error) {
	if n := v.layerNodes[path]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("there is no layer %q", path)
}

// Source returns the shape of the source's output for one sample.
func (g *Gradient) Source() Shape { return g.source }

// At returns the shape of the target layer's output, and of the gradient, for one sample.
func (g *Gradient) At() Shape { return g.at }

// Run computes the outputs of both layers for one sample x and
//
//	gradient = ∂ Σ direction·source / ∂ at
//
// The direction has the shape of the source; a one-hot direction selects one of its values.
// The next Run overwrites the results.
func (g *Gradient) Run(x, direction []float32) (source, at, gradient []float32, err error) {
	for _, b := range []struct {
		what   string
		to     *inputBuffer
		values []float32
	}{{"input", g.graph.inputs[0], x}, {"direction", g.graph.targets[0], direction}} {
		memory, err := b.to.dense()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("gradient: %w", err)
		}
		if len(b.values) != len(memory) {
			return nil, nil, nil, fmt.Errorf("gradient: the %s has %d values, want %d", b.what, len(b.values), len(memory))
		}
		if err := checkFinite(b.what, 0, b.values, []int{0}); err != nil {
			return nil, nil, nil, fmt.Errorf("gradient: %w", err)
		}
		copy(memory, b.values)
	}
	if err := g.graph.run(); err != nil {
		return nil, nil, nil, fmt.Errorf("gradient: %w", err)
	}
	out := g.graph.outputs.values
	return out[0], out[1], g.graph.gradients.values[0], nil
}
