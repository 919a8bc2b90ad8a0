// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// gradientOf checks the gradient of an expression for random inputs.
func gradientOf(t *testing.T, build func(in Nodes) (*Node, error), shapes ...[]int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, uint64(len(shapes[0]))))
	var inputs []*tensor.Dense
	for _, s := range shapes {
		inputs = append(inputs, random(rng, s...))
	}
	report, err := CheckGradient(build, inputs)
	if err != nil {
		t.Fatal(err)
	}
	if report.Error > 1e-6 {
		t.Error(report)
	}
}

func TestGradientOfConv(t *testing.T) {
	for _, c := range []struct {
		x, w []int
		spec ConvSpec
	}{
		{[]int{2, 5, 6, 2}, []int{3, 3, 2, 3}, ConvSpec{}},
		{[]int{1, 6, 6, 1}, []int{2, 3, 1, 2}, ConvSpec{Stride: [3]int{2, 2}, Padding: Same}},
		{[]int{1, 7, 6, 2}, []int{3, 2, 2, 1}, ConvSpec{Stride: [3]int{2, 1}}},
		{[]int{1, 7, 8, 1}, []int{3, 3, 1, 2}, ConvSpec{Dilation: [3]int{2, 3}}},
		{[]int{1, 4, 5, 2}, []int{1, 1, 2, 3}, ConvSpec{}},
		{[]int{2, 9, 2}, []int{3, 2, 3}, ConvSpec{}},
		{[]int{2, 9, 2}, []int{4, 2, 2}, ConvSpec{Stride: [3]int{2}, Padding: Same}},
		{[]int{1, 8, 1}, []int{3, 1, 2}, ConvSpec{Dilation: [3]int{2}, Padding: Causal}},
		{[]int{1, 8, 1}, []int{3, 1, 2}, ConvSpec{Stride: [3]int{3}, Padding: Causal}},
		{[]int{2, 4, 3, 3, 2}, []int{2, 2, 2, 2, 3}, ConvSpec{}},
		{[]int{1, 5, 4, 3, 1}, []int{3, 2, 3, 1, 2}, ConvSpec{Stride: [3]int{2, 1, 2}, Padding: Same}},
		{[]int{1, 5, 4, 3, 2}, []int{3, 1, 1, 2, 2}, ConvSpec{Dilation: [3]int{2, 1, 1}}},
	} {
		units := []int{c.w[len(c.w)-1]}
		for _, act := range []Activation{Act(Linear), Act(Tanh), Act(GELU)} {
			t.Run(fmt.Sprint(c.x, c.w, c.spec, act), func(t *testing.T) {
				gradientOf(t, func(in Nodes) (*Node, error) { return Conv(in[0], in[1], in[2], c.spec, act) }, c.x, c.w, units)
			})
		}
	}
}

func TestGradientOfConvTranspose(t *testing.T) {
	spec := ConvSpec{Stride: [3]int{2, 2}, Padding: Same}
	gradientOf(t, func(in Nodes) (*Node, error) { return ConvTranspose(in[0], in[1], spec, 6, 5) }, []int{2, 3, 3, 2}, []int{3, 3, 1, 2})
	gradientOf(t, func(in Nodes) (*Node, error) { return ConvTranspose(in[0], in[1], ConvSpec{}, 7) }, []int{2, 5, 3}, []int{3, 2, 3})
	gradientOf(t, func(in Nodes) (*Node, error) { return ConvTranspose(in[0], in[1], spec, 5, 3, 2) }, []int{1, 3, 2, 2, 2}, []int{3, 3, 2, 1, 2})
}

