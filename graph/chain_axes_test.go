// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"

	"gorgonia.org/tensor"
)

// placesBelow returns constant indices below n, some of them negative and some twice.
func placesBelow(x node, n int, shape ...int) node {
	ids := make([]int64, size(shape))
	for i := range ids {
		ids[i] = int64((5*i+1)%n - n*(i%2))
	}
	c, err := Constant(x.Graph(), tensor.New(tensor.WithShape(shape...), tensor.WithBacking(ids)))
	if err != nil {
		return nil
	}
	return c
}

// withLast returns the shape of x with another length of the last axis.
func withLast(x node, n int) []int {
	s := x.Shape().Clone()
	s[len(s)-1] = n
	return s
}

// distinct adds numbers to sin(x)/5 that differ by more than it does.
func distinct(x node) node {
	v := make([]float64, size(x.Shape()))
	for i := range v {
		v[i] = float64((i*7)%13-6) * 0.5
	}
	var try Try
	return try.Do(Add(try.Do(Scale(try.Do(Sin(x)), 0.2)), constant(x, v, x.Shape()...)))
}

// alongAxes returns the ops on axes and indices.
func alongAxes() []unary {
	const all = "234"
	ends := func(n Nodes, err error) (node, error) {
		if err != nil {
			return nil, err
		}
		return Sub(n[0], n[len(n)-1])
	}
	return []unary{
		{name: "squeeze", ranks: all, build: func(x node, _ param) (node, error) {
			var try Try
			return try.Do(Squeeze(try.Do(Sum(x, Axes(1), KeepDims())), 1)), try.Err()
		}},
		{name: "expand dims", ranks: "23", build: func(x node, _ param) (node, error) { return ExpandDims(x, -1) }},
		{name: "move axis", ranks: all, build: func(x node, _ param) (node, error) { return MoveAxis(x, 0, -1) }},
		{name: "swap axes", ranks: all, build: func(x node, _ param) (node, error) { return SwapAxes(x, 0, -1) }},
		{name: "slice steps", ranks: all, build: func(x node, _ param) (node, error) {
			return Slice(x, At(0, Open, Open, -1), At(-1, Open, Open, 2))
		}},
		{name: "flip all", ranks: all, build: func(x node, _ param) (node, error) { return Flip(x) }},
		{name: "split", ranks: all, build: func(x node, _ param) (node, error) {
			n := x.Shape()[1]
			return ends(Split(x, 1, n/2, n-2*(n/2), n/2))
		}},
		{name: "chunk", ranks: all, build: func(x node, _ param) (node, error) { return ends(Chunk(x, 1, x.Shape()[1])) }},
		{name: "unstack", ranks: "34", build: func(x node, _ param) (node, error) { return ends(Unstack(x, 1)) }},
		{name: "stack", ranks: "23", build: func(x node, p param) (node, error) { return Stack(-1, x, p(x.Shape()...)) }},
		{name: "grid", ranks: "2", build: func(x node, p param) (node, error) {
			var try Try
			rows, cols := try.Do(Sum(x, Axes(1))), try.Do(Sum(x, Axes(0)))
			if try.Err() != nil {
				return nil, try.Err()
			}
			grid, err := Meshgrid(rows, cols)
			if err != nil {
				return nil, err
			}
			return Mul(grid[0], grid[1])
		}},
		{name: "tile", ranks: all, build: func(x node, _ param) (node, error) { return Tile(x, 2, 3) }},
		{name: "roll", ranks: all, build: func(x node, _ param) (node, error) { return Roll(x, -1, -1) }},
		{name: "pad ones", ranks: all, build: func(x node, _ param) (node, error) {
			return PadValue(x, 1, PadWidth{-1, 1, 2})
		}},
		{name: "pad reflect", ranks: all, build: func(x node, _ param) (node, error) {
			return Pad(x, PadReflect, PadWidth{-1, 3, 2}, PadWidth{0, 1, 1})
		}},
		{name: "pad wrap", ranks: all, build: func(x node, _ param) (node, error) {
			return Pad(x, PadWrap, PadWidth{-1, 3, 2})
		}},
		{name: "gather", ranks: all, build: func(x node, _ param) (node, error) {
			return Gather(x, placesBelow(x, lastOf(x), 5), -1)
		}},
		{name: "gather rows", ranks: "23", build: func(x node, _ param) (node, error) {
			return Gather(x, placesBelow(x, x.Shape()[0], 2, 2), 0)
		}},
		{name: "gather elements", ranks: all, build: func(x node, _ param) (node, error) {
			return GatherElements(x, placesBelow(x, lastOf(x), withLast(x, 4)...), -1)
		}},
		{name: "gather nd", ranks: "34", build: func(x node, _ param) (node, error) {
			return GatherND(x, placesBelow(x, min(x.Shape()[0], x.Shape()[1]), 5, 2))
		}},
		{name: "scatter", ranks: all, build: func(x node, p param) (node, error) {
			return Scatter(x, placesBelow(x, lastOf(x), 4), p(withLast(x, 4)...), -1)
		}},
		{name: "scatter to", ranks: all, build: func(x node, p param) (node, error) {
			n := x.Shape()[0]
			return Scatter(p(append([]int{5}, x.Shape()[1:]...)...), placesBelow(x, 3, n), x, 0)
		}},
		{name: "scatter add", ranks: all, build: func(x node, p param) (node, error) {
			return ScatterAdd(p(withLast(x, 3)...), placesBelow(x, 3, lastOf(x)), x, -1)
		}},
		{name: "scatter elements", ranks: all, build: func(x node, p param) (node, error) {
			return ScatterElements(p(x.Shape()...), placesBelow(x, lastOf(x), x.Shape()...), x, -1)
		}},
		{name: "scatter add elements", ranks: all, build: func(x node, p param) (node, error) {
			return ScatterAddElements(x, placesBelow(x, x.Shape()[1], x.Shape()...), p(x.Shape()...), 1)
		}},
		{name: "scatter nd", ranks: "23", build: func(x node, p param) (node, error) {
			s := x.Shape()
			return ScatterND(p(append([]int{4}, s[1:]...)...), placesBelow(x, 4, s[0], 1), x)
		}},
		{name: "scatter add nd", ranks: "34", build: func(x node, p param) (node, error) {
			s := x.Shape()
			return ScatterAddND(x, placesBelow(x, min(s[0], s[1]), 3, 2), p(append([]int{3}, s[2:]...)...))
		}},
		{name: "segment sum", ranks: all, build: func(x node, _ param) (node, error) {
			return SegmentSum(x, placesBelow(x, 2, x.Shape()[0]), 3)
		}},
		{name: "segment mean", ranks: all, build: func(x node, _ param) (node, error) {
			return SegmentMean(x, placesBelow(x, 2, x.Shape()[0]), 3)
		}},
		{name: "segment max", ranks: all, build: func(x node, _ param) (node, error) {
			n := min(2, x.Shape()[0]) // each has a row
			return SegmentMax(distinct(x), placesBelow(x, n, x.Shape()[0]), n)
		}},
		{name: "sort", ranks: all, build: func(x node, _ param) (node, error) { return Sort(distinct(x), -1) }},
		{name: "sort columns", ranks: all, build: func(x node, _ param) (node, error) { return Sort(distinct(x), 0, Descending()) }},
		{name: "top k", ranks: all, build: func(x node, _ param) (node, error) {
			y, _, err := TopK(distinct(x), max(1, x.Shape()[1]-1), 1)
			return y, err
		}},
		{name: "cumsum", ranks: all, build: func(x node, _ param) (node, error) { return CumSum(x, 1) }},
		{name: "cumsum backward", ranks: all, build: func(x node, _ param) (node, error) {
			return CumSum(x, -1, Exclusive(), FromEnd())
		}},
		{name: "cumprod", ranks: all, build: func(x node, _ param) (node, error) { return CumProd(x, 1) }},
		{name: "cumprod backward", ranks: all, build: func(x node, _ param) (node, error) {
			return CumProd(x, -1, Exclusive(), FromEnd())
		}},
		{name: "cummax", ranks: all, build: func(x node, _ param) (node, error) { return CumMax(distinct(x), -1) }},
		{name: "triu", ranks: all, build: func(x node, _ param) (node, error) { return Triu(x, -1) }},
		{name: "tril", ranks: all, build: func(x node, _ param) (node, error) { return Tril(x, 1) }},
		{name: "diag", ranks: "23", build: func(x node, _ param) (node, error) { return Diag(x, 1) }},
		{name: "diag part", ranks: "34", build: func(x node, _ param) (node, error) { return DiagPart(x, 0) }},
		{name: "trace", ranks: "4", build: func(x node, _ param) (node, error) { return Trace(x) }},
		{name: "dot", ranks: "2", build: func(x node, p param) (node, error) {
			var try Try
			y := try.Do(Dot(try.Do(Reshape(x, -1)), p(size(x.Shape()))))
			return try.Do(Mul(x, y)), try.Err()
		}},
		{name: "outer", ranks: "2", build: func(x node, p param) (node, error) { return Outer(x, p(2)) }},
		{name: "tensor dot", ranks: "34", build: func(x node, p param) (node, error) {
			return TensorDot(x, p(x.Shape()[0], 2, x.Shape()[1]), []int{1, 0}, []int{2, 0})
		}},
		{name: "kron", ranks: "2", build: func(x node, p param) (node, error) { return Kron(x, p(1, 2)) }},
		{name: "matmul vector", ranks: all, build: func(x node, p param) (node, error) {
			var try Try
			return try.Do(ExpandDims(try.Do(MatMul(x, p(lastOf(x)))), 0)), try.Err()
		}},
		{name: "matmul row", ranks: "34", build: func(x node, p param) (node, error) {
			return MatMul(p(x.Shape()[rankOf(x)-2]), x)
		}},
		{name: "matmul matrix", ranks: "34", build: func(x node, p param) (node, error) {
			return MatMul(x, p(2, lastOf(x)), Transposed(false, true))
		}},
		{name: "matmul broadcast", ranks: "34", build: func(x node, p param) (node, error) {
			return MatMul(p(2, x.Shape()[rankOf(x)-2]), x)
		}},
		{name: "einsum", ranks: all, build: func(x node, p param) (node, error) {
			return Einsum("...a,az,z->z...", x, p(lastOf(x), 2), p(2))
		}},
		{name: "einsum sums", ranks: "3", build: func(x node, p param) (node, error) {
			return Einsum("bij,bjk,ki->ik", x, p(x.Shape()[0], x.Shape()[2], 2), p(2, x.Shape()[1]))
		}},
		{name: "resize nearest", ranks: "4", build: func(x node, _ param) (node, error) { return Resize(x, 2, 5, Nearest) }},
		{name: "resize", ranks: "4", build: func(x node, _ param) (node, error) { return Resize(x, 5, 3, Bilinear) }},
		{name: "resize corners", ranks: "4", build: func(x node, _ param) (node, error) { return Resize(x, 2, 4, Bicubic, AlignCorners()) }},
		{name: "depth to space", ranks: "4", build: func(x node, _ param) (node, error) {
			var try Try
			return try.Do(DepthToSpace(try.Do(Tile(x, 1, 1, 1, 4)), 2)), try.Err()
		}},
		{name: "space to depth", ranks: "4", build: func(x node, _ param) (node, error) {
			var try Try
			return try.Do(SpaceToDepth(try.Do(Tile(x, 1, 2, 2, 1)), 2)), try.Err()
		}},
		{name: "stft", ranks: "2", build: func(x node, _ param) (node, error) {
			var try Try
			re, im, err := STFT(try.Do(Tile(try.Do(Reshape(x, -1)), 3)), STFTSpec{Length: 3, Center: true})
			return try.Do(Concat(-1, re, im)), errors.Join(err, try.Err())
		}},
		{name: "istft", ranks: "2", build: func(x node, p param) (node, error) {
			var try Try
			re := try.Do(Reshape(try.Do(Tile(x, 2, 1)), -1, 2))
			y := try.Do(ISTFT(re, p(size(x.Shape()), 2), STFTSpec{Length: 3, Hop: 1, Center: true}, 0))
			return try.Do(ExpandDims(y, 0)), try.Err()
		}},
	}
}
