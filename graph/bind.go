// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elementwise"
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
	op   *op
	call call[T]
	f    func(*call[T]) error
}

func (b *bound[T]) run() error { return b.f(&b.call) }

func (b *bound[T]) point(i int, p unsafe.Pointer, n int) {
	switch b.op.typeOf(i) {
	case Int64:
		b.call.setInts(i, at[int64](p, n))
	case Bool:
		b.call.setBools(i, at[bool](p, n))
	default:
		b.call.setFloats(i, at[T](p, n))
	}
	b.call.setValue(i, nil)
}

// at returns the memory of n elements at p, nil if p is.
func at[T element](p unsafe.Pointer, n int) []T {
	if p == nil {
		return nil
	}
	return unsafe.Slice((*T)(p), n)
}

func (b *bound[T]) rebind(i int, v Value) error {
	_, isSparse := v.(sparse)
	known := isSparse && (i == output || b.op.takesSparse)
	switch b.op.typeOf(i) {
	case Int64:
		ints := data[int64](v)
		b.call.setInts(i, ints)
		known = ints != nil || empty(v, Int64)
	case Bool:
		bools := data[bool](v)
		b.call.setBools(i, bools)
		known = bools != nil || empty(v, Bool)
	default:
		floats := data[T](v)
		b.call.setFloats(i, floats)
		known = known || floats != nil || empty(v, dtypeOf[T]())
	}
	b.call.setValue(i, v)
	if known {
		return nil
	}
	return b.wrong(i, v, isSparse)
}

// empty reports whether v is a value of the element type without elements.
func empty(v Value, dt Dtype) bool { return v.Dtype() == dt && v.Size() == 0 }

// dtypeOf returns the element type of T.
func dtypeOf[T kernel.Float]() Dtype {
	if _, ok := any(*new(T)).(float64); ok {
		return Float64
	}
	return Float32
}

// wrong explains why v cannot be operand i.
func (b *bound[T]) wrong(i int, v Value, isSparse bool) error {
	what := fmt.Sprintf("input %d", i)
	if i == output {
		what = "output"
	}
	if isSparse {
		return fmt.Errorf("%s is %v, want a dense tensor", what, v)
	}
	if t, ok := v.(*tensor.Dense); ok {
		if err := CheckLayout(t); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	want := b.op.typeOf(i).String()
	if b.op.typeOf(i) == (Dtype{}) {
		want = fmt.Sprintf("%T", *new(T))
	}
	return fmt.Errorf("%s is %T of %v, want a contiguous tensor of %s", what, v, v.Dtype(), want)
}

func (c *call[T]) setFloats(i int, memory []T) {
	if i == output {
		c.out = memory
	} else {
		c.in[i] = memory
	}
}

func (c *call[T]) setInts(i int, memory []int64) {
	if i == output {
		c.outInts = memory
	} else {
		c.ints[i] = memory
	}
}

func (c *call[T]) setBools(i int, memory []bool) {
	if i == output {
		c.outBools = memory
	} else {
		c.bools[i] = memory
	}
}

func (c *call[T]) setValue(i int, v Value) {
	if i == output {
		c.result = v
	} else {
		c.values[i] = v
	}
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
	b := &bound[T]{f: f, op: o, call: call[T]{
		in:       make([][]T, len(in)),
		outShape: out,
		inShape:  in,
		values:   make([]Value, len(in)),
		kept:     kept,
	}}
	if len(o.inType) > 0 {
		b.call.ints, b.call.bools = make([][]int64, len(in)), make([][]bool, len(in))
	}
	if o.expr != nil {
		b.call.output.Shape, b.call.operands = out, make([]elementwise.Operand[T], len(in))
		for k, s := range in {
			b.call.operands[k].Shape = s
		}
	}
	return b
}
