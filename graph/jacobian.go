// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"
)

// Where an output does not depend on x at all, or only through what has derivative 0 such as Floor, the
// derivatives in this file are 0, whereas Grad and Backpropagate return an error.

// Jacobian returns the derivatives of all elements of y by all elements of x, in the shape of y followed by
// that of x: ∂y[i]/∂x[j] at [i, j]. It is built by rows: for each element of y, the expression has a
// gradient of its own, so building and running it cost as much as that many gradients. Where y has more
// elements than x, one JacobianVector for each element of x costs less.
func Jacobian(y, x *Node) (*Node, error) {
	p, err := derivable("jacobian", Nodes{y}, Nodes{x})
	if err != nil {
		return nil, err
	}
	shape, rows := append(y.Shape().Clone(), x.Shape()...), size(y.Shape())
	if size(shape) == 0 {
		var try Try
		return try.filled(y, 0, shape), try.Err()
	}
	var try Try
	parts := make(Nodes, rows)
	for i := range rows {
		unit := make([]float64, rows)
		unit[i] = 1
		dy := try.like(try.row(y, unit), y)
		if try.err != nil {
			return nil, try.err
		}
		grads, err := p.derivatives(Nodes{y}, Nodes{dy}, Nodes{x})
		if err != nil {
			return nil, err
		}
		parts[i] = try.Do(Reshape(grads[0], 1, size(x.Shape())))
	}
	return try.Do(Reshape(try.Do(Concat(0, parts...)), shape...)), try.Err()
}

// JacobianVector returns the Jacobian of y by x times v, which has the shape of x: how fast y changes when
// x moves in the direction v (forward mode). The result has the shape of y and costs about two gradients.
// It is the derivative of a gradient, Σ u·∂y/∂x, by its factor u.
func JacobianVector(y, x, v *Node) (*Node, error) {
	p, err := derivable("jacobian_vector", Nodes{y}, Nodes{x})
	if err == nil {
		err = likeOperand("jacobian_vector", v, x)
	}
	if err != nil {
		return nil, err
	}
	u, err := apply(&op{
		name: "factor" + attrs("of", y.ID(), "node", len(y.Graph().AllNodes())),
		in:   []int{rankOf(y)}, out: rankOf(y),
		shape:     sameShape,
		run:       forDtypes(runZeros[float32], runZeros[float64]), // any value: the gradient is linear in u
		zeroDiff:  []bool{true},
		orderOnly: true,
	}, y)
	if err != nil {
		return nil, err
	}
	g, err := p.derivatives(Nodes{y}, Nodes{u}, Nodes{x})
	if err != nil {
		return nil, err
	}
	product, err := derivatives(g, Nodes{v}, Nodes{u})
	if err != nil {
		return nil, err
	}
	return product[0], nil
}

// HessianVector returns the Hessian of a scalar cost times v, which has a direction of the same shape for
// each of wrt: one node for each of them. It costs about two gradients, whatever the number of elements.
func HessianVector(cost *Node, wrt, v Nodes) (Nodes, error) {
	g, err := costGradient("hessian_vector", cost, wrt)
	if err != nil {
		return nil, err
	}
	if len(v) != len(wrt) {
		return nil, &OpError{Op: "hessian_vector", Err: fmt.Errorf("got %d directions for %d nodes", len(v), len(wrt))}
	}
	for k, n := range v {
		if err := likeOperand("hessian_vector", n, wrt[k]); err != nil {
			return nil, err
		}
	}
	return derivatives(g, v, wrt)
}

// Hessian returns the second derivatives of a scalar cost by all pairs of elements of x, in the shape of x
// twice. It costs as much as one gradient for each element of x: for more than a few hundred, use
// HessianVector.
func Hessian(cost, x *Node) (*Node, error) {
	g, err := costGradient("hessian", cost, Nodes{x})
	if err != nil {
		return nil, err
	}
	return Jacobian(g[0], x)
}