func TestGradientOfPools(t *testing.T) {
	pools := map[string]func(*Node, PoolSpec) (*Node, error){"max": MaxPool, "avg": AvgPool}
	for name, pool := range pools {
		for _, x := range [][]int{{2, 5, 6, 2}, {1, 4, 4, 1}, {2, 7, 3}, {1, 5, 3, 4, 2}} {
			for _, spec := range []PoolSpec{
				{Size: [3]int{2, 2, 2}}, {Size: [3]int{3, 3, 1}, Stride: [3]int{1, 2}}, {Size: [3]int{3, 2, 2}, Stride: [3]int{2, 2}, Padding: Same},
				{Size: [3]int{2, 3, 2}, Stride: [3]int{2, 2, 1}, CeilMode: true}, {Size: [3]int{3, 2, 3}, Stride: [3]int{2, 1, 2}, Padding: Same, CountPadding: true},
			} {
				t.Run(fmt.Sprint(name, x, spec), func(t *testing.T) {
					gradientOf(t, func(in Nodes) (*Node, error) { return pool(in[0], spec) }, x)
				})
			}
			t.Run(fmt.Sprint("global", x), func(t *testing.T) {
				gradientOf(t, func(in Nodes) (*Node, error) { return GlobalMaxPool(in[0]) }, x)
				gradientOf(t, func(in Nodes) (*Node, error) { return GlobalAvgPool(in[0]) }, x)
			})
		}
	}
}

func TestConvErrors(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 1, 4, 4, 3)
	w, _ := Input(g, Float32, "w", 3, 3, 2, 8)
	big, _ := Input(g, Float32, "big", 5, 5, 3, 8)
	wide, _ := Input(g, Float32, "wide", 3, 3, 3, 8)
	flat, _ := Input(g, Float32, "flat", 2, 3)
	cube, _ := Input(g, Float32, "cube", 1, 4, 4, 4, 2)
	kernel, _ := Input(g, Float32, "kernel", 2, 2, 2, 2, 3)
	for name, c := range map[string]struct {
		build func() (*Node, error)
		want  string
	}{
		"channels": {func() (*Node, error) { return Conv(x, w, nil, ConvSpec{}, Act(ReLU)) }, "input has 3 channels, kernel was made for 2"},
		"window":   {func() (*Node, error) { return Conv(x, big, nil, ConvSpec{}, Act(ReLU)) }, "window spans 5 cells, the axis has 4"},
		"causal":   {func() (*Node, error) { return Conv(x, big, nil, ConvSpec{Padding: Causal}, Act(ReLU)) }, "causal padding needs one spatial axis"},
		"rank":     {func() (*Node, error) { return MaxPool(flat, PoolSpec{Size: [3]int{2, 2}}) }, "want (batch, steps, channels) or (batch, height, width, channels)"},
		"pool":     {func() (*Node, error) { return MaxPool(x, PoolSpec{Size: [3]int{5, 2}}) }, "window spans 5 cells, the axis has 4"},
		"volume":   {func() (*Node, error) { return Conv(cube, kernel, flat, ConvSpec{}, Act(ReLU)) }, "conv of (1, 4, 4, 4, 2) and (2, 2, 2, 2, 3): input 2"},
		"depth":    {func() (*Node, error) { return AvgPool(cube, PoolSpec{Size: [3]int{9, 2, 2}}) }, "avg_pool of (1, 4, 4, 4, 2): depth: window spans 9 cells, the axis has 4"},
		"plane":    {func() (*Node, error) { return MaxPool(cube, PoolSpec{Size: [3]int{2, 2}}) }, "max_pool of (1, 4, 4, 4, 2): width: window 0"},
		"groups":   {func() (*Node, error) { return Conv(x, wide, nil, ConvSpec{Groups: 3}, Act(ReLU)) }, "are not a multiple of 3 groups"},
		"group":    {func() (*Node, error) { return Conv(x, w, nil, ConvSpec{Groups: -1}, Act(ReLU)) }, "-1 groups, want a positive number"},
		"stride":   {func() (*Node, error) { return Conv(x, wide, nil, ConvSpec{Stride: [3]int{-1, 0}}, Act(ReLU)) }, "stride -1, dilation 1: want positive numbers"},
		"zero":     {func() (*Node, error) { return AvgPool(x, PoolSpec{}) }, "want positive numbers"},
		"global":   {func() (*Node, error) { return GlobalMaxPool(flat) }, "with at least one axis in between"},
	} {
		if _, err := c.build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
