// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// inferenceModel is a graph of products with what may follow them.
func inferenceModel(t *testing.T, batch int) (x *Node, weights, roots Nodes) {
	t.Helper()
	g, rng := New(), rand.New(rand.NewPCG(1, 2))
	input := func(name string, positive bool, shape ...int) *Node {
		n, err := Input(g, Float32, name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		v := floatsOf(kerneltest.Normal(rng, make([]float32, size(shape))), shape...)
		if positive {
			for i, u := range v.Float32s() {
				v.Float32s()[i] = 0.5 + u*u
			}
		}
		if err := Let(n, v); err != nil {
			t.Fatal(err)
		}
		weights = append(weights, n)
		return n
	}
	do := func(n *Node, err error) *Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	norm := func(name string, y *Node, n int) *Node {
		return do(Normalize(y, input(name+" mean", false, n), input(name+" variance", true, n), input(name+" gamma", false, n), input(name+" beta", false, n), 1e-3))
	}
	x = do(Input(g, Float32, "x", batch, 9, 9, 8))
	y := do(Conv(x, input("w1", false, 3, 3, 8, 40), input("b1", false, 40), ConvSpec{Padding: Same}, Act(Linear)))
	y = do(Activate(norm("first", y, 40), Act(ReLU)))
	z := norm("second", do(Conv(y, input("w2", false, 1, 1, 40, 40), nil, ConvSpec{}, Act(Linear))), 40)
	sum := do(Activate(do(Add(z, y)), Act(Tanh)))
	twice := do(Conv(sum, input("w3", false, 1, 1, 40, 5), nil, ConvSpec{}, Act(Linear))) // is read twice
	end := norm("third", do(Dense(do(Flatten(do(Add(twice, norm("fourth", twice, 5))))), input("w4", false, 405, 100), input("b4", false, 100), Act(Linear))), 100)
	return x, weights, Nodes{do(Activate(end, Act(GELU))), sum}
}

// A program for inference has the values of one for training, up to rounding, runs fewer ops, gives a
// sample the same bits alone and in a batch, and allocates nothing.
func TestInference(t *testing.T) {
	const most = 5
	samples := kerneltest.Normal(rand.New(rand.NewPCG(3, 4)), make([]float32, most*9*9*8))
	each := len(samples) / most
	var whole [][]float32
	for _, n := range []int{most, 1, 2} {
		x, weights, roots := inferenceModel(t, n)
		plain, err := CompileOptions{Without: FuseElementwise}.Compile(roots...)
		if err != nil {
			t.Fatal(err)
		}
		kept, budget, version := map[*Node]*Kept{}, new(KeptBudget), new(atomic.Uint64)
		budget.SetLimit(1 << 20)
		for _, w := range weights {
			kept[w] = new(Kept)
			kept[w].Keep(version, budget)
		}
		p, err := CompileOptions{Inference: &Inference{Kept: func(n *Node) *Kept { return kept[n] }}}.Compile(roots...)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := len(p.instructions), len(plain.instructions); a != b-6 {
			t.Errorf("%d instructions, %d without fusing", a, b)
		}
		for from := 0; from+n <= most; from += n {
			if err := Let(x, floatsOf(samples[from*each:(from+n)*each], n, 9, 9, 8)); err != nil {
				t.Fatal(err)
			}
			var values [2][][]float32
			for k, program := range []*Program{plain, p} {
				if err := program.RunAll(); err != nil {
					t.Fatal(err)
				}
				for _, r := range roots {
					values[k] = append(values[k], append([]float32(nil), Floats(r.Value())...))
				}
			}
			for k := range roots {
				for i, v := range values[1][k] {
					if want := values[0][k][i]; math.Abs(float64(v-want)) > 1e-3*(1+math.Abs(float64(want))) {
						t.Fatalf("root %d: element %d is %v, want %v", k, i, v, want)
					}
				}
			}
			if n == most {
				whole = values[1]
			}
			for k, all := range whole {
				size := len(all) / most
				for i, v := range values[1][k] {
					if want := all[from*size+i]; math.Float32bits(v) != math.Float32bits(want) {
						t.Fatalf("root %d, samples %d to %d: element %d is %v, want %v", k, from, from+n-1, i, v, want)
					}
				}
			}
		}
		if budget.Bytes() == 0 && n < most {
			t.Error("no weights are kept")
		}
		if allocs := testing.AllocsPerRun(10, func() { _ = p.RunAll() }); allocs > 0 {
			t.Errorf("%v allocations", allocs)
		}
	}
}

func floatsOf(values []float32, shape ...int) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
}
