// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// The ops of this package see a tensor as its memory, element after element, the last
// axis fastest. Tensors can lie otherwise: column-major, transposed without being
// moved, cut out of others, with a mask. These are refused where they are bound, and
// copied where an op of Gorgonia makes one.

// CheckLayout is an error for a tensor that is not row-major, contiguous and unmasked;
// it says what the tensor is. Axes of length 1 may have any stride.
func CheckLayout(t *tensor.Dense) error {
	if masked(t) {
		return errors.New("the tensor has a mask, want one without")
	}
	if rowMajor(t) {
		return nil
	}
	kind := "not contiguous"
	switch {
	case t.DataOrder().IsColMajor():
		kind = "column-major"
	case t.RequiresIterator() && !t.IsView():
		kind = "transposed, its memory is not"
	}
	return fmt.Errorf("the tensor of shape %v is %s (strides %v), want row-major and contiguous: copy it", t.Shape(), kind, t.Strides())
}

// masked reports a mask; IsMasked also takes a tensor of no elements for masked.
func masked(t *tensor.Dense) bool { return t.IsMasked() && t.DataSize() > 0 }

func rowMajor(t *tensor.Dense) bool {
	shape, strides := t.Shape(), t.Strides()
	if len(shape) != len(strides) { // a scalar, or a vector that was cut out of a matrix
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

// checkValue is an error for a value that a variable of the shape and type cannot have.
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

// inRows is v, or a row-major copy where an op of Gorgonia gave a tensor that lies otherwise.
func inRows(v Value) Value {
	t, ok := v.(*tensor.Dense)
	if !ok || rowMajor(t) {
		return v
	}
	switch t.Dtype() {
	case tensor.Float32:
		return tensor.New(tensor.WithShape(t.Shape()...), tensor.WithBacking(gathered(t, t.Float32s())))
	case tensor.Float64:
		return tensor.New(tensor.WithShape(t.Shape()...), tensor.WithBacking(gathered(t, t.Float64s())))
	}
	return v
}

// gathered are the elements of t in row-major order, from its memory.
func gathered[T kernel.Float](t *tensor.Dense, memory []T) []T {
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

// data is the memory behind a value, nil when it is not of element type T or
// not one row-major block.
func data[T kernel.Float](v Value) []T {
	var d any
	switch v := v.(type) {
	case *gorgonia.F32:
		d = unsafe.Slice((*float32)(v), 1)
	case *gorgonia.F64:
		d = unsafe.Slice((*float64)(v), 1)
	case *tensor.Dense:
		if !rowMajor(v) || masked(v) {
			return nil
		}
		switch v.Dtype() {
		case tensor.Float32:
			d = v.Float32s() // of a tensor of rank 0, too, of which Data is a copy
		case tensor.Float64:
			d = v.Float64s()
		}
	}
	s, _ := d.([]T)
	return s
}
