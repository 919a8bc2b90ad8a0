// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
)

// Grad adds the gradient of a scalar cost with respect to variables. The gradients are expressions
// like any other, so they can be differentiated again, to any order:
//
//	g, err := graph.Grad(cost, w)          // ∂cost/∂w
//	s, err := graph.Sum(try.Do(graph.Mul(g[0], v)))
//	h, err := graph.Grad(s, w)             // the Hessian times v
//
// See Backpropagate, which does the work.
func Grad(cost *Node, wrt ...*Node) (grads Nodes, err error) {
	if err := differentiable(Nodes{cost}, wrt); err != nil {
		return nil, gradientError(err)
	}
	if len(cost.Shape()) > 0 {
		return nil, fmt.Errorf("gradient: the cost has shape %v, want a scalar", cost.Shape())
	}
	for _, n := range wrt {
		if n.Op() != nil {
			return nil, fmt.Errorf("gradient: %v is not a variable; use Backpropagate to differentiate with respect to other nodes", n)
		}
	}
	one := gorgonia.NewConstant(float32(1))
	if cost.Dtype() == Float64 {
		one = gorgonia.NewConstant(1.0)
	}
	v, _ := constantOf(one)
	if one, err = adopt(cost.Graph(), one, v); err != nil {
		return nil, fmt.Errorf("gradient: %w", err)
	}
	return backpropagate(Nodes{cost}, Nodes{one}, wrt)
}

// Backpropagate adds the gradient of sum(output·gradOutput) with respect to any nodes,
// variables or intermediate values. Grad-CAM uses it to get the gradient of an activation.
//
// The first gradient of a node comes from gorgonia.Backpropagate, which records it in the node. Since
// there is room for one, a gradient that reaches a node again, as a second derivative or that of
// another cost does, comes from this package's own pass over the same symbolic derivatives of the ops.
func Backpropagate(outputs, gradOutputs, wrt Nodes) (grads Nodes, err error) {
	if len(outputs) == 0 || len(outputs) != len(gradOutputs) {
		return nil, fmt.Errorf("gradient: %d outputs with %d gradients", len(outputs), len(gradOutputs))
	}
	if err := differentiable(outputs, wrt); err != nil {
		return nil, gradientError(err)
	}
	seen := map[*Node]bool{}
	for i, n := range outputs {
		switch d := gradOutputs[i]; {
		case seen[n]:
			return nil, fmt.Errorf("gradient: output %d, %v, is given twice", i, n)
		case d == nil:
			return nil, fmt.Errorf("gradient: the gradient of output %d is nil: an earlier expression failed", i)
		case d.Graph() != n.Graph() || d.Dtype() != n.Dtype() || !equal(d.Shape(), n.Shape()):
			return nil, fmt.Errorf("gradient: the gradient of output %d is %v of shape %v, want %v of shape %v in the same graph", i, d.Dtype(), d.Shape(), n.Dtype(), n.Shape())
		}
		seen[n] = true
	}
	return backpropagate(outputs, gradOutputs, wrt)
}

func backpropagate(outputs, gradOutputs, wrt Nodes) (grads Nodes, err error) {
	defer recoverGrad(&err)
	p, err := findPaths(outputs, wrt)
	if err != nil {
		return nil, gradientError(err)
	}
	if p.differentiated() || loose(outputs[0].Graph(), gradOutputs) {
		return p.pullBack(outputs, gradOutputs, wrt)
	}
	indexOf(outputs[0].Graph())
	grads, err = gorgonia.Backpropagate(outputs, gradOutputs, wrt)
	if err == nil {
		return grads, nil
	}
	if _, cause := p.pullBack(outputs, gradOutputs, wrt); cause != nil {
		return nil, cause // Gorgonia's error hides that of the op, such as one in the body of a loop
	}
	return nil, gradientError(err)
}

// loose reports whether the graph has an op without inputs, such as a constant, that nothing uses yet, besides
// the gradients of the outputs: gorgonia.Backpropagate, which removes it, can take variables for those that have no
// gradient then, and ends with a nil pointer if there are several.
func loose(g *Graph, gradOutputs Nodes) bool {
	return slices.ContainsFunc(g.AllNodes(), func(n *Node) bool {
		return n.Op() != nil && n.Op().Arity() == 0 && g.To(n.ID()).Len() == 0 && !slices.Contains(gradOutputs, n)
	})
}

// gradientError returns an OpError unchanged, so that a caller can add the layer.
func gradientError(err error) error {
	var e *OpError
	if errors.As(err, &e) {
		return e
	}
	return fmt.Errorf("gradient: %w", err)
}

func recoverGrad(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("gradient: %v", r)
	}
}

