// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"slices"
)

// compiler turns the nodes that the roots depend on into slots and instructions.
type compiler struct {
	nodes    Nodes         // in topological order
	index    map[*Node]int // position of a node in nodes, which is also its slot
	children [][]int
	ops      []*op // this package's op for each node, nil for variables, constants and foreign ops
	roots    []int
	isRoot   []bool          // for each node
	folded   map[*Node]Value // of nodes that depend on constants only
	leaves   Nodes           // computed nodes that are variables here, see body
	limit    int64           // on the planned memory, in bytes
	outside  int             // the number of first roots for which the caller has memory

	inference *Inference // nil where the Program may serve training
}

func newCompiler(roots, leaves Nodes) (*compiler, error) {
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
	g := subgraph(roots)
	dropIndex(roots[0].Graph())
	c := &compiler{nodes: byID(g.AllNodes()), index: map[*Node]int{}, leaves: leaves}
	c.children = make([][]int, len(c.nodes))
	c.ops = make([]*op, len(c.nodes))
	for i, n := range c.nodes {
		c.index[n] = i
		if slices.Contains(leaves, n) {
			continue
		}
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
	c.setRoots(roots)
	return c, nil
}

// setRoots finds the roots among the nodes.
func (c *compiler) setRoots(roots Nodes) {
	c.roots, c.isRoot = nil, make([]bool, len(c.nodes))
	for _, r := range roots {
		c.roots = append(c.roots, c.index[r])
		c.isRoot[c.index[r]] = true
	}
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
	return addOp(children[0], children[1])
}

// variable reports whether the node's value is bound by the caller.
func (c *compiler) variable(i int) bool {
	return c.nodes[i].Op() == nil || slices.Contains(c.leaves, c.nodes[i])
}

// constant returns the value of a constant node.
func (c *compiler) constant(i int) (Value, bool) {
	if v, ok := c.folded[c.nodes[i]]; ok {
		return v, true
	}
	if len(c.children[i]) > 0 {
		return nil, false
	}
	return constantOf(c.nodes[i])
}

// used reports for each node whether anything reads its value.
func (c *compiler) used() []bool {
	used := slices.Clone(c.isRoot)
	for i, children := range c.children {
		for _, j := range children {
			used[j] = used[j] || c.ops[i] == nil || !c.ops[i].orderOnly
		}
	}
	return used
}

// keptRead reports whether some op reads what o keeps.
func (c *compiler) keptRead(o *op) bool {
	return o.keeps != nil && slices.ContainsFunc(c.ops, func(reader *op) bool { return reader != nil && reader.readsKept == o.keeps })
}

// copied reports whether a view has to be computed as a copy because its input's memory
// does not belong to the program and may change from run to run.
func (c *compiler) copied(i int) bool {
	j := c.children[i][0]
	boxed := len(c.nodes[i].Shape()) == 0 || len(c.nodes[j].Shape()) == 0 || size(c.nodes[i].Shape()) == 0 // Gorgonia's scalars are not tensors
	return boxed || c.ops[j] == nil
}
