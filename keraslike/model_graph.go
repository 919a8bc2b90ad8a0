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
	arena   *graph.Arena // in which the program runs; nil while the graph is idle
	nodes   int          // of the expression
	entry   *cachedGraph // of the cache, nil if the graph is not from there
	bytes   int64        // as the cache counts it
	batchBuffers
	losses   []Loss        // of the outputs, where they are computed
	targeted []int         // the outputs of the targets
	domains  []*valueRange // of the targets
	updated  []*Weight     // the weights that updates has new values for
	written  []*Weight     // those, and the trained weights
	locks    weightLocks   // of the weights it reads; none in training, which writes them itself
	scope    *Scope
	ofPhase  bool  // of a model with phases
	rows     []int // of what each metric of the phase measures

	carriedFrom  []int // the states that batchBuffers.carried are, by their places in the network
	carriedSizes []int // of these, in values
	carriedTo    []int // the states that carries are

	// The results of the program. The next run overwrites them.
	outputs      root
	outputShapes []Shape // of one sample
	cost         root    // one node, where a loss is computed
	outputLosses root    // of each output, where there are several, and what layers log
	masks        root    // of each output, nil for none
	lossMasks    root    // of what the loss of each output is the mean over, nil for everything
	gradients    root    // of the trained weights
	updates      root
	carries      root // the states that are left for the next batch
	logged       root // scalars of a phase
	measured     root // predictions and targets of the metrics of a phase, by turns
	activations  root // of all layers, of a graph that traces them
}

// root is one kind of result of a program.
type root struct {
	nodes   graph.Nodes
	numbers []int       // of the nodes among the program's roots, -1 for nil
	values  [][]float32 // of the last run, nil where the node is
}

// allRoots returns the roots in the order of the program.
func (g *modelGraph) allRoots() [11]*root {
	return [11]*root{&g.outputs, &g.cost, &g.outputLosses, &g.masks, &g.lossMasks, &g.gradients, &g.updates, &g.carries, &g.activations, &g.logged, &g.measured}
}

// newGraph builds and compiles the graph for a mode and a batch size, with at most memory bytes
// for values. A training graph has the gradients of trained.
func (n *network) newGraph(memory int64, mode mode, key graphKey, c *compiled, trained []*Weight) (*modelGraph, error) {
	z, err := n.affordable(mode, key.batch, key.lengths)
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, err)
	}
	g, v, err := n.buildGraph(mode, key, z, c, trained)
	if err != nil {
		return nil, err
	}
	memory -= int64(z.cost.internalBytes(mode, key.batch)) // affordable: no overflow
	if err := g.compile(v, memory); err != nil {
		return nil, fmt.Errorf("model %q: %w", n.name, err)
	}
	return g, nil
}

// buildGraph is graphWithRoots for one goroutine at a time.
func (n *network) buildGraph(mode mode, key graphKey, z *sizes, c *compiled, trained []*Weight) (*modelGraph, *expression, error) {
	building.Lock()
	defer building.Unlock()
	return n.graphWithRoots(mode, key, z, c, trained)
}

// graphWithRoots builds the graph without planning its memory.
func (n *network) graphWithRoots(mode mode, key graphKey, z *sizes, c *compiled, trained []*Weight) (*modelGraph, *expression, error) {
	v, err := n.newExpression(mode, key, z, c)
	if err != nil {
		return nil, nil, err
	}
	g := &modelGraph{graphKey: key, scope: v.Scope}
	v.carried, g.carriedFrom = v.carrying.before.list()
	for _, n := range v.carried {
		g.carriedSizes = append(g.carriedSizes, n.Shape().TotalSize())
	}
	if mode < modeTrain || mode == modeSample {
		g.locks = n.locks
	}
	if mode == modeTrace {
		g.activations.nodes = v.traced.nodes
		return g, v, nil
	}
	g.outputs.nodes = slices.Clone(v.out)
	g.carries.nodes, g.carriedTo = v.carrying.after.list()
	if v.cost != nil {
		g.losses, g.targeted = c.losses, c.targeted
		if err := v.checkLogged(c); err != nil {
			return nil, nil, fmt.Errorf("model %q: %w", n.name, err)
		}
		g.cost.nodes, g.outputLosses.nodes, g.masks.nodes, g.lossMasks.nodes = graph.Nodes{v.cost}, v.outputLosses, v.outputMasks, v.lossMasks
	}
	if mode == modeTrain {
		var variables graph.Nodes
		for _, w := range trained {
			variable, used := v.Scope.trained(w)
			if !used {
				return nil, nil, fmt.Errorf("model %q: weight %q was declared and is never used", n.name, n.paths[w])
			}
			variables = append(variables, variable)
		}
		switch {
		case len(variables) > 0:
			g.gradients.nodes, err = graph.Grad(v.weigh(v.cost), variables...)
		case slices.ContainsFunc(n.weights, func(w *Weight) bool { return !w.state }): // which are frozen, by mistake
			return nil, nil, fmt.Errorf("model %q: has no weights to train", n.name)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("model %q: %w", n.name, v.annotate(err))
		}
		g.updated, g.written = v.updates, slices.Clone(trained)
		for _, w := range v.updates {
			if !slices.Contains(trained, w) {
				g.written = append(g.written, w)
			}
			g.updates.nodes = append(g.updates.nodes, v.weigh(v.Scope.weights[w]))
		}
		if v.err != nil {
			return nil, nil, fmt.Errorf("model %q: %w", n.name, v.err)
		}
	}
	return g, v, nil
}

