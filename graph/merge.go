// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"gorgonia.org/gorgonia"
)

// Gorgonia keeps one node for all expressions that agree in node hash, op hash, type and
// shape. Hashes have 32 bits, so among a hundred thousand nodes two probably collide, and
// children are compared only by hash, constants only by name. Therefore the node that
// Gorgonia returns is compared with the one that was asked for.

// merge adds o(inputs...) to the inputs' graph, or returns the existing node for it. If the
// hash is taken by a different expression, the new one is salted.
func merge(o *op, inputs Nodes) (*Node, error) {
	inputs, err := adoptAll(inputs)
	if err != nil {
		return nil, err
	}
	if g := inputs[0].Graph(); g != nil {
		indexOf(g)
	}
	for salt := 0; ; salt++ {
		mine := *o
		mine.inputs, mine.salt = inputs, salt
		n, err := gorgonia.ApplyOp(&mine, slices.Clone(inputs)...)
		if err != nil {
			return nil, err
		}
		if got, ok := n.Op().(*op); ok && got.name == mine.name && got.rng == mine.rng && got.origin == mine.origin && slices.Equal(got.inputs, mine.inputs) {
			return n, nil
		}
	}
}

// adoptAll adds constants that have no graph yet to the graph of the other inputs.
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

// adopt adds the constant c with value v to g. Gorgonia's own ops and gradients look up
// constants by name. A constant with a user-defined name, which need not be unique, or whose
// name is taken therefore becomes a variable bound to v.
func adopt(g *Graph, c *Node, v Value) (*Node, error) {
	name := c.Name()
	if name == fmt.Sprintf("%v", v) {
		n := g.AddNode(c)
		if got, ok := constantOf(n); ok && sameValue(got, v) {
			return n, nil
		}
	}
	for i := 2; ; i++ {
		at, used := indexOf(g).variables[name]
		if !used {
			break
		}
		if taken := g.AllNodes()[at]; taken.Op() == nil && taken.Value() == v {
			return taken, nil
		}
		name = fmt.Sprintf("%s (%d)", c.Name(), i)
	}
	n, err := Input(g, v.Dtype(), name, v.Shape()...)
	if err != nil {
		return nil, err
	}
	return n, Let(n, v)
}

// sameValue compares bit by bit: 0 and -0 differ.
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
