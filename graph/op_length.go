// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/kernel"
)

// Norm returns the norm of the vector of all elements, or of those along axes:
//
//	order 1      Σ |x|
//	order 2      √Σ x²
//	order +Inf   max |x|, with the gradient of Max
//	order -Inf   min |x|
//	order p      (Σ |x|^p)^(1/p)
//
// The order 0, which counts, is CountNonzero. Where a norm is 0, so is its gradient.
func Norm(x *Node, order float64, options ...ReduceOption) (*Node, error) {
	switch {
	case order == 0 || order != order:
		return nil, &OpError{Op: "norm", Err: fmt.Errorf("the order is %v, want a number that is not 0", order)}
	case order == 1:
		d := reducing{
			name: "norm" + attrs("order", order), identity: true, byGroups: true, then: sumOfFloats(),
			run: overAxis(kernel.SumAbsAxis[float32], kernel.SumAbsAxis[float64]),
			grad: func(x, _, dy *Node) (*Node, error) {
				var try Try
				dx := try.Do(Mul(dy, try.Do(Sign(x))))
				return dx, try.Err()
			},
		}
		return d.along(x, options)
	case order == 2:
		d := reducing{
			name: "sum_squares", identity: true, byGroups: true, then: sumOfFloats(),
			run: overAxis(kernel.SumSquaresAxis[float32], kernel.SumSquaresAxis[float64]),
			grad: func(x, _, dy *Node) (*Node, error) {
				var try Try
				dx := try.Do(Scale(try.Do(Mul(x, dy)), 2))
				return dx, try.Err()
			},
		}
		squares, err := d.along(x, options)
		if err != nil {
			return nil, err
		}
		return rootOr0(squares, Sqrt)
	}
	var try Try
	size := try.Do(Abs(x))
	if math.IsInf(order, 0) {
		f := Max
		if order < 0 {
			f = Min
		}
		y := try.Do(f(size, options...))
		return y, try.Err()
	}
	powers := try.Do(Sum(try.Do(Power(size, order)), options...))
	y := try.Do(rootOr0(powers, func(x *Node) (*Node, error) { return Power(x, 1/order) }))
	return y, try.Err()
}
