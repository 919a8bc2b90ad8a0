// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Losses that are computed with their gradients have the results of TapeMachine, which computes them
// apart, also where the gradient of one loss depends on the value of another.
func TestPairedLosses(t *testing.T) {
	do := func(n *Node, err error) *Node {
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const rows, cols = 6, 5
	for name, c := range map[string]struct {
		combine func(a, b *Node) (*Node, error)
		paired  int
	}{
		"sum":     {Add, 2},
		"product": {Mul, 1},
		"first":   {func(a, _ *Node) (*Node, error) { return a, nil }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			build := func() (g *Graph, roots Nodes) {
				rng := rand.New(rand.NewPCG(3, 4))
				g = gorgonia.NewGraph()
				input := func(name string) *Node {
					values := make([]float32, rows*cols)
					for i := range values {
						values[i] = rng.Float32()
					}
					n := do(Input(g, Float32, name, rows, cols))
					if err := Let(n, tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(values))); err != nil {
						t.Fatal(err)
					}
					return n
				}
				p, y := input("p"), input("y")
				var costs Nodes
				for _, loss := range []func(p, y *Node) (*Node, error){MeanSquaredError, SoftmaxCrossEntropy} {
					each := do(loss(p, y))
					roots = append(roots, each)
					costs = append(costs, do(Mean(each)))
				}
				cost := do(c.combine(costs[0], costs[1]))
				grads, err := Grad(cost, p)
				if err != nil {
					t.Fatal(err)
				}
				return g, append(append(roots, cost), grads...)
			}
			_, ours := build()
			program, err := Compile(ours...)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := program.RunAll(); err != nil {
					t.Fatal(err)
				}
			}
			g, theirs := build()
			read := make([]Value, len(theirs))
			for i, n := range theirs {
				gorgonia.Read(n, &read[i])
			}
			if err := gorgonia.NewTapeMachine(g).RunAll(); err != nil {
				t.Fatal(err)
			}
			for i, n := range ours {
				if got, want := fmt.Sprint(n.Value().Data()), fmt.Sprint(read[i].Data()); got != want {
					t.Errorf("root %d is %v, want %v", i, got, want)
				}
			}
			paired := 0
			for _, s := range program.instructions {
				if s.own != nil && len(s.in) == 1 && (s.own.name == "mse" || s.own.name == "softmax_xent") {
					paired++
				}
			}
			if paired != c.paired {
				t.Errorf("%d losses are computed with their gradients, want %d", paired, c.paired)
			}
		})
	}
}
