// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"
	"testing"
)

// axesCase is an op on axes or indices with known values. Where it has gradients, R holds the factors of the
// elements of the result whose sum is differentiated.
type axesCase struct {
	Op, YType     string
	Types         []string
	Shapes        [][]int
	Inputs, Grads [][]number
	YShape        []int
	Y, R          []number
}

// These are the windows of the known transforms of testdata/axes.py.
var (
	shortWindow = []float64{0.5, 1, 0.75}
	oddWindow   = []float64{1, 2, 1, 0.5, 1, 1, 2}
)

// knownAxes returns the expression of each op of testdata/axes.py.
func knownAxes(g *Graph, in Nodes) map[string]func() (*Node, error) {
	var x, y, z *Node
	for k, n := range []**Node{&x, &y, &z} {
		if k < len(in) {
			*n = in[k]
		}
	}
	joined := func(axis int, reverse bool) func(Nodes, error) (*Node, error) {
		return func(n Nodes, err error) (*Node, error) {
			if err != nil {
				return nil, err
			}
			if reverse {
				for i, j := 0, len(n)-1; i < j; i, j = i+1, j-1 {
					n[i], n[j] = n[j], n[i]
				}
			}
			return Concat(axis, n...)
		}
	}
	pad := func(mode PadMode) func() (*Node, error) {
		return func() (*Node, error) { return Pad(x, mode, PadWidth{-1, 2, 3}) }
	}
	transform := func(spec STFTSpec) func() (*Node, error) {
		return func() (*Node, error) {
			re, im, err := STFT(x, spec)
			if err != nil {
				return nil, err
			}
			return Concat(-1, re, im)
		}
	}
	return map[string]func() (*Node, error){
		"transpose":         func() (*Node, error) { return Transpose(x, 2, 0, 1) },
		"moveaxis":          func() (*Node, error) { return MoveAxis(x, 0, -1) },
		"swapaxes":          func() (*Node, error) { return SwapAxes(x, 0, -1) },
		"expanddims":        func() (*Node, error) { return ExpandDims(x, 1, -1) },
		"squeeze":           func() (*Node, error) { return Squeeze(x) },
		"flip":              func() (*Node, error) { return Flip(x, 0, -1) },
		"roll":              func() (*Node, error) { return Roll(x, 2, -1) },
		"roll back":         func() (*Node, error) { return Roll(x, -3, 0) },
		"tile":              func() (*Node, error) { return Tile(x, 2, 1, 3) },
		"tile more":         func() (*Node, error) { return Tile(x, 2, 1, 1, 2) },
		"repeat":            func() (*Node, error) { return Repeat(x, 3, 1) },
		"slice":             func() (*Node, error) { return Slice(x, At(0, -1, Open), At(-1, Open, 1)) },
		"slice steps":       func() (*Node, error) { return Slice(x, At(0, Open, Open, 2), At(-1, Open, Open, -2)) },
		"stack":             func() (*Node, error) { return Stack(-2, x, y) },
		"concat":            func() (*Node, error) { return Concat(1, x, y, x) },
		"split":             func() (*Node, error) { return joined(0, true)(Split(x, 0, 1, x.Shape()[0]-1)) },
		"pad":               func() (*Node, error) { return Pad(x, PadZeros, PadWidth{-1, 2, 1}, PadWidth{1, 0, 3}) },
		"pad value":         func() (*Node, error) { return PadValue(x, 1.5, PadWidth{-1, 2, 1}, PadWidth{1, 0, 3}) },
		"pad reflect":       pad(PadReflect),
		"pad symmetric":     pad(PadSymmetric),
		"pad edge":          pad(PadEdge),
		"pad wrap":          pad(PadWrap),
		"cumsum":            func() (*Node, error) { return CumSum(x, -1) },
		"cumsum first":      func() (*Node, error) { return CumSum(x, 0) },
		"cumsum exclusive":  func() (*Node, error) { return CumSum(x, 1, Exclusive()) },
		"cumsum from end":   func() (*Node, error) { return CumSum(x, -1, FromEnd()) },
		"cumprod":           func() (*Node, error) { return CumProd(x, -1) },
		"cumprod first":     func() (*Node, error) { return CumProd(x, 0) },
		"cummax":            func() (*Node, error) { return CumMax(x, -1) },
		"triu":              func() (*Node, error) { return Triu(x, 1) },
		"tril":              func() (*Node, error) { return Tril(x, -1) },
		"diag":              func() (*Node, error) { return Diag(x, -1) },
		"diag part":         func() (*Node, error) { return DiagPart(x, 0) },
		"trace":             func() (*Node, error) { return Trace(x) },
		"matmul":            func() (*Node, error) { return MatMul(x, y) },
		"matmul broadcast":  func() (*Node, error) { return MatMul(x, y) },
		"matmul vector":     func() (*Node, error) { return MatMul(x, y) },
		"matmul transposed": func() (*Node, error) { return MatMul(x, y, Transposed(false, true)) },
		"einsum":            func() (*Node, error) { return Einsum("bij,bkj->ikb", x, y) },
		"einsum trace":      func() (*Node, error) { return Einsum("bij->j", x) },
		"einsum ellipsis":   func() (*Node, error) { return Einsum("...j,jk->k...", x, y) },
		"tensordot":         func() (*Node, error) { return TensorDot(x, y, []int{2, 0}, []int{1, 0}) },
		"outer":             func() (*Node, error) { return Outer(x, y) },
		"kron":              func() (*Node, error) { return Kron(x, y) },
		"dot":               func() (*Node, error) { return Dot(x, y) },
		"sort":              func() (*Node, error) { return Sort(x, -1) },
		"sort descending":   func() (*Node, error) { return Sort(x, 0, Descending()) },
		"argsort":           func() (*Node, error) { return ArgSort(x, 1) },
		"top k": func() (*Node, error) {
			v, _, err := TopK(x, 1, -1)
			return v, err
		},
		"top k ids": func() (*Node, error) {
			_, ids, err := TopK(x, x.Shape()[0], 0)
			return ids, err
		},
		"gather":               func() (*Node, error) { return Gather(x, y, -1) },
		"gather first":         func() (*Node, error) { return Gather(x, y, 0) },
		"gather elements":      func() (*Node, error) { return GatherElements(x, y, -1) },
		"gather nd":            func() (*Node, error) { return GatherND(x, y) },
		"scatter":              func() (*Node, error) { return Scatter(x, y, z, 2) },
		"scatter add":          func() (*Node, error) { return ScatterAdd(x, y, z, -1) },
		"scatter elements":     func() (*Node, error) { return ScatterElements(x, y, z, -1) },
		"scatter add elements": func() (*Node, error) { return ScatterAddElements(x, y, z, 2) },
		"scatter nd":           func() (*Node, error) { return ScatterND(x, y, z) },
		"scatter add nd":       func() (*Node, error) { return ScatterAddND(x, y, z) },
		"segment sum":          func() (*Node, error) { return SegmentSum(x, y, 3) },
		"segment mean":         func() (*Node, error) { return SegmentMean(x, y, 3) },
		"segment max":          func() (*Node, error) { return SegmentMax(x, y, 1) },
		"one hot":              func() (*Node, error) { return OneHot(x, 4, Float64) },
		"embedding": func() (*Node, error) {
			var try Try
			one, two := try.Do(Full(g, Int64, 1)), try.Do(Full(g, Int64, 2))
			return try.Do(Gather(y, try.Do(Add(try.Do(Mul(x, two)), one)), 0)), try.Err()
		},
		"searchsorted":       func() (*Node, error) { return Searchsorted(x, y) },
		"searchsorted right": func() (*Node, error) { return Searchsorted(x, x, Right()) },
		"arange":             func() (*Node, error) { return Arange(g, Float64, -2, 3.1, 0.75) },
		"arange back":        func() (*Node, error) { return Arange(g, Int64, 5, -2, -3) },
		"linspace":           func() (*Node, error) { return Linspace(g, Float64, -1, 2, 7) },
		"linspace one":       func() (*Node, error) { return Linspace(g, Float64, -1, 2, 1) },
		"eye":                func() (*Node, error) { return Eye(g, Float64, 3, 4, 1) },
		"eye below":          func() (*Node, error) { return Eye(g, Float64, 4, 2, -2) },
		"meshgrid":           func() (*Node, error) { return joined(0, false)(Meshgrid(x, y)) },
		"chunk":              func() (*Node, error) { return joined(0, true)(Chunk(x, -1, 3)) },
		"unstack": func() (*Node, error) {
			parts, err := Unstack(x, 1)
			if err != nil {
				return nil, err
			}
			var try Try
			sum := parts[0]
			for k, p := range parts[1:] {
				sum = try.Do(Add(sum, try.Do(Scale(p, float64(k+2)))))
			}
			return sum, try.Err()
		},
		"space to depth": func() (*Node, error) { return SpaceToDepth(x, 2) },
		"depth to space": func() (*Node, error) { return DepthToSpace(x, 2) },
		"stft":           transform(STFTSpec{Length: 8, Center: true}),
		"stft hop":       transform(STFTSpec{Length: 8, Hop: 3}),
		"stft window":    transform(STFTSpec{Length: 8, Hop: 4, Window: shortWindow, Center: true}),
		"istft":          func() (*Node, error) { return ISTFT(x, y, STFTSpec{Length: 8, Center: true}, 0) },
		"istft length":   func() (*Node, error) { return ISTFT(x, y, STFTSpec{Length: 8, Hop: 4, Center: true}, 15) },
		"istft odd":      func() (*Node, error) { return ISTFT(x, y, STFTSpec{Length: 7, Hop: 3, Window: oddWindow}, 0) },
	}
}

