// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/elements"
)

// Segments are sets of rows of the first axis of x: row i belongs to segment ids[i]. The results have one
// row for each of n segments.

// SegmentSum returns the sums of the rows of each segment, 0 for one without rows.
func SegmentSum(x, ids *Node, n int) (*Node, error) {
	base, err := segments("segment_sum", x, ids, n, 0)
	if err != nil {
		return nil, err
	}
	return ScatterAdd(base, ids, x, 0)
}

// SegmentMean returns the means of the rows of each segment, 0 for one without rows.
func SegmentMean(x, ids *Node, n int) (*Node, error) {
	if _, err := segments("segment_mean", x, ids, n, 0); err != nil {
		return nil, err
	}
	var try Try
	one := try.Do(BroadcastTo(try.Do(Scalar(x, 1)), ids.Shape()...))
	count := try.Do(Maximum(try.Do(SegmentSum(one, ids, n)), try.Do(Scalar(x, 1))))
	thin := make([]int, rankOf(x))
	for i := range thin {
		thin[i] = 1
	}
	thin[0] = n
	return try.Do(Div(try.Do(SegmentSum(x, ids, n)), try.Do(Reshape(count, thin...)))), try.Err()
}

// SegmentMax returns the maxima of the rows of each segment, element by element: -Inf for one without rows,
// for integers the least number. The gradient goes to the greatest element, in equal parts if there are
// several.
func SegmentMax(x, ids *Node, n int) (*Node, error) {
	base, err := segments("segment_max", x, ids, n, math.Inf(-1))
	if err != nil {
		return nil, err
	}
	return scatter(elements.Max, byAxis, base, ids, x, 0)
}

// segments returns n rows of a value.
func segments(name string, x, ids *Node, n int, value float64) (*Node, error) {
	if err := nilError(name, x, ids); err != nil {
		return nil, err
	}
	if rankOf(x) == 0 || rankOf(ids) != 1 || ids.Shape()[0] != x.Shape()[0] {
		return nil, shapeError(name, fmt.Errorf("want an id for each entry of the first axis"), x, ids)
	}
	if n < 0 {
		return nil, shapeError(name, fmt.Errorf("number of segments is %d, want no negative number", n), x, ids)
	}
	shape := append(tensor.Shape{n}, x.Shape()[1:]...)
	return Full(x.Graph(), x.Dtype(), value, shape...)
}