// weigh multiplies a node by the number of samples, or of unmasked steps if the loss is the mean over them, where the
// layers are synchronized: the gradient of a part must be that of a sum over all parts. Other nodes stay.
func (v *expression) weigh(n *graph.Node) *graph.Node {
	if !v.synchronized {
		return n
	}
	if mask := v.lossMasks[0]; mask != nil { // of the only output
		return v.Do(graph.WeightByMask(n, mask))
	}
	return v.Do(graph.Scale(n, float64(v.batch)))
}

// weighted reports whether gradients and updates are multiplied, see weigh.
func (g *modelGraph) weighted() bool { return g.scope.synchronized }

// rootNodes returns the nodes of all roots, in the order of the program.
func (g *modelGraph) rootNodes() (list graph.Nodes) {
	for _, r := range g.allRoots() {
		r.numbers = nil
		for _, n := range r.nodes {
			if n == nil {
				r.numbers = append(r.numbers, -1)
				continue
			}
			r.numbers = append(r.numbers, len(list))
			list = append(list, n)
		}
	}
	return list
}

// compile creates the program that computes the roots with at most memory bytes for values.
func (g *modelGraph) compile(v *expression, memory int64) (err error) {
	if g.program, err = g.options(v, memory).Compile(g.rootNodes()...); err != nil {
		if tooLarge := (*graph.MemoryError)(nil); errors.As(err, &tooLarge) {
			err = fmt.Errorf("a batch of %d samples: %w (Limits.Memory)", g.batch, tooLarge)
		}
		return err
	}
	for _, n := range g.outputs.nodes {
		g.outputShapes = append(g.outputShapes, Shape(n.Shape()[1:]))
	}
	g.nodes = len(v.g.AllNodes())
	g.domains = v.domains
	g.setProgram(g.program, v.in, v.targets, v.weights, v.carried)
	return nil
}

// options returns how the graph is compiled.
func (g *modelGraph) options(v *expression, memory int64) graph.CompileOptions {
	o := graph.CompileOptions{Limit: memory}
	if !v.training && !g.ofPhase {
		o.Inference = inference(v.Scope.weights)
		if g.writesOutside() {
			o.Inference.Outside = len(g.outputs.nodes)
		}
	}
	return o
}

// writesOutside reports whether the program writes the outputs to memory of the caller: it is for
// prediction.
func (g *modelGraph) writesOutside() bool {
	return !g.scope.training && g.cost.nodes == nil && g.gradients.nodes == nil && g.activations.nodes == nil
}

// setProgram makes the buffers for the inputs of a program, and memory for the slices of its roots.
func (g *modelGraph) setProgram(p *graph.Program, in, targets, weights, carried graph.Nodes) {
	g.program = p
	g.batchBuffers = batchBuffers{
		inputs: inputBuffers(p, in), targets: inputBuffers(p, targets),
		sampleWeights: inputBuffers(p, weights), carried: inputBuffers(p, carried),
	}
	for _, r := range g.allRoots() {
		r.values = make([][]float32, len(r.nodes))
	}
}

