// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// formula is the value of an op as an expression of other ops, all of which have derivatives of any
// order. An op that is computed in one step has one for its derivatives only: see op.formula.
type formula func(in Nodes) (*Node, error)

// backward returns the formula of an op that computes the gradient of f by operand k. Its inputs are
// the n operands of f and then that of the gradient of f's value; others may be in between and are
// ignored, because they are made of these. So the formula of the op is all that the ops of its gradient
// need.
func (f formula) backward(n, k int) formula {
	return func(in Nodes) (*Node, error) {
		operands, err := independent(in[:n])
		if err != nil {
			return nil, err
		}
		y, err := f(operands)
		if err != nil {
			return nil, err
		}
		diff := make([]bool, n)
		diff[k] = true
		grads, err := partialsOf(Nodes{y}, Nodes{in[len(in)-1]}, operands, diff)
		if err != nil {
			return nil, err
		}
		return grads[k], nil
	}
}

// independent returns nodes of the same values as the given ones. No two are the same node, and none was
// made of another, so that the derivative by one of them is that by one operand.
func independent(nodes Nodes) (Nodes, error) {
	same := slices.Clone(nodes)
	for k, n := range nodes {
		if n == nil || !isFloat(n.Dtype()) {
			continue
		}
		o := identityOp("operand"+attrs("k", k), rankOf(n))
		o.diff = []bool{true}
		o.grad = func(_ Nodes, _, dy *Node) (Nodes, error) { return Nodes{dy}, nil }
		var err error
		if same[k], err = apply(o, n); err != nil {
			return nil, err
		}
	}
	return same, nil
}

// identityOp returns an op whose value is that of its first input. A Program computes nothing for it.
func identityOp(name string, rank int) *op {
	return &op{
		name: name,
		in:   []int{rank}, out: rank,
		shape:    sameShape,
		run:      moves(runCopy),
		view:     true,
		identity: true,
	}
}

func runZeros[T kernel.Float](c *call[T]) error {
	kernel.Fill(c.out, 0)
	return nil
}

// linear returns an op whose value is linear in input k, and whose other inputs have no derivative. back
// is its transpose: it returns the gradient of input k.
func (o *op) linear(k int, back func(in Nodes, dy *Node) (*Node, error)) *op {
	o.diff, o.zeroDiff = make([]bool, len(o.in)), make([]bool, len(o.in))
	for i := range o.diff {
		o.diff[i], o.zeroDiff[i] = i == k, i != k
	}
	o.grad = func(in Nodes, _, dy *Node) (Nodes, error) {
		grads := make(Nodes, len(in))
		var err error
		grads[k], err = back(in, dy)
		return grads, err
	}
	return o
}

// The functions below are those that several formulas are made of.

// rowsOf returns x (..., n) as (rows, n).
func (try *Try) rowsOf(x *Node) *Node {
	if try.err != nil {
		return nil
	}
	rows, cols := asMatrix(x.Shape())
	return try.Do(Reshape(x, rows, cols))
}

// like returns x in the shape of n.
func (try *Try) like(x, n *Node) *Node {
	if try.err != nil {
		return nil
	}
	return try.Do(Reshape(x, n.Shape()...))
}

// filled returns a value in a shape, in the graph and of the element type of like.
func (try *Try) filled(like *Node, value float64, shape tensor.Shape) *Node {
	return try.Do(BroadcastTo(try.Do(Scalar(like, value)), shape...))
}

// step returns dy where a < b, and 0 elsewhere.
func (try *Try) step(a, b, dy *Node) *Node {
	return try.Do(Where(try.Do(Less(a, b)), dy, try.Do(Scalar(dy, 0))))
}

// row returns values as a constant vector, in the graph and of the element type of like.
func (try *Try) row(like *Node, values []float64) *Node {
	if try.err != nil {
		return nil
	}
	var backing any = values
	if like.Dtype() == Float32 {
		single := make([]float32, len(values))
		for i, v := range values {
			single[i] = float32(v)
		}
		backing = single
	}
	return try.Do(Constant(like.Graph(), tensor.New(tensor.WithShape(len(values)), tensor.WithBacking(backing))))
}
