// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/elements"
)

// Reshape returns the elements of x, in the same order, in another shape. One of its lengths may be -1,
// for what is left. In a Program the result is a view: nothing is copied, and the memory stays
// allocated as long as either is needed. Gorgonia's machines copy.
func Reshape(x *Node, shape ...int) (*Node, error) {
	to := tensor.Shape(append([]int(nil), shape...))
	if free := slices.Index(to, -1); free >= 0 && x != nil {
		to[free] = 1
		if rest := size(to); rest > 0 {
			to[free] = size(x.Shape()) / rest
		}
	}
	return apply(reshapeOp(x, to), x)
}

// reshapeOp reshapes tensors of the type and rank of x.
func reshapeOp(x *Node, to tensor.Shape) *op {
	o := moveOp("reshape"+attrs("to", to), x, len(to), runCopy)
	o.shape = func(in []tensor.Shape) (tensor.Shape, error) {
		if size(in[0]) != size(to) || slices.ContainsFunc(to, func(d int) bool { return d < 0 }) {
			return nil, fmt.Errorf("%d elements do not fit shape %v of %d", size(in[0]), to, size(to))
		}
		return to.Clone(), nil
	}
	o.grad = oneGrad(func(x, dy *Node) (*Node, error) { return Reshape(dy, x.Shape()...) })
	o.view = true
	return o
}

func runCopy(m memory) error {
	dst, _ := m.bytes(output)
	x, _ := m.bytes(0)
	copy(dst, x)
	return nil
}

// Flatten joins all axes but the first: (batch, ...) becomes (batch, size).
func Flatten(x *Node) (*Node, error) {
	if rankOf(x) == 0 {
		return apply(&op{name: "flatten", in: []int{2}, out: 2, shape: sameShape}, x)
	}
	n, each := batch(x.Shape())
	return Reshape(x, n, each)
}

// Squeeze removes axes of length 1: the given ones, or all if none is given.
func Squeeze(x *Node, axes ...int) (*Node, error) {
	if err := nilError("squeeze", x); err != nil {
		return nil, err
	}
	from := x.Shape()
	axes, err := normalizeAxes(from, axes)
	if err != nil {
		return nil, shapeError("squeeze", err, x)
	}
	to := []int{}
	for i, d := range from {
		given := slices.Contains(axes, i)
		if given && d != 1 {
			return nil, shapeError("squeeze", fmt.Errorf("axis %d has length %d, want 1", i, d), x)
		}
		if !given && (len(axes) > 0 || d != 1) {
			to = append(to, d)
		}
	}
	return Reshape(x, to...)
}

// ExpandDims inserts axes of length 1, which are at the given places in the result.
func ExpandDims(x *Node, axes ...int) (*Node, error) {
	if err := nilError("expand_dims", x); err != nil {
		return nil, err
	}
	to := make(tensor.Shape, rankOf(x)+len(axes))
	axes, err := normalizeAxes(to, axes)
	if err != nil {
		return nil, shapeError("expand_dims", fmt.Errorf("in a result of %d axes: %w", len(to), err), x)
	}
	k := 0
	for i := range to {
		if to[i] = 1; !slices.Contains(axes, i) {
			to[i] = x.Shape()[k]
			k++
		}
	}
	return Reshape(x, to...)
}

// Transpose reorders the axes of x: axis i of the result is axis axes[i] of x. Without axes, their order is
// reversed.
func Transpose(x *Node, axes ...int) (*Node, error) {
	if err := nilError("transpose", x); err != nil {
		return nil, err
	}
	rank := rankOf(x)
	if len(axes) == 0 {
		for i := range rank {
			axes = append(axes, rank-1-i)
		}
	}
	axes, err := normalizeAxes(x.Shape(), axes)
	if err == nil && len(axes) != rank {
		err = fmt.Errorf("axes are %v, want each of 0 to %d once", axes, rank-1)
	}
	if err == nil {
		err = checkRank(x.Shape())
	}
	if err != nil {
		return nil, shapeError("transpose", err, x)
	}
	return apply(transposeOp(x, axes), x)
}

// transposed identifies Transpose to simplify.
type transposed struct{ axes []int }

// transposeOp reorders the axes of tensors of the type and rank of x.
func transposeOp(x *Node, axes []int) *op {
	rank := len(axes)
	o := moveOp("transpose"+attrs("axes", axes), x, rank, func(m memory) error {
		from := m.shapeOf(0)
		var w elements.Walk
		for i, d := range m.shapeOf(output) {
			w.Axis(d, size(m.shapeOf(output)[i+1:]), size(from[axes[i]+1:]))
		}
		move(m, 0, w)
		return nil
	})
	o.shape = func(in []tensor.Shape) (tensor.Shape, error) {
		to := make(tensor.Shape, rank)
		for i, a := range axes {
			to[i] = in[0][a]
		}
		return to, nil
	}
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) {
		back := make([]int, rank)
		for i, a := range axes {
			back[a] = i
		}
		return Transpose(dy, back...)
	})
	o.kind = transposed{axes}
	return o
}

// move copies what a walk visits of an input to the output.
func move(m memory, input int, w elements.Walk) {
	dst, width := m.bytes(output)
	x, _ := m.bytes(input)
	elements.Copy(dst, x, width, w)
}

// MoveAxis moves one axis to another place; the others keep their order.
func MoveAxis(x *Node, from, to int) (*Node, error) {
	return reorder("move_axis", x, from, to, func(order []int, from, to int) []int {
		return slices.Insert(slices.Delete(order, from, from+1), to, from)
	})
}

// SwapAxes exchanges two axes.
func SwapAxes(x *Node, a, b int) (*Node, error) {
	return reorder("swap_axes", x, a, b, func(order []int, a, b int) []int {
		order[a], order[b] = b, a
		return order
	})
}

func reorder(name string, x *Node, a, b int, change func(order []int, a, b int) []int) (*Node, error) {
	if err := nilError(name, x); err != nil {
		return nil, err
	}
	a, err := axisOf(x.Shape(), a)
	if err == nil {
		b, err = axisOf(x.Shape(), b)
	}
	if err != nil {
		return nil, shapeError(name, err, x)
	}
	order := make([]int, rankOf(x))
	for i := range order {
		order[i] = i
	}
	return Transpose(x, change(order, a, b)...)
}