// costGradient returns the gradients of a scalar cost.
func costGradient(name string, cost *Node, wrt Nodes) (Nodes, error) {
	p, err := derivable(name, Nodes{cost}, wrt)
	if err != nil {
		return nil, err
	}
	if s := cost.Shape(); len(s) > 0 {
		return nil, &OpError{Op: name, Shapes: []tensor.Shape{s}, Err: fmt.Errorf("the cost has shape %v, want a scalar", s)}
	}
	one, err := Scalar(cost, 1)
	if err != nil {
		return nil, err
	}
	return p.derivatives(Nodes{cost}, Nodes{one}, wrt)
}

// derivable returns the paths from wrt to outputs, or an error if a derivative along them is missing.
func derivable(name string, outputs, wrt Nodes) (*paths, error) {
	if len(wrt) == 0 {
		return nil, &OpError{Op: name, Err: fmt.Errorf("no nodes to differentiate with respect to")}
	}
	for _, n := range append(append(Nodes{}, outputs...), wrt...) {
		switch {
		case n == nil:
			return nil, &OpError{Op: name, Err: fmt.Errorf("a node is nil: an earlier expression failed")}
		case n.Graph() == nil || n.Graph() != outputs[0].Graph():
			return nil, &OpError{Op: name, Err: fmt.Errorf("%v belongs to another graph", n)}
		case !isFloat(n.Dtype()) || n.Dtype() != outputs[0].Dtype():
			return nil, &OpError{Op: name, Err: fmt.Errorf("%v is %v, want all of one float type: see Cast", n, n.Dtype())}
		}
	}
	p, err := findPaths(outputs, wrt)
	if err != nil {
		return nil, err
	}
	for _, n := range p.nodes {
		if err := p.check(n); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// likeOperand returns an error unless v is of the type and shape of n and in its graph.
func likeOperand(name string, v, n *Node) error {
	switch {
	case v == nil:
		return &OpError{Op: name, Err: fmt.Errorf("the direction is nil: an earlier expression failed")}
	case v.Graph() != n.Graph() || v.Dtype() != n.Dtype() || !equal(v.Shape(), n.Shape()):
		return &OpError{Op: name, Err: fmt.Errorf("the direction is %v of shape %v, want %v of shape %v in the same graph", v.Dtype(), v.Shape(), n.Dtype(), n.Shape())}
	}
	return nil
}

// derivatives is Backpropagate with zeros where an output does not depend on a node.
func derivatives(outputs, gradOutputs, wrt Nodes) (Nodes, error) {
	p, err := derivable("derivative", outputs, wrt)
	if err != nil {
		return nil, err
	}
	return p.derivatives(outputs, gradOutputs, wrt)
}

func (p *paths) derivatives(outputs, gradOutputs, wrt Nodes) (grads Nodes, err error) {
	defer recoverGrad(&err)
	total, err := p.totals(outputs, gradOutputs)
	if err != nil {
		return nil, err
	}
	grads = make(Nodes, len(wrt))
	for k, n := range wrt {
		if grads[k] = total[n]; grads[k] == nil {
			if grads[k], err = zerosLike(n); err != nil {
				return nil, err
			}
		}
	}
	return grads, nil
}

// StopGradient returns x as a constant: its derivative is 0. A Program computes nothing for it.
func StopGradient(x *Node) (*Node, error) {
	o := identityOp("stop_gradient", rankOf(x))
	o.zeroDiff = []bool{true}
	return apply(o, x)
}

// StraightThrough returns y with the derivative of x, of the same shape: the gradient goes to x unchanged,
// and y has none. With y = Round(x), for example, it trains through the rounding (Bengio et al. 2013).
func StraightThrough(y, x *Node) (*Node, error) {
	o := identityOp("straight_through", rankOf(y))
	o.in = append(o.in, rankOf(x))
	o.shape = allSame
	o.diff, o.zeroDiff = []bool{false, true}, []bool{true, false}
	o.grad = func(_ Nodes, _, dy *Node) (Nodes, error) { return Nodes{nil, dy}, nil }
	return apply(o, y, x)
}
