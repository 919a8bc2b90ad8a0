// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"unsafe"

	"gorgonia.org/tensor"
)

// The inputs and roots of a Program that runs in an Arena. Nothing is allocated, except for
// inputs of ops that are not of this package.

// Input returns the number of a variable for Bind and BindFloats, -1 if no root depends on it.
func (p *Program) Input(variable *Node) int {
	for _, i := range p.inputs {
		if p.slots[i].node == variable {
			return i
		}
	}
	return -1
}

// Bind binds a value to an input of this Program, instead of that bound by Let. Input -1 is
// ignored.
func (p *Program) Bind(input int, v Value) error {
	if input < 0 {
		return nil
	}
	s := &p.slots[input]
	if err := checkValue(s.shape, s.dtype, v); err != nil {
		return fmt.Errorf("bind %q: %w", s.node.Name(), err)
	}
	p.values[input] = slotValue{bound: true}
	return p.set(input, v)
}

// BindFloats is Bind for the float32 values of a dense tensor, row-major.
func (p *Program) BindFloats(input int, values []float32) error {
	if input < 0 {
		return nil
	}
	s := &p.slots[input]
	if s.dtype != tensor.Float32 || len(values) != size(s.shape) {
		return fmt.Errorf("bind %q: got %d values of float32, want %v of shape %v", s.node.Name(), len(values), s.dtype, s.shape)
	}
	p.values[input] = slotValue{bound: true, floats: values}
	p.point(input, unsafe.Pointer(unsafe.SliceData(values)))
	return nil
}

// SetOutput gives the memory into which the next runs write root k, one of those that were
// compiled to be outside. It must not overlap with inputs or other outputs.
func (p *Program) SetOutput(k int, to []float32) error {
	s := &p.slots[p.roots[k]]
	if s.dtype != tensor.Float32 || len(to) != size(s.shape) {
		return fmt.Errorf("output %d: got memory for %d values of float32, want %v of shape %v", k, len(to), s.dtype, s.shape)
	}
	p.setOutside(k, unsafe.Pointer(unsafe.SliceData(to)))
	return nil
}

func (p *Program) setOutside(k int, at unsafe.Pointer) {
	p.outside[k] = at
	for i := range p.slots {
		if s := &p.slots[i]; s.place.outside == k+1 {
			p.point(i, at)
		}
	}
}

// copyOutside copies the roots that are to be outside and are computed elsewhere: inputs,
// constants, results of ops that are not of this package, and those that are also another root.
func (p *Program) copyOutside() {
	for k, to := range p.outside {
		if s := &p.slots[p.roots[k]]; s.place.outside != k+1 {
			copy(unsafe.Slice((*float32)(to), size(s.shape)), p.Floats(k))
		}
	}
}

// Floats returns the float32 values of root k after a run, nil if it is not dense or there is no
// such root.
func (p *Program) Floats(k int) []float32 {
	if k < 0 || k >= len(p.roots) {
		return nil
	}
	return p.floatsOf(p.roots[k])
}

// floatsOf returns the float32 values of a slot, nil if it is not dense.
func (p *Program) floatsOf(i int) []float32 {
	s := &p.slots[i]
	switch at := p.address(s.place); {
	case p.values[i].floats != nil:
		return p.values[i].floats
	case s.place.bytes == 0:
		return Floats(p.values[i].value)
	case at == nil || s.dtype != tensor.Float32:
		return nil
	default:
		return unsafe.Slice((*float32)(at), size(s.shape))
	}
}

// Rows returns root k after a run if it is sparse, otherwise nil.
func (p *Program) Rows(k int) *RowSparse {
	rows, _ := p.values[p.roots[k]].value.(*RowSparse)
	return rows
}

// Leave ends the use of the arena, of the memory of outputs and of what Bind has bound, so that an
// idle Program keeps none of them alive.
func (p *Program) Leave() {
	p.moveTo(nil)
	for k := range p.outside {
		p.setOutside(k, nil)
	}
	for _, i := range p.inputs {
		if p.values[i].bound {
			p.values[i] = slotValue{}
			p.point(i, nil)
		}
	}
}
