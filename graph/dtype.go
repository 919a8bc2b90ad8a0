// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"unsafe"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Dtype is an element type.
type Dtype = tensor.Dtype

// The element types. Values that have a gradient are Float32, or Float64 for gradient checks and
// wherever its precision is needed; Int64 is for indices and counts, Bool for conditions.
var (
	Float32 = tensor.Float32
	Float64 = tensor.Float64
	Int64   = tensor.Int64
	Bool    = tensor.Bool
)

// element is what tensors consist of.
type element interface {
	kernel.Float | int64 | bool
}

func isFloat(dt Dtype) bool { return dt == Float32 || dt == Float64 }

// newValue returns a zero value of the given type and shape: one of Gorgonia's scalar types
// for a scalar, otherwise a tensor.
func newValue(dt Dtype, s Shape) Value {
	if len(s) > 0 {
		return tensor.New(tensor.Of(dt), tensor.WithShape(s...))
	}
	switch dt {
	case Float64:
		return gorgonia.NewF64(0)
	case Int64:
		return gorgonia.NewI64(0)
	case Bool:
		return gorgonia.NewB(false)
	}
	return gorgonia.NewF32(0)
}

// tensorAt returns a tensor in the memory of a Program.
func tensorAt(p unsafe.Pointer, dt Dtype, s Shape) Value {
	var backing any
	switch n := size(s); dt {
	case Float64:
		backing = unsafe.Slice((*float64)(p), n)
	case Int64:
		backing = unsafe.Slice((*int64)(p), n)
	case Bool:
		backing = unsafe.Slice((*bool)(p), n)
	default:
		backing = unsafe.Slice((*float32)(p), n)
	}
	return tensor.New(tensor.WithShape(s...), tensor.WithBacking(backing))
}

// data returns the memory of v, nil if its element type is not T or it is not one row-major
// block.
func data[T element](v Value) []T {
	var d any
	switch v := v.(type) {
	case *gorgonia.F32:
		d = unsafe.Slice((*float32)(v), 1)
	case *gorgonia.F64:
		d = unsafe.Slice((*float64)(v), 1)
	case *gorgonia.I64:
		d = unsafe.Slice((*int64)(v), 1)
	case *gorgonia.B:
		d = unsafe.Slice((*bool)(v), 1)
	case *tensor.Dense:
		if !rowMajor(v) || masked(v) {
			return nil
		}
		switch v.Dtype() { // not Data, which copies a tensor of rank 0
		case Float32:
			d = v.Float32s()
		case Float64:
			d = v.Float64s()
		case Int64:
			d = v.Int64s()
		case Bool:
			d = v.Bools()
		}
	}
	s, _ := d.([]T)
	return s
}
