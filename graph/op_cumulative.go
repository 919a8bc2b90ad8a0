// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elements"
)

// CumOption is an option of CumSum, CumProd and CumMax.
type CumOption func(*elements.Scan)

// Exclusive leaves out the element itself: the first result is 0 for a sum and 1 for a product.
func Exclusive() CumOption { return func(s *elements.Scan) { s.Exclusive = true } }

// FromEnd begins with the last element.
func FromEnd() CumOption { return func(s *elements.Scan) { s.Reverse = true } }

// CumSum returns along an axis the sums of all elements up to each, and including it. Sums of float32 are made in
// float64.
func CumSum(x *Node, axis int, options ...CumOption) (*Node, error) {
	o, s, axis, err := scanOp("cumsum", x, axis, options)
	if err != nil {
		return nil, err
	}
	outer, n, inner := splitAtAxis(x.Shape(), axis)
	o.run = forDtypes(runCumSum[float32](outer, n, inner, s), runCumSum[float64](outer, n, inner, s))
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) {
		var back []CumOption
		if s.Exclusive {
			back = append(back, Exclusive())
		}
		if !s.Reverse {
			back = append(back, FromEnd())
		}
		return CumSum(dy, axis, back...)
	})
	return apply(o, x)
}

func runCumSum[T kernel.Float](outer, n, inner int, s elements.Scan) func(*call[T]) error {
	return func(c *call[T]) error {
		if c.outInts != nil {
			elements.CumSum(c.outInts, c.ints[0], outer, n, inner, s)
		} else {
			elements.CumSum(c.out, c.in[0], outer, n, inner, s)
		}
		return nil
	}
}

// scanOp returns an op of numbers along an axis.
func scanOp(name string, x *Node, axis int, options []CumOption) (o *op, s elements.Scan, from0 int, err error) {
	if err := nilError(name, x); err != nil {
		return nil, s, 0, err
	}
	applyAll(&s, options)
	if from0, err = axisOf(x.Shape(), axis); err == nil && x.Dtype() == Bool {
		err = fmt.Errorf("input 0 is bool, want numbers: see Cast")
	}
	if err != nil {
		return nil, s, 0, shapeError(name, err, x)
	}
	o = moveOp(name+attrs("axis", from0, "exclusive", s.Exclusive, "backward", s.Reverse), x, rankOf(x), nil)
	o.shape = sameShape
	return o, s, from0, nil
}

// CumProd returns along an axis the products of all elements up to each, and including it. The gradient is right
// where elements are 0, too; it takes O(n·log n) multiplications for n elements.
func CumProd(x *Node, axis int, options ...CumOption) (*Node, error) {
	o, s, axis, err := scanOp("cumprod", x, axis, options)
	if err != nil {
		return nil, err
	}
	outer, n, inner := splitAtAxis(x.Shape(), axis)
	o.run = forDtypes(runCumProd[float32](outer, n, inner, s), runCumProd[float64](outer, n, inner, s))
	// Products of 1, 2, 4, ... neighbors: y_i becomes y_i·y_(i-d) for d = 1, 2, 4, ...
	o.formula = func(in Nodes) (*Node, error) {
		var try Try
		y := in[0]
		before := func(y *Node, d int) *Node { // by d elements, with ones at the end
			width := PadWidth{Axis: axis, Before: d}
			part := At(axis, 0, n-d)
			if s.Reverse {
				width, part = PadWidth{Axis: axis, After: d}, At(axis, d, n)
			}
			return try.Do(PadValue(try.Do(Slice(y, part)), 1, width))
		}
		if s.Exclusive && n > 0 {
			y = before(y, 1)
		}
		for d := 1; d < n; d *= 2 {
			y = try.Do(Mul(y, before(y, d)))
		}
		if n < 2 && !s.Exclusive {
			y = try.Do(Scale(y, 1))
		}
		return y, try.Err()
	}
	return apply(o, x)
}

func runCumProd[T kernel.Float](outer, n, inner int, s elements.Scan) func(*call[T]) error {
	return func(c *call[T]) error {
		if c.outInts != nil {
			elements.CumProd(c.outInts, c.ints[0], outer, n, inner, s)
		} else {
			elements.CumProd(c.out, c.in[0], outer, n, inner, s)
		}
		return nil
	}
}

// CumMax returns along an axis the greatest of all elements up to each, and including it; NaN is the greatest. The
// gradient goes to the first of equal ones. It has no Exclusive.
func CumMax(x *Node, axis int, options ...CumOption) (*Node, error) {
	o, s, axis, err := scanOp("cummax", x, axis, options)
	if err != nil {
		return nil, err
	}
	if s.Exclusive {
		return nil, shapeError("cummax", fmt.Errorf("there is no greatest of no elements: Exclusive is not possible"), x)
	}
	outer, n, inner := splitAtAxis(x.Shape(), axis)
	o.outType, o.diff, o.zeroDiff = Int64, []bool{false}, []bool{true}
	o.run = forDtypes(runCumArgMax[float32](outer, n, inner, s.Reverse), runCumArgMax[float64](outer, n, inner, s.Reverse))
	ids, err := apply(o, x)
	if err != nil {
		return nil, err
	}
	return GatherElements(x, ids, axis)
}

func runCumArgMax[T kernel.Float](outer, n, inner int, reverse bool) func(*call[T]) error {
	return func(c *call[T]) error {
		if c.ints[0] != nil {
			elements.CumArgMax(c.outInts, c.ints[0], outer, n, inner, reverse)
		} else {
			elements.CumArgMax(c.outInts, c.in[0], outer, n, inner, reverse)
		}
		return nil
	}
}
