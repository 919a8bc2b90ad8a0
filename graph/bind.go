// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// binding is an op bound to the memory it works on, so that running it repeatedly
// allocates nothing.
type binding interface {
	// rebind replaces input i after a new value has been bound to its node.
	rebind(i int, v Value) error
	run() error
}

type bound[T kernel.Float] struct {
	call   call[T]
	f      func(*call[T]) error
	sparse bool // whether f accepts sparse inputs
}

func (b *bound[T]) run() error { return b.f(&b.call) }

func (b *bound[T]) rebind(i int, v Value) error {
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

// bind ties the op to its output and inputs; the type of out selects the element type.
// A nil input is bound later, by rebind. kept, nil except for inference, are of the inputs.
func (o *op) bind(out Value, in []Value, shapes []tensor.Shape, kept []*Kept) (binding, error) {
	switch {
	case out.Dtype() == tensor.Float64:
		return bindAs(o, o.run.f64, out, in, shapes, nil)
	case kept != nil && o.each != nil:
		return bindAs(o, o.each, out, in, shapes, kept)
	}
	return bindAs(o, o.run.f32, out, in, shapes, kept)
}

func bindAs[T kernel.Float](o *op, f func(*call[T]) error, out Value, in []Value, shapes []tensor.Shape, kept []*Kept) (binding, error) {
	b := &bound[T]{f: f, sparse: o.takesSparse, call: call[T]{
		out:      data[T](out),
		in:       make([][]T, len(in)),
		outShape: out.Shape(),
		result:   out,
		inShape:  shapes,
		values:   make([]Value, len(in)),
		kept:     kept,
	}}
	if _, ok := out.(sparse); b.call.out == nil && !ok {
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("output is %T of %v, want a contiguous float tensor", out, out.Dtype())}
	}
	for i, v := range in {
		if v == nil {
			continue
		}
		if err := b.rebind(i, v); err != nil {
			return nil, &OpError{Op: o.name, Err: err}
		}
	}
	return b, nil
}
