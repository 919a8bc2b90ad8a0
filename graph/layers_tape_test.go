// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"testing"

	"gorgonia.org/gorgonia"
)

// TestTapeMachineRunsEachOp runs every op behind a tanh on Gorgonia's machine and
// on a Program: one cost and the same gradients.
func TestTapeMachineRunsEachOp(t *testing.T) {
	shapes := map[rune][]int{'1': {3}, '2': {2, 3}, '3': {2, 3, 2}, '4': {1, 3, 2, 2}}
	for _, o := range chainOps() {
		for _, rank := range o.ranks {
			t.Run(fmt.Sprint(o.name, shapes[rank]), func(t *testing.T) {
				first := unary{name: "tanh", build: func(x node, _ param) (node, error) { return Activate(x, Act(Tanh)) }}
				if o.takesP {
					first = unary{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}
				}
				ours, theirs := values(t, shapes[rank], first, o)
				for i, w := range theirs {
					if !(math.Abs(ours[i]-w) <= 1e-12*(1+math.Abs(w))) {
						t.Errorf("value %d is %v on a Program, %v on TapeMachine", i, ours[i], w)
					}
				}
			})
		}
	}
}

// values are the cost and the gradients of a chain, once by each machine.
func values(t *testing.T, input []int, ops ...unary) (ours, theirs []float64) {
	t.Helper()
	run := func(machine func(c *chain) gorgonia.VM) (all []float64) {
		c, err := newChain(Float64, input, ops...)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.differentiate(); err != nil {
			t.Fatal(err)
		}
		vm := machine(c)
		defer vm.Close()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		for _, n := range c.roots() {
			all = append(all, data[float64](n.Value())...)
		}
		return all
	}
	ours = run(func(c *chain) gorgonia.VM {
		p, err := Compile(c.roots()...)
		if err != nil {
			t.Fatal(err)
		}
		return p
	})
	theirs = run(func(c *chain) gorgonia.VM { return gorgonia.NewTapeMachine(c.cost.Graph()) })
	if len(ours) < 2 || len(ours) != len(theirs) {
		t.Fatalf("got %d and %d values", len(ours), len(theirs))
	}
	return ours, theirs
}

// TestLayerAttributesAreHashed: see TestAttributesAreHashed. All calls are on the
// same nodes and must be different nodes.
func TestLayerAttributesAreHashed(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 4, 4, 4)
	im, _ := Input(g, Float32, "im", 4, 4, 4, 4)
	v, _ := Input(g, Float32, "v", 4)
	rng := &Random{}
	norm := func(gamma, beta *Node, epsilon float64) func() (*Node, error) {
		return func() (*Node, error) {
			y, _, _, err := BatchNorm(x, gamma, beta, epsilon)
			return y, err
		}
	}
	seen := map[*Node]int{}
	for i, build := range []func() (*Node, error){
		func() (*Node, error) { return Permute(x, 0, 2, 1) }, func() (*Node, error) { return Permute(x, 1, 0, 2) },
		func() (*Node, error) { return Concat(1, x, x) }, func() (*Node, error) { return Concat(2, x, x) }, func() (*Node, error) { return Concat(2, x, x, x) },
		func() (*Node, error) { return Slice(x, 1, 0, 2) }, func() (*Node, error) { return Slice(x, 2, 0, 2) }, func() (*Node, error) { return Slice(x, 1, 1, 2) }, func() (*Node, error) { return Slice(x, 1, 0, 1) },
		func() (*Node, error) { return Repeat(x, 1, 2) }, func() (*Node, error) { return Repeat(x, 2, 2) }, func() (*Node, error) { return Repeat(x, 1, 3) },
		func() (*Node, error) { return Upsample(im, 2, 3) }, func() (*Node, error) { return Upsample(im, 3, 2) },
		func() (*Node, error) { return Pad(x, Margins{Left: 1}) }, func() (*Node, error) { return Pad(x, Margins{Right: 1}) }, func() (*Node, error) { return Crop(x, Margins{Left: 1}) },
		func() (*Node, error) { return AddRow(x, v) }, func() (*Node, error) { return MulRow(x, v) },
		func() (*Node, error) { return Affine(x, 2, 1) }, func() (*Node, error) { return Affine(x, 1, 2) },
		func() (*Node, error) { return UnitRows(x) }, func() (*Node, error) { return Maximum(x, x) }, func() (*Node, error) { return CausalMask(x) },
		norm(nil, nil, 0.1), norm(nil, nil, 0.2), norm(v, nil, 0.1), norm(nil, v, 0.1), norm(v, v, 0.1),
		func() (*Node, error) { return Normalize(x, v, v, nil, nil, 0.1) }, func() (*Node, error) { return Normalize(x, v, v, v, nil, 0.1) }, func() (*Node, error) { return Normalize(x, v, v, nil, v, 0.1) },
		func() (*Node, error) { return LayerNorm(x, nil, nil, 0.1) }, func() (*Node, error) { return LayerNorm(x, nil, nil, 0.2) }, func() (*Node, error) { return LayerNorm(x, v, nil, 0.1) }, func() (*Node, error) { return LayerNorm(x, nil, v, 0.1) },
		func() (*Node, error) { return GaussianNoise(x, 0.1, rng, 1) }, func() (*Node, error) { return GaussianNoise(x, 0.2, rng, 1) }, func() (*Node, error) { return GaussianNoise(x, 0.1, rng, 2) },
		func() (*Node, error) { return GaussianDropout(x, 0.1, rng, 1) }, func() (*Node, error) { return SpatialDropout(x, 0.1, rng, 1) },
		func() (*Node, error) { return BatchMatMul(x, x, false, false) }, func() (*Node, error) { return BatchMatMul(x, x, true, false) }, func() (*Node, error) { return BatchMatMul(x, x, false, true) },
		func() (*Node, error) { return DepthwiseConv(im, im, nil, ConvSpec{}, Act(Linear)) }, func() (*Node, error) { return DepthwiseConv(im, im, nil, ConvSpec{Padding: Same}, Act(Linear)) }, func() (*Node, error) { return DepthwiseConv(im, im, nil, ConvSpec{}, Act(ReLU)) },
	} {
		n, err := build()
		if err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		if other, ok := seen[n]; ok {
			t.Errorf("calls %d and %d became one node, %v", other, i, n)
		}
		seen[n] = i
	}
}
