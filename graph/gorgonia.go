// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	"gorgonia.org/gorgonia"
)

// byID sorts nodes by ID. A node gets its ID when it is created, after its children, so
// this is a topological order. Since Backpropagate creates the gradients of one node
// together, it is also an order in which buffers are short-lived.
func byID(nodes Nodes) Nodes {
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b *Node) int { return int(a.ID() - b.ID()) })
	return nodes
}

// childrenOf returns the inputs of n in order, duplicates included. g must be a graph
// without removed nodes, such as ExactSubgraphRoots returns: removal leaves ExprGraph's
// node index stale, and From then answers for a different node.
func childrenOf(g *Graph, n *Node) (Nodes, error) {
	it := g.From(n.ID())
	if it == nil {
		return nil, nil
	}
	var children Nodes
	for it.Next() {
		c, ok := it.Node().(*Node)
		if !ok || c.ID() >= n.ID() {
			return nil, fmt.Errorf("node %d (%v): input %v does not come before it", n.ID(), n, it.Node())
		}
		children = append(children, c)
	}
	return children, nil
}

// constantOf returns the value of a constant. Gorgonia's interface for constants is
// unexported, but only constants have an op with a Value method.
func constantOf(n *Node) (Value, bool) {
	op, ok := n.Op().(interface{ Value() gorgonia.Value })
	if !ok {
		return nil, false
	}
	return op.Value(), true
}

// hasZeroDerivative reports whether o is an op of Gorgonia whose derivative is 0 although
// DiffWRT denies that it has one: comparisons, sign, floor, ceil and the size of a tensor.
// Their types are unexported.
func hasZeroDerivative(o gorgonia.Op) bool {
	switch fmt.Sprintf("%T", o) {
	case "gorgonia.elemBinOp", "gorgonia.elemUnaryOp", "gorgonia.sizeOp", "gorgonia.repeatOp":
		return true
	}
	return false
}

// stockAdd returns an op made by gorgonia.Add.
var stockAdd = sync.OnceValue(func() gorgonia.Op {
	g := gorgonia.NewGraph()
	a, b := gorgonia.NewScalar(g, Float32, gorgonia.WithName("a")), gorgonia.NewScalar(g, Float32, gorgonia.WithName("b"))
	return gorgonia.Must(gorgonia.Add(a, b)).Op()
})

// isStockAdd reports whether o was made by gorgonia.Add, for any shape and element type.
// The type of such an op is unexported, so o is compared with stockAdd.
func isStockAdd(o gorgonia.Op) bool {
	add := stockAdd()
	return o != nil && reflect.TypeOf(o) == reflect.TypeOf(add) && o.String() == add.String()
}
