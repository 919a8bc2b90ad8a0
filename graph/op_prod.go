// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"github.com/reef-dl/reef/internal/kernel"
)

// Prod returns the product of all elements, a scalar, or the products along axes, of floats or
// integers; the product of no elements is 1. The gradient of an element is the product of all others,
// also where some are 0.
func Prod(x *Node, options ...ReduceOption) (*Node, error) {
	d := reducing{
		name: "prod", byGroups: true, identity: true, formula: prodFormula,
		run: overAxis(kernel.ProdAxis[float32], kernel.ProdAxis[float64]),
	}
	return d.orInts(x, kernel.ProdInts).along(x, options)
}

// prodFormula multiplies the halves of x (outer, n, inner), those of the result, and so on: its
// derivatives divide by nothing.
func prodFormula(x *Node) (*Node, error) {
	s := x.Shape()
	var try Try
	if s[1] == 0 {
		return BroadcastTo(try.Do(Scalar(x, 1)), s[0], s[2])
	}
	for n := s[1]; n > 1; n = (n + 1) / 2 {
		half := n / 2
		y := try.Do(Mul(try.Do(Slice(x, At(1, 0, half))), try.Do(Slice(x, At(1, half, 2*half)))))
		if n%2 == 1 {
			y = try.Do(Concat(1, y, try.Do(Slice(x, At(1, n-1, n)))))
		}
		x = y
	}
	y := try.Do(Reshape(x, s[0], s[2]))
	return y, try.Err()
}
