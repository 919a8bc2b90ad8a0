// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"
)

// Full adds a tensor of one value to a graph: a number, or true for a value that is not 0.
func Full(g *Graph, dt Dtype, value float64, shape ...int) (*Node, error) {
	if err := checkFill("full", dt, shape); err != nil {
		return nil, err
	}
	var v any
	switch dt {
	case Float64:
		v = value
	case Int64:
		v = toInt(value)
	case Bool:
		v = value != 0
	default:
		v = float32(value)
	}
	c, err := Constant(g, v)
	if err != nil || len(shape) == 0 {
		return c, err
	}
	return BroadcastTo(c, shape...)
}

// toInt converts to the nearest integer that there is.
func toInt(v float64) int64 {
	switch {
	case v <= math.MinInt64:
		return math.MinInt64
	case v >= math.MaxInt64:
		return math.MaxInt64
	}
	return int64(v)
}

func checkFill(op string, dt Dtype, shape []int) error {
	var err error
	switch dt {
	case Float32, Float64, Int64, Bool:
		err = checkCountable(shape)
	default:
		err = fmt.Errorf("the type is %v, want float32, float64, int64 or bool", dt)
	}
	for _, d := range shape {
		if d < 0 {
			err = fmt.Errorf("shape is %v, want no negative lengths", tensor.Shape(shape))
		}
	}
	if err != nil {
		return &OpError{Op: op, Err: err}
	}
	return nil
}

// Zeros adds a tensor of zeros to a graph.
func Zeros(g *Graph, dt Dtype, shape ...int) (*Node, error) { return Full(g, dt, 0, shape...) }

// Eye adds a matrix of rows x cols to a graph that is 1 in diagonal k and 0 elsewhere.
func Eye(g *Graph, dt Dtype, rows, cols, k int) (*Node, error) {
	if err := checkFill("eye", dt, []int{rows, cols}); err != nil {
		return nil, err
	}
	one, err := Full(g, dt, 1, max(0, min(rows+min(k, 0), cols-max(k, 0))))
	if err != nil {
		return nil, err
	}
	return diagonal(one, k, rows, cols)
}

// Arange adds the constant vector from, from+step, ... of numbers before to.
func Arange(g *Graph, dt Dtype, from, to, step float64) (*Node, error) {
	n := math.Ceil((to - from) / step)
	if !(math.Abs(n) < math.MaxInt32) {
		return nil, &OpError{Op: "arange", Err: fmt.Errorf("from %v to %v in steps of %v are too many numbers", from, to, step)}
	}
	return numbers("arange", g, dt, int(max(n, 0)), func(i int) float64 { return from + float64(i)*step })
}

// Linspace adds the constant vector of n numbers of equal distance, the first being from and the last to.
func Linspace(g *Graph, dt Dtype, from, to float64, n int) (*Node, error) {
	return numbers("linspace", g, dt, n, func(i int) float64 {
		if i == n-1 && n > 1 {
			return to
		}
		return from + float64(i)*((to-from)/float64(max(n-1, 1)))
	})
}

func numbers(op string, g *Graph, dt Dtype, n int, at func(i int) float64) (*Node, error) {
	err := checkFill(op, dt, []int{n})
	if err == nil && dt == Bool {
		err = &OpError{Op: op, Err: fmt.Errorf("the type is bool, want float32, float64 or int64")}
	}
	if err != nil {
		return nil, err
	}
	t := tensor.New(tensor.Of(dt), tensor.WithShape(n))
	for i := range n {
		switch dt {
		case Float64:
			t.Float64s()[i] = at(i)
		case Int64:
			t.Int64s()[i] = toInt(at(i))
		default:
			t.Float32s()[i] = float32(at(i))
		}
	}
	return Constant(g, t)
}

// OneHot returns for each index a vector of n zeros with a 1 at that position, of element type dt: ids (a, b)
// becomes (a, b, n). An index that is out of range, negative ones included, has zeros only.
func OneHot(ids *Node, n int, dt Dtype) (*Node, error) {
	if err := nilError("one_hot", ids); err != nil {
		return nil, err
	}
	if err := checkFill("one_hot", dt, []int{n}); err != nil {
		return nil, err
	}
	var try Try
	places := try.Do(Arange(ids.Graph(), Int64, 0, float64(n), 1))
	return try.Do(Cast(try.Do(Equal(try.Do(ExpandDims(ids, -1)), places)), dt)), try.Err()
}
