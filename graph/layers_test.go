// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestGradientOfDepthwiseConv(t *testing.T) {
	for _, c := range []struct {
		x, w []int
		spec ConvSpec
	}{
		{[]int{2, 5, 6, 2}, []int{3, 3, 2, 1}, ConvSpec{}},
		{[]int{1, 6, 6, 1}, []int{2, 3, 1, 3}, ConvSpec{Stride: [3]int{2, 2}, Padding: Same}},
		{[]int{1, 7, 8, 3}, []int{3, 3, 3, 2}, ConvSpec{Dilation: [3]int{2, 3}}},
		{[]int{1, 1, 1, 2}, []int{1, 1, 2, 2}, ConvSpec{}},
	} {
		channels := []int{c.w[2] * c.w[3]}
		for _, act := range []Activation{Act(Linear), Act(Tanh), Act(GELU)} {
			t.Run(fmt.Sprint(c.x, c.w, c.spec, act), func(t *testing.T) {
				gradientOf(t, func(in Nodes) (*Node, error) { return DepthwiseConv(in[0], in[1], in[2], c.spec, act) }, c.x, c.w, channels)
			})
		}
	}
}

func TestLayerOpErrors(t *testing.T) {
	g := New()
	in := func(name string, shape ...int) node {
		n, err := Input(g, Float32, name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	x, y, v, scalar := in("x", 2, 3, 4), in("y", 2, 5, 3), in("v", 3), in("scalar")
	image := in("image", 1, 2, 2, 1)
	rng := &Random{}
	for name, c := range map[string]struct {
		build func() (node, error)
		want  string
	}{
		"permute":        {func() (node, error) { return Permute(x, 0, 1, 1) }, "want each of 0 to 2 once"},
		"permute rank":   {func() (node, error) { return Permute(x, 1, 0) }, "of rank 3, want rank 2"},
		"concat":         {func() (node, error) { return Concat(1, x, y) }, "differs from (2, 3, 4) in more than axis 1"},
		"concat axis":    {func() (node, error) { return Concat(3, x, x) }, "axis is 3, shape (2, 3, 4) has 0 to 2"},
		"concat nothing": {func() (node, error) { return Concat(0) }, "got no tensors to join"},
		"slice":          {func() (node, error) { return Slice(x, 1, 2, 2) }, "elements 2 to 3 are out of range for an axis of length 3"},
		"slice axis":     {func() (node, error) { return Slice(x, -1, 0, 1) }, "axis is -1"},
		"repeat":         {func() (node, error) { return RepeatElements(x, 1, 0) }, "want positive numbers"},
		"repeat axis":    {func() (node, error) { return RepeatElements(x, 3, 2) }, "axis is 3"},
		"repeat nil":     {func() (node, error) { return RepeatElements(nil, 3, 2) }, "an earlier expression failed"},
		"upsample":       {func() (node, error) { return Upsample(x, 2, 2) }, "want (batch, height, width, channels)"},
		"pad":            {func() (node, error) { return Pad(x, PadWidths{Left: -1}) }, "want no negative values"},
		"pad series":     {func() (node, error) { return Pad(x, PadWidths{Top: 1}) }, "no top or bottom for a sequence"},
		"crop":           {func() (node, error) { return Crop(image, PadWidths{Left: 1, Right: 1}) }, "nothing is left of shape (1, 2, 2, 1)"},
		"row":            {func() (node, error) { return AddRow(x, v) }, "row has 3 values, input shape (2, 3, 4)"},
		"unit":           {func() (node, error) { return L2Normalize(scalar) }, "input is a scalar"},
		"maximum":        {func() (node, error) { return Maximum(x, y) }, "does not broadcast with (2, 3, 4)"},
		"batch norm": {func() (node, error) {
			n, _, _, err := BatchNorm(x, v, nil, 1e-3)
			return n, err
		}, "input 3 has 3 values, want 4"},
		"batch norm scalar": {func() (node, error) {
			n, _, _, err := BatchNorm(scalar, nil, nil, 1e-3)
			return n, err
		}, "input is a scalar"},
		"layer norm":       {func() (node, error) { return LayerNorm(x, v, nil, 1e-3) }, "input 1 has 3 values, the rows have 4"},
		"noise":            {func() (node, error) { return GaussianNoise(x, math.NaN(), rng, 0) }, "standard deviation is NaN"},
		"noise source":     {func() (node, error) { return GaussianNoise(x, 1, nil, 0) }, "no source of random numbers"},
		"gaussian dropout": {func() (node, error) { return GaussianDropout(x, 1, rng, 0) }, "want 0 <= rate < 1"},
		"spatial dropout":  {func() (node, error) { return SpatialDropout(v, 0.5, rng, 0) }, "want (batch, ..., channels)"},
		"spatial rate":     {func() (node, error) { return SpatialDropout(x, -1, rng, 0) }, "want 0 <= rate < 1"},
		"matmul":           {func() (node, error) { return BatchMatMul(x, y, false, false) }, "inner dimensions are 4 and 5"},
		"matmul batches":   {func() (node, error) { return BatchMatMul(x, in("z", 1, 4, 2), false, false) }, "batch shapes are (2) and (1)"},
		"matmul rank":      {func() (node, error) { return BatchMatMul(v, v, false, false) }, "want (batch, ..., m, k)"},
		"depthwise":        {func() (node, error) { return DepthwiseConv(image, in("w", 3, 3, 2, 1), nil, ConvSpec{}, Act(ReLU)) }, "input has 1 channels, kernel was made for 2"},
	} {
		if _, err := c.build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
