// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// A chain of float32 functions is a program of the instruction set's machine, which keeps what is
// computed in between in registers. It gives the same bits as step after step over blocks, which is how
// an expression is computed that has no program.

// code is the program of an expression, without the addresses of operands.
type code struct {
	machine *simd.Machine
	list    []simd.Instruction // empty if there is no program
	wide    *code              // the program of machine.Wide; nil if there is no such machine
	links   []link
	slots   int       // groups of floats that results, conditions and constants are kept in
	filled  []float32 // the constants, in the last slots
	added   []float32 // the coefficients of polynomials
	result  int       // the instruction that stores the result
	stream  uintptr   // the handler that stores it past the caches
	limits  []limit
	angles  bool // whether there may be arguments that the machine cannot handle
}

// limit is a maximum or minimum of the accumulators and an input, with the handler for an input of one number.
type limit struct {
	instruction, input int
	handler            uintptr
}

// link is an operand of an instruction.
type link struct {
	instruction int
	second      bool
	kind        int
	number      int // of an input, a slot or the first coefficient
	count       int // of coefficients
}

const (
	toInput = iota
	toSlot
	toOutput
	toCoefficients
)

// codeFor returns the program of e for an instruction set.
func (e *Expr) codeFor(m *simd.Machine) *code {
	if c := e.code.Load(); c != nil && c.machine == m {
		return c
	}
	c := e.compile(m)
	if m.Wide != nil && len(c.list) > 0 {
		c.wide = e.compile(m.Wide)
	}
	e.code.Store(c)
	return c
}

// compile returns the program of e for a machine.
func (e *Expr) compile(m *simd.Machine) *code {
	b := builder{code: &code{machine: m}, e: e, acc: -1, slot: make([]int, len(e.In)+len(e.Steps))}
	if len(e.Steps) < 2 || !b.build() {
		return &code{machine: m}
	}
	return b.code
}

// builder builds a program.
type builder struct {
	*code
	e     *Expr
	names []string // of the instructions
	acc   int      // the value in the accumulators, or -1
	slot  []int    // the slot of each value, or -1
}

// build reports whether all steps have a handler.
func (b *builder) build() bool {
	e, k := b.e, len(b.e.In)
	for v := range b.slot {
		b.slot[v] = -1
	}
	b.slots = e.blocks[Float] + e.blocks[Bool]
	for v, t := range e.In {
		switch t {
		case Int:
			return false
		case Bool:
			if !b.emit("LoadBool", 0, 0, link{kind: toInput, number: v}) {
				return false
			}
			b.keep(v, b.slots)
			b.slots++
		}
	}
	uses := make([]int, k+len(e.Steps))
	for i := range e.Steps {
		for _, v := range e.operands(i) {
			uses[v]++
		}
	}
	var powers []int // instructions that read a constant
	for i := range e.Steps {
		s, v := &e.Steps[i], k+i
		if s.Op.Result() == Int || !b.step(s, &powers) {
			return false
		}
		b.acc = v
		switch {
		case i == len(e.Steps)-1:
			name := "store"
			if e.Result() == Bool {
				name = "StoreBool"
			}
			if !b.emit(name, 0, 0, link{kind: toOutput}) {
				return false
			}
		case uses[v] > b.taken(&e.Steps[i+1], v):
			place := e.places[i]
			if s.Op.Result() == Bool {
				place += e.blocks[Float]
			}
			b.keep(v, place)
		}
	}
	for _, i := range powers { // constants come last
		b.links[i].number += b.slots
	}
	b.slots += len(b.filled)
	if !b.emit("again", 0, 0) {
		return false
	}
	b.join()
	for _, l := range b.links {
		if name := b.names[l.instruction]; l.kind == toInput && (name == "Max" || name == "Min") {
			b.limits = append(b.limits, limit{l.instruction, l.number, b.machine.Handler(name + "Number")})
		}
	}
	if e.Result() == Float {
		b.stream = b.machine.Handler(strings.Replace(b.names[b.result], "store", "stream", 1))
	}
	return true
}

