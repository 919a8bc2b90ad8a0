// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// block is the number of elements that are computed at a time: the operands and results of a step
// fit in the first-level cache.
const block = 2048

// grainOf returns the number of elements in a unit of work. To begin and end one takes half a microsecond in
// which memory rests, more than a tenth of the time of 16 blocks, so units are as large as leaves eight for each
// worker. The bits of a result do not depend on it.
func grainOf(n int) int {
	const (
		few   = 1 << 18
		least = 16 * block
		most  = 256 * block
	)
	if n < few {
		return 2 * block
	}
	return min(max(n/(8*parallel.Workers())/block*block, least), most)
}

// Operand is the memory of an operand, in the field of its type, and its shape.
type Operand[T ref.Float] struct {
	Floats []T
	Ints   []int64
	Bools  []bool
	Shape  []int
}

// Run writes e to out; operands that have fewer elements are broadcast. out may be an operand of the
// same size.
func Run[T ref.Float](e *Expr, out *Operand[T], in []Operand[T]) {
	jobs := jobsOf[T]()
	j := jobs.Get()
	j.set(e, out, in)
	if j.n > 0 {
		size := grainOf(j.n)
		if j.code != nil {
			size -= size % j.code.machine.Group // so that only the last piece has less than a group
		}
		j.Pieces = parallel.Cut(j.n, size)
		j.Pieces.Run(j)
	}
	j.clear()
	jobs.Put(j)
}

// job computes pieces of an expression.
type job[T ref.Float] struct {
	parallel.Pieces
	e   *Expr
	n   int
	out value[T]
	in  []operand[T]

	code     *code // nil to compute step after step
	stream   bool  // whether the program stores past the caches
	byBlocks bool  // whether the program runs on a block at a time, for which operands are read first
}

// operand is an input and how it is read.
type operand[T ref.Float] struct {
	value[T]
	view
	kind int
}

const (
	whole    = iota // one element for each of the result
	constant        // one element for all
	repeated
)

var (
	jobs32 parallel.FreeList[job[float32]]
	jobs64 parallel.FreeList[job[float64]]
)

func jobsOf[T ref.Float]() *parallel.FreeList[job[T]] {
	if l, ok := any(&jobs32).(*parallel.FreeList[job[T]]); ok {
		return l
	}
	return any(&jobs64).(*parallel.FreeList[job[T]])
}

func (j *job[T]) set(e *Expr, out *Operand[T], in []Operand[T]) {
	j.e, j.n = e, 1
	for _, d := range out.Shape {
		j.n *= d
	}
	j.out = value[T]{out.Floats, out.Ints, out.Bools}
	if got := j.out.len(e.Result()); got != j.n || len(in) != len(e.In) {
		panic(fmt.Sprintf("elementwise: %d operands and %d results, want %d and %d", len(in), got, len(e.In), j.n))
	}
	j.in = buffer.Resize(j.in, len(in))
	for i := range in {
		x := &in[i]
		o := &j.in[i]
		o.value = value[T]{x.Floats, x.Ints, x.Bools}
		o.view = viewOf(x.Shape, out.Shape)
		switch got := o.len(e.In[i]); {
		case o.full() && got == j.n:
			o.kind = whole
		case o.single():
			o.kind = constant
		default:
			o.kind = repeated
		}
	}
	j.compile()
}

func (j *job[T]) clear() {
	clear(j.in)
	j.e, j.out, j.code = nil, value[T]{}, nil
}

func (v *value[T]) len(t Type) int {
	switch t {
	case Int:
		return len(v.ints)
	case Bool:
		return len(v.bools)
	}
	return len(v.floats)
}

// memory is what one worker needs for a unit. values has a block of each value, in the field of its type.
type memory[T ref.Float] struct {
	floats []T
	ints   []int64
	bools  []bool
	values []value[T]
}

var (
	memory32 parallel.FreeList[memory[float32]]
	memory64 parallel.FreeList[memory[float64]]
)

