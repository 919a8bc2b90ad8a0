// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// PoolSpec describes a pooling window, with an element for each spatial axis. A stride of 0 means the
// window's size.
type PoolSpec struct {
	Size    [3]int
	Stride  [3]int
	Padding Padding // Valid or Same

	// CeilMode adds a position to an axis whose last cells are in no window of Valid padding. The cells
	// of that window beyond the axis do not count (PyTorch's ceil_mode).
	CeilMode bool
	// CountPadding divides the sum of AvgPool by the size of the window, padding included (PyTorch's
	// count_include_pad).
	CountPadding bool
}

// String returns the padding, the size and what is not its default.
func (p PoolSpec) String() string {
	text := settingText(p.Padding.String(), "size", p.Size, 1)
	text = settingText(text, "stride", p.Stride, 0)
	if p.CeilMode {
		text += " ceil"
	}
	if p.CountPadding {
		text += " counted"
	}
	return text
}

// maxWindow is the largest number of cells in a window: the index of the maximum is stored
// in one byte.
const maxWindow = 256

func (p PoolSpec) geometry(x tensor.Shape) (g kernel.Pool, err error) {
	if g.N, g.H, g.W, g.C, err = spatial(x); err != nil {
		return g, err
	}
	if p.Padding == Causal {
		return g, fmt.Errorf("padding is causal, want valid or same")
	}
	size, stride, rows := p.Size, p.Stride, p.Padding
	for i := range stride {
		if stride[i] == 0 {
			stride[i] = size[i]
		}
	}
	if len(x) == 3 {
		size, stride, rows = [3]int{1, size[0]}, [3]int{1, stride[0]}, Valid
	}
	g.KH, g.KW, g.StrideH, g.StrideW = size[0], size[1], stride[0], stride[1]
	if g.OH, g.PadTop, err = p.positions(g.H, g.KH, g.StrideH, rows); err != nil {
		return g, fmt.Errorf("height: %w", err)
	}
	if g.OW, g.PadLeft, err = p.positions(g.W, g.KW, g.StrideW, p.Padding); err != nil {
		return g, fmt.Errorf("width: %w", err)
	}
	if g.KH*g.KW > maxWindow {
		return g, fmt.Errorf("window of %d x %d cells, want at most %d", g.KH, g.KW, maxWindow)
	}
	return g, nil
}

// positions is windowPositions in the spec's mode.
func (p PoolSpec) positions(n, k, stride int, padding Padding) (out, before int, err error) {
	out, before, err = windowPositions(n, k, stride, 1, padding)
	if err == nil && p.CeilMode && padding == Valid && (out-1)*stride+k < n && out*stride < n {
		out++
	}
	return out, before, err
}

func (p PoolSpec) shape(in []tensor.Shape) (tensor.Shape, error) {
	g, err := p.geometry(in[0])
	if err != nil {
		return nil, err
	}
	if len(in[0]) == 3 {
		return tensor.Shape{g.N, g.OW, g.C}, nil
	}
	return tensor.Shape{g.N, g.OH, g.OW, g.C}, nil
}

// maxima holds the positions of the maxima that the forward op found, for the backward op.
// The forward op's output is an input of the backward op only to make the forward op run
// first.
type maxima struct {
	window []uint8 // index within the window
	cell   []int32 // index within the image
}

// MaxPool returns the maximum of each channel over a moving window. Among equal values, the
// first gets the gradient.
//
//	x (batch, steps, channels), (batch, height, width, channels) or (batch, depth, height, width, channels)
func MaxPool(x *Node, spec PoolSpec) (*Node, error) {
	if rankOf(x) == 5 {
		return poolVolume("max_pool", x, spec, MaxPool)
	}
	rank, m := rankOf(x), &maxima{}
	return apply(&op{
		name: "max_pool" + attrs("spec", spec),
		in:   []int{rank}, out: rank,
		shape: spec.shape,
		run:   forDtypes(runMaxPool[float32](spec, m), runMaxPool[float64](spec, m)),
		keeps: m,
		lean:  func() runner { return forDtypes(runMaxPool[float32](spec, nil), runMaxPool[float64](spec, nil)) },
		diff:  []bool{true},
		grad: func(in Nodes, y, dy *Node) (Nodes, error) {
			dx, err := m.spread(spec, in[0].Shape(), y, dy)
			return Nodes{dx}, err
		},
	}, x)
}

