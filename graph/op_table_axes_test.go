// SPDX-License-Identifier: Apache-2.0

package graph

import "testing"

// axesRows has the rows of opTable for ops on axes and indices.
func axesRows(t *testing.T, g *Graph) []opRow {
	t.Helper()
	in := func(dt Dtype, name string, shape ...int) node {
		n, err := Input(g, dt, name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	v, m, x := in(Float32, "axes v", 4), in(Float32, "axes m", 4, 4), in(Float32, "axes x", 4, 4, 4)
	thin, wide := in(Float32, "axes thin", 4, 1, 4, 1), in(Float32, "axes wide", 2, 4)
	ids, pairs, all := in(Int64, "axes ids", 4), in(Int64, "axes pairs", 4, 2), in(Int64, "axes all", 4, 4, 4)
	deep, bins := in(Float32, "axes deep", 4, 4, 4, 4), in(Float32, "axes bins", 5, 4)
	first := func(n Nodes, err error) (node, error) {
		if err != nil {
			return nil, err
		}
		return n[0], nil
	}
	return []opRow{
		{op: Arange, noGradient: true, calls: calls{
			func() (node, error) { return Arange(g, Int64, 0, 5, 1) },
			func() (node, error) { return Arange(g, Float32, 0, 5, 1) },
			func() (node, error) { return Arange(g, Int64, 0, 5, 2) },
			func() (node, error) { return Arange(g, Int64, 1, 6, 1) },
		}},
		{op: ArgSort, noGradient: true, calls: calls{
			func() (node, error) { return ArgSort(x, 0) },
			func() (node, error) { return ArgSort(x, 1) },
			func() (node, error) { return ArgSort(x, 1, Descending()) },
		}},
		{op: CumMax, calls: calls{
			func() (node, error) { return CumMax(x, 0) },
			func() (node, error) { return CumMax(x, 1) },
			func() (node, error) { return CumMax(x, 1, FromEnd()) },
		}},
		{op: CumProd, calls: calls{
			func() (node, error) { return CumProd(x, 0) },
			func() (node, error) { return CumProd(x, 1) },
			func() (node, error) { return CumProd(x, 1, FromEnd()) },
			func() (node, error) { return CumProd(x, 1, Exclusive()) },
		}},
		{op: CumSum, calls: calls{
			func() (node, error) { return CumSum(x, 0) },
			func() (node, error) { return CumSum(x, 1) },
			func() (node, error) { return CumSum(x, 1, FromEnd()) },
			func() (node, error) { return CumSum(x, 1, Exclusive()) },
		}},
		{op: Diag, calls: calls{
			func() (node, error) { return Diag(v, 0) },
			func() (node, error) { return Diag(v, 1) },
			func() (node, error) { return Diag(v, -1) },
		}},
		{op: DiagPart, calls: calls{
			func() (node, error) { return DiagPart(x, 0) },
			func() (node, error) { return DiagPart(x, 1) },
			func() (node, error) { return DiagPart(x, -1) },
		}},
		{op: Dot, calls: calls{func() (node, error) { return Dot(v, v) }}},
		{op: Einsum, calls: calls{
			func() (node, error) { return Einsum("ij,jk->ki", m, m) },
			func() (node, error) { return Einsum("ii->i", m) },
		}},
		{op: DepthToSpace, calls: calls{
			func() (node, error) { return DepthToSpace(deep, 1) },
			func() (node, error) { return DepthToSpace(deep, 2) },
		}},
		{op: SpaceToDepth, calls: calls{
			func() (node, error) { return SpaceToDepth(deep, 2) },
			func() (node, error) { return SpaceToDepth(deep, 4) },
		}},
		{op: Resize, calls: calls{
			func() (node, error) { return Resize(deep, 2, 4, Nearest) },
			func() (node, error) { return Resize(deep, 4, 2, Nearest) },
			func() (node, error) { return Resize(deep, 4, 3, Nearest) },
			func() (node, error) { return Resize(deep, 4, 3, Bilinear) },
			func() (node, error) { return Resize(deep, 4, 3, Bicubic) },
			func() (node, error) { return Resize(deep, 4, 3, Bilinear, AlignCorners()) },
		}},
		{op: STFT, calls: calls{
			func() (node, error) { y, _, err := STFT(m, STFTSpec{Length: 4}); return y, err },
			func() (node, error) {
				y, _, err := STFT(m, STFTSpec{Length: 4, Window: []float64{1, 2}})
				return y, err
			},
			func() (node, error) { y, _, err := STFT(m, STFTSpec{Length: 4, Center: true}); return y, err },
			func() (node, error) { y, _, err := STFT(m, STFTSpec{Length: 4, Center: true, Hop: 2}); return y, err },
		}},
		{op: ISTFT, calls: calls{
			func() (node, error) { return ISTFT(bins, bins, STFTSpec{Length: 6, Center: true}, 0) },
			func() (node, error) { return ISTFT(bins, bins, STFTSpec{Length: 6, Center: true}, 2) },
			func() (node, error) { return ISTFT(bins, bins, STFTSpec{Length: 6, Center: true, Hop: 2}, 0) },
		}},
		{op: ExpandDims, calls: calls{
			func() (node, error) { return ExpandDims(m, 0) },
			func() (node, error) { return ExpandDims(m, 1) },
			func() (node, error) { return ExpandDims(m, 0, -1) },
		}},
		{op: Eye, noGradient: true, calls: calls{
			func() (node, error) { return Eye(g, Float32, 3, 3, 0) },
			func() (node, error) { return Eye(g, Float32, 3, 4, 0) },
			func() (node, error) { return Eye(g, Float32, 3, 4, 1) },
			func() (node, error) { return Eye(g, Int64, 3, 4, 1) },
		}},
		{op: Full, noGradient: true, calls: calls{
			func() (node, error) { return Full(g, Float32, 2, 3, 3) },
			func() (node, error) { return Full(g, Float32, 2, 3, 4) },
			func() (node, error) { return Full(g, Float32, 3, 3, 4) },
			func() (node, error) { return Full(g, Int64, 3, 3, 4) },
		}},
		{op: Gather, calls: calls{
			func() (node, error) { return Gather(x, ids, 0) },
			func() (node, error) { return Gather(x, ids, 1) },
		}},
		{op: GatherElements, calls: calls{
			func() (node, error) { return GatherElements(x, all, 0) },
			func() (node, error) { return GatherElements(x, all, 1) },
		}},
		{op: GatherND, calls: calls{func() (node, error) { return GatherND(x, pairs) }}},
		{op: Kron, calls: calls{func() (node, error) { return Kron(m, wide) }}},
		{op: Linspace, noGradient: true, calls: calls{
			func() (node, error) { return Linspace(g, Float32, 0, 7, 5) },
			func() (node, error) { return Linspace(g, Float32, 0, 7, 6) },
			func() (node, error) { return Linspace(g, Float32, 1, 7, 6) },
		}},
		{op: MoveAxis, calls: calls{func() (node, error) { return MoveAxis(x, 0, 2) }}},
		{op: OneHot, noGradient: true, calls: calls{
			func() (node, error) { return OneHot(ids, 3, Float32) },
			func() (node, error) { return OneHot(ids, 4, Float32) },
			func() (node, error) { return OneHot(ids, 4, Int64) },
		}},
		{op: Outer, calls: calls{func() (node, error) { return Outer(v, v) }}},
		{op: PadValue, calls: calls{
			func() (node, error) { return PadValue(x, 2, PadWidth{0, 1, 1}) },
			func() (node, error) { return PadValue(x, 3, PadWidth{0, 1, 1}) },
			func() (node, error) { return PadValue(x, 3, PadWidth{0, 2, 0}) },
		}},
		{op: Roll, calls: calls{
			func() (node, error) { return Roll(x, 1, 0) },
			func() (node, error) { return Roll(x, 2, 0) },
			func() (node, error) { return Roll(x, 1, 1) },
		}},
		{op: Scatter, calls: calls{
			func() (node, error) { return Scatter(x, ids, x, 0) },
			func() (node, error) { return Scatter(x, ids, x, 1) },
		}},
		{op: ScatterAdd, calls: calls{
			func() (node, error) { return ScatterAdd(x, ids, x, 0) },
			func() (node, error) { return ScatterAdd(x, ids, x, 1) },
		}},
		{op: ScatterAddElements, calls: calls{
			func() (node, error) { return ScatterAddElements(x, all, x, 0) },
			func() (node, error) { return ScatterAddElements(x, all, x, 1) },
		}},
		{op: ScatterAddND, calls: calls{func() (node, error) { return ScatterAddND(x, pairs, m) }}},
		{op: ScatterElements, calls: calls{
			func() (node, error) { return ScatterElements(x, all, x, 0) },
			func() (node, error) { return ScatterElements(x, all, x, 1) },
		}},
		{op: ScatterND, calls: calls{func() (node, error) { return ScatterND(x, pairs, m) }}},
		{op: Searchsorted, noGradient: true, calls: calls{
			func() (node, error) { return Searchsorted(v, m) },
			func() (node, error) { return Searchsorted(m, m) },
			func() (node, error) { return Searchsorted(v, m, Right()) },
		}},
		{op: SegmentMax, calls: calls{
			func() (node, error) { return SegmentMax(x, ids, 3) },
			func() (node, error) { return SegmentMax(x, ids, 4) },
		}},
		{op: SegmentMean, calls: calls{
			func() (node, error) { return SegmentMean(x, ids, 3) },
			func() (node, error) { return SegmentMean(x, ids, 5) },
		}},
		{op: SegmentSum, calls: calls{
			func() (node, error) { return SegmentSum(x, ids, 3) },
			func() (node, error) { return SegmentSum(x, ids, 5) },
		}},
		{op: Sort, calls: calls{
			func() (node, error) { return Sort(x, 0) },
			func() (node, error) { return Sort(x, 1) },
			func() (node, error) { return Sort(x, 1, Descending()) },
		}},
		{op: Squeeze, calls: calls{
			func() (node, error) { return Squeeze(thin) },
			func() (node, error) { return Squeeze(thin, 1) },
			func() (node, error) { return Squeeze(thin, -1) },
		}},
		{op: Stack, calls: calls{
			func() (node, error) { return Stack(0, m, m) },
			func() (node, error) { return Stack(1, m, m) },
			func() (node, error) { return Stack(-1, m, m) },
		}},
		{op: SwapAxes, calls: calls{func() (node, error) { return SwapAxes(x, 0, -1) }}},
		{op: TensorDot, calls: calls{
			func() (node, error) { return TensorDot(x, m, []int{0}, []int{1}) },
			func() (node, error) { return TensorDot(x, m, []int{1}, []int{0}) },
		}},
		{op: Tile, calls: calls{
			func() (node, error) { return Tile(x, 2) },
			func() (node, error) { return Tile(x, 2, 1) },
			func() (node, error) { return Tile(x, 1, 1, 1, 2) },
		}},
		{op: TopK, calls: calls{
			func() (node, error) { n, _, err := TopK(x, 2, 0); return n, err },
			func() (node, error) { n, _, err := TopK(x, 2, 1); return n, err },
			func() (node, error) { n, _, err := TopK(x, 3, 1); return n, err },
		}},
		{op: Trace, calls: calls{func() (node, error) { return Trace(m) }}},
		{op: Tril, calls: calls{
			func() (node, error) { return Tril(x, 0) },
			func() (node, error) { return Tril(x, 1) },
		}},
		{op: Triu, calls: calls{
			func() (node, error) { return Triu(x, 0) },
			func() (node, error) { return Triu(x, 1) },
		}},
		{op: Zeros, noGradient: true, calls: calls{
			func() (node, error) { return Zeros(g, Float32, 7) },
			func() (node, error) { return Zeros(g, Float32, 8) },
		}},
		{op: Split, calls: calls{
			func() (node, error) { return first(Split(x, 0, 1, 3)) },
			func() (node, error) { return first(Split(x, 1, 1, 3)) },
		}},
		{op: Chunk, calls: calls{func() (node, error) { return first(Chunk(x, 2, 4)) }}},
		{op: Unstack, calls: calls{func() (node, error) { return first(Unstack(wide, 0)) }}},
		{op: Meshgrid, calls: calls{func() (node, error) { return first(Meshgrid(v, v)) }}},
	}
}
