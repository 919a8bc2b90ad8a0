// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/tensor"
)

// compiler turns the nodes that the roots depend on into slots and instructions.
type compiler struct {
	nodes    Nodes         // in topological order
	index    map[*Node]int // position of a node in nodes, which is also its slot
	children [][]int
	ops      []*op // this package's op for each node, nil for variables, constants and foreign ops
	roots    []int
	limit    int64 // on the planned memory, in bytes
}

func newCompiler(roots Nodes) (*compiler, error) {
	if len(roots) == 0 {
		return nil, errors.New("no roots")
	}
	for i, r := range roots {
		if r == nil {
			return nil, fmt.Errorf("root %d is nil: an earlier expression failed", i)
		}
		if r.Graph() != roots[0].Graph() {
			return nil, fmt.Errorf("root %d (%v) belongs to another graph", i, r)
		}
	}
	g := roots[0].Graph().ExactSubgraphRoots(roots...)
	c := &compiler{nodes: byID(g.AllNodes()), index: map[*Node]int{}}
	c.children = make([][]int, len(c.nodes))
	c.ops = make([]*op, len(c.nodes))
	for i, n := range c.nodes {
		c.index[n] = i
		children, err := childrenOf(g, n)
		if err != nil {
			return nil, err
		}
		for _, child := range children {
			c.children[i] = append(c.children[i], c.index[child])
		}
		if o, ok := n.Op().(*op); ok {
			c.ops[i] = o
		} else if o := substitute(n, children); o != nil {
			c.ops[i] = o
		}
	}
	for _, r := range roots {
		c.roots = append(c.roots, c.index[r])
	}
	return c, nil
}

// substitute returns this package's Add for Gorgonia's, which is common in gradients:
// Backpropagate uses it to add up the gradients of a node that has several uses, and it
// would allocate its result on every run.
func substitute(n *Node, children Nodes) *op {
	if len(children) != 2 || !isStockAdd(n.Op()) {
		return nil
	}
	s := n.Shape()
	if !equal(s, children[0].Shape()) || !equal(s, children[1].Shape()) {
		return nil
	}
	if dt := n.Dtype(); dt != Float32 && dt != Float64 {
		return nil
	}
	return addOp(len(s))
}

// variable reports whether the node's value is bound by the caller.
func (c *compiler) variable(i int) bool { return c.nodes[i].Op() == nil }

// constant returns the value of a constant node.
func (c *compiler) constant(i int) (Value, bool) {
	if len(c.children[i]) > 0 {
		return nil, false
	}
	return constantOf(c.nodes[i])
}

func (c *compiler) program() (*Program, error) {
	p := &Program{slots: make([]slot, len(c.nodes))}
	values, memory, err := c.plan()
	if err != nil {
		return nil, err
	}
	p.memory = memory
	for i, n := range c.nodes {
		p.slots[i].node = n
		if c.variable(i) {
			p.inputs, p.slots[i].shape, p.slots[i].dtype = append(p.inputs, i), n.Shape(), n.Dtype()
			continue
		}
		if v, ok := c.constant(i); ok {
			p.slots[i].value = v
			continue
		}
		p.slots[i].value = values[i]
	}
	for i := range c.nodes {
		if err := c.emit(p, i); err != nil {
			return nil, err
		}
	}
	seen := map[int]bool{}
	for _, r := range c.roots {
		if !c.variable(r) && !seen[r] {
			seen[r] = true
			p.roots = append(p.roots, r)
		}
	}
	return p, nil
}

// emit appends the instruction for node i, if it needs one.
func (c *compiler) emit(p *Program, i int) error {
	n := c.nodes[i]
	if _, constant := c.constant(i); constant || c.variable(i) {
		return nil
	}
	s := instruction{out: i, in: c.children[i]}
	if o := c.ops[i]; o == nil {
		s.op, s.args = n.Op(), make([]Value, len(s.in))
	} else if !o.view || c.copied(i) {
		in := make([]Value, len(s.in))
		shapes := make([]tensor.Shape, len(s.in))
		for k, j := range s.in {
			in[k], shapes[k] = p.slots[j].value, c.nodes[j].Shape()
			p.slots[j].readers = append(p.slots[j].readers, reader{len(p.instructions), k})
		}
		if o.runUnused != nil && !c.outputUsed(i) { // a copy for this Program: others share the op
			unused := *o
			unused.run, o = *o.runUnused, &unused
		}
		if o.runLean != nil && !c.keptRead(o) {
			lean := *o
			lean.run, o = *o.runLean, &lean
		}
		var err error
		s.errorNode = o.errorNode
		if s.own, err = o.bind(p.slots[i].value, in, shapes); err != nil {
			return fmt.Errorf("node %v: %w", n, err)
		}
	} else {
		return nil // the view shares its input's memory: nothing to run
	}
	p.instructions = append(p.instructions, s)
	return nil
}

// outputUsed reports whether anything reads the value of node i.
func (c *compiler) outputUsed(i int) bool {
	if slices.Contains(c.roots, i) {
		return true
	}
	for k := i + 1; k < len(c.nodes); k++ {
		if slices.Contains(c.children[k], i) && (c.ops[k] == nil || !c.ops[k].orderOnly) {
			return true
		}
	}
	return false
}

// keptRead reports whether some op reads what o keeps.
func (c *compiler) keptRead(o *op) bool {
	return slices.ContainsFunc(c.ops, func(reader *op) bool { return reader != nil && reader.readsKept == o.keeps })
}

// copied reports whether a view has to be computed as a copy because its input's memory
// does not belong to the program and may change from run to run.
func (c *compiler) copied(i int) bool {
	j := c.children[i][0]
	boxed := len(c.nodes[i].Shape()) == 0 || len(c.nodes[j].Shape()) == 0 // Gorgonia's scalars are not tensors
	return boxed || c.ops[j] == nil
}
