// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	"gorgonia.org/gorgonia"
)

// byID sorts nodes by number. A node is numbered when it is made, after its
// children, so that this is a topological order; and since Backpropagate makes
// the gradients of one node together, it is also the order in which buffers
// live shortest.
func byID(nodes Nodes) Nodes {
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b *Node) int { return int(a.ID() - b.ID()) })
	return nodes
}

// childrenOf returns the inputs of n in order, duplicates kept. g must be a
// graph without removed nodes, as ExactSubgraphRoots returns it: removal leaves
// ExprGraph's index of nodes stale and From answers for another node.
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

// constantOf is the value of a constant. Gorgonia's interface for constants is private;
// what marks one is an op that knows its value.
func constantOf(n *Node) (Value, bool) {
	op, ok := n.Op().(interface{ Value() gorgonia.Value })
	if !ok {
		return nil, false
	}
	return op.Value(), true
}

// hasZeroDerivative knows Gorgonia's ops whose derivative is 0 where they say that they have
// none: comparisons, sign, floor and ceil, and the size of a tensor. Their types are private.
func hasZeroDerivative(o gorgonia.Op) bool {
	switch fmt.Sprintf("%T", o) {
	case "gorgonia.elemBinOp", "gorgonia.elemUnaryOp", "gorgonia.sizeOp", "gorgonia.repeatOp":
		return true
	}
	return false
}

// stockAdd is an op of gorgonia.Add.
var stockAdd = sync.OnceValue(func() gorgonia.Op {
	g := gorgonia.NewGraph()
	a, b := gorgonia.NewScalar(g, Float32, gorgonia.WithName("a")), gorgonia.NewScalar(g, Float32, gorgonia.WithName("b"))
	return gorgonia.Must(gorgonia.Add(a, b)).Op()
})

// isStockAdd reports whether o is an op of gorgonia.Add, of any shape and element type.
// Its type is unexported, so o is compared with one that gorgonia.Add makes.
func isStockAdd(o gorgonia.Op) bool {
	add := stockAdd()
	return o != nil && reflect.TypeOf(o) == reflect.TypeOf(add) && o.String() == add.String()
}
