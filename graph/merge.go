// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"gorgonia.org/gorgonia"
)

// Gorgonia keeps one node of all that have one hash, one op's hash, one type and one
// shape. A hash has 32 bits, so that among a hundred thousand nodes two will probably
// share one, and children are compared by it alone; constants are compared by their
// names alone. What the graph gives back is therefore compared with what was asked for.

// merge adds o(inputs...) to the inputs' graph, or finds the node that is the same. An
// expression whose place is taken by another gets a hash of its own.
func merge(o *op, inputs Nodes) (*Node, error) {
	inputs, err := adoptAll(inputs)
	if err != nil {
		return nil, err
	}
	for salt := 0; ; salt++ {
		mine := *o
		mine.inputs, mine.salt = inputs, salt
		n, err := gorgonia.ApplyOp(&mine, slices.Clone(inputs)...)
		if err != nil {
			return nil, err
		}
		if got, ok := n.Op().(*op); ok && got.name == mine.name && got.rng == mine.rng && slices.Equal(got.inputs, mine.inputs) {
			return n, nil
		}
	}
}

// adoptAll puts constants that belong to no graph yet into that of the other inputs.
func adoptAll(inputs Nodes) (Nodes, error) {
	var g *Graph
	for _, n := range inputs {
		if n.Graph() != nil {
			g = n.Graph()
			break
		}
	}
	inputs = slices.Clone(inputs)
	for i, n := range inputs {
		v, ok := constantOf(n)
		if n.Graph() != nil || !ok || g == nil {
			continue
		}
		var err error
		if inputs[i], err = adopt(g, n, v); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// adopt adds the constant c, of value v, to g. Gorgonia's own ops and gradients take the
// constants of a graph by name. One with a name of the user's, which another may have as
// well, therefore becomes a variable that v is bound to, as one does whose place is taken.
func adopt(g *Graph, c *Node, v Value) (*Node, error) {
	name := c.Name()
	if name == fmt.Sprintf("%v", v) {
		n := g.AddNode(c)
		if got, ok := constantOf(n); ok && sameValue(got, v) {
			return n, nil
		}
	}
	for i := 2; ; i++ {
		taken := g.ByName(name)
		if len(taken) == 0 {
			break
		}
		if taken[0].Op() == nil && taken[0].Value() == v {
			return taken[0], nil
		}
		name = fmt.Sprintf("%s (%d)", c.Name(), i)
	}
	n, err := Input(g, v.Dtype(), name, v.Shape()...)
	if err != nil {
		return nil, err
	}
	return n, Let(n, v)
}

// sameValue compares bit by bit, so that 0 is not -0.
func sameValue(a, b Value) bool {
	if a == b {
		return true
	}
	if a.Dtype() != b.Dtype() || !equal(a.Shape(), b.Shape()) {
		return false
	}
	if x, y := data[float32](a), data[float32](b); x != nil && y != nil {
		return slices.EqualFunc(x, y, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
	}
	if x, y := data[float64](a), data[float64](b); x != nil && y != nil {
		return slices.EqualFunc(x, y, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
	}
	return reflect.DeepEqual(a.Data(), b.Data())
}