// join makes one instruction of two where the machine has a handler for both. The last one stores the result
// and loads what the next round begins with, if that is a load.
func (b *builder) join() {
	list, names, links := b.list, b.names, b.links
	b.list, b.names, b.links = nil, nil, nil
	from := func(i int, second bool) { // adds the links of an instruction
		for _, l := range links {
			if l.instruction == i {
				l.instruction, l.second = len(b.list), l.second || second
				b.links = append(b.links, l)
			}
		}
	}
	terms := func(i int) int { return termsAt(names, links, i) }
	for i := 0; i < len(list); i++ {
		in, name := list[i], names[i]
		from(i, false)
		n := terms(i)
		switch last := len(list) - 2; {
		case n > 1:
			name = "Polynomial"
			b.links = append(b.links, link{len(b.list), true, toCoefficients, len(b.added), n})
			for k := range n {
				b.added = append(b.added, list[i+2*k+1].X)
			}
			i += 2*n - 1
		case i == last && name == "store" && names[0] == "load":
			name, b.result = "storeagain", len(b.list)
			// only programs of one array become faster if it is prefetched
			if len(b.e.In) == 1 && b.machine.Handler("storeahead") != 0 {
				name = "storeahead"
			}
			from(0, true)
			i++
		case i == last:
			b.result = len(b.list)
		case i+1 < last && terms(i+1) < 2 && b.machine.Handler(name+names[i+1]) != 0:
			next := list[i+1]
			name += names[i+1]
			in.X2, in.Y2 = next.X, next.Y
			from(i+1, true)
			i++
		}
		in.Handler = b.machine.Handler(name)
		b.list, b.names = append(b.list, in), append(b.names, name)
	}
}

// termsAt returns how many times the instructions from i on multiply by the same operand and add a number: these
// are the terms of a polynomial by Horner's method.
func termsAt(names []string, links []link, i int) (n int) {
	operand := func(i int) link {
		at := slices.IndexFunc(links, func(l link) bool { return l.instruction == i })
		l := links[at]
		l.instruction = 0
		return l
	}
	for ; i+1 < len(names) && names[i] == "Mul" && names[i+1] == "Shift"; i += 2 {
		if n > 0 && operand(i) != operand(i-2) {
			break
		}
		n++
	}
	return n
}

// taken returns how often a step reads v from the accumulators.
func (b *builder) taken(s *Step, v int) int {
	switch s.Op.Arity() {
	case 2:
		switch {
		case s.A == v && s.B == v && s.Op == Mul:
			return 2
		case s.A == v || s.B == v:
			return 1
		}
		return 0
	default:
		if s.A == v {
			return 1
		}
		return 0
	}
}

// keep stores the accumulators in a slot, as value v.
func (b *builder) keep(v, slot int) {
	b.emit("store", 0, 0, link{kind: toSlot, number: slot})
	b.slot[v] = slot
}

// from returns the link to a value in memory.
func (b *builder) from(v int) link {
	if s := b.slot[v]; s >= 0 {
		return link{kind: toSlot, number: s}
	}
	return link{kind: toInput, number: v}
}

// load brings a value to the accumulators.
func (b *builder) load(v int) bool {
	return b.acc == v || b.emit("load", 0, 0, b.from(v))
}

// emit adds an instruction and reports whether the machine has it.
func (b *builder) emit(name string, x, y float64, links ...link) bool {
	h := b.machine.Handler(name)
	if h == 0 {
		return false
	}
	for i, l := range links {
		l.instruction, l.second = len(b.list), i == 1
		b.links = append(b.links, l)
	}
	b.list = append(b.list, simd.Instruction{Handler: h, X: float32(x), Y: float32(y)})
	b.names = append(b.names, name)
	return true
}

// step adds the instructions of a step.
func (b *builder) step(s *Step, powers *[]int) bool {
	name, x := handlers[s.Op], s.X
	switch s.Op {
	case Copy, CopyBool:
		return b.load(s.A)
	case Affine:
		switch {
		case s.Y == 0:
			name = "Scale"
		case x == 1:
			name, x = "Shift", s.Y
		}
	case PowX:
		if !b.load(s.A) {
			return false
		}
		switch float32(x) {
		case -1:
			return b.emit("Reciprocal", 0, 0)
		case 1:
			return true
		case 2:
			return b.emit("Square", 0, 0)
		}
		*powers = append(*powers, len(b.links))
		b.filled = append(b.filled, float32(x))
		return b.emit("Pow", 0, 0, link{kind: toSlot, number: len(b.filled) - 1})
	case Activate:
		name = "Act" + simd.ActivationName(s.Act)
	case ActivateGrad:
		name = "Grad" + simd.ActivationName(s.Act)
	case Sin, Cos, Tan:
		b.angles = true
	}
	switch s.Op.Arity() {
	case 1:
		return b.load(s.A) && b.emit(name, x, s.Y)
	case 3:
		return b.load(s.A) && b.emit(name, 0, 0, b.from(s.B), b.from(s.C))
	}
	var ok bool
	switch {
	case s.A == s.B && s.Op == Mul:
		ok = b.load(s.A) && b.emit("Square", 0, 0)
	case b.acc == s.B && b.acc != s.A && commutes[s.Op]:
		ok = b.emit(name, x, s.Y, b.from(s.A))
	case b.acc == s.B && b.acc != s.A && b.machine.Handler(name+"Of") != 0:
		ok = b.emit(name+"Of", x, s.Y, b.from(s.A))
	case b.acc == s.B && b.acc != s.A && b.slot[s.B] < 0:
		b.keep(s.B, b.slots)
		b.slots++
		ok = b.load(s.A) && b.emit(name, x, s.Y, b.from(s.B))
	default:
		ok = b.load(s.A) && b.emit(name, x, s.Y, b.from(s.B))
	}
	return ok && (s.Op != EqualBool || b.emit("Not", 0, 0))
}

