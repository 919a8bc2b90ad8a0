// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Program runs the part of a graph that some roots depend on. It is a
// gorgonia.VM: bind inputs with Let, call RunAll, read root.Value(). Memory for
// all intermediate values is planned once, by when each is needed; RunAll of a
// graph of this package's ops allocates nothing. Ops of Gorgonia or of the
// user's own run through their Do.
//
// The values of roots stay valid until the next run; those of other nodes may
// be overwritten within it. A Program must not run twice at the same time, nor
// together with another Program of the same graph. Programs of different graphs
// that share weights may, as long as nobody writes the weights.
type Program struct {
	slots        []slot
	instructions []instruction
	inputs       []int // slots of variables
	roots        []int // slots to publish
	memory       Memory
	at           int // the step that runs, for the error message
}

// Memory says what a Program holds for intermediate values, in bytes: Planned
// is allocated, Naive would be needed without reuse.
type Memory struct{ Planned, Naive int }

// slot is the place of one node's value.
type slot struct {
	node    *Node
	shape   Shape // of a variable, with its type
	dtype   Dtype
	value   Value
	readers []reader // the bound inputs that read it
}

type reader struct{ instruction, input int }

// step computes one node.
type instruction struct {
	out  int
	in   []int
	own  binding // one of this package's ops
	op   gorgonia.Op
	args []Value // of a foreign op

	errorNode *Node // for its mistakes, nil for the node that it computes
}

var _ gorgonia.VM = (*Program)(nil)

// Compile plans the computation of roots. Everything that no root depends on is
// left out, such as gradients of the data that gorgonia.Grad adds unasked.
func Compile(roots ...*Node) (*Program, error) { return CompileWithin(math.MaxInt, roots...) }

// CompileWithin is Compile with a limit of bytes for what Memory calls Planned. A
// program that needs more is refused with a *MemoryError before anything is allocated.
func CompileWithin(limit int64, roots ...*Node) (*Program, error) {
	c, err := newCompiler(roots)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	c.limit = limit
	c.fuse()
	p, err := c.program()
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return p, nil
}

// RunAll computes all roots from the values bound to the variables.
func (p *Program) RunAll() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = p.fail(fmt.Errorf("%v", r))
		}
	}()
	if p.slots == nil {
		return errors.New("run: the program was closed")
	}
	for _, i := range p.inputs {
		s := &p.slots[i]
		v := s.node.Value()
		if v == nil {
			return fmt.Errorf("run: no value is bound to %q", s.node.Name())
		}
		if err := checkValue(s.shape, s.dtype, v); err != nil { // it may have been transposed after it was bound
			return fmt.Errorf("run: %q: %w", s.node.Name(), err)
		}
		if v != s.value {
			if err := p.set(i, v); err != nil {
				return fmt.Errorf("run: %q: %w", s.node.Name(), err)
			}
		}
	}
	for p.at = range p.instructions {
		s := &p.instructions[p.at]
		if s.own != nil {
			err = s.own.run()
		} else {
			err = p.foreign(s)
		}
		if err != nil {
			return p.fail(err)
		}
	}
	for _, i := range p.roots {
		if s := &p.slots[i]; s.node.Value() != s.value {
			if err := gorgonia.UnsafeLet(s.node, s.value); err != nil {
				return fmt.Errorf("run: %w", err)
			}
		}
	}
	return nil
}

func (p *Program) foreign(s *instruction) error {
	for k, i := range s.in {
		s.args[k] = p.slots[i].value
	}
	v, err := s.op.Do(s.args...)
	if err != nil {
		return err
	}
	if want := p.slots[s.out].node.Shape(); !want.Eq(v.Shape()) {
		return fmt.Errorf("gave shape %v, want %v", v.Shape(), want)
	}
	return p.set(s.out, inRows(v))
}

// set replaces the value of a slot and tells the steps that read it.
func (p *Program) set(i int, v Value) error {
	s := &p.slots[i]
	s.value = v
	for _, u := range s.readers {
		if err := p.instructions[u.instruction].own.rebind(u.input, v); err != nil {
			return err
		}
	}
	return nil
}

// fail wraps an error of the step that runs.
func (p *Program) fail(err error) error {
	n := p.slots[p.instructions[p.at].out].node
	if blamed := p.instructions[p.at].errorNode; blamed != nil {
		n = blamed
	}
	shapes := make([]tensor.Shape, 0, len(p.instructions[p.at].in))
	for _, i := range p.instructions[p.at].in {
		shapes = append(shapes, p.slots[i].node.Shape())
	}
	return &OpError{Op: n.Op().String(), Node: n, Shapes: shapes, Err: err}
}

// Reset does nothing: every run starts from the bound inputs. It is part of gorgonia.VM.
func (p *Program) Reset() {}

// Close gives the memory up. The values of the roots stay readable.
func (p *Program) Close() error {
	p.slots, p.instructions, p.inputs, p.roots = nil, nil, nil, nil
	return nil
}

// Memory reports the size of the buffer plan.
func (p *Program) Memory() Memory { return p.memory }
