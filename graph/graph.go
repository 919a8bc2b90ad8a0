// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// These are Gorgonia's own types, so that its ops and the ones of this package
// mix in one expression. This package is the only one that imports Gorgonia.
type (
	// Node is an expression.
	Node = gorgonia.Node
	// Nodes are expressions.
	Nodes = gorgonia.Nodes
	// Graph holds expressions and what they depend on.
	Graph = gorgonia.ExprGraph
	// Value is what a node holds: a tensor, a scalar, a sparse matrix.
	Value = gorgonia.Value
	// Solver is an optimizer of Gorgonia's.
	Solver = gorgonia.Solver
	// ValueGrad is what a Solver updates: a value with its gradient.
	ValueGrad = gorgonia.ValueGrad
	// Dtype is an element type.
	Dtype = tensor.Dtype
	// Shape is a length for each axis.
	Shape = tensor.Shape
)

// The element types of graphs: Float32 for everything, Float64 for gradient checks.
var (
	Float32 = tensor.Float32
	Float64 = tensor.Float64
)

// Random is the source of the masks of a graph. Masks come from a counter-based
// generator (Philox4x32-10, Salmon et al. 2011): a mask is a function of Key,
// the op's stream, Step and the element's place, and of nothing else. Whoever
// trains adds one to Step for each training step; saving Key and Step is saving
// the state.
type Random struct{ Key, Step uint64 }

// New returns an empty expression graph.
func New() *Graph { return gorgonia.NewGraph() }

// Input adds a variable of the given shape: data, a target or a weight. An
// empty shape is a scalar. The name must be new in the graph, because Gorgonia
// makes one node of two variables that agree in name, type and shape.
func Input(g *Graph, dt Dtype, name string, shape ...int) (n *Node, err error) {
	if g == nil {
		return nil, fmt.Errorf("input %q of shape %v: there is no graph", name, shape)
	}
	if name == "" {
		return nil, fmt.Errorf("input of shape %v: has no name", shape)
	}
	if len(g.ByName(name)) > 0 {
		return nil, fmt.Errorf("input %q: the graph has a node of this name", name)
	}
	for _, d := range shape {
		if d <= 0 {
			return nil, fmt.Errorf("input %q: shape %v has an axis that is not positive", name, shape)
		}
	}
	if err := countable(shape); err != nil {
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

// unusedName is a name that no node of the graph has: the one given, or that with a number.
func unusedName(g *Graph, name string) string {
	free := name
	for i := 2; len(g.ByName(free)) > 0; i++ {
		free = fmt.Sprintf("%s (%d)", name, i)
	}
	return free
}

// Let binds a value of the variable's element type and shape to it. The value is
// shared, not copied: a weight bound to the variables of several graphs is one weight.
// A tensor must be row-major, contiguous and without a mask, and stay so.
func Let(n *Node, v Value) error {
	if n == nil || v == nil {
		return fmt.Errorf("let %v = %v: nothing to bind", n, v)
	}
	if t, ok := v.(*tensor.Dense); ok && t == nil {
		return fmt.Errorf("let %q: the tensor is nil", n.Name())
	}
	if err := checkValue(n.Shape(), n.Dtype(), v); err != nil {
		return fmt.Errorf("let %q: %w", n.Name(), err)
	}
	return gorgonia.Let(n, v)
}

// Floats is the memory behind a value: the elements of a row-major float32
// tensor or scalar, nil for anything else.
func Floats(v Value) []float32 { return data[float32](v) }

// Workers sets how many goroutines an op may use and returns a function that
// restores the former number. The default is GOMAXPROCS. Results do not depend
// on it.
func Workers(n int) (restore func()) { return kernel.SetWorkers(n) }

// Instructions tells what the kernels run on: "avx512", "avx2" or "generic".
// The best that the processor has is chosen at start, unless REEF_KERNEL in the
// environment names a lower one.
func Instructions() string { return kernel.ISA() }