func memoryOf[T ref.Float]() *parallel.FreeList[memory[T]] {
	if l, ok := any(&memory32).(*parallel.FreeList[memory[T]]); ok {
		return l
	}
	return any(&memory64).(*parallel.FreeList[memory[T]])
}

// Unit computes piece u.
func (j *job[T]) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	free := memoryOf[T]()
	m := free.Get()
	m.prepare(j)
	if j.code != nil {
		j.execute(m, lo, hi)
	} else {
		for ; lo < hi; lo += block {
			end := min(lo+block, hi)
			j.read(m, lo, end)
			j.block(m, lo, end)
		}
	}
	clear(m.values)
	free.Put(m)
}

// prepare makes room for the results of steps and for operands that are broadcast; those of one
// element are written here.
func (m *memory[T]) prepare(j *job[T]) {
	e := j.e
	count := e.blocks
	for i := range j.in {
		if j.in[i].kind != whole {
			count[e.In[i]]++
		}
	}
	m.floats = buffer.Resize(m.floats, block*count[Float])
	m.ints = buffer.Resize(m.ints, block*count[Int])
	m.bools = buffer.Resize(m.bools, block*count[Bool])
	m.values = buffer.Resize(m.values, len(e.In)+len(e.Steps))
	next := e.blocks
	for i := range j.in {
		o, t := &j.in[i], e.In[i]
		if o.kind == whole {
			continue
		}
		m.values[i] = m.at(t, next[t])
		next[t]++
		if o.kind == constant {
			m.values[i].fill(t, &o.value)
		}
	}
	last := len(e.Steps) - 1
	for i := range last {
		m.values[len(e.In)+i] = m.at(e.Steps[i].Op.Result(), e.places[i])
	}
}

// at returns a block.
func (m *memory[T]) at(t Type, place int) (v value[T]) {
	lo, hi := place*block, (place+1)*block
	switch t {
	case Float:
		v.floats = m.floats[lo:hi]
	case Int:
		v.ints = m.ints[lo:hi]
	case Bool:
		v.bools = m.bools[lo:hi]
	}
	return v
}

// fill repeats the first element of x.
func (v *value[T]) fill(t Type, x *value[T]) {
	switch t {
	case Float:
		repeat(v.floats, x.floats[0])
	case Int:
		repeat(v.ints, x.ints[0])
	case Bool:
		repeat(v.bools, x.bools[0])
	}
}

// set makes v elements lo to hi-1 of x.
func (v *value[T]) set(t Type, x *value[T], lo, hi int) {
	switch t {
	case Float:
		v.floats = x.floats[lo:hi]
	case Int:
		v.ints = x.ints[lo:hi]
	case Bool:
		v.bools = x.bools[lo:hi]
	}
}

// cut makes v as long as n elements of a block.
func (v *value[T]) cut(n int) {
	switch {
	case v.floats != nil:
		v.floats = v.floats[:n]
	case v.ints != nil:
		v.ints = v.ints[:n]
	case v.bools != nil:
		v.bools = v.bools[:n]
	}
}

// read reads operands that are repeated.
func (j *job[T]) read(m *memory[T], lo, hi int) {
	for i := range j.in {
		o := &j.in[i]
		if o.kind != repeated {
			continue
		}
		v, n := &m.values[i], hi-lo
		switch j.e.In[i] {
		case Float:
			read(&o.view, v.floats[:n], o.floats, lo)
		case Int:
			read(&o.view, v.ints[:n], o.ints, lo)
		case Bool:
			read(&o.view, v.bools[:n], o.bools, lo)
		}
	}
}

// block computes elements lo to hi-1, step after step.
func (j *job[T]) block(m *memory[T], lo, hi int) {
	e := j.e
	for i := range m.values {
		m.values[i].cut(hi - lo)
	}
	for i := range j.in {
		if o := &j.in[i]; o.kind == whole {
			m.values[i].set(e.In[i], &o.value, lo, hi)
		}
	}
	last := len(m.values) - 1
	m.values[last].set(e.Result(), &j.out, lo, hi)
	for i := range e.Steps {
		apply(&e.Steps[i], m.values, &m.values[len(e.In)+i])
	}
}
