// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Program computes a set of roots of a graph. It is a gorgonia.VM: bind inputs with Let,
// call RunAll, read root.Value(). The memory of all intermediate values is planned once, by
// lifetime; RunAll allocates nothing if the graph has only ops of this package. Ops of
// Gorgonia and user-defined ops run through their Do.
//
// The values of roots stay valid until the next run; other nodes may be overwritten within
// a run. A Program must not run concurrently with itself or with another Program of the
// same graph. Programs of different graphs that share weights may run concurrently as long
// as nothing writes to the weights.
type Program struct {
	slots        []slot
	instructions []instruction
	inputs       []int // slots of the variables
	roots        []int // slots whose values RunAll publishes
	memory       Memory
	current      int // the instruction being executed, for error messages
}

// Memory is the size of a Program's intermediate values in bytes: Planned is allocated,
// Naive would be needed if no memory were shared.
type Memory struct{ Planned, Naive int }

// slot holds the value of one node.
type slot struct {
	node    *Node
	shape   Shape // of a variable, as is dtype
	dtype   Dtype
	value   Value
	readers []reader // the bound inputs that read the value
}

type reader struct{ instruction, input int }

// instruction computes one node.
type instruction struct {
	out  int
	in   []int
	own  binding // an op of this package
	op   gorgonia.Op
	args []Value // arguments of a foreign op

	errorNode *Node // the node that errors are attributed to, nil for the computed node
}

var _ gorgonia.VM = (*Program)(nil)

// Compile plans the computation of roots. Everything that no root depends on is omitted, such
// as gradients of the data that gorgonia.Grad adds even if not asked to.
func Compile(roots ...*Node) (*Program, error) { return CompileWithin(math.MaxInt, roots...) }

// CompileWithin is Compile with a limit on Memory.Planned, in bytes. If the program needs
// more, it returns a *MemoryError before anything is allocated.
func CompileWithin(limit int64, roots ...*Node) (*Program, error) {
	return compile(limit, nil, roots)
}

func compile(limit int64, inference *Inference, roots Nodes) (*Program, error) {
	c, err := newCompiler(roots)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	c.limit, c.inference = limit, inference
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
		if err := checkValue(s.shape, s.dtype, v); err != nil { // it may have been transposed since it was bound
			return fmt.Errorf("run: %q: %w", s.node.Name(), err)
		}
		if v != s.value {
			if err := p.set(i, v); err != nil {
				return fmt.Errorf("run: %q: %w", s.node.Name(), err)
			}
		}
	}
	for p.current = range p.instructions {
		s := &p.instructions[p.current]
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
		return fmt.Errorf("returned shape %v, want %v", v.Shape(), want)
	}
	return p.set(s.out, toRowMajor(v))
}

// set replaces the value of a slot and rebinds the instructions that read it.
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

// fail wraps an error of the current instruction.
func (p *Program) fail(err error) error {
	n := p.slots[p.instructions[p.current].out].node
	if blamed := p.instructions[p.current].errorNode; blamed != nil {
		n = blamed
	}
	shapes := make([]tensor.Shape, 0, len(p.instructions[p.current].in))
	for _, i := range p.instructions[p.current].in {
		shapes = append(shapes, p.slots[i].node.Shape())
	}
	return &OpError{Op: n.Op().String(), Node: n, Shapes: shapes, Err: err}
}

// Reset does nothing, because every run starts from the bound inputs. gorgonia.VM requires it.
func (p *Program) Reset() {}

// Close releases the memory. The values of the roots remain readable.
func (p *Program) Close() error {
	p.slots, p.instructions, p.inputs, p.roots = nil, nil, nil, nil
	return nil
}

// Memory returns the size of the planned memory.
func (p *Program) Memory() Memory { return p.memory }
