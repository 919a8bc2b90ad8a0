// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A convolution that reads frames where they are has the bits of one of their copies. Windows begin and end outside of the volume, tiles read the rows themselves or copies of their edges or of
// all of them, and the frames of the last case are farther apart than the volume is long.
func TestConvolutionOfFramesInPlace(t *testing.T) {
	for _, s := range []struct {
		x, w  []int
		spec  ConvSpec
		fused bool
	}{
		{[]int{2, 8, 9, 28, 32}, []int{3, 3, 3, 32, 40}, ConvSpec{Stride: [3]int{2, 2, 2}, Padding: Same}, true},
		{[]int{2, 5, 7, 40, 16}, []int{4, 2, 5, 16, 70}, ConvSpec{Stride: [3]int{1, 2, 1}, Padding: Same}, true},
		{[]int{2, 5, 6, 7, 5}, []int{3, 2, 3, 5, 9}, ConvSpec{Stride: [3]int{1, 1, 2}, Dilation: [3]int{2, 1, 1}, Padding: Same}, true},
		{[]int{1, 6, 9, 9, 3}, []int{2, 3, 3, 3, 70}, ConvSpec{Stride: [3]int{3, 2, 2}, Dilation: [3]int{1, 2, 2}}, true},
		{[]int{1, 2, 6, 6, 4}, []int{3, 2, 2, 4, 18}, ConvSpec{Stride: [3]int{1, 2, 2}, Dilation: [3]int{3, 1, 1}, Padding: Same}, true},
		{[]int{1, 4, 6, 6, 40}, []int{2, 1, 1, 40, 18}, ConvSpec{}, false}, // a product of matrices
	} {
		for _, inference := range []bool{false, true} {
			t.Run(fmt.Sprint(s, inference), func(t *testing.T) {
				g, rng := New(), rand.New(rand.NewPCG(1, 1))
				input := func(shape ...int) *Node {
					v := make([]float32, size(shape))
					for i := range v {
						v[i] = float32(rng.NormFloat64())
					}
					n, err := Variable(g, fmt.Sprint("x", len(g.AllNodes())), v, shape...)
					if err != nil {
						t.Fatal(err)
					}
					return n
				}
				y, err := Conv(input(s.x...), input(s.w...), input(s.w[4]), s.spec, Act(ReLU))
				if err != nil {
					t.Fatal(err)
				}
				run := func(without Passes) ([]float32, int) {
					o := CompileOptions{Without: without}
					if inference {
						o.Inference = &Inference{}
					}
					p, err := o.Compile(y)
					if err != nil {
						t.Fatal(err)
					}
					defer p.Close()
					if err := p.RunAll(); err != nil {
						t.Fatal(err)
					}
					return slices.Clone(y.Value().Data().([]float32)), p.Nodes()
				}
				got, nodes := run(0)
				want, all := run(FuseLayers)
				if (nodes < all) != s.fused {
					t.Errorf("%d of %d nodes are left, want one less: %v", nodes, all, s.fused)
				}
				if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
					t.Error("not the bits of a convolution of copied frames")
				}
			})
		}
	}
}