// handlers are the names of the machine's functions.
var handlers = [ops]string{
	Affine: "Affine", Clip: "Clip", Neg: "Neg", Abs: "Abs", Sign: "Sign", Square: "Square", Reciprocal: "Reciprocal", Sqrt: "Sqrt",
	Rsqrt: "Rsqrt", Exp: "Exp", Expm1: "Expm1", Log: "Log", Log1p: "Log1p", Sin: "Sin", Cos: "Cos", Tan: "Tan", Tanh: "Tanh",
	Erf: "Erf", Floor: "Floor", Ceil: "Ceil", Round: "Round", Trunc: "Trunc", Add: "Add", Sub: "Sub", Mul: "Mul", Div: "Div",
	Pow: "Pow", Max: "Max", Min: "Min", Equal: "Equal", NotEqual: "NotEqual", Less: "Less", LessEqual: "LessEqual", IsNaN: "IsNaN",
	IsInf: "IsInf", IsFinite: "IsFinite", Not: "Not", And: "And", Or: "Or", Xor: "Xor", Where: "Where", EqualBool: "Xor",
	NotEqualBool: "Xor", WhereBool: "Where", FloatOfBool: "FloatOfBool", BoolOfFloat: "NotZero",
}

// commutes says which functions may exchange their operands.
var commutes = [ops]bool{Add: true, Mul: true, Equal: true, NotEqual: true, And: true, Or: true, Xor: true, EqualBool: true, NotEqualBool: true}

// state is the memory of one worker.
type state struct {
	program []simd.Instruction
	slots   []float32
	floats  []float32 // what is left of operands and result when there is less than a group
	bools   []bool
}

var states parallel.FreeList[state]

// execute computes elements lo to hi-1 by the program; m has the operands that are not whole.
func (j *job[T]) execute(m *memory[T], lo, hi int) {
	c, group := j.code, j.code.machine.Group
	s := states.Get()
	s.program = append(s.program[:0], c.list...)
	s.slots = buffer.Resize(s.slots, c.slots*group)
	if j.stream {
		s.program[c.result].Handler = c.stream
	}
	for _, l := range c.limits {
		if o := &j.in[l.input]; o.kind == constant && o.floats[0] == o.floats[0] { // no NaN
			s.program[l.instruction].Handler = l.handler
		}
	}
	for i, v := range c.filled {
		repeat(s.slots[(c.slots-len(c.filled)+i)*group:][:group], v)
	}
	s.floats = buffer.Resize(s.floats, (len(j.in)+1)*group)
	s.bools = buffer.Resize(s.bools, (len(j.in)+1)*group)
	step := hi - lo
	if j.byBlocks {
		step = block - block%group
	}
	for ; lo < hi; lo += step {
		end := min(lo+step, hi)
		if j.byBlocks {
			j.read(m, lo, end)
		}
		whole := (end - lo) / group * group
		beyond := false
		if whole > 0 {
			j.point(s, m, lo, false)
			beyond = c.machine.Run(s.program, whole)
		}
		if rest := end - lo - whole; rest > 0 {
			j.saveRest(s, m, lo, whole, rest)
			s.program[c.result].Handler = c.list[c.result].Handler
			j.point(s, m, lo, true)
			beyond = c.machine.Run(s.program, group) || beyond
			j.restoreRest(s, lo+whole, rest)
		}
		if beyond {
			j.block(m, lo, end)
		}
	}
	clear(s.program)
	states.Put(s)
}

