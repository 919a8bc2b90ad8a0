// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
)

// differentiated reports whether Gorgonia has recorded a derivative of a node on a path.
func (p *paths) differentiated() bool {
	return slices.ContainsFunc(p.nodes, func(n *Node) bool { return p.active(n) && n.Deriv() != nil })
}

// pullBack builds the gradients of wrt.
func (p *paths) pullBack(outputs, gradOutputs, wrt Nodes) (Nodes, error) {
	total, err := p.totals(outputs, gradOutputs)
	if err != nil {
		return nil, err
	}
	grads := make(Nodes, len(wrt))
	for k, n := range wrt {
		if grads[k] = total[n]; grads[k] == nil {
			return nil, fmt.Errorf("gradient: there is none with respect to %q", n.Name())
		}
	}
	return grads, nil
}

// totals builds the gradients of all nodes on the paths, from the last node to the first: what arrives
// at a node is added up and passed on through the symbolic derivatives of its op.
func (p *paths) totals(outputs, gradOutputs Nodes) (map[*Node]*Node, error) {
	total := map[*Node]*Node{}
	add := func(n, dy *Node) (err error) {
		if before := total[n]; before != nil {
			dy, err = Add(before, dy)
		}
		total[n] = dy
		return err
	}
	for i, n := range outputs {
		if err := add(n, gradOutputs[i]); err != nil {
			return nil, err
		}
	}
	for _, n := range slices.Backward(p.nodes) {
		edges, dy := p.edges[n], total[n]
		if !p.active(n) || dy == nil || len(edges) == 0 {
			continue
		}
		inputs := make(Nodes, len(edges))
		for k, e := range edges {
			inputs[k] = e.from
		}
		grads, err := n.Op().(gorgonia.SDOp).SymDiff(inputs, n, dy)
		if err != nil {
			return nil, gradientError(err)
		}
		for k, e := range edges {
			if e.derivative != known || !p.active(e.from) || grads[k] == nil {
				continue
			}
			if err := add(e.from, grads[k]); err != nil {
				return nil, err
			}
		}
	}
	return total, nil
}

// partialsOf returns the gradients by the inputs of the expressions ys, with dys as their own. The inputs
// are independent, even if one of them was computed from another. The gradient is zero where nothing
// depends on an input, and nil where diff is false.
func partialsOf(ys, dys, inputs Nodes, diff []bool) (grads Nodes, err error) {
	defer recoverGrad(&err)
	var wrt Nodes
	for k, n := range inputs {
		if diff[k] {
			wrt = append(wrt, n)
		}
	}
	p, err := findPaths(ys, wrt, inputs)
	if err != nil {
		return nil, err
	}
	for _, n := range p.nodes {
		if err := p.check(n); err != nil {
			return nil, err
		}
	}
	total, err := p.totals(ys, dys)
	if err != nil {
		return nil, err
	}
	grads = make(Nodes, len(inputs))
	for k, n := range inputs {
		if !diff[k] {
			continue
		}
		if grads[k] = total[n]; grads[k] == nil {
			if grads[k], err = zerosLike(n); err != nil {
				return nil, err
			}
		}
		delete(total, n) // if the same node is another input, too, this is the gradient by both
	}
	return grads, nil
}

// zerosLike returns zeros of the shape of n.
func zerosLike(n *Node) (*Node, error) {
	zero, err := Scalar(n, 0)
	if err != nil {
		return nil, err
	}
	return BroadcastTo(zero, n.Shape()...)
}
