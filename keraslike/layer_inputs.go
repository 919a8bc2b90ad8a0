// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/text"
)

// Checks of the shapes of inputs.

// oneInput checks that there is one input.
func oneInput(in []Shape) error {
	if len(in) != 1 {
		return fmt.Errorf("got %s, want 1", text.Count(len(in), "input"))
	}
	return nil
}

// spatialInput checks that there is one input with the given number of spatial axes.
func spatialInput(in []Shape, axes int) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	if len(in[0]) != axes+1 {
		want := map[int]string{1: "(batch, steps, channels)", 2: "(batch, height, width, channels)", 3: "(batch, depth, height, width, channels)"}[axes]
		return nil, fmt.Errorf("input has shape %v, want %s", in[0], want)
	}
	return in[0], nil
}

// Axis is the axis along which a layer works: the features of a normalization layer, or the
// axis that Concatenate joins. As in Keras, the batch is axis 0 and -1 is the last axis.
// LayerNormalization, UnitNormalization and Normalization also take several axes. The default is -1.
func Axis(axes ...int) AxisOption { return axisOption{setting: set("Axis", slices.Clone(axes))} }

// axisOf returns the index of an axis in the shape of a sample.
func axisOf(axis int, s Shape) (int, error) {
	i := axis - 1
	if axis < 0 {
		i = len(s) + axis
	}
	if axis == 0 || i < 0 || i >= len(s) {
		return 0, fmt.Errorf("axis is %d, input has shape %v with axes 1 to %d after the batch", axis, s, len(s))
	}
	return i, nil
}

// axesOf returns the lengths of several distinct axes, in the order of the shape.
func axesOf(axes []int, s Shape) (lengths []int, err error) {
	if len(axes) == 0 {
		return nil, fmt.Errorf("got no axes, want at least one")
	}
	along := make([]bool, len(s))
	for _, a := range axes {
		axis, err := axisOf(a, s)
		if err != nil {
			return nil, err
		}
		if along[axis] {
			return nil, fmt.Errorf("axes are %v, which has axis %d twice", axes, axis+1)
		}
		along[axis] = true
	}
	for i, n := range s {
		if along[i] {
			lengths = append(lengths, n)
		}
	}
	return lengths, nil
}

// axesLast moves axes to the end, in their order; back moves them back.
func axesLast(s *Scope, x *graph.Node, axes ...int) (moved *graph.Node, back func(*graph.Node) *graph.Node) {
	rank := len(x.Shape())
	isLast := make([]bool, rank)
	for _, a := range axes {
		i, err := axisOf(a, Shape(x.Shape()[1:]))
		if err != nil {
			return s.Do(nil, err), func(y *graph.Node) *graph.Node { return y }
		}
		isLast[i+1] = true
	}
	var order []int
	for _, last := range []bool{false, true} {
		for i := range rank {
			if isLast[i] == last {
				order = append(order, i)
			}
		}
	}
	inverse, same := make([]int, rank), true
	for i, a := range order {
		inverse[a] = i
		same = same && i == a
	}
	if same {
		return x, func(y *graph.Node) *graph.Node { return y }
	}
	return s.Do(graph.Transpose(x, order...)), func(y *graph.Node) *graph.Node { return s.Do(graph.Transpose(y, inverse...)) }
}
