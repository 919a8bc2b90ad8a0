// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// Max returns the maximum of all elements, a scalar, or the maxima along axes: of floats, NaN where
// there is one, or of integers. The gradient is shared evenly among the elements that are equal to the
// maximum, as PyTorch's amax and TensorFlow's reduce_max do. An axis without elements is an error.
func Max(x *Node, options ...ReduceOption) (*Node, error) {
	d := reducing{name: "max", run: overAxis(kernel.MaxAxis[float32], kernel.MaxAxis[float64]), grad: extremeGrad}
	return d.orInts(x, kernel.MaxInts).along(x, options)
}

// Min is Max for the minimum.
func Min(x *Node, options ...ReduceOption) (*Node, error) {
	d := reducing{name: "min", run: overAxis(kernel.MinAxis[float32], kernel.MinAxis[float64]), grad: extremeGrad}
	return d.orInts(x, kernel.MinInts).along(x, options)
}

func extremeGrad(x, y, dy *Node) (*Node, error) {
	var try Try
	chosen := try.Do(Equal(x, y))
	if try.Err() != nil {
		return nil, try.Err()
	}
	share := try.Do(Div(dy, try.Do(sumTo(try.Do(Cast(chosen, x.Dtype())), y.Shape()))))
	dx := try.Do(Where(chosen, share, try.Do(Scalar(x, 0))))
	return dx, try.Err()
}

// ArgMax returns, as Int64, the index of the maximum along an axis, Axes(a), or in all elements in
// row-major order; the first one if several are equal, and that of the first NaN if there is one.
func ArgMax(x *Node, options ...ReduceOption) (*Node, error) {
	return argOp("arg_max", x, false, options)
}

// ArgMin is ArgMax for the minimum.
func ArgMin(x *Node, options ...ReduceOption) (*Node, error) {
	return argOp("arg_min", x, true, options)
}

func argOp(name string, x *Node, least bool, options []ReduceOption) (*Node, error) {
	if x != nil {
		r, err := reductionOf(x.Shape(), options)
		if err == nil && !r.all && len(r.axes) != 1 {
			err = fmt.Errorf("got %d axes, want one, or no option for all elements", len(r.axes))
		}
		if err != nil {
			return nil, &OpError{Op: name, Shapes: []Shape{x.Shape()}, Err: err}
		}
	}
	d := reducing{name: name, to: elementwise.Int, run: argRunner(least)}
	if elementOf(x) == elementwise.Int {
		d.from = elementwise.Int
	}
	return d.along(x, options)
}

func argRunner(least bool) func(s middle) runner {
	return func(s middle) runner { return forDtypes(runArg[float32](least, s), runArg[float64](least, s)) }
}

func runArg[T kernel.Float](least bool, s middle) func(*call[T]) error {
	return func(c *call[T]) error {
		if ints := c.ints[0]; ints != nil {
			kernel.ArgExtreme(c.outInts, ints, s.outer, s.n, s.inner, least)
		} else {
			kernel.ArgExtreme(c.outInts, c.in[0], s.outer, s.n, s.inner, least)
		}
		return nil
	}
}
