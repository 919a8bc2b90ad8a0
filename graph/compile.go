// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"strings"
	"unsafe"
)

// Compile plans the computation of roots. Everything that no root depends on is omitted, such
// as gradients of the data that gorgonia.Grad adds even if not asked to.
func Compile(roots ...*Node) (*Program, error) { return CompileOptions{}.Compile(roots...) }

// CompileOptions says how expressions become a Program. The zero value is what Compile uses.
type CompileOptions struct {
	// Limit is the most that Memory.Planned may be, in bytes; 0 is no limit. If the program needs more,
	// Compile returns a *MemoryError before anything is allocated.
	Limit int64
	// Without has the passes to leave out.
	Without Passes
	// Updates are new values of variables, which they get after each run: a training step is a run. Inputs that
	// Program.Bind has bound are updated, too.
	Updates []Update
	// Inference is set for programs that predict.
	Inference *Inference

	leaves Nodes // see body
}

// Passes are the changes that Compile makes to expressions before it plans their memory. They keep the
// values, but -0 may become 0, and the logarithm of a softmax is rounded less and is finite where the
// softmax is rounded to 0.
type Passes uint

// The passes, in their order.
const (
	Simplify        Passes = 1 << iota // removes what changes nothing, such as x·1 and two transposes; see simplify.go
	Fold                               // computes what depends on constants only
	Share                              // computes equal expressions once
	FuseLayers                         // joins layers with what follows them, losses with their gradients
	FuseElementwise                    // joins element-wise ops to one pass over memory
	AllPasses       = Simplify | Fold | Share | FuseLayers | FuseElementwise
)

// String returns the names of the passes.
func (p Passes) String() string {
	var names []string
	for i, name := range []string{"Simplify", "Fold", "Share", "FuseLayers", "FuseElementwise"} {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Compile plans the computation of roots.
func (o CompileOptions) Compile(roots ...*Node) (*Program, error) {
	all, err := o.withUpdates(roots)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	c, err := o.compiler(all)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	c.optimize(AllPasses &^ o.Without)
	updates, err := c.findUpdates(o.Updates)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	p, err := c.program()
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	p.updates = updates
	return p, nil
}

func (o CompileOptions) compiler(roots Nodes) (*compiler, error) {
	c, err := newCompiler(roots, o.leaves)
	if err != nil {
		return nil, err
	}
	c.inference = o.Inference
	if c.limit = o.Limit; c.limit == 0 {
		c.limit = math.MaxInt
	}
	if o.Inference != nil {
		c.outside = min(o.Inference.Outside, len(roots))
	}
	return c, nil
}

// optimize runs the passes.
func (c *compiler) optimize(passes Passes) {
	if passes&Simplify != 0 {
		c.simplify()
	}
	if passes&Fold != 0 {
		c.fold()
	}
	if passes&Share != 0 {
		c.share()
	}
	if passes&FuseLayers != 0 {
		c.fuse()
	}
	if passes&FuseElementwise != 0 {
		c.fuseElementwise()
	}
	c.prune()
}

func (c *compiler) program() (*Program, error) {
	p := &Program{
		code:    &code{slots: make([]slot, len(c.nodes)), roots: c.roots},
		values:  make([]slotValue, len(c.nodes)),
		outside: make([]unsafe.Pointer, c.outside),
	}
	places, values, memory, err := c.plan()
	if err != nil {
		return nil, err
	}
	p.memory = memory
	for i, n := range c.nodes {
		s := &p.slots[i]
		s.node, s.shape, s.dtype, s.place, s.writer = n, n.Shape(), n.Dtype(), places[i], -1
		if c.variable(i) {
			p.inputs = append(p.inputs, i)
		} else if v, ok := c.constant(i); ok {
			s.constant, p.values[i].value = v, v
		} else {
			p.values[i].value = values[i]
		}
	}
	used := c.used()
	for i := range c.nodes {
		c.emit(p, i, used[i])
	}
	return p, p.bind()
}

// computes reports whether node i needs an instruction: it is no variable, no constant and no
// view, which shares its input's memory.
func (c *compiler) computes(i int) bool {
	if _, constant := c.constant(i); constant || c.variable(i) {
		return false
	}
	o := c.ops[i]
	return o == nil || !o.view || c.copied(i)
}

// emit appends the instruction for node i, if it needs one; used says whether anything reads
// its value.
func (c *compiler) emit(p *Program, i int, used bool) {
	if !c.computes(i) {
		return
	}
	s := instruction{out: i, in: c.children[i]}
	if o := c.ops[i]; o == nil {
		s.foreign = c.nodes[i].Op()
		for _, j := range s.in {
			p.slots[j].boxed = true
		}
	} else {
		for k, j := range s.in {
			s.shapes = append(s.shapes, c.nodes[j].Shape())
			p.slots[j].readers = append(p.slots[j].readers, reader{len(p.instructions), k})
		}
		p.slots[i].writer = len(p.instructions)
		if o.runUnused != nil && !used { // a copy for this Program: others share the op
			unused := *o
			unused.run, o = *o.runUnused, &unused
		}
		s.own, s.errorNode, s.kept = o, o.errorNode, c.kept(s.in)
		s.lean = o.lean != nil && !c.keptRead(o)
		if _, ok := o.kind.(allSum); ok {
			p.sums = append(p.sums, len(p.instructions))
		}
	}
	p.instructions = append(p.instructions, s)
}

// kept returns what is kept of each of the nodes, nil if the program is not for inference.
func (c *compiler) kept(nodes []int) []*Kept {
	if c.inference == nil {
		return nil
	}
	list := make([]*Kept, len(nodes))
	for k, i := range nodes {
		for c.ops[i] != nil && c.ops[i].view { // a matrix of the same numbers
			i = c.children[i][0]
		}
		if c.variable(i) && c.inference.Kept != nil {
			list[k] = c.inference.Kept(c.nodes[i])
		}
	}
	return list
}
