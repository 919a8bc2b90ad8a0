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
		"permute":        {func() (node, error) { return Transpose(x, 0, 1, 1) }, "axis 1 is given twice"},
		"permute rank":   {func() (node, error) { return Transpose(x, 1, 0) }, "axes are [1 0], want each of 0 to 2 once"},
		"concat":         {func() (node, error) { return Concat(1, x, y) }, "differs from (2, 3, 4) in more than axis 1"},
		"concat axis":    {func() (node, error) { return Concat(3, x, x) }, "axis is 3, shape (2, 3, 4) has -3 to 2"},
		"concat nothing": {func() (node, error) { return Concat(0) }, "got no tensors to join"},
		"slice":          {func() (node, error) { return Slice(x, At(1, 2, 4)) }, "range 2:4 is out of range for axis 1 of length 3"},
		"slice axis":     {func() (node, error) { return Slice(x, At(-4, 0, 1)) }, "axis is -4"},
		"repeat":         {func() (node, error) { return Repeat(x, 0, 1) }, "want positive numbers"},
		"repeat axis":    {func() (node, error) { return Repeat(x, 2, 3) }, "axis is 3"},
		"repeat nil":     {func() (node, error) { return Repeat(nil, 2, 3) }, "an earlier expression failed"},
		"upsample":       {func() (node, error) { return Upsample(x, 2, 2) }, "want (batch, height, width, channels)"},
		"pad":            {func() (node, error) { return Pad(x, PadZeros, PadWidth{Axis: 1, Before: -1}) }, "want no negative numbers"},
		"pad axis":       {func() (node, error) { return Pad(x, PadZeros, PadWidth{Axis: 3}) }, "axis is 3"},
		"crop":           {func() (node, error) { return Slice(image, At(1, 1, 0)) }, "range 1:0 is out of range for axis 1 of length 2"},
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
		"group norm":       {func() (node, error) { return GroupNorm(x, nil, nil, 3, 1e-3) }, "4 features can't be divided into 3 groups"},
		"epsilon NaN":      {func() (node, error) { return GroupNorm(x, nil, nil, 2, math.NaN()) }, "epsilon is NaN, want a finite number of at least 0"},
		"epsilon below 0":  {func() (node, error) { return RMSNorm(x, nil, -1) }, "epsilon is -1, want a finite number of at least 0"},
		"epsilon infinite": {func() (node, error) { return LayerNorm(x, nil, nil, math.Inf(1)) }, "epsilon is +Inf, want a finite number of at least 0"},
		"no groups":        {func() (node, error) { return GroupNorm(x, nil, nil, 0, 1e-3) }, "got 0 groups, want at least 1"},
		"batch of groups":  {func() (node, error) { return GroupNorm(v, nil, nil, 1, 1e-3) }, "input has rank 1, want at least 2"},
		"group norm beta":  {func() (node, error) { return GroupNorm(x, nil, v, 2, 1e-3) }, "input 1 has 3 values, the rows have 4"},
		"rms norm":         {func() (node, error) { return RMSNorm(x, v, 1e-3) }, "gamma has 3 values, the rows have 4"},
		"layer norm":       {func() (node, error) { return LayerNorm(x, v, nil, 1e-3) }, "input 1 has 3 values, the rows have 4"},
		"noise":            {func() (node, error) { return GaussianNoise(x, math.NaN(), rng, 0) }, "standard deviation is NaN"},
		"noise source":     {func() (node, error) { return GaussianNoise(x, 1, nil, 0) }, "no source of random numbers"},
		"gaussian dropout": {func() (node, error) { return GaussianDropout(x, 1, rng, 0) }, "want 0 <= rate < 1"},
		"spatial dropout":  {func() (node, error) { return SpatialDropout(v, 0.5, rng, 0) }, "want (batch, ..., channels)"},
		"spatial rate":     {func() (node, error) { return SpatialDropout(x, -1, rng, 0) }, "want 0 <= rate < 1"},
		"matmul":           {func() (node, error) { return MatMul(x, y) }, "inner dimensions are 4 and 5"},
		"matmul batches":   {func() (node, error) { return MatMul(x, in("z", 3, 4, 2)) }, "input 1 of shape (3) does not broadcast with (2)"},
		"matmul rank":      {func() (node, error) { return MatMul(v, scalar) }, "an input is a scalar: see Mul"},
		"depthwise":        {func() (node, error) { return DepthwiseConv(image, in("w", 3, 3, 2, 1), nil, ConvSpec{}, Act(ReLU)) }, "input has 1 channels, kernel was made for 2"},
	} {
		if _, err := c.build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
