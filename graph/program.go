// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Program computes a set of roots of a graph. It is a gorgonia.VM: bind inputs with Let,
// call RunAll, read root.Value(). The memory of all intermediate values is planned once, by
// lifetime; RunAll allocates nothing after its first call if the graph has only ops of this
// package. Ops of Gorgonia and user-defined ops run through their Do.
//
// The values of roots stay valid until the next run; other nodes may be overwritten within
// a run. A Program must not run concurrently with itself or with another Program of the
// same graph. Programs of different graphs that share weights may run concurrently as long
// as nothing writes to the weights.
//
// Programs that take turns may share their memory: RunOn runs in an Arena, with inputs that are
// the Program's own (Bind), and with the first roots in memory of the caller (SetOutput). Clones
// run concurrently.
type Program struct {
	*code
	values   []slotValue
	bindings []binding // of the instructions that are ops of this package

	own     *Arena           // of RunAll
	base    unsafe.Pointer   // of the arena to which the slots are bound, nil for none
	outside []unsafe.Pointer // the caller's memory for the first roots
	current int              // the instruction being executed, for error messages
}

// code is what a Program has in common with its clones, which only read it.
type code struct {
	slots        []slot
	instructions []instruction
	inputs       []int // slots of the variables
	roots        []int // slots
	updates      []slotUpdate
	sums         []int // the instructions that are an AllSum
	memory       Memory
}

// Memory is the size of a Program's intermediate values in bytes: Planned is what an Arena
// needs, Naive would be needed if no memory were shared.
type Memory struct{ Planned, Naive int }

// slot describes the value of one node.
type slot struct {
	node     *Node
	shape    Shape
	dtype    Dtype
	place    place
	constant Value    // of a node that never changes, else nil
	writer   int      // the instruction that computes it, -1 for none
	readers  []reader // the bound inputs that read the value
	boxed    bool     // an op that is not of this package needs it as a Value
}

// slotValue is the value of one node in one Program.
type slotValue struct {
	value  Value          // nil if it is in planned memory and not boxed
	bound  bool           // an input that Bind or BindFloats has bound
	lent   unsafe.Pointer // the memory of an input that is not a Value, see lend
	floats []float32
}

type reader struct{ instruction, input int }

// instruction computes one node.
type instruction struct {
	out    int
	in     []int
	own    *op // an op of this package
	lean   bool
	shapes []tensor.Shape // of the inputs
	kept   []*Kept

	foreign gorgonia.Op

	errorNode *Node // the node that errors are attributed to, nil for the computed node
}

var _ gorgonia.VM = (*Program)(nil)

// Clone returns a Program for the same roots that may run concurrently with p. Inputs of the graph
// that Let has bound, such as weights, are shared; nothing that is bound by Bind is. It returns
// nil if that is impossible, because of ops that are not of this package or sparse results.
func (p *Program) Clone() *Program {
	c := &Program{code: p.code, values: make([]slotValue, len(p.slots)), outside: make([]unsafe.Pointer, len(p.outside))}
	for _, s := range c.instructions {
		if s.foreign != nil {
			return nil
		}
	}
	for i := range c.slots {
		s := &c.slots[i]
		if s.constant != nil {
			c.values[i].value = s.constant
		} else if s.writer >= 0 && s.place.bytes == 0 {
			if size(s.shape) > 1 || len(s.shape) > 0 && size(s.shape) > 0 {
				return nil // sparse
			}
			c.values[i].value = newValue(s.dtype, s.shape)
		}
	}
	if c.bind() != nil {
		return nil
	}
	return c
}

// bind makes the bindings of all instructions.
func (p *Program) bind() error {
	p.bindings = make([]binding, len(p.instructions))
	for i, s := range p.instructions {
		if s.own == nil {
			continue
		}
		o := s.own
		if s.lean {
			lean := *o
			lean.run, o = o.lean(), &lean
		}
		out := &p.slots[s.out]
		float := o.float(out.dtype, func(k int) Dtype { return p.slots[s.in[k]].dtype })
		p.bindings[i] = o.bind(float, out.shape, s.shapes, s.kept)
	}
	for i := range p.values {
		if v := p.values[i].value; v != nil {
			if err := p.set(i, v); err != nil {
				return fmt.Errorf("node %v: %w", p.slots[i].node, err)
			}
		}
	}
	return nil
}

// RunAll computes all roots from the values bound to the variables.
func (p *Program) RunAll() error {
	if p.code == nil {
		return errClosed
	}
	if len(p.outside) > 0 {
		return errors.New("run: the first roots have no memory")
	}
	if p.own == nil {
		p.own = NewArena(p.memory.Planned)
	}
	if err := p.RunOn(p.own); err != nil {
		return err
	}
	for _, i := range p.roots {
		s, v := &p.slots[i], &p.values[i].value
		if s.node.Op() == nil {
			continue
		}
		if *v == nil {
			*v = tensorAt(p.address(s.place), s.dtype, s.shape)
		}
		if s.node.Value() != *v {
			if err := gorgonia.UnsafeLet(s.node, *v); err != nil {
				return fmt.Errorf("run: %w", err)
			}
		}
	}
	return nil
}

