// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/elements"
)

// Concat joins tensors along an axis. All other axes must agree.
func Concat(axis int, parts ...*Node) (*Node, error) {
	if len(parts) == 0 {
		return nil, &OpError{Op: "concat", Err: fmt.Errorf("got no tensors to join")}
	}
	if err := nilError("concat", parts...); err != nil {
		return nil, err
	}
	first := parts[0].Shape()
	axis, err := axisOf(first, axis)
	if err != nil {
		return nil, shapeError("concat", err, parts...)
	}
	rank := len(first)
	o := moveOp("concat"+attrs("axis", axis, "parts", len(parts)), parts[0], rank, func(m memory) error {
		to := m.shapeOf(output)
		inner := size(to[axis+1:])
		dst, width := m.bytes(output)
		j := elements.NewJoin(width)
		for i := range parts {
			x, _ := m.bytes(i)
			j.Add(x, m.shapeOf(i)[axis]*inner)
		}
		j.Write(dst, size(to[:axis]))
		return nil
	})
	o.shape = func(in []tensor.Shape) (tensor.Shape, error) {
		to := in[0].Clone()
		for i, s := range in[1:] {
			want := in[0].Clone()
			want[axis] = s[axis]
			if !equal(s, want) {
				return nil, fmt.Errorf("input %d has shape %v, which differs from %v in more than axis %d", i+1, s, in[0], axis)
			}
			to[axis] += s[axis]
		}
		return to, nil
	}
	o.grad = func(in Nodes, _, dy *Node) (Nodes, error) {
		lengths := make([]int, len(in))
		for i, n := range in {
			lengths[i] = n.Shape()[axis]
		}
		return Split(dy, axis, lengths...)
	}
	for range parts[1:] {
		o.alike(parts[0])
	}
	return apply(o, parts...)
}

// Stack joins tensors of one shape along a new axis, which is at the given place in the result.
func Stack(axis int, parts ...*Node) (*Node, error) {
	if len(parts) == 0 {
		return nil, &OpError{Op: "stack", Err: fmt.Errorf("got no tensors to join")}
	}
	if err := nilError("stack", parts...); err != nil {
		return nil, err
	}
	for i, p := range parts {
		if !equal(p.Shape(), parts[0].Shape()) {
			return nil, shapeError("stack", fmt.Errorf("input %d has shape %v, want %v", i, p.Shape(), parts[0].Shape()), parts...)
		}
	}
	axis, err := axisOf(make(tensor.Shape, rankOf(parts[0])+1), axis)
	if err != nil {
		return nil, shapeError("stack", err, parts...)
	}
	var try Try
	wide := make(Nodes, len(parts))
	for i, p := range parts {
		wide[i] = try.Do(ExpandDims(p, axis))
	}
	return try.Do(Concat(axis, wide...)), try.Err()
}

// Meshgrid repeats vectors so that together they are the coordinates of a grid: result i has the shape of
// all lengths and varies along axis i ("ij" of NumPy).
func Meshgrid(vectors ...*Node) (Nodes, error) {
	if len(vectors) == 0 {
		return nil, &OpError{Op: "meshgrid", Err: fmt.Errorf("got no vectors")}
	}
	if err := nilError("meshgrid", vectors...); err != nil {
		return nil, err
	}
	shape := make([]int, len(vectors))
	for i, v := range vectors {
		if rankOf(v) != 1 {
			return nil, shapeError("meshgrid", fmt.Errorf("input %d has shape %v, want a vector", i, v.Shape()), vectors...)
		}
		shape[i] = v.Shape()[0]
	}
	var try Try
	grid := make(Nodes, len(vectors))
	for i, v := range vectors {
		thin := slices.Repeat([]int{1}, len(vectors))
		thin[i] = shape[i]
		grid[i] = try.Do(BroadcastTo(try.Do(Reshape(v, thin...)), shape...))
	}
	return grid, try.Err()
}

// Tile repeats all of x times[i] times along axis i. If there are fewer times than axes, they belong to the
// last ones; if there are more, the result has new axes before those of x.
func Tile(x *Node, times ...int) (*Node, error) {
	if err := nilError("tile", x); err != nil {
		return nil, err
	}
	from := slices.Concat(slices.Repeat([]int{1}, max(0, len(times)-rankOf(x))), x.Shape())
	times = slices.Concat(slices.Repeat([]int{1}, max(0, len(from)-len(times))), times)
	to := make(tensor.Shape, len(from))
	for i, n := range times {
		if n < 0 {
			return nil, shapeError("tile", fmt.Errorf("times are %v, want no negative number", times), x)
		}
		to[i] = n * from[i]
	}
	if err := checkRank(to); err != nil {
		return nil, shapeError("tile", err, x)
	}
	o := moveOp("tile"+attrs("times", times), x, len(to), func(m memory) error {
		var w elements.Walk
		for i, n := range times {
			dst, src := size(to[i+1:]), size(from[i+1:])
			w.Axis(n, from[i]*dst, 0)
			w.Axis(from[i], dst, src)
		}
		move(m, 0, w)
		return nil
	})
	o.shape = fixed(to)
	o.grad = oneGrad(func(x, dy *Node) (*Node, error) {
		shape, err := to.Clone(), error(nil)
		for i, n := range times {
			if n == 1 {
				continue
			}
			shape[i] = from[i]
			var try Try
			dy = try.Do(Reshape(dy, size(shape[:i]), n, from[i]*size(shape[i+1:])))
			dy = try.Do(Sum(dy, Axes(1)))
			if err = try.Err(); err != nil {
				return nil, err
			}
		}
		return Reshape(dy, x.Shape()...)
	})
	return apply(o, x)
}

// Roll moves the elements along an axis by shift places; what leaves at one end comes in at the other.
func Roll(x *Node, shift, axis int) (*Node, error) {
	if err := nilError("roll", x); err != nil {
		return nil, err
	}
	axis, err := axisOf(x.Shape(), axis)
	if err != nil {
		return nil, shapeError("roll", err, x)
	}
	outer, n, inner := splitAtAxis(x.Shape(), axis)
	by := 0 // to the end
	if n > 0 {
		by = (shift%n + n) % n
	}
	o := moveOp("roll"+attrs("by", by, "axis", axis), x, rankOf(x), func(m memory) error {
		for _, part := range [2][3]int{{by, 0, n - by}, {0, n - by, by}} {
			w := elements.Walk{DstAt: part[0] * inner, SrcAt: part[1] * inner}
			w.Axis(outer, n*inner, n*inner)
			w.Axis(part[2]*inner, 1, 1)
			move(m, 0, w)
		}
		return nil
	})
	o.shape = sameShape
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) { return Roll(dy, -by, axis) })
	return apply(o, x)
}
