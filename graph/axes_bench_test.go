// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"
)

// BenchmarkAxes measures ops on axes and indices in float32. testdata/axes_speed.py measures PyTorch's under the
// same names. GOMAXPROCS sets the number of threads.
func BenchmarkAxes(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	floats := func(g *Graph, name string, shape ...int) *Node {
		v := make([]float32, size(shape))
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		n, err := Input(g, Float32, name, shape...)
		if err == nil {
			err = Let(n, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v)))
		}
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	ids := func(g *Graph, below int, shape ...int) *Node {
		v := make([]int64, size(shape))
		for i := range v {
			v[i] = rng.Int64N(int64(below))
		}
		n, err := Input(g, Int64, "ids", shape...)
		if err == nil {
			err = Let(n, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v)))
		}
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	square := func(g *Graph) *Node { return floats(g, "x", 1000, 1000) }
	heads := func(g *Graph, name string) *Node { return floats(g, name, 16, 128, 8, 64) }
	for _, test := range []struct {
		name  string
		build func(g *Graph) (*Node, error)
	}{
		{"gather", func(g *Graph) (*Node, error) { return Gather(floats(g, "x", 50000, 64), ids(g, 50000, 100000), 0) }},
		{"gather_columns", func(g *Graph) (*Node, error) { return Gather(square(g), ids(g, 1000, 1000), 1) }},
		{"gather_elements", func(g *Graph) (*Node, error) { return GatherElements(square(g), ids(g, 1000, 1000, 1000), 1) }},
		{"scatter_add", func(g *Graph) (*Node, error) {
			return ScatterAdd(floats(g, "x", 50000, 64), ids(g, 50000, 100000), floats(g, "u", 100000, 64), 0)
		}},
		{"sort", func(g *Graph) (*Node, error) { return Sort(square(g), 1) }},
		{"sort_columns", func(g *Graph) (*Node, error) { return Sort(square(g), 0) }},
		{"sort_vector", func(g *Graph) (*Node, error) { return Sort(floats(g, "x", 1000000), 0) }},
		{"top_k", func(g *Graph) (*Node, error) { y, _, err := TopK(square(g), 10, 1); return y, err }},
		{"cumsum", func(g *Graph) (*Node, error) { return CumSum(square(g), 1) }},
		{"cumsum_columns", func(g *Graph) (*Node, error) { return CumSum(square(g), 0) }},
		{"cumprod", func(g *Graph) (*Node, error) { return CumProd(square(g), 1) }},
		{"transpose", func(g *Graph) (*Node, error) { return Transpose(square(g), 1, 0) }},
		{"transpose_heads", func(g *Graph) (*Node, error) { return Transpose(heads(g, "x"), 0, 2, 1, 3) }},
		{"transpose_last", func(g *Graph) (*Node, error) { return Transpose(heads(g, "x"), 0, 2, 3, 1) }},
		{"concat", func(g *Graph) (*Node, error) { return Concat(1, square(g), floats(g, "y", 1000, 500)) }},
		{"einsum_batch", func(g *Graph) (*Node, error) {
			return Einsum("bij,bjk->bik", floats(g, "x", 32, 128, 128), floats(g, "y", 32, 128, 128))
		}},
		{"einsum_scores", func(g *Graph) (*Node, error) { return Einsum("bqhd,bkhd->bhqk", heads(g, "x"), heads(g, "y")) }},
		{"einsum_reduce", func(g *Graph) (*Node, error) { return Einsum("ij,ij->i", square(g), floats(g, "y", 1000, 1000)) }},
		{"flip", func(g *Graph) (*Node, error) { return Flip(square(g), 1) }},
		{"roll", func(g *Graph) (*Node, error) { return Roll(square(g), 100, 1) }},
		{"tile", func(g *Graph) (*Node, error) { return Tile(floats(g, "x", 500, 500), 2, 2) }},
		{"slice_steps", func(g *Graph) (*Node, error) { return Slice(square(g), At(1, Open, Open, 2)) }},
		{"pad_reflect", func(g *Graph) (*Node, error) {
			return Pad(floats(g, "x", 8, 128, 128, 16), PadReflect, PadWidth{1, 2, 2}, PadWidth{2, 2, 2})
		}},
		{"resize_bilinear", func(g *Graph) (*Node, error) { return Resize(floats(g, "x", 8, 64, 64, 16), 128, 128, Bilinear) }},
	} {
		b.Run(test.name, func(b *testing.B) {
			y, err := test.build(New())
			if err != nil {
				b.Fatal(err)
			}
			p, err := Compile(y)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := p.RunAll(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