// spread returns the gradient of an image of shape x: dy where the maxima y were, 0 elsewhere. It is
// linear in dy, and its transpose is collect.
func (m *maxima) spread(spec PoolSpec, x tensor.Shape, y, dy *Node) (*Node, error) {
	x = x.Clone()
	rank := len(x)
	return apply((&op{
		name: "max_pool_grad" + attrs("spec", spec, "to", x),
		in:   []int{rank, rank}, out: rank,
		shape: fixed(x),
		run:   forDtypes(runMaxPoolBack[float32](spec, x, m), runMaxPoolBack[float64](spec, x, m)),

		readsKept: m,
	}).linear(1, func(in Nodes, g *Node) (*Node, error) { return m.collect(spec, in[0], g) }), y, dy)
}

// collect returns the elements of an image g where the maxima y were.
func (m *maxima) collect(spec PoolSpec, y, g *Node) (*Node, error) {
	rank, x := rankOf(g), g.Shape()
	return apply((&op{
		name: "max_pool_collect" + attrs("spec", spec),
		in:   []int{rank, rank}, out: rank,
		shape: sameShape,
		run:   forDtypes(runMaxPoolCollect[float32](spec, m), runMaxPoolCollect[float64](spec, m)),

		readsKept: m,
	}).linear(1, func(in Nodes, dy *Node) (*Node, error) { return m.spread(spec, x, in[0], dy) }), y, g)
}

func runMaxPoolCollect[T kernel.Float](spec PoolSpec, m *maxima) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := spec.geometry(c.inShape[1])
		if err != nil {
			return err
		}
		for i := range c.out {
			ch, cell := i%g.C, i/g.C
			b, row, col := cell/(g.OH*g.OW), cell/g.OW%g.OH, cell%g.OW
			in := int(m.window[i])
			row, col = row*g.StrideH-g.PadTop+in/g.KW, col*g.StrideW-g.PadLeft+in%g.KW
			c.out[i] = c.in[1][((b*g.H+row)*g.W+col)*g.C+ch]
		}
		return nil
	}
}

// runMaxPool records the maxima in m, unless it is nil.
func runMaxPool[T kernel.Float](spec PoolSpec, m *maxima) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := spec.geometry(c.inShape[0])
		if err != nil {
			return err
		}
		if m == nil {
			kernel.MaxPool2D(c.out, nil, c.in[0], &g)
			return nil
		}
		if len(m.window) < len(c.out) {
			m.window = make([]uint8, len(c.out))
		}
		kernel.MaxPool2D(c.out, m.window[:len(c.out)], c.in[0], &g)
		return nil
	}
}

func runMaxPoolBack[T kernel.Float](spec PoolSpec, x tensor.Shape, m *maxima) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := spec.geometry(x)
		if err != nil {
			return err
		}
		kernel.MaxPool2DBack(c.out, m.window[:len(c.in[1])], c.in[1], &g)
		return nil
	}
}

// AvgPool returns the mean of each channel over a moving window, of the shapes of MaxPool. Cells added by
// Same padding are not counted, unless CountPadding is set.
func AvgPool(x *Node, spec PoolSpec) (*Node, error) {
	if spec.CountPadding {
		return countPadding(x, spec)
	}
	if rankOf(x) == 5 {
		return poolVolume("avg_pool", x, spec, AvgPool)
	}
	rank := rankOf(x)
	return apply(&op{
		name: "avg_pool" + attrs("spec", spec),
		in:   []int{rank}, out: rank,
		shape: spec.shape,
		run:   forDtypes(runAvgPool[float32](spec), runAvgPool[float64](spec)),
		diff:  []bool{true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			to := in[0].Shape()
			dx, err := apply((&op{
				name: "avg_pool_grad" + attrs("spec", spec, "to", to),
				in:   []int{rank}, out: rank,
				shape: fixed(to),
				run:   forDtypes(runAvgPoolBack[float32](spec, to), runAvgPoolBack[float64](spec, to)),
			}).linear(0, func(_ Nodes, g *Node) (*Node, error) { return AvgPool(g, spec) }), dy)
			return Nodes{dx}, err
		},
	}, x)
}

func runAvgPool[T kernel.Float](spec PoolSpec) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := spec.geometry(c.inShape[0])
		if err != nil {
			return err
		}
		kernel.AvgPool2D(c.out, c.in[0], &g)
		return nil
	}
}

func runAvgPoolBack[T kernel.Float](spec PoolSpec, x tensor.Shape) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := spec.geometry(x)
		if err != nil {
			return err
		}
		kernel.AvgPool2DBack(c.out, c.in[0], &g)
		return nil
	}
}

