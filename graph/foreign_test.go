// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestForeignOps mixes Gorgonia's ops, including views, with this package's.
func TestForeignOps(t *testing.T) {
	g := New()
	x, _ := Input(g, Float64, "x", 3, 4)
	w, _ := Input(g, Float64, "w", 4, 4)
	rng := rand.New(rand.NewPCG(1, 1))
	for n, v := range map[*Node]*tensor.Dense{x: random(rng, 3, 4), w: random(rng, 4, 4)} {
		if err := Let(n, v); err != nil {
			t.Fatal(err)
		}
	}
	build := func(in Nodes) (*Node, error) {
		h, err := Dense(in[0], in[1], nil, Act(Tanh))
		if err != nil {
			return nil, err
		}
		h, err = gorgonia.Reshape(h, tensor.Shape{4, 3}) // a view, in Gorgonia
		if err != nil {
			return nil, err
		}
		h, err = gorgonia.Sigmoid(h)
		if err != nil {
			return nil, err
		}
		h, err = Reshape(h, 3, 4)
		if err != nil {
			return nil, err
		}
		return gorgonia.HadamardProd(h, in[0])
	}
	report, err := CheckGradient(build, []*tensor.Dense{random(rng, 3, 4), random(rng, 4, 4)})
	if err != nil {
		t.Fatal(err)
	}
	if report.Error > 1e-6 {
		t.Error(report)
	}
}

// TestForeignOpsRepeat: the UsePreallocDo of Gorgonia's Slice gradient adds to the result
// of the previous run, so Do has to be called instead.
func TestForeignOpsRepeat(t *testing.T) {
	g := New()
	x, _ := Input(g, Float64, "x", 3, 2)
	if err := Let(x, tensor.New(tensor.WithShape(3, 2), tensor.WithBacking(make([]float64, 6)))); err != nil {
		t.Fatal(err)
	}
	rows, err := gorgonia.Slice(x, gorgonia.S(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	cost, err := Sum(rows)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := Grad(cost, x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(grads...)
	if err != nil {
		t.Fatal(err)
	}
	for run := range 3 {
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		if got := grads[0].Value().Data().([]float64); !slices.Equal(got, []float64{0, 0, 1, 1, 1, 1}) {
			t.Errorf("run %d: got %v, want [0 0 1 1 1 1]", run, got)
		}
	}
}

// TestForeignViewKeepsItsInput: the result of Gorgonia's Reshape shares its input's memory,
// which must not be reused until the result has been read.
func TestForeignViewKeepsItsInput(t *testing.T) {
	g := New()
	x, _ := Input(g, Float64, "x", 2, 3)
	if err := Let(x, tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{1, 2, 3, 4, 5, 6}))); err != nil {
		t.Fatal(err)
	}
	doubled, err := Scale(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	view, err := gorgonia.Reshape(doubled, tensor.Shape{3, 2})
	if err != nil {
		t.Fatal(err)
	}
	y := x // in between, values that need memory
	for range 4 {
		if y, err = Flip(y, 1); err != nil {
			t.Fatal(err)
		}
	}
	if y, err = Reshape(y, 3, 2); err != nil {
		t.Fatal(err)
	}
	if y, err = Add(view, y); err != nil {
		t.Fatal(err)
	}
	p, err := Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	if got := y.Value().Data().([]float64); !slices.Equal(got, []float64{3, 6, 9, 12, 15, 18}) {
		t.Errorf("got %v, want [3 6 9 12 15 18]", got)
	}
}
