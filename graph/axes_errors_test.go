// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"strings"
	"testing"
)

// TestAxesErrors: wrong use of ops on axes and indices is an error that names the op and what was got.
func TestAxesErrors(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 3, 4)
	v, _ := Input(g, Float32, "v", 4)
	ids, _ := Input(g, Int64, "ids", 5)
	picture, _ := Input(g, Float32, "picture", 2, 4, 6, 3)
	empty, _ := Input(g, Float32, "empty", 2, 0, 6, 3)
	one := func(n Nodes, err error) (*Node, error) { return nil, err }
	two := func(_, _ *Node, err error) (*Node, error) { return nil, err }
	for _, test := range []struct {
		want  string
		build func() (*Node, error)
	}{
		{"axis is 3", func() (*Node, error) { return CumSum(x, 3) }},
		{"axis is -4", func() (*Node, error) { return Sort(x, -4) }},
		{"input 1 is float32, want int64", func() (*Node, error) { return Gather(x, v, 0) }},
		{"axis is 3", func() (*Node, error) { return Gather(x, ids, 3) }},
		{"want 3 axes", func() (*Node, error) { return GatherElements(x, ids, 0) }},
		{"scatter of", func() (*Node, error) { return Scatter(x, ids, v, 0) }},
		{"k is -1", func() (*Node, error) { return two(TopK(x, -1, 0)) }},
		{"top_k", func() (*Node, error) { return two(TopK(x, 5, 0)) }},
		{"squeeze", func() (*Node, error) { return Squeeze(x, 1) }},
		{"transpose", func() (*Node, error) { return Transpose(x, 0, 0, 1) }},
		{"concat", func() (*Node, error) { return Concat(0, x, v) }},
		{"stack", func() (*Node, error) { return Stack(0, x, v) }},
		{"split", func() (*Node, error) { return one(Split(x, 2, 1, 2)) }},
		{"chunk", func() (*Node, error) { return one(Chunk(x, 2, 3)) }},
		{"out of range", func() (*Node, error) { return Slice(x, At(2, 0, 5)) }},
		{"no negative numbers", func() (*Node, error) { return PadValue(x, 0, PadWidth{0, -1, 0}) }},
		{"no such mode", func() (*Node, error) { return Pad(x, PadWrap+1, PadWidth{0, 1, 0}) }},
		{"tile", func() (*Node, error) { return Tile(x, -1) }},
		{"matmul", func() (*Node, error) { return MatMul(x, x) }},
		{"einsum", func() (*Node, error) { return Einsum("ij,jk->ik", x, v) }},
		{"einsum", func() (*Node, error) { return Einsum("ijk->iz", x) }},
		{"dot", func() (*Node, error) { return Dot(x, v) }},
		{"tensor_dot", func() (*Node, error) { return TensorDot(x, x, []int{0}, []int{1}) }},
		{"triu", func() (*Node, error) { return Triu(v, 0) }},
		{"diag_part", func() (*Node, error) { return DiagPart(v, 0) }},
		{"arange", func() (*Node, error) { return Arange(g, Float32, 0, 1, 0) }},
		{"linspace", func() (*Node, error) { return Linspace(g, Bool, 0, 1, 3) }},
		{"full", func() (*Node, error) { return Full(g, Float32, 1, -1) }},
		{"4 x 6 pixels are not a multiple of 3", func() (*Node, error) { return SpaceToDepth(picture, 3) }},
		{"3 channels are not a multiple of 4", func() (*Node, error) { return DepthToSpace(picture, 2) }},
		{"want (batch, height, width, channels)", func() (*Node, error) { return DepthToSpace(x, 1) }},
		{"the block is 0", func() (*Node, error) { return SpaceToDepth(picture, 0) }},
		{"the size is 0 x 2", func() (*Node, error) { return Resize(picture, 0, 2, Nearest) }},
		{"0 x 6 pixels has none", func() (*Node, error) { return Resize(empty, 2, 2, Nearest) }},
		{"no method Interpolation(3)", func() (*Node, error) { return Resize(picture, 2, 2, Bicubic+1) }},
		{"want (batch, height, width, channels)", func() (*Node, error) { return Resize(x, 2, 2, Nearest) }},
		{"the length is 0", func() (*Node, error) { return two(STFT(v, STFTSpec{})) }},
		{"too short to reflect 4", func() (*Node, error) { return two(STFT(v, STFTSpec{Length: 8, Center: true})) }},
		{"shorter than a piece, 5", func() (*Node, error) { return two(STFT(v, STFTSpec{Length: 5})) }},
		{"the window has 3 factors", func() (*Node, error) { return two(STFT(v, STFTSpec{Length: 2, Window: make([]float64, 3)})) }},
		{"want (..., pieces, 5)", func() (*Node, error) { return ISTFT(x, x, STFTSpec{Length: 8}, 0) }},
		{"the windows are all 0 at sample 0", func() (*Node, error) { return ISTFT(x, x, STFTSpec{Length: 6}, 0) }},
		{"30 samples, want 0 to", func() (*Node, error) { return ISTFT(x, x, STFTSpec{Length: 6, Center: true}, 30) }},
	} {
		_, err := test.build()
		var e *OpError
		switch {
		case err == nil:
			t.Errorf("no error, want %q", test.want)
		case !errors.As(err, &e) || !strings.Contains(err.Error(), test.want):
			t.Errorf("got %v, want an OpError with %q", err, test.want)
		}
	}
}