// GlobalMaxPool returns the maximum of each channel over all spatial cells:
// (batch, ..., channels) becomes (batch, channels). Among equal values, the first gets the
// gradient.
func GlobalMaxPool(x *Node) (*Node, error) {
	m := &maxima{}
	return globalPool(&op{
		name:  "global_max_pool",
		run:   forDtypes(runGlobalMax[float32](m), runGlobalMax[float64](m)),
		keeps: m,
		lean: func() runner {
			own := &maxima{}
			return forDtypes(runGlobalMax[float32](own), runGlobalMax[float64](own))
		},
	}, x, func(to tensor.Shape) runner {
		return forDtypes(runGlobalMaxBack[float32](to, m), runGlobalMaxBack[float64](to, m))
	}, m.collectGlobal)
}

// collectGlobal returns the elements of an image g where the global maxima y were.
func (m *maxima) collectGlobal(back func(y, dy *Node) (*Node, error), y, g *Node) (*Node, error) {
	return apply((&op{
		name: "global_max_pool_collect",
		in:   []int{2, rankOf(g)}, out: 2,
		shape: sameShape,
		run:   forDtypes(runGlobalMaxCollect[float32](m), runGlobalMaxCollect[float64](m)),

		readsKept: m,
	}).linear(1, func(in Nodes, dy *Node) (*Node, error) { return back(in[0], dy) }), y, g)
}

func runGlobalMaxCollect[T kernel.Float](m *maxima) func(*call[T]) error {
	return func(c *call[T]) error {
		_, k, ch := cells(c.inShape[1])
		for i := range c.out {
			c.out[i] = c.in[1][(i/ch*k+int(m.cell[i]))*ch+i%ch]
		}
		return nil
	}
}

// GlobalAvgPool returns the mean of each channel over all spatial cells.
func GlobalAvgPool(x *Node) (*Node, error) {
	return globalPool(&op{name: "global_avg_pool", run: forDtypes(runGlobalAvg[float32], runGlobalAvg[float64])}, x,
		func(to tensor.Shape) runner {
			return forDtypes(runGlobalAvgBack[float32](to), runGlobalAvgBack[float64](to))
		}, func(_ func(y, dy *Node) (*Node, error), _, g *Node) (*Node, error) { return GlobalAvgPool(g) })
}

// globalPool applies an op with a name and a run. back computes the gradient, which is linear in that of
// the output; transpose is the transpose of that map, given the map itself, the output and its argument.
func globalPool(o *op, x *Node, back func(to tensor.Shape) runner, transpose func(back func(y, dy *Node) (*Node, error), y, g *Node) (*Node, error)) (*Node, error) {
	rank := rankOf(x)
	o.in, o.out, o.diff = []int{rank}, 2, []bool{true}
	o.shape = func(in []tensor.Shape) (tensor.Shape, error) {
		if len(in[0]) < 3 {
			return nil, fmt.Errorf("input has shape %v, want (batch, ..., channels) with at least one axis in between", in[0])
		}
		n, _, c := cells(in[0])
		return tensor.Shape{n, c}, nil
	}
	o.grad = func(in Nodes, y, dy *Node) (Nodes, error) {
		to := in[0].Shape()
		var gradient func(y, dy *Node) (*Node, error)
		gradient = func(y, dy *Node) (*Node, error) {
			return apply((&op{
				name: o.name + "_grad" + attrs("to", to),
				in:   []int{2, 2}, out: rank,
				shape:     fixed(to),
				run:       back(to),
				readsKept: o.keeps,
			}).linear(1, func(in Nodes, g *Node) (*Node, error) { return transpose(gradient, in[0], g) }), y, dy)
		}
		dx, err := gradient(y, dy)
		return Nodes{dx}, err
	}
	return apply(o, x)
}

func runGlobalMax[T kernel.Float](m *maxima) func(*call[T]) error {
	return func(c *call[T]) error {
		if len(m.cell) < len(c.out) {
			m.cell = make([]int32, len(c.out))
		}
		n, k, ch := cells(c.inShape[0])
		kernel.GlobalMaxPool(c.out, m.cell[:len(c.out)], c.in[0], n, k, ch)
		return nil
	}
}

func runGlobalMaxBack[T kernel.Float](x tensor.Shape, m *maxima) func(*call[T]) error {
	return func(c *call[T]) error {
		n, k, ch := cells(x)
		kernel.GlobalMaxPoolBack(c.out, m.cell[:len(c.in[1])], c.in[1], n, k, ch)
		return nil
	}
}

func runGlobalAvg[T kernel.Float](c *call[T]) error {
	n, k, ch := cells(c.inShape[0])
	kernel.GlobalAvgPool(c.out, c.in[0], n, k, ch)
	return nil
}

func runGlobalAvgBack[T kernel.Float](x tensor.Shape) func(*call[T]) error {
	return func(c *call[T]) error {
		n, k, ch := cells(x)
		kernel.GlobalAvgPoolBack(c.out, c.in[1], n, k, ch)
		return nil
	}
}
