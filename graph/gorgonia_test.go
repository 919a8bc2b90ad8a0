// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// The tests in this file document pitfalls of Gorgonia v0.9.18 and how this package
// avoids them.

// ExprGraph.RemoveNode leaves the node index stale: Node(id) and From(id) then answer for a
// different node. Compile works on a fresh subgraph.
func TestStaleIndexAfterRemoval(t *testing.T) {
	g := New()
	alone, _ := Input(g, Float64, "alone", 2)
	gone, err := Activate(alone, Act(Tanh)) // removed below
	if err != nil {
		t.Fatal(err)
	}
	x, _ := Input(g, Float64, "x", 2)
	y, _ := Input(g, Float64, "y", 2)
	sum, err := Add(x, y)
	if err != nil {
		t.Fatal(err)
	}
	g.From(sum.ID()) // fills the index
	g.RemoveNode(gone)
	for n, v := range map[*Node][]float64{x: {1, 2}, y: {10, 20}} {
		if err := Let(n, tensor.New(tensor.WithShape(2), tensor.WithBacking(v))); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Compile(sum)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	if got := sum.Value().Data().([]float64); !slices.Equal(got, []float64{11, 22}) {
		t.Errorf("got %v, want [11 22]", got)
	}
}

// Type inference returns an op's type to a pool: a type that is stored and returned twice
// would be modified while still in use.
func TestTypeIsFresh(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 3)
	o := addOp(x, x)
	if o.Type() == o.Type() {
		t.Error("Type returned one value twice")
	}
}

// gorgonia.Grad would return the first cost's gradient for the second cost.
func TestGradientOfSecondCost(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 3)
	a, _ := Sum(x)
	b, _ := L2(x, 1)
	if _, err := Grad(a, x); err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(b, x)
	if err != nil {
		t.Fatal(err)
	}
	if err := LetFloats(x, []float32{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	p, err := Compile(grads...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	if got := p.Floats(0); !slices.Equal(got, []float32{2, 4, 6}) {
		t.Errorf("got %v, want [2 4 6]", got)
	}
}

// gorgonia.Grad panics if an op on the path has no symbolic gradient.
func TestGradientOfPlainOpIsAnError(t *testing.T) {
	g := New()
	x := gorgonia.NewTensor(g, Float32, 4, gorgonia.WithShape(1, 1, 2, 2), gorgonia.WithName("x"))
	pooled, err := gorgonia.GlobalAveragePool2D(x)
	if err != nil {
		t.Fatal(err)
	}
	cost, err := Sum(pooled)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Grad(cost, x); err == nil || !strings.Contains(err.Error(), "no symbolic gradient") {
		t.Errorf("got %v, want an error that names the op", err)
	}
}

// The same error is returned for this package's ops that have no gradient.
func TestGradientOfGradientOpIsAnError(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 3)
	s, err := apply(&op{name: "plain", in: []int{2}, out: 2, shape: sameShape}, x)
	if err != nil {
		t.Fatal(err)
	}
	cost, _ := Sum(s)
	if _, err := Grad(cost, x); err == nil {
		t.Error("no error")
	}
}

// Gorgonia adds up the gradients of a value that is used twice with its own Add, which
// allocates; Compile replaces it by this package's.
func TestStockAddIsReplaced(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 3)
	a, _ := Activate(x, Act(Tanh))
	b, _ := Activate(x, Act(Sigmoid))
	s, _ := Add(a, b)
	cost, _ := Sum(s)
	grads, err := Grad(cost, x)
	if err != nil {
		t.Fatal(err)
	}
	if got := grads[0].Op().String(); got != "+ false" {
		t.Fatalf("Gorgonia adds gradients with %q now: substitute looks for another op", got)
	}
	p, err := Compile(grads[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.instructions {
		if s.own == nil {
			t.Errorf("%v runs through Do", s.foreign)
		}
	}
}

// Backpropagate differentiates with respect to intermediate nodes; Grad rejects them.
func TestBackpropagateToIntermediate(t *testing.T) {
	g := New()
	x, _ := Input(g, Float64, "x", 3)
	h, _ := Activate(x, Act(Exponential))
	y, _ := Mul(h, h)
	cost, _ := Sum(y)
	one, _ := Input(g, Float64, "seed")
	if err := Let(one, gorgonia.NewF64(1)); err != nil {
		t.Fatal(err)
	}
	grads, err := Backpropagate(Nodes{cost}, Nodes{one}, Nodes{h})
	if err != nil {
		t.Fatal(err)
	}
	if err := Let(x, tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{0, 0, 0}))); err != nil {
		t.Fatal(err)
	}
	p, err := Compile(grads...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	if got := grads[0].Value().Data().([]float64); !slices.Equal(got, []float64{2, 2, 2}) {
		t.Errorf("d(h²)/dh at h = 1 is %v, want [2 2 2]", got)
	}
}
