// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// Any returns whether any element of a condition is true, a scalar, or along axes; it is false for no
// elements. Numbers are true where they are not 0.
func Any(x *Node, options ...ReduceOption) (*Node, error) {
	return conditions(x, options, reducing{name: "any", to: elementwise.Bool, run: ofBools(kernel.AnyAxis)})
}

// All returns whether all elements are true, a scalar, or along axes; it is true for no elements.
func All(x *Node, options ...ReduceOption) (*Node, error) {
	return conditions(x, options, reducing{name: "all", to: elementwise.Bool, run: ofBools(kernel.AllAxis)})
}

// CountNonzero returns, as Int64, how many elements are true or not 0, of all or along axes.
func CountNonzero(x *Node, options ...ReduceOption) (*Node, error) {
	return conditions(x, options, reducing{name: "count_nonzero", to: elementwise.Int, run: count, then: sumOfInts})
}

func conditions(x *Node, options []ReduceOption, d reducing) (*Node, error) {
	if x != nil && x.Dtype() != Bool {
		var err error
		if x, err = Cast(x, Bool); err != nil {
			return nil, err
		}
	}
	d.from, d.byGroups, d.identity = elementwise.Bool, true, true
	return d.along(x, options)
}

func count(s middle) runner { return forDtypes(runCount[float32](s), runCount[float64](s)) }

func runCount[T kernel.Float](s middle) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.CountAxis(c.outInts, c.bools[0], s.outer, s.n, s.inner)
		return nil
	}
}
