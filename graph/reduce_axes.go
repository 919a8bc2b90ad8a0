// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// ReduceOption is an option of Sum, Mean and the other reductions.
type ReduceOption func(*reduction)

// Axes selects the axes to reduce; negative ones count from the last, -1. Without it, all are reduced.
func Axes(axes ...int) ReduceOption {
	return func(r *reduction) { r.axes, r.all = append([]int(nil), axes...), false }
}

// KeepDims leaves each reduced axis in the result with length 1, so that the result broadcasts with the
// input.
func KeepDims() ReduceOption { return func(r *reduction) { r.keep = true } }

// reduction says which axes are reduced.
type reduction struct {
	axes []int // ascending, not negative
	all  bool
	keep bool
}

// reductionOf returns the reduction of a shape that options describe.
func reductionOf(shape Shape, options []ReduceOption) (r reduction, err error) {
	r.all = true
	for _, o := range options {
		o(&r)
	}
	if r.all {
		for i := range shape {
			r.axes = append(r.axes, i)
		}
	}
	if r.axes, err = normalizeAxes(shape, r.axes); err != nil {
		return r, err
	}
	slices.Sort(r.axes)
	return r, nil
}

// normalizeAxes returns axes counted from the first. Each must exist and be there once.
func normalizeAxes(shape Shape, axes []int) ([]int, error) {
	axes = slices.Clone(axes)
	for k, a := range axes {
		if a < 0 {
			axes[k] += len(shape)
		}
		if axes[k] < 0 || axes[k] >= len(shape) {
			return nil, fmt.Errorf("axis is %d, shape %v has %d to %d", a, shape, -len(shape), len(shape)-1)
		}
		if slices.Contains(axes[:k], axes[k]) {
			return nil, fmt.Errorf("axis %d is given twice", axes[k])
		}
	}
	return axes, nil
}

// shape returns the shape of the result, with reduced axes of length 1 if keep is set.
func (r *reduction) shape(from Shape, keep bool) Shape {
	to := Shape{}
	for i, d := range from {
		switch {
		case !slices.Contains(r.axes, i):
			to = append(to, d)
		case keep:
			to = append(to, 1)
		}
	}
	return to
}

// split returns x with axes (outer, reduced, inner): neighbors are merged, and the reduced axes are moved
// to the end if they are not neighbors.
func (r *reduction) split(x *Node) (*Node, error) {
	from := x.Shape()
	if len(r.axes) == 0 {
		return Reshape(x, size(from), 1, 1)
	}
	first, last := r.axes[0], r.axes[len(r.axes)-1]
	if last-first == len(r.axes)-1 {
		return Reshape(x, size(from[:first]), size(from[first:last+1]), size(from[last+1:]))
	}
	var order []int
	for i := range from {
		if !slices.Contains(r.axes, i) {
			order = append(order, i)
		}
	}
	kept := 1
	for _, i := range order {
		kept *= from[i]
	}
	moved, err := Transpose(x, append(order, r.axes...)...)
	if err != nil {
		return nil, err
	}
	return Reshape(moved, kept, size(from)/max(kept, 1), 1)
}

// axisGrad builds the gradient of a reduction of x (outer, n, inner) from y and dy (outer, inner).
type axisGrad func(x, y, dy *Node) (*Node, error)

// reduceAxes applies a reduction of the middle one of three axes.
func reduceAxes(name string, x *Node, options []ReduceOption, run runner, grad axisGrad) (*Node, error) {
	return reduceTo(name, x, options, run, grad, elementType(elementOf(x)), elementType(elementOf(x)))
}

// reduceTo is reduceAxes for a result of another type.
func reduceTo(name string, x *Node, options []ReduceOption, run runner, grad axisGrad, from, to Dtype) (*Node, error) {
	if x == nil {
		return nil, &OpError{Op: name, Err: fmt.Errorf("input 0 is nil: an earlier expression failed")}
	}
	r, err := reductionOf(x.Shape(), options)
	if err != nil {
		return nil, &OpError{Op: name, Shapes: []Shape{x.Shape()}, Err: err}
	}
	three, err := r.split(x)
	if err != nil {
		return nil, err
	}
	o := &op{
		name: name, in: []int{3}, out: 2, inType: []Dtype{from}, outType: to, run: run,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			return tensor.Shape{in[0][0], in[0][2]}, nil
		},
		diff: []bool{grad != nil}, zeroDiff: []bool{grad == nil},
	}
	if grad != nil {
		o.grad = func(in Nodes, y, dy *Node) (Nodes, error) {
			dx, err := grad(in[0], y, dy)
			return Nodes{dx}, err
		}
	}
	y, err := apply(o, three)
	if err != nil {
		return nil, err
	}
	return Reshape(y, r.shape(x.Shape(), r.keep)...)
}

// alongAxis repeats y (outer, inner) along the middle axis of shape (outer, n, inner).
func alongAxis(y *Node, shape Shape) (*Node, error) {
	three, err := Reshape(y, shape[0], 1, shape[2])
	if err != nil {
		return nil, err
	}
	return BroadcastTo(three, shape...)
}

func sumAxisGrad(x, _, dy *Node) (*Node, error) { return alongAxis(dy, x.Shape()) }

func runSumAxis[T kernel.Float](c *call[T]) error {
	s := c.inShape[0]
	kernel.SumAxis(c.out, c.in[0], s[0], s[1], s[2])
	return nil
}

// meanAxes divides the sums by the number of elements of each.
func meanAxes(x *Node, options []ReduceOption) (*Node, error) {
	total, err := Sum(x, options...)
	if err != nil {
		return nil, err
	}
	return Scale(total, float64(max(size(total.Shape()), 1))/float64(max(size(x.Shape()), 1)))
}
