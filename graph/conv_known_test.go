// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"testing"
)

// convCase is a convolution or a pooling. R holds the factors of the elements of the result whose sum
// is differentiated with respect to all inputs.
type convCase struct {
	Op                     string
	Shapes                 [][]int
	YShape                 []int
	Size, Stride, Dilation []int
	Groups                 int
	Ceil, Same, Count      bool
	Inputs, Grads          [][]number
	Y, R                   []number
}

func (c *convCase) apply(in Nodes) (*Node, error) {
	window := func(list []int) (a [3]int) {
		copy(a[:], list)
		return a
	}
	conv := ConvSpec{Stride: window(c.Stride), Dilation: window(c.Dilation), Groups: c.Groups}
	pool := PoolSpec{Size: window(c.Size), Stride: window(c.Stride), CeilMode: c.Ceil, CountPadding: c.Count}
	if c.Same {
		conv.Padding, pool.Padding = Same, Same
	}
	switch c.Op {
	case "conv":
		return Conv(in[0], in[1], append(in, nil)[2], conv, Act(Linear))
	case "conv_transpose":
		return ConvTranspose(in[0], in[1], conv, c.Size...)
	case "max_pool":
		return MaxPool(in[0], pool)
	case "avg_pool":
		return AvgPool(in[0], pool)
	}
	return nil, fmt.Errorf("no op %s", c.Op)
}

// TestKnownConvolutions compares with PyTorch, in float32 and float64: strides, dilations, groups, one to
// three axes, transposes, ceil mode and counted padding.
func TestKnownConvolutions(t *testing.T) {
	var cases []convCase
	loadKnown(t, "convolutions", &cases)
	for i, c := range cases {
		for dt, tolerance := range map[Dtype]float64{Float32: 1e-5, Float64: 1e-13} {
			what := fmt.Sprintf("case %d, %s of %v by %v, stride %v, dilation %v, %d groups, %v", i, c.Op, c.Shapes, c.Size, c.Stride, c.Dilation, c.Groups, dt)
			in := knownInputs(t, New(), c.Inputs, c.Shapes, func(int) Dtype { return dt })
			y, err := c.apply(in)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			checkKnown(t, what, y, c.YShape, c.Y, in, c.R, c.Grads, tolerance)
		}
	}
}