// knownResize returns Resize for a name such as "resize bicubic 3 2 corners".
func knownResize(x *Node, name string) (*Node, error) {
	var method, corners string
	var h, w int
	fmt.Sscan(strings.TrimPrefix(name, "resize "), &method, &h, &w, &corners)
	var options []ResizeOption
	if corners != "" {
		options = append(options, AlignCorners())
	}
	return Resize(x, h, w, map[string]Interpolation{"nearest-exact": Nearest, "bilinear": Bilinear, "bicubic": Bicubic}[method], options...)
}

// TestKnownAxes compares with PyTorch and NumPy, in float32, float64 and int64, over shapes that are empty
// and have one element.
func TestKnownAxes(t *testing.T) {
	var cases []axesCase
	loadKnown(t, "axes", &cases)
	seen := map[string]bool{}
	for i, c := range cases {
		seen[c.Op] = true
		for dt, tolerance := range map[Dtype]float64{Float32: 4e-6, Float64: 1e-12} {
			g := New()
			var in, floats Nodes
			for k, shape := range c.Shapes {
				v := knownTensor(c.Inputs[k], map[string]Dtype{"float64": dt, "int64": Int64}[c.Types[k]], shape)
				n, err := Input(g, v.Dtype(), fmt.Sprint("x", k), shape...)
				if err == nil {
					err = Let(n, v)
				}
				if err != nil {
					t.Fatal(err)
				}
				in = append(in, n)
				if k < len(c.Grads) && c.Grads[k] != nil {
					floats = append(floats, n)
				}
			}
			if dt == Float32 && len(floats) == 0 && c.YType == "float64" {
				continue // a constant
			}
			what := fmt.Sprintf("case %d, %s of %v, %v", i, c.Op, c.Shapes, dt)
			build := knownAxes(g, in)[c.Op]
			if build == nil {
				build = func() (*Node, error) { return knownResize(in[0], c.Op) }
			}
			y, err := build()
			if err != nil {
				t.Fatal(what, ": ", err)
			}
			if !equal(y.Shape(), c.YShape) {
				t.Fatalf("%s has the shape %v, want %v", what, y.Shape(), c.YShape)
			}
			outs := Nodes{y}
			if len(floats) > 0 {
				outs = append(outs, weightedGradients(t, y, c.R, floats)...)
			}
			p, err := CompileOptions{Without: Fold}.Compile(outs...)
			if err == nil {
				err = p.RunAll()
			}
			if err != nil {
				t.Fatal(what, ": ", err)
			}
			compareNumbers(t, what, valuesOf(outs[0].Value()), c.Y, tolerance)
			k := 0
			for n, want := range c.Grads {
				if want != nil {
					k++
					compareNumbers(t, fmt.Sprint(what, ", gradient by input ", n), valuesOf(outs[k].Value()), want, 4*tolerance)
				}
			}
		}
	}
	for op := range knownAxes(New(), nil) {
		if !seen[op] {
			t.Errorf("%s has no known value", op)
		}
	}
}

// weightedGradients returns those of sum(r·y).
func weightedGradients(t *testing.T, y *Node, r []number, wrt Nodes) Nodes {
	t.Helper()
	var try Try
	weights := try.Do(Constant(y.Graph(), knownTensor(r, y.Dtype(), y.Shape())))
	cost := try.Do(Sum(try.Do(Mul(y, weights))))
	if try.Err() != nil {
		t.Fatal(try.Err())
	}
	grads, err := Grad(cost, wrt...)
	if err != nil {
		t.Fatal(err)
	}
	return grads
}