// point sets the addresses of all operands: elements from lo on or, if rest is set, what is left of them.
func (j *job[T]) point(s *state, m *memory[T], lo int, rest bool) {
	group := j.code.machine.Group
	for i := range j.code.links {
		l := &j.code.links[i]
		var p unsafe.Pointer
		moving := -1
		switch l.kind {
		case toSlot:
			p, moving = unsafe.Pointer(&s.slots[l.number*group]), 0
		case toCoefficients:
			const size = 4
			p, moving = unsafe.Pointer(&j.code.added[l.number]), l.count*size
		case toOutput:
			switch {
			case rest && j.e.Result() == Bool:
				p = unsafe.Pointer(&s.bools[len(j.in)*group])
			case rest:
				p = unsafe.Pointer(&s.floats[len(j.in)*group])
			case j.e.Result() == Bool:
				p = unsafe.Pointer(&j.out.bools[lo])
			default:
				p = unsafe.Pointer(&j.out.floats[lo])
			}
		default:
			o, isBool := &j.in[l.number], j.e.In[l.number] == Bool
			v := &m.values[l.number]
			switch {
			case o.kind == constant && !isBool:
				p, moving = unsafe.Pointer(&v.floats[0]), 0
			case rest && isBool:
				p = unsafe.Pointer(&s.bools[l.number*group])
			case rest:
				p = unsafe.Pointer(&s.floats[l.number*group])
			case o.kind == whole && isBool:
				p = unsafe.Pointer(&o.bools[lo])
			case o.kind == whole:
				p = unsafe.Pointer(&o.floats[lo])
			case isBool:
				p = unsafe.Pointer(&v.bools[0])
			default:
				p = unsafe.Pointer(&v.floats[0])
			}
		}
		in := &s.program[l.instruction]
		if l.second {
			in.Operand2, in.Moving2 = p, moving
		} else {
			in.Operand, in.Moving = p, moving
		}
	}
}

// saveRest copies what is left of the operands from element lo+from on.
func (j *job[T]) saveRest(s *state, m *memory[T], lo, from, rest int) {
	group := j.code.machine.Group
	for i := range j.in {
		o, v := &j.in[i], &m.values[i]
		floats, bools := v.floats, v.bools
		switch {
		case o.kind == constant && j.e.In[i] != Bool:
			continue // it is read where it is
		case o.kind == whole:
			floats, bools = part(o.floats, lo+from, rest), part(o.bools, lo+from, rest)
		default:
			floats, bools = part(floats, from, rest), part(bools, from, rest)
		}
		f, _ := any(floats).([]float32)
		copy(s.floats[i*group:], f)
		copy(s.bools[i*group:], bools)
	}
}

// part returns n elements of x from i on, if it has elements.
func part[E any](x []E, i, n int) []E {
	if x == nil {
		return nil
	}
	return x[i : i+n]
}

func (j *job[T]) restoreRest(s *state, at, rest int) {
	group := j.code.machine.Group
	if j.e.Result() == Bool {
		copy(j.out.bools[at:at+rest], s.bools[len(j.in)*group:])
		return
	}
	out, _ := any(j.out.floats).([]float32)
	copy(out[at:at+rest], s.floats[len(j.in)*group:])
}

// compile chooses the program if there is one and the job is large enough.
func (j *job[T]) compile() {
	j.code, j.byBlocks, j.stream = nil, false, false
	if _, ok := any(j.out.floats).([]float32); !ok || simd.Active.Machine == nil {
		return
	}
	c := j.e.codeFor(simd.Active.Machine)
	if len(c.list) == 0 || j.n < c.machine.Group {
		return
	}
	if w := c.wide; w != nil && len(w.list) > 0 && j.n >= wideFrom*w.machine.Group {
		c = w
	}
	j.byBlocks = c.angles
	for i := range j.in {
		o := &j.in[i]
		if o.kind == repeated || o.kind == constant && j.e.In[i] == Bool {
			j.byBlocks = true
		}
		if c.angles && len(o.floats) > 0 && len(j.out.floats) > 0 && &o.floats[0] == &j.out.floats[0] {
			return // the operand would be lost if the machine could not handle it
		}
	}
	j.code = c
	j.stream = j.n >= streamed && c.stream != 0 && uintptr(unsafe.Pointer(&j.out.floats[0]))%64 == 0
	for i := range j.in {
		if x := j.in[i].floats; j.stream && len(x) > 0 && &x[0] == &j.out.floats[0] {
			j.stream = false // what is written has just been read
		}
	}
}

// wideFrom is the number of groups from which it does not matter that the last one, of which a part is computed
// in vain, is larger.
const wideFrom = 8

// streamed is the number of elements from which a result, which then does not fit in a cache, is stored
// past the caches: these need not read what is replaced.
const streamed = 1 << 22
