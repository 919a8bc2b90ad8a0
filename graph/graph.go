// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// These are Gorgonia's own types, so its ops and the ops of this package can be mixed in
// one expression. No other package imports Gorgonia.
type (
	// Node is an expression.
	Node = gorgonia.Node
	// Nodes is a list of expressions.
	Nodes = gorgonia.Nodes
	// Graph holds expressions and everything they depend on.
	Graph = gorgonia.ExprGraph
	// Value is the value of a node: a tensor, a scalar or a sparse matrix.
	Value = gorgonia.Value
	// Solver is one of Gorgonia's optimizers.
	Solver = gorgonia.Solver
	// ValueGrad is what a Solver updates: a value and its gradient.
	ValueGrad = gorgonia.ValueGrad
	// Shape has the length of each axis.
	Shape = tensor.Shape
)

// Random is the source of all random numbers of a graph. They come from a counter-based
// generator (Philox4x32-10, Salmon et al. 2011): each is a function of Key, the op's stream,
// Step and the element's index, and of nothing else. The training loop increments Step
// after each training step. Key and Step are the complete state.
type Random struct{ Key, Step uint64 }

// New returns an empty expression graph.
func New() *Graph { return gorgonia.NewGraph() }

// Input adds a variable of the given shape: data, a target or a weight. An empty shape is
// a scalar. The name must be unique in the graph, because Gorgonia merges variables of the
// same name, type and shape into one node.
func Input(g *Graph, dt Dtype, name string, shape ...int) (n *Node, err error) {
	if g == nil {
		return nil, fmt.Errorf("input %q of shape %v: the graph is nil", name, shape)
	}
	if name == "" {
		return nil, fmt.Errorf("input of shape %v: the name is empty", shape)
	}
	if indexOf(g).isUsed(name) {
		return nil, fmt.Errorf("input %q: the graph already has a node of this name", name)
	}
	for _, d := range shape {
		if d < 0 {
			return nil, fmt.Errorf("input %q: shape %v has a negative axis", name, shape)
		}
	}
	if err := checkCountable(shape); err != nil {
		return nil, fmt.Errorf("input %q: %w", name, err)
	}
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, fmt.Errorf("input %q of shape %v: %v", name, shape, r)
		}
	}()
	if len(shape) == 0 {
		return gorgonia.NewScalar(g, dt, gorgonia.WithName(name)), nil
	}
	return gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name)), nil
}

// UnusedName returns the given name, with a number appended if the graph already has it:
// "x", "x (2)".
func UnusedName(g *Graph, name string) string { return indexOf(g).unused(name) }

// Let binds a value to a variable of the same element type and shape. The value is shared,
// not copied: a weight bound to variables of several graphs is one weight. A tensor must be
// row-major, contiguous and unmasked, and must stay so.
func Let(n *Node, v Value) error {
	if n == nil || v == nil {
		return fmt.Errorf("let %v = %v: nothing to bind", n, v)
	}
	if t, ok := v.(*tensor.Dense); ok && t == nil {
		return fmt.Errorf("let %q: the tensor is nil", n.Name())
	}
	if !n.IsVar() {
		return fmt.Errorf("let %q: the node is computed, want an input or a variable", n.Name())
	}
	if err := checkValue(n.Shape(), n.Dtype(), v); err != nil {
		return fmt.Errorf("let %q: %w", n.Name(), err)
	}
	return gorgonia.Let(n, v)
}

// LetFloats is Let for the values of a float32 variable in row-major order. They are shared, not
// copied: changing them changes the variable. Only that of a scalar is copied.
func LetFloats(n *Node, values []float32) error {
	if n == nil {
		return fmt.Errorf("let %d values: there is no node", len(values))
	}
	shape := n.Shape()
	if want := shape.TotalSize(); len(values) != want {
		return fmt.Errorf("let %q: got %d values, shape %v wants %d", n.Name(), len(values), shape, want)
	}
	if len(shape) == 0 {
		return Let(n, tensor.New(tensor.FromScalar(values[0])))
	}
	return Let(n, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values)))
}

// Floats returns the memory of a row-major float32 tensor or scalar, nil for any other
// value.
func Floats(v Value) []float32 { return data[float32](v) }

// Workers sets how many goroutines an op may use and returns a function that restores the
// previous number. The default is GOMAXPROCS. Results do not depend on it.
func Workers(n int) (restore func()) { return kernel.SetWorkers(n) }

// ISA returns the instruction set that the kernels use: "avx512", "avx2" or
// "generic". It is the best one that the processor supports, unless the environment
// variable REEF_KERNEL selects a lower one.
func ISA() string { return kernel.ISA() }
