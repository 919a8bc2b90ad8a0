// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elements"
)

// SortOption is an option of Sort, ArgSort and TopK.
type SortOption func(*sorting)

type sorting struct{ descending bool }

// Descending sorts the greatest element first; without it, the least is first.
func Descending() SortOption { return func(s *sorting) { s.descending = true } }

// ArgSort returns the positions of the elements along an axis in their order, as Int64. Equal elements keep
// their order, and NaN is the greatest.
func ArgSort(x *Node, axis int, options ...SortOption) (*Node, error) {
	var s sorting
	applyAll(&s, options)
	return order("argsort", x, -1, axis, s.descending)
}

// Sort returns the elements along an axis in their order. The gradient goes back to where they were.
func Sort(x *Node, axis int, options ...SortOption) (*Node, error) {
	ids, err := ArgSort(x, axis, options...)
	if err != nil {
		return nil, err
	}
	return GatherElements(x, ids, axis)
}

// TopK returns the k greatest elements along an axis, the greatest first, and their positions as Int64. Of equal
// elements the first come first; NaN is the greatest.
func TopK(x *Node, k, axis int) (values, ids *Node, err error) {
	if k < 0 {
		return nil, nil, &OpError{Op: "top_k", Err: fmt.Errorf("k is %d, want no negative number", k)}
	}
	if ids, err = order("top_k", x, k, axis, true); err != nil {
		return nil, nil, err
	}
	values, err = GatherElements(x, ids, axis)
	return values, ids, err
}

// order returns the positions of the first k elements in their order, of all if k is -1.
func order(name string, x *Node, k, axis int, descending bool) (*Node, error) {
	if err := nilError(name, x); err != nil {
		return nil, err
	}
	axis, err := axisOf(x.Shape(), axis)
	if err == nil && elementOf(x) != elementOf(nil) && x.Dtype() != Int64 {
		err = fmt.Errorf("input 0 is %v, want numbers: see Cast", x.Dtype())
	}
	if err == nil && k > x.Shape()[axis] {
		err = fmt.Errorf("k is %d, axis %d has length %d", k, axis, x.Shape()[axis])
	}
	if err != nil {
		return nil, shapeError(name, err, x)
	}
	to := x.Shape().Clone()
	outer, n, inner := splitAtAxis(to, axis)
	if k < 0 {
		k = n
	}
	to[axis] = k
	o := numberOp(name+attrs("axis", axis, "k", k, "descending", descending), x)
	o.outType = Int64
	o.shape = fixed(to)
	o.run = forDtypes(runOrder[float32](outer, n, inner, k, descending), runOrder[float64](outer, n, inner, k, descending))
	return apply(o, x)
}

// numberOp is an op without a gradient of numbers of any type.
func numberOp(name string, x *Node) *op {
	return &op{
		name: name,
		in:   []int{rankOf(x)}, out: rankOf(x),
		inType:   []Dtype{elementType(elementOf(x))},
		diff:     []bool{false},
		zeroDiff: []bool{true},
	}
}

func runOrder[T kernel.Float](outer, n, inner, k int, descending bool) func(*call[T]) error {
	return func(c *call[T]) error {
		if c.ints[0] != nil {
			elements.TopK(c.outInts, c.ints[0], outer, n, inner, k, descending)
		} else {
			elements.TopK(c.outInts, c.in[0], outer, n, inner, k, descending)
		}
		return nil
	}
}

// SearchOption is an option of Searchsorted.
type SearchOption func(*searching)

type searching struct{ right bool }

// Right inserts behind equal elements, not before them.
func Right() SearchOption { return func(s *searching) { s.right = true } }

// Searchsorted returns where values belong in sorted, which ascends along its last axis, as Int64: how many
// elements are less, or with Right not greater.
//
//	sorted (n)        values of any shape: all are looked up in one row
//	sorted (..., n)   values (..., m): each row is looked up in its own
func Searchsorted(sorted, values *Node, options ...SearchOption) (*Node, error) {
	const name = "searchsorted"
	if err := nilError(name, sorted, values); err != nil {
		return nil, err
	}
	var s searching
	applyAll(&s, options)
	a, b := sorted.Shape(), values.Shape()
	if len(a) != 1 && (len(a) == 0 || len(a) != len(b) || !equal(a[:len(a)-1], b[:len(b)-1])) {
		return nil, shapeError(name, fmt.Errorf("want one sorted row, or one for each row of values"), sorted, values)
	}
	if sorted.Dtype() == Bool || sorted.Dtype() != values.Dtype() {
		return nil, shapeError(name, fmt.Errorf("inputs are %v and %v, want numbers of one type", sorted.Dtype(), values.Dtype()), sorted, values)
	}
	length := a[len(a)-1]
	rows, m := 1, size(b)
	if len(a) > 1 {
		rows, m = size(a[:len(a)-1]), b[len(b)-1]
	}
	o := numberOp(name+attrs("right", s.right), sorted)
	o.alike(values)
	o.out, o.outType = len(b), Int64
	o.shape = func(in []tensor.Shape) (tensor.Shape, error) { return in[1].Clone(), nil }
	o.run = forDtypes(runSearch[float32](rows, length, m, s.right), runSearch[float64](rows, length, m, s.right))
	return apply(o, sorted, values)
}

func runSearch[T kernel.Float](rows, length, m int, right bool) func(*call[T]) error {
	return func(c *call[T]) error {
		if c.ints[1] != nil {
			elements.Search(c.outInts, c.ints[0], c.ints[1], rows, length, m, right)
		} else {
			elements.Search(c.outInts, c.in[0], c.in[1], rows, length, m, right)
		}
		return nil
	}
}
