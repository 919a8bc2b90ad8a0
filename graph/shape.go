// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"
)

// equal compares shapes axis by axis. In contrast, tensor.Shape.Eq treats a column or row
// matrix as equal to a vector.
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

// checkCountable returns an error if the size of a shape in bytes overflows an int.
func checkCountable(s []int) error {
	n := math.MaxInt / 8
	for _, d := range s {
		if d > n {
			return fmt.Errorf("shape %v has more elements than an int can hold", Shape(s))
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

// asMatrix views a shape as a matrix: the product of all axes but the last, and the last axis.
func asMatrix(s []int) (rows, cols int) {
	cols = s[len(s)-1]
	return size(s[:len(s)-1]), cols
}

// batch returns the length of the first axis and the number of elements per entry.
func batch(s []int) (n, each int) { return s[0], size(s[1:]) }

// splitAtAxis views a shape as (outer, length of the axis, inner).
func splitAtAxis(s []int, axis int) (outer, length, inner int) {
	return size(s[:axis]), s[axis], size(s[axis+1:])
}

// rankOf returns the rank of n, 0 for a nil node, which apply reports.
func rankOf(n *Node) int {
	if n == nil {
		return 0
	}
	return len(n.Shape())
}

// sameShape and allSame return the shape of the first input; allSame requires that the
// other inputs have it too.
func sameShape(in []tensor.Shape) (tensor.Shape, error) { return in[0].Clone(), nil }

func allSame(in []tensor.Shape) (tensor.Shape, error) {
	for i, s := range in[1:] {
		if !equal(s, in[0]) {
			return nil, fmt.Errorf("input %d has shape %v, want %v", i+1, s, in[0])
		}
	}
	return in[0].Clone(), nil
}

// fixed returns a shape rule for an op whose output shape does not depend on its inputs.
func fixed(s tensor.Shape) func([]tensor.Shape) (tensor.Shape, error) {
	s = s.Clone()
	return func([]tensor.Shape) (tensor.Shape, error) { return s.Clone(), nil }
}

// cells views a shape as (batch, cells, channels).
func cells(s tensor.Shape) (n, cells, c int) {
	last := len(s) - 1
	return s[0], size(s[1:last]), s[last]
}
