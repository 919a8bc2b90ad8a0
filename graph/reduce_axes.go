// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elementwise"
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
	applyAll(&r, options)
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

// neighbors reports whether the reduced axes are neighbors.
func (r *reduction) neighbors() bool {
	return len(r.axes) == 0 || r.axes[len(r.axes)-1]-r.axes[0] == len(r.axes)-1
}

// last returns the last group of reduced axes that are neighbors.
func (r *reduction) last() []int {
	k := len(r.axes) - 1
	for k > 0 && r.axes[k-1] == r.axes[k]-1 {
		k--
	}
	return r.axes[k:]
}

// axisGrad builds the gradient of a reduction of x from y and dy, in which the reduced axes have length
// 1.
type axisGrad func(x, y, dy *Node) (*Node, error)

// reducing describes an op that reduces an axis, or several that are neighbors.
type reducing struct {
	name     string
	from, to elementwise.Type
	run      func(s middle) runner
	grad     axisGrad
	// formula, if there is no grad, is the op for x of shape (outer, n, inner).
	formula func(x *Node) (*Node, error)
	// byGroups marks a function that can be applied to groups of axes one after the other; then is what
	// is applied to the results of the first group, nil for the same function.
	byGroups bool
	then     *reducing
	// identity says that the result of no elements is defined.
	identity bool
}

// middle says that the middle one of three axes is reduced.
type middle struct{ outer, n, inner int }

// middleOf returns what axes that are neighbors become.
func middleOf(shape Shape, axes []int) middle {
	if len(axes) == 0 {
		return middle{size(shape), 1, 1}
	}
	first, end := axes[0], axes[len(axes)-1]+1
	return middle{size(shape[:first]), size(shape[first:end]), size(shape[end:])}
}

// along applies d to axes of x.
func (d *reducing) along(x *Node, options []ReduceOption) (*Node, error) {
	if x == nil {
		return nil, &OpError{Op: d.name, Err: fmt.Errorf("input 0 is nil: an earlier expression failed")}
	}
	shape := x.Shape()
	r, err := reductionOf(shape, options)
	if err != nil {
		return nil, &OpError{Op: d.name, Shapes: []Shape{shape}, Err: err}
	}
	to := r.shape(shape, r.keep)
	switch {
	case !d.identity && size(shape) == 0 && size(to) > 0:
		return nil, &OpError{Op: d.name, Shapes: []Shape{shape}, Err: fmt.Errorf("there are no elements along axes %v", r.axes)}
	case r.neighbors():
		return apply(d.op(shape, r.axes, to), x)
	case !d.byGroups:
		order := append(r.others(len(shape)), r.axes...)
		if x, err = Transpose(x, order...); err != nil {
			return nil, err
		}
		axes := make([]int, len(r.axes))
		for i := range axes {
			axes[i] = len(shape) - len(axes) + i
		}
		return apply(d.op(x.Shape(), axes, to), x)
	}
	return d.groups(x, r, to)
}

// groups reduces groups of axes, from the last to the first.
func (d *reducing) groups(x *Node, r reduction, to Shape) (*Node, error) {
	if r.neighbors() {
		return apply(d.op(x.Shape(), r.axes, to), x)
	}
	last := reduction{axes: r.last()}
	y, err := apply(d.op(x.Shape(), last.axes, last.shape(x.Shape(), true)), x)
	if err != nil {
		return nil, err
	}
	r.axes = r.axes[:len(r.axes)-len(last.axes)]
	if d.then != nil {
		d = d.then
	}
	return d.groups(y, r, to)
}

// others returns the axes that are not reduced.
func (r *reduction) others(rank int) (axes []int) {
	for i := range rank {
		if !slices.Contains(r.axes, i) {
			axes = append(axes, i)
		}
	}
	return axes
}

