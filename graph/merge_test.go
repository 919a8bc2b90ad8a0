// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// collision returns two nodes Scale(x, a) and Scale(x, b) with the same 32-bit hash, found
// by trying factors.
func collision(t *testing.T, x *Node) (a, b *Node) {
	t.Helper()
	seen := map[uint32]float64{}
	for i := 1; i < 1<<20; i++ {
		f := float64(i)
		h := uint32(2166136261) // FNV-1a of what Node.WriteHash writes
		for _, c := range fmt.Appendf(nil, "%v%vreef.scale{by=%v}\x01", Float32, x.Shape(), f) {
			h = (h ^ uint32(c)) * 16777619
		}
		if other, ok := seen[h]; ok {
			var err error
			if a, err = Scale(x, other); err != nil {
				t.Fatal(err)
			}
			if b, err = Scale(x, f); err != nil {
				t.Fatal(err)
			}
			if a.Hashcode() != b.Hashcode() {
				t.Fatalf("factors %v and %v: the hashes are %x and %x", other, f, a.Hashcode(), b.Hashcode())
			}
			return a, b
		}
		seen[h] = f
	}
	t.Fatal("no collision")
	return nil, nil
}

// TestHashCollision: ops on two nodes with the same hash have the same hash too, but must be
// two nodes.
func TestHashCollision(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x")
	w, _ := Input(g, Float32, "w")
	_, _ = Let(x, gorgonia.NewF32(1)), Let(w, gorgonia.NewF32(1))
	a, b := collision(t, x)
	for name, apply := range map[string]func(n *Node) (*Node, error){
		"activate": func(n *Node) (*Node, error) { return Activate(n, Act(ReLU)) },
		"add":      func(n *Node) (*Node, error) { return Add(n, w) },
		"mul":      func(n *Node) (*Node, error) { return Mul(w, n) },
		"twice":    func(n *Node) (*Node, error) { return Affine(n, 2, 1) },
		"sum":      func(n *Node) (*Node, error) { return Sum(n) },
		"deeper": func(n *Node) (*Node, error) {
			y, err := Scale(n, 3)
			if err != nil {
				return nil, err
			}
			return Affine(y, 1, 1)
		},
	} {
		var nodes Nodes
		for _, n := range []*Node{a, b, a, b} {
			y, err := apply(n)
			if err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, y)
		}
		if nodes[0] == nodes[1] || nodes[0] != nodes[2] || nodes[1] != nodes[3] {
			t.Errorf("%s of two nodes of one hash, twice: %v", name, nodes)
		}
		p, err := Compile(nodes[:2]...)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		if Floats(nodes[0].Value())[0] == Floats(nodes[1].Value())[0] {
			t.Errorf("%s: both values are %v", name, nodes[0].Value())
		}
	}
	// Gradients through both: ∂(a·w + b)/∂x is the sum of the factors.
	ya, _ := Activate(a, Act(ReLU))
	yb, _ := Activate(b, Act(ReLU))
	cost, _ := Add(ya, yb)
	grads, err := Grad(cost, x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(a, b, grads[0])
	if err == nil {
		err = p.RunAll()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Floats(grads[0].Value())[0], Floats(a.Value())[0]+Floats(b.Value())[0]; got != want {
		t.Errorf("gradient is %v, want %v", got, want)
	}
}

// TestConstants: equal constants become one node and different constants two, regardless of
// their names.
func TestConstants(t *testing.T) {
	big := func(last float32) *tensor.Dense { // these print the same
		v := make([]float32, 4000)
		v[2000] = last
		return tensor.New(tensor.WithShape(4000), tensor.WithBacking(v))
	}
	named := gorgonia.WithName
	column := tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]float32{1, 2}))
	for name, test := range map[string]struct {
		a, b Value
		opts []gorgonia.NodeConsOpt
	}{
		"scalars of one name": {gorgonia.NewF32(2), gorgonia.NewF32(3), []gorgonia.NodeConsOpt{named("c")}},
		"zeros":               {gorgonia.NewF32(0), gorgonia.NewF32(float32(math.Copysign(0, -1))), []gorgonia.NodeConsOpt{named("zero")}},
		"tensors of one name": {valueOf(Float32, []float64{1, 2}, 2), valueOf(Float32, []float64{3, 4}, 2), []gorgonia.NodeConsOpt{named("c")}},
		"shapes of one name":  {valueOf(Float32, []float64{1, 2}, 2), column, []gorgonia.NodeConsOpt{named("c")}},
		"large tensors":       {big(1), big(2), nil},
	} {
		g := New()
		var got Nodes
		for _, v := range []Value{test.a, test.b, test.a, test.b} {
			x, err := Input(g, Float32, fmt.Sprint("x", len(got)), v.Shape()...)
			if err != nil {
				t.Fatal(err)
			}
			if err := Let(x, newValue(Float32, v.Shape())); err != nil {
				t.Fatal(err)
			}
			y, err := Add(x, gorgonia.NewConstant(v, test.opts...))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, y)
		}
		p, err := Compile(got...)
		if err == nil {
			err = p.RunAll()
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, v := range []Value{test.a, test.b, test.a, test.b} {
			for k, want := range Floats(v) {
				if sum := Floats(got[i].Value())[k]; sum != want {
					t.Errorf("%s: constant %d gave %v, want %v", name, i, sum, want)
					break
				}
			}
		}
	}
}

