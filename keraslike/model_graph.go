// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// modelGraph is the model's graph for one purpose and one batch size, compiled, with
// the memory that samples are read into.
type modelGraph struct {
	batch   int
	program *graph.Program
	batchBuffers
	losses  []Loss     // of the outputs, where they are computed
	domains []*numbers // of their targets
	updated []*Weight  // what the updates are new values of
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
func (p *modelGraph) allRoots() []*root {
	return []*root{&p.outputs, &p.cost, &p.lossOf, &p.masks, &p.gradients, &p.updates, &p.activations}
}

// newGraph builds and compiles a network's graph for a purpose and a batch size, with at most
// so many bytes for values. A graph for training has the gradients of trained.
func (n *network) newGraph(memory int64, p mode, key graphKey, c *compiled, trained []*Weight) (*modelGraph, error) {
	if err := n.affordable(p, key.batch); err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, err)
	}
	building.Lock()
	defer building.Unlock()
	pl, v, err := n.graphWithRoots(p, key, c, trained)
	if err != nil {
		return nil, err
	}
	memory -= int64(4 * n.cost.held * float64(key.batch)) // affordable: no overflow
	if err := pl.compile(v, memory); err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, err)
	}
	return pl, nil
}

// graphWithRoots builds the graph, for which no memory is planned yet.
func (n *network) graphWithRoots(p mode, key graphKey, c *compiled, trained []*Weight) (*modelGraph, *expression, error) {
	v, err := n.newExpression(p, key, c)
	if err != nil {
		return nil, nil, err
	}
	pl := &modelGraph{batch: key.batch, scope: v.Scope}
	if p == modeTrace {
		pl.activations.nodes = v.traced.nodes
		return pl, v, nil
	}
	pl.outputs.nodes = slices.Clone(v.out)
	if v.cost != nil {
		pl.losses = c.losses
		pl.cost.nodes, pl.lossOf.nodes, pl.masks.nodes = graph.Nodes{v.cost}, v.losses, v.outMasks
	}
	if p == modeTrain {
		var variables graph.Nodes
		for _, w := range trained {
			variable, used := v.Scope.weights[w]
			if !used {
				return nil, nil, fmt.Errorf("model %q: weight %q was declared and is never used", n.name, n.paths[w])
			}
			variables = append(variables, variable)
		}
		if len(variables) == 0 {
			return nil, nil, fmt.Errorf("model %q: has no weights to train", n.name)
		}
		if pl.gradients.nodes, err = graph.Grad(v.cost, variables...); err != nil {
			return nil, nil, fmt.Errorf("model %q: %w", n.name, v.annotate(err))
		}
		pl.updated = v.updates
		for _, w := range v.updates {
			pl.updates.nodes = append(pl.updates.nodes, v.Scope.weights[w])
		}
	}
	return pl, v, nil
}

// nodes are the nodes of all roots, in the order of the program.
func (p *modelGraph) nodes() (list graph.Nodes) {
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
func (p *modelGraph) compile(v *expression, memory int64) (err error) {
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
func (p *modelGraph) run() error {
	if err := p.program.RunAll(); err != nil {
		return p.scope.annotate(err)
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
func (p *modelGraph) loss() float64 { return float64(p.cost.values[0][0]) }

// result is what the last run computed of its batch.
func (p *modelGraph) result() result {
	return result{p.loss(), p.lossOf.values, p.outputs.values, p.masks.values}
}

// mask is the mask of an output, nil for none.
func (p *modelGraph) mask(k int) []float32 { return p.masks.values[k] }

// update copies what the layers have computed for their State arrays.
func (p *modelGraph) update() {
	for i, w := range p.updated {
		copy(w.value.Float32s(), p.updates.values[i])
	}
}

// gradient is that of the i-th trainable weight, which is read or only updated with.
func (p *modelGraph) gradient(i int, read bool) gradient {
	rows, ok := p.gradients.nodes[i].Value().(*graph.RowSparse)
	switch {
	case !ok:
		return gradient{values: p.gradients.values[i]}
	case read:
		return gradient{values: rows.Values(), rows: rows.Index, sparse: true}
	}
	return gradient{parts: rows}
}