// op returns the op for axes that are neighbors and a result of shape to.
func (d *reducing) op(shape Shape, axes []int, to Shape) *op {
	s := middleOf(shape, axes)
	o := &op{
		name: d.name + attrs("axes", axes, "to", to),
		in:   []int{len(shape)}, out: len(to),
		inType: []Dtype{elementType(d.from)}, outType: elementType(d.to),
		run:   d.run(s),
		shape: func([]tensor.Shape) (tensor.Shape, error) { return to.Clone(), nil },
	}
	if len(to) == 0 {
		o.shape = func([]tensor.Shape) (tensor.Shape, error) { return tensor.ScalarShape(), nil }
	}
	switch {
	case d.grad != nil:
		one := reduction{axes: axes}
		kept := one.shape(shape, true)
		o.diff = []bool{true}
		o.grad = func(in Nodes, y, dy *Node) (Nodes, error) {
			var try Try
			y, dy = try.Do(Reshape(y, kept...)), try.Do(Reshape(dy, kept...))
			if try.Err() != nil {
				return nil, try.Err()
			}
			dx, err := d.grad(in[0], y, dy)
			return Nodes{dx}, err
		}
	case d.formula != nil:
		o.formula = func(in Nodes) (*Node, error) {
			var try Try
			y := try.Do(d.formula(try.Do(Reshape(in[0], s.outer, s.n, s.inner))))
			y = try.Do(Reshape(y, to...))
			return y, try.Err()
		}
	default:
		o.diff, o.zeroDiff = []bool{false}, []bool{true}
	}
	return o
}

// count returns how many elements of a shape become one.
func (r *reduction) count(shape Shape) int {
	n := 1
	for _, a := range r.axes {
		n *= shape[a]
	}
	return n
}

// overAxis makes the runner of a kernel over (outer, n, inner); ofInts and ofBools do the same for
// integers and conditions.
func overAxis(f32 func(dst, x []float32, outer, n, inner int), f64 func(dst, x []float64, outer, n, inner int)) func(s middle) runner {
	return func(s middle) runner {
		return forDtypes(func(c *call[float32]) error {
			f32(c.out, c.in[0], s.outer, s.n, s.inner)
			return nil
		}, func(c *call[float64]) error {
			f64(c.out, c.in[0], s.outer, s.n, s.inner)
			return nil
		})
	}
}

func ofInts(f func(dst, x []int64, outer, n, inner int)) func(s middle) runner {
	return func(s middle) runner { return forDtypes(intsOver[float32](f, s), intsOver[float64](f, s)) }
}

func intsOver[T kernel.Float](f func(dst, x []int64, outer, n, inner int), s middle) func(*call[T]) error {
	return func(c *call[T]) error {
		f(c.outInts, c.ints[0], s.outer, s.n, s.inner)
		return nil
	}
}

func ofBools(f func(dst, x []bool, outer, n, inner int)) func(s middle) runner {
	return func(s middle) runner { return forDtypes(boolsOver[float32](f, s), boolsOver[float64](f, s)) }
}

func boolsOver[T kernel.Float](f func(dst, x []bool, outer, n, inner int), s middle) func(*call[T]) error {
	return func(c *call[T]) error {
		f(c.outBools, c.bools[0], s.outer, s.n, s.inner)
		return nil
	}
}

// orInts completes the description of a reduction of floats for an x of integers.
func (d reducing) orInts(x *Node, ints func(dst, x []int64, outer, n, inner int)) *reducing {
	if elementOf(x) == elementwise.Int {
		d.run, d.grad, d.formula, d.byGroups = ofInts(ints), nil, nil, true
		d.from, d.to = elementwise.Int, elementwise.Int
	}
	return &d
}

// sumAxes is Sum along axes.
func sumAxes(x *Node, options []ReduceOption) (*Node, error) {
	if elementOf(x) == elementwise.Int {
		return sumOfInts.along(x, options)
	}
	return sumOfFloats().along(x, options)
}

func sumOfFloats() *reducing {
	return &reducing{
		name: "sum", byGroups: true, identity: true,
		run:  overAxis(kernel.SumAxis[float32], kernel.SumAxis[float64]),
		grad: func(x, _, dy *Node) (*Node, error) { return BroadcastTo(dy, x.Shape()...) },
	}
}

var sumOfInts = &reducing{name: "sum", byGroups: true, identity: true, from: elementwise.Int, to: elementwise.Int, run: ofInts(kernel.SumInts)}

// meanAxes divides the sums by the number of elements of each; that of none is NaN.
func meanAxes(x *Node, options []ReduceOption) (*Node, error) {
	total, err := Sum(x, options...)
	if err != nil {
		return nil, err
	}
	r, err := reductionOf(x.Shape(), options)
	if err != nil {
		return nil, err
	}
	return Scale(total, 1/float64(r.count(x.Shape())))
}