var errClosed = errors.New("run: the program was closed")

// RunOn computes all roots in an arena of at least Memory().Planned bytes. Value and Floats return
// them until the arena is used by another Program.
func (p *Program) RunOn(a *Arena) error {
	if p.code == nil {
		return errClosed
	}
	return p.run(a, 0, len(p.instructions))
}

// run runs instructions. The first of them begin with the current values of the inputs, and the last ones
// complete the roots.
func (p *Program) run(a *Arena, from, to int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = p.fail(fmt.Errorf("%v", r))
		}
	}()
	switch {
	case a.Bytes() < p.memory.Planned:
		return fmt.Errorf("run: the arena has %d bytes, want %d", a.Bytes(), p.memory.Planned)
	case slices.Contains(p.outside, nil):
		return fmt.Errorf("run: there is no memory for root %d", slices.Index(p.outside, nil))
	}
	if base := a.base(); base != p.base {
		p.moveTo(base)
	}
	if from == 0 {
		if err := p.readVariables(); err != nil {
			return err
		}
	}
	for i := from; i < to; i++ {
		p.current = i
		if b := p.bindings[i]; b != nil {
			err = b.run()
		} else {
			err = p.runForeign(&p.instructions[i])
		}
		if err != nil {
			return p.fail(err)
		}
	}
	if to == len(p.instructions) {
		p.copyOutside()
		return p.update()
	}
	return nil
}

// readVariables binds the current values of the variables.
func (p *Program) readVariables() error {
	for _, i := range p.inputs {
		s, now := &p.slots[i], &p.values[i]
		if now.floats != nil || now.lent != nil {
			continue
		}
		v := now.value
		if !now.bound {
			v = s.node.Value()
		}
		if v == nil {
			return fmt.Errorf("run: no value is bound to %q", s.node.Name())
		}
		if err := checkValue(s.shape, s.dtype, v); err != nil { // it may have been transposed since it was bound
			return fmt.Errorf("run: %q: %w", s.node.Name(), err)
		}
		if v != now.value {
			if err := p.set(i, v); err != nil {
				return fmt.Errorf("run: %q: %w", s.node.Name(), err)
			}
		}
	}
	return nil
}

func (p *Program) runForeign(s *instruction) error {
	args := make([]Value, len(s.in))
	for k, i := range s.in {
		args[k] = p.values[i].value
	}
	v, err := s.foreign.Do(args...)
	if err != nil {
		return err
	}
	if want := p.slots[s.out].shape; !want.Eq(v.Shape()) {
		return fmt.Errorf("returned shape %v, want %v", v.Shape(), want)
	}
	return p.set(s.out, toRowMajor(v))
}

// set replaces the value of a slot and rebinds the instructions that use it.
func (p *Program) set(i int, v Value) error {
	s := &p.slots[i]
	p.values[i].value = v
	if s.writer >= 0 {
		if err := p.bindings[s.writer].rebind(output, v); err != nil {
			return err
		}
	}
	for _, u := range s.readers {
		if err := p.bindings[u.instruction].rebind(u.input, v); err != nil {
			return err
		}
	}
	return nil
}

// moveTo binds all planned memory to an arena at base, or to none if that is nil.
func (p *Program) moveTo(base unsafe.Pointer) {
	p.base = base
	for i := range p.slots {
		if s := &p.slots[i]; s.place.bytes > 0 && s.place.outside == 0 {
			p.point(i, p.address(s.place))
		}
	}
}

// address returns the memory at a place, nil if there is none.
func (p *Program) address(at place) unsafe.Pointer {
	switch {
	case at.bytes == 0 || at.outside == 0 && p.base == nil:
		return nil
	case at.outside > 0:
		return p.outside[at.outside-1]
	}
	return unsafe.Add(p.base, at.offset)
}

// point binds the instructions that use a slot to its memory.
func (p *Program) point(i int, at unsafe.Pointer) {
	s := &p.slots[i]
	n := size(s.shape)
	p.values[i].value = nil
	if s.boxed && at != nil {
		p.values[i].value = tensorAt(at, s.dtype, s.shape)
	}
	if s.writer >= 0 {
		p.bindings[s.writer].point(output, at, n)
	}
	for _, u := range s.readers {
		p.bindings[u.instruction].point(u.input, at, n)
	}
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
	*p = Program{}
	return nil
}

// Nodes returns the number of nodes that the Program holds.
func (p *Program) Nodes() int { return len(p.slots) }

// Memory returns the size of the planned memory.
func (p *Program) Memory() Memory { return p.memory }