// clone returns a graph that may be used at the same time, or nil where only another compilation gives
// one, because of ops of Gorgonia or of memory that ops keep for gradients.
func (g *modelGraph) clone() *modelGraph {
	if g.gradients.nodes != nil || g.ofPhase || g.scope.training { // a phase has random numbers of its own
		return nil
	}
	p := g.program.Clone()
	if p == nil {
		return nil
	}
	c := &modelGraph{
		graphKey: g.graphKey, losses: g.losses, targeted: g.targeted, domains: g.domains, updated: g.updated, written: g.written,
		locks: g.locks, scope: g.scope, outputShapes: g.outputShapes,
		carriedFrom: g.carriedFrom, carriedSizes: g.carriedSizes, carriedTo: g.carriedTo,
	}
	for i, r := range g.allRoots() {
		c.allRoots()[i].nodes, c.allRoots()[i].numbers = r.nodes, r.numbers
	}
	c.setProgram(p, nodesOf(g.inputs), nodesOf(g.targets), nodesOf(g.sampleWeights), nodesOf(g.carried))
	return c
}

// The sizes that the cache assumes, in bytes: for a node of an expression with all that hangs on
// it, and for a node of a program.
const (
	expressionNodeBytes = 1300
	programNodeBytes    = 200
)

// size returns about how many bytes the graph takes, without its arena.
func (g *modelGraph) size() int64 {
	return int64(expressionNodeBytes*g.nodes) + int64(programNodeBytes*g.program.Nodes()) + g.batchBuffers.bytes()
}

// planned returns the size of the arena that the graph needs.
func (g *modelGraph) planned() int { return g.program.Memory().Planned }

// leave ends the use of the arena, which it returns, and of memory of the caller.
func (g *modelGraph) leave() *graph.Arena {
	a := g.arena
	g.arena = nil
	g.program.Leave()
	g.batchBuffers.leave()
	for _, r := range g.allRoots() {
		clear(r.values)
	}
	return a
}

// run computes the roots from the inputs and targets in the buffers. A graph that is not from the
// cache has an arena of its own.
func (g *modelGraph) run() error {
	if g.arena == nil {
		g.arena = graph.NewArena(g.planned())
	}
	if err := g.compute(); err != nil {
		return g.scope.annotate(err)
	}
	return g.collect()
}

// runPart is a part of run, see graph.Program.RunPart; the graph has an arena.
func (g *modelGraph) runPart(k int) error {
	if err := g.program.RunPart(g.arena, k); err != nil {
		return g.scope.annotate(err)
	}
	if k < g.program.Parts()-1 {
		return nil
	}
	return g.collect()
}

// collect finds the values of the roots after a run and checks the targets.
func (g *modelGraph) collect() error {
	for _, r := range g.allRoots() {
		for i, k := range r.numbers {
			if k >= 0 {
				r.values[i] = g.program.Floats(k)
			}
		}
	}
	return g.checkTargets()
}

// compute runs the program while nobody else writes its weights.
func (g *modelGraph) compute() error {
	g.locks.rLock()
	defer g.locks.rUnlock()
	return g.program.RunOn(g.arena)
}

// loss returns the total loss of the last run.
func (g *modelGraph) loss() float64 { return float64(g.cost.values[0][0]) }

// result returns the results of the last run.
func (g *modelGraph) result() result {
	return result{g.loss(), g.outputLosses.values, g.outputs.values, g.masks.values}
}

// lossMask returns the mask of what the loss of the only output is the mean over, nil for everything.
func (g *modelGraph) lossMask() []float32 { return g.lossMasks.values[0] }

// mask returns the mask of an output, nil if it has no mask.
func (g *modelGraph) mask(k int) []float32 { return g.masks.values[k] }

// update copies the values that the layers have computed for State arrays and assigned to weights; the caller holds
// the locks.
func (g *modelGraph) update() {
	for i, w := range g.updated {
		copy(w.floats(), g.updates.values[i])
	}
}

// gradient returns the gradient of the i-th trainable weight. If read is set, its values are
// available as a slice.
func (g *modelGraph) gradient(i int, read bool) gradient {
	rows := g.program.Rows(g.gradients.numbers[i])
	switch {
	case rows == nil:
		return gradient{values: g.gradients.values[i]}
	case read:
		return gradient{values: rows.Values(), rows: rows.Index, sparse: true}
	}
	return gradient{parts: rows}
}