// differentiable finds the cases in which Gorgonia panics, returns an error that names no
// op, or computes a wrong result. On a path from wrt to outputs along which the output
// changes, every node needs a gradient: Gorgonia silently drops paths on which one is
// missing.
func differentiable(outputs, wrt Nodes) error {
	if len(wrt) == 0 {
		return errors.New("no nodes to differentiate with respect to")
	}
	for _, n := range append(append(Nodes{}, outputs...), wrt...) {
		switch {
		case n == nil:
			return errors.New("a node is nil: an earlier expression failed")
		case n.Graph() == nil || n.Graph() != outputs[0].Graph():
			return fmt.Errorf("%v belongs to another graph", n)
		}
	}
	p, err := findPaths(outputs, wrt)
	if err != nil {
		return err
	}
	for _, n := range p.nodes {
		if err := p.check(n); err != nil {
			return err
		}
	}
	for _, n := range wrt {
		if !p.influences[n] {
			return p.missingError(n)
		}
	}
	return nil
}

// paths describes the paths along which a change of wrt changes the outputs.
type paths struct {
	nodes      Nodes // all nodes that the outputs depend on, in topological order
	edges      map[*Node][]edge
	depends    map[*Node]bool // whether the node depends on one of wrt
	influences map[*Node]bool // whether the node influences one of outputs
}

// edge is one input of a node.
type edge struct {
	from *Node
	derivative
}

// derivative says what is known about the derivative of an op with respect to an input.
type derivative int

const (
	known             derivative = iota // SymDiff returns it
	zero                                // the output is piecewise constant in the input, as a comparison's is, or the derivative is part of another input's
	unknown                             // it exists, but SymDiff does not return it
	notDifferentiable                   // the op has no SymDiff
)

// findPaths finds the paths from wrt to outputs.
func findPaths(outputs, wrt Nodes) (*paths, error) {
	g := subgraph(outputs)
	nodes, children := byID(g.AllNodes()), map[*Node]Nodes{}
	for _, n := range nodes {
		var err error
		if children[n], err = childrenOf(g, n); err != nil {
			return nil, err
		}
	}
	return newPaths(nodes, children, outputs, wrt), nil
}

// newPaths finds the paths from wrt to outputs among nodes in topological order.
func newPaths(nodes Nodes, children map[*Node]Nodes, outputs, wrt Nodes) *paths {
	p := &paths{nodes, map[*Node][]edge{}, map[*Node]bool{}, map[*Node]bool{}}
	for _, n := range wrt {
		p.depends[n] = true
	}
	for _, n := range nodes {
		derivs := derivativesOf(n, len(children[n]))
		for k, c := range children[n] {
			p.edges[n] = append(p.edges[n], edge{c, derivs[k]})
			p.depends[n] = p.depends[n] || p.depends[c] && derivs[k] != zero
		}
	}
	for _, n := range outputs {
		p.influences[n] = true
	}
	for _, n := range slices.Backward(nodes) {
		for _, e := range p.edges[n] {
			p.influences[e.from] = p.influences[e.from] || p.influences[n] && e.derivative != zero
		}
	}
	return p
}

// active reports whether n is on a path.
func (p *paths) active(n *Node) bool { return p.depends[n] && p.influences[n] }

// check returns an error if n is on a path and has no gradient.
func (p *paths) check(n *Node) error {
	if !p.active(n) {
		return nil
	}
	for k, e := range p.edges[n] {
		switch {
		case !p.depends[e.from] || e.derivative == known || e.derivative == zero:
		case e.derivative == notDifferentiable:
			return &OpError{Op: n.Op().String(), Node: n, Err: errors.New("has no symbolic gradient (gorgonia.SDOp)")}
		default:
			return &OpError{Op: n.Op().String(), Node: n, Err: fmt.Errorf("has no gradient with respect to its input %d of shape %v", k, e.from.Shape())}
		}
	}
	return nil
}

// missingError explains why there is no gradient with respect to n at all.
func (p *paths) missingError(n *Node) error {
	reached := map[*Node]bool{n: true}
	for _, m := range p.nodes {
		for _, e := range p.edges[m] {
			if !reached[e.from] {
				continue
			}
			reached[m] = true
			if e.derivative == zero {
				return &OpError{Op: m.Op().String(), Node: m, Err: fmt.Errorf("has derivative 0, so there is no gradient with respect to %q, which affects the outputs only through it", n.Name())}
			}
		}
	}
	return fmt.Errorf("there is none with respect to %q: no output depends on it", n.Name())
}

// derivativesOf returns what is known about the op of n, which has the given number of children.
func derivativesOf(n *Node, children int) []derivative {
	derivs := make([]derivative, children)
	if children == 0 {
		return derivs
	}
	sd, ok := n.Op().(gorgonia.SDOp)
	var diff []bool
	if ok {
		diff = sd.DiffWRT(children)
	}
	own, _ := n.Op().(*op)
	for k := range derivs {
		switch {
		case !ok:
			derivs[k] = notDifferentiable
		case k < len(diff) && diff[k]:
		case own != nil && k < len(own.zeroDiff) && own.zeroDiff[k] || own == nil && hasZeroDerivative(n.Op()):
			derivs[k] = zero
		default:
			derivs[k] = unknown
		}
	}
	return derivs
}
