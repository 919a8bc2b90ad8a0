// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// binding is an op bound to the memory it works on, so that running it repeatedly
// allocates nothing.
type binding interface {
	// rebind replaces operand i by a value.
	rebind(i int, v Value) error
	// point replaces operand i by n dense values at p, or by nothing if p is nil.
	point(i int, p unsafe.Pointer, n int)
	run() error
}

// output is the number of an op's output among its operands; the inputs have those from 0.
const output = -1

type bound[T kernel.Float] struct {
	call   call[T]
	f      func(*call[T]) error
	sparse bool // whether f accepts sparse inputs
}

func (b *bound[T]) run() error { return b.f(&b.call) }

func (b *bound[T]) point(i int, p unsafe.Pointer, n int) {
	var memory []T
	if p != nil {
		memory = unsafe.Slice((*T)(p), n)
	}
	if i == output {
		b.call.out, b.call.result = memory, nil
	} else {
		b.call.in[i], b.call.values[i] = memory, nil
	}
}

func (b *bound[T]) rebind(i int, v Value) error {
	if i == output {
		b.call.result, b.call.out = v, data[T](v)
		if _, ok := v.(sparse); b.call.out == nil && !ok {
			return fmt.Errorf("output is %T of %v, want a contiguous float tensor", v, v.Dtype())
		}
		return nil
	}
	b.call.values[i] = v
	b.call.in[i] = nil
	if _, ok := v.(sparse); ok {
		if !b.sparse {
			return fmt.Errorf("input %d is %v, want a dense tensor", i, v)
		}
		return nil
	}
	b.call.in[i] = data[T](v)
	if b.call.in[i] == nil {
		if t, ok := v.(*tensor.Dense); ok {
			if err := CheckLayout(t); err != nil {
				return fmt.Errorf("input %d: %w", i, err)
			}
		}
		return fmt.Errorf("input %d is %T of %v, want a contiguous tensor of %T", i, v, v.Dtype(), b.call.out)
	}
	return nil
}

// sparse marks values that are not dense tensors; ops that accept them read call.values
// and call.result.
type sparse interface{ sparse() }

// bind makes a binding of the op for operands of these shapes, without memory for any of them. kept,
// nil except for inference, are of the inputs.
func (o *op) bind(dt Dtype, out tensor.Shape, in []tensor.Shape, kept []*Kept) binding {
	switch {
	case dt == tensor.Float64:
		return bindAs(o, o.run.f64, out, in, nil)
	case kept != nil && o.each != nil:
		return bindAs(o, o.each, out, in, kept)
	}
	return bindAs(o, o.run.f32, out, in, kept)
}

func bindAs[T kernel.Float](o *op, f func(*call[T]) error, out tensor.Shape, in []tensor.Shape, kept []*Kept) binding {
	return &bound[T]{f: f, sparse: o.takesSparse, call: call[T]{
		in:       make([][]T, len(in)),
		outShape: out,
		inShape:  in,
		values:   make([]Value, len(in)),
		kept:     kept,
	}}
}
