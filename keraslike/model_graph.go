// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// modelGraph is the compiled graph of a model for one mode and one batch size, with the
// buffers for its batches.
type modelGraph struct {
	graphKey
	program *graph.Program
	batchBuffers
	losses  []Loss        // of the outputs, where they are computed
	domains []*valueRange // of their targets
	updated []*Weight     // the weights that updates has new values for
	written []*Weight     // those, and the trained weights
	locks   weightLocks   // of the weights it reads; none in training, which writes them itself
	scope   *Scope

	// The results of the program. The next run overwrites them.
	outputs      root
	cost         root // one node, where a loss is computed
	outputLosses root // of each output, where there are several
	masks        root // of each output, nil for none
	gradients    root // of the trained weights
	updates      root
	activations  root // of all layers, of a graph that traces them

	computed []computed
}

// root is one kind of result of a program.
type root struct {
	nodes  graph.Nodes
	values [][]float32 // of the last run, nil where the node is
}

// computed links a node, whose value may be another tensor after a run, to its values in a
// root.
type computed struct {
	node   *graph.Node
	value  graph.Value
	floats *[]float32
}

// allRoots returns the roots in the order of the program.
func (g *modelGraph) allRoots() []*root {
	return []*root{&g.outputs, &g.cost, &g.outputLosses, &g.masks, &g.gradients, &g.updates, &g.activations}
}

// newGraph builds and compiles the graph for a mode and a batch size, with at most memory bytes
// for values. A training graph has the gradients of trained.
func (n *network) newGraph(memory int64, mode mode, key graphKey, c *compiled, trained []*Weight) (*modelGraph, error) {
	z, err := n.affordable(mode, key.batch, key.lengths)
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, err)
	}
	building.Lock()
	defer building.Unlock()
	g, v, err := n.graphWithRoots(mode, key, z, c, trained)
	if err != nil {
		return nil, err
	}
	memory -= int64(z.cost.internalBytes(mode, key.batch)) // affordable: no overflow
	if err := g.compile(v, memory); err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, err)
	}
	return g, nil
}

// graphWithRoots builds the graph without planning its memory.
func (n *network) graphWithRoots(mode mode, key graphKey, z *sizes, c *compiled, trained []*Weight) (*modelGraph, *expression, error) {
	v, err := n.newExpression(mode, key, z, c)
	if err != nil {
		return nil, nil, err
	}
	g := &modelGraph{graphKey: key, scope: v.Scope}
	if mode < modeTrain {
		g.locks = n.locks
	}
	if mode == modeTrace {
		g.activations.nodes = v.traced.nodes
		return g, v, nil
	}
	g.outputs.nodes = slices.Clone(v.out)
	if v.cost != nil {
		g.losses = c.losses
		g.cost.nodes, g.outputLosses.nodes, g.masks.nodes = graph.Nodes{v.cost}, v.outputLosses, v.outputMasks
	}
	if mode == modeTrain {
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
		if g.gradients.nodes, err = graph.Grad(v.cost, variables...); err != nil {
			return nil, nil, fmt.Errorf("model %q: %w", n.name, v.annotate(err))
		}
		g.updated, g.written = v.updates, append(slices.Clone(trained), v.updates...)
		for _, w := range v.updates {
			g.updates.nodes = append(g.updates.nodes, v.Scope.weights[w])
		}
	}
	return g, v, nil
}

// nodes returns the nodes of all roots, in the order of the program.
func (g *modelGraph) nodes() (list graph.Nodes) {
	for _, r := range g.allRoots() {
		for _, n := range r.nodes {
			if n != nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// compile creates the program that computes the roots with at most memory bytes for values.
func (g *modelGraph) compile(v *expression, memory int64) (err error) {
	compile := graph.CompileWithin
	if !v.training {
		compile = inference(v.Scope.weights).Compile
	}
	if g.program, err = compile(memory, g.nodes()...); err != nil {
		if tooLarge := (*graph.MemoryError)(nil); errors.As(err, &tooLarge) {
			err = fmt.Errorf("a batch of %d samples: %w (Limits.Memory)", g.batch, tooLarge)
		}
		return err
	}
	for _, r := range g.allRoots() {
		r.values = make([][]float32, len(r.nodes))
		for i, n := range r.nodes {
			if n != nil {
				g.computed = append(g.computed, computed{node: n, floats: &r.values[i]})
			}
		}
	}
	g.inputs, g.targets, g.sampleWeights, g.domains = inputBuffers(v.in), inputBuffers(v.targets), inputBuffers(v.weights), v.domains
	return nil
}

// run computes the roots from the inputs and targets in the buffers.
func (g *modelGraph) run() error {
	if err := g.compute(); err != nil {
		return g.scope.annotate(err)
	}
	for i := range g.computed {
		// The value of a root only changes where an op of Gorgonia made it.
		if c := &g.computed[i]; c.node.Value() != c.value {
			c.value = c.node.Value()
			*c.floats = graph.Floats(c.value)
		}
	}
	return g.checkTargets()
}

// compute runs the program while nobody else writes its weights.
func (g *modelGraph) compute() error {
	g.locks.rLock()
	defer g.locks.rUnlock()
	return g.program.RunAll()
}

// loss returns the total loss of the last run.
func (g *modelGraph) loss() float64 { return float64(g.cost.values[0][0]) }

// result returns the results of the last run.
func (g *modelGraph) result() result {
	return result{g.loss(), g.outputLosses.values, g.outputs.values, g.masks.values}
}

// mask returns the mask of an output, nil if it has no mask.
func (g *modelGraph) mask(k int) []float32 { return g.masks.values[k] }

// update copies the new values of State arrays that the layers have computed; the caller holds
// the locks.
func (g *modelGraph) update() {
	for i, w := range g.updated {
		copy(w.floats(), g.updates.values[i])
	}
}

// gradient returns the gradient of the i-th trainable weight. If read is set, its values are
// available as a slice.
func (g *modelGraph) gradient(i int, read bool) gradient {
	rows, ok := g.gradients.nodes[i].Value().(*graph.RowSparse)
	switch {
	case !ok:
		return gradient{values: g.gradients.values[i]}
	case read:
		return gradient{values: rows.Values(), rows: rows.Index, sparse: true}
	}
	return gradient{parts: rows}
}