// TestConstantOfOneName: the 1 that a gradient starts from is not a constant named "1" in the
// expression.
func TestConstantOfOneName(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x")
	_ = Let(x, gorgonia.NewF32(2))
	cost, err := Mul(x, gorgonia.NewConstant(float32(5), gorgonia.WithName("1")))
	if err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(cost, x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(grads...)
	if err == nil {
		err = p.RunAll()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := Floats(grads[0].Value())[0]; got != 5 {
		t.Errorf("the gradient of 5·x is %v", got)
	}
}

// TestConstantBesideGorgonia: Gorgonia's ops and gradients do not pick up a constant of this
// package's ops that has the same name as theirs.
func TestConstantBesideGorgonia(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x")
	_ = Let(x, gorgonia.NewF32(3))
	constant := func(v float32, name string) *Node { return gorgonia.NewConstant(v, gorgonia.WithName(name)) }
	sum, err := Add(x, constant(1, "s"))
	if err != nil {
		t.Fatal(err)
	}
	product, err := gorgonia.Mul(sum, constant(10, "s"))
	if err != nil {
		t.Fatal(err)
	}
	five, err := Mul(x, constant(5, "2"))
	if err != nil {
		t.Fatal(err)
	}
	square, err := gorgonia.Square(five)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(square, x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(product, grads[0])
	if err == nil {
		err = p.RunAll()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := Floats(product.Value())[0]; got != 40 {
		t.Errorf("(3+1)·10 is %v", got)
	}
	if got := Floats(grads[0].Value())[0]; got != 150 {
		t.Errorf("the gradient of (5·3)² is %v, want 150", got)
	}
}

// TestRandomSources: dropouts with different sources are different nodes.
func TestRandomSources(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 4, 3, 2)
	for name, f := range map[string]func(*Node, float64, *Random, uint64) (*Node, error){
		"dropout": Dropout, "noise": GaussianNoise, "gaussian dropout": GaussianDropout, "spatial dropout": SpatialDropout,
	} {
		one, two := &Random{Key: 1}, &Random{Key: 2}
		a, _ := f(x, 0.5, one, 1)
		b, _ := f(x, 0.5, two, 1)
		c, _ := f(x, 0.5, one, 1)
		if a == nil || a == b || a != c {
			t.Errorf("%s: got %p, %p and %p, want the first and the last alike", name, a, b, c)
		}
	}
}
