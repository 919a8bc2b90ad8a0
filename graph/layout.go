// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"

	"gorgonia.org/tensor"
)

// The ops of this package read a tensor's memory element by element, the last axis fastest.
// Tensors can also be column-major, transposed without being moved, views into other
// tensors, or masked. Such tensors are rejected when they are bound, and copied if they are
// the result of a Gorgonia op.

// CheckLayout returns an error that describes the layout of a tensor if it is not row-major,
// contiguous and unmasked. Axes of length 1 may have any stride.
func CheckLayout(t *tensor.Dense) error {
	if masked(t) {
		return errors.New("the tensor is masked, want an unmasked one")
	}
	if rowMajor(t) {
		return nil
	}
	kind := "not contiguous"
	switch {
	case t.DataOrder().IsColMajor():
		kind = "column-major"
	case t.RequiresIterator() && !t.IsView():
		kind = "a transposed view"
	}
	return fmt.Errorf("the tensor of shape %v is %s (strides %v), want row-major and contiguous: copy it", t.Shape(), kind, t.Strides())
}

// masked reports whether t has a mask; IsMasked is also true for a tensor without elements.
func masked(t *tensor.Dense) bool { return t.IsMasked() && t.DataSize() > 0 }

func rowMajor(t *tensor.Dense) bool {
	shape, strides := t.Shape(), t.Strides()
	if len(shape) != len(strides) { // a scalar, or a vector sliced out of a matrix
		return len(shape) == 0 || !t.RequiresIterator() && !t.DataOrder().IsColMajor()
	}
	want := 1
	for k := len(shape) - 1; k >= 0; k-- {
		if shape[k] != 1 && strides[k] != want {
			return false
		}
		want *= shape[k]
	}
	return true
}

// checkValue returns an error if v cannot be bound to a variable of the given shape and type.
func checkValue(s Shape, dt Dtype, v Value) error {
	if !equal(s, v.Shape()) {
		return fmt.Errorf("value has shape %v, want %v", v.Shape(), s)
	}
	if v.Dtype() != dt {
		return fmt.Errorf("value is %v, want %v", v.Dtype(), dt)
	}
	if t, ok := v.(*tensor.Dense); ok {
		return CheckLayout(t)
	}
	return nil
}

// toRowMajor returns v, or a row-major copy of it if a Gorgonia op returned another layout.
func toRowMajor(v Value) Value {
	t, ok := v.(*tensor.Dense)
	if !ok || rowMajor(t) {
		return v
	}
	switch t.Dtype() {
	case tensor.Float32:
		return tensor.New(tensor.WithShape(t.Shape()...), tensor.WithBacking(rowMajorCopy(t, t.Float32s())))
	case tensor.Float64:
		return tensor.New(tensor.WithShape(t.Shape()...), tensor.WithBacking(rowMajorCopy(t, t.Float64s())))
	case tensor.Int64:
		return tensor.New(tensor.WithShape(t.Shape()...), tensor.WithBacking(rowMajorCopy(t, t.Int64s())))
	case tensor.Bool:
		return tensor.New(tensor.WithShape(t.Shape()...), tensor.WithBacking(rowMajorCopy(t, t.Bools())))
	}
	return v
}

// rowMajorCopy returns the elements of t in row-major order.
func rowMajorCopy[T element](t *tensor.Dense, memory []T) []T {
	shape, strides := t.Shape(), t.Strides()
	to := make([]T, 0, size(shape))
	var walk func(axis, at int)
	walk = func(axis, at int) {
		if axis == len(shape) {
			to = append(to, memory[at])
			return
		}
		for i := range shape[axis] {
			walk(axis+1, at+i*strides[axis])
		}
	}
	walk(0, 0)
	return to
}
