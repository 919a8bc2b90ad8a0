// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"
)

// equal compares shapes axis by axis; tensor.Shape.Eq also takes a column or
// row matrix for a vector.
func equal(a, b Shape) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// countable is an error for a shape whose bytes an int cannot count.
func countable(s []int) error {
	n := math.MaxInt / 8
	for _, d := range s {
		if d > n {
			return fmt.Errorf("shape %v has more elements than can be counted", Shape(s))
		}
		n /= max(d, 1)
	}
	return nil
}

func size(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// split sees a shape as a matrix: the product of all axes but the last, and the last.
func split(s []int) (rows, cols int) {
	cols = s[len(s)-1]
	return size(s[:len(s)-1]), cols
}

// batch is the length of the first axis, and the size of one entry of it.
func batch(s []int) (n, each int) { return s[0], size(s[1:]) }

// around sees a shape as (outer, length of the axis, inner).
func splitAtAxis(s []int, axis int) (outer, length, inner int) {
	return size(s[:axis]), s[axis], size(s[axis+1:])
}

// checkAxis is an error unless the shape has the axis.
func checkAxis(s tensor.Shape, axis int) error {
	if axis < 0 || axis >= len(s) {
		return fmt.Errorf("axis is %d, shape %v has 0 to %d", axis, s, len(s)-1)
	}
	return nil
}

// rankOf is 0 for a nil node, which apply reports.
func rankOf(n *Node) int {
	if n == nil {
		return 0
	}
	return len(n.Shape())
}

// sameShape and allSame are the shape of the first input; allSame wants the others to agree.
func sameShape(in []tensor.Shape) (tensor.Shape, error) { return in[0].Clone(), nil }

func allSame(in []tensor.Shape) (tensor.Shape, error) {
	for i, s := range in[1:] {
		if !equal(s, in[0]) {
			return nil, fmt.Errorf("input %d has shape %v, want %v", i+1, s, in[0])
		}
	}
	return in[0].Clone(), nil
}

// fixed is the shape function of an op whose output does not follow from its inputs.
func fixed(s tensor.Shape) func([]tensor.Shape) (tensor.Shape, error) {
	s = s.Clone()
	return func([]tensor.Shape) (tensor.Shape, error) { return s.Clone(), nil }
}

// cells sees a shape as (batch, cells, channels).
func cells(s tensor.Shape) (n, cells, c int) {
	last := len(s) - 1
	return s[0], size(s[1:last]), s[last]
}
