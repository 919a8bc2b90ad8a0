// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"
)

// body is an expression that an op runs as a program of its own: that of a loop or of a branch. It is
// part of the graph like any other expression; the op's inputs are the nodes at which it is cut off.
type body struct {
	params   Nodes // variables whose memory the op sets
	captured Nodes // other nodes that it reads
	roots    Nodes

	mu   sync.Mutex
	free map[bool][]*bodyProgram // not in use, for inference or not
}

// newBody returns the body with the given roots. Nodes for which inner is false are captured; constants
// are part of the body.
func newBody(params, roots Nodes, inner func(n *Node) bool) (*body, error) {
	b := &body{params: params, roots: roots, free: map[bool][]*bodyProgram{}}
	g := subgraph(roots)
	seen := map[*Node]bool{}
	var visit func(n *Node) error
	visit = func(n *Node) error {
		if seen[n] || slices.Contains(params, n) {
			return nil
		}
		seen[n] = true
		if _, ok := constantOf(n); ok {
			return nil
		}
		if n.Op() == nil || !inner(n) {
			b.captured = append(b.captured, n)
			return nil
		}
		children, err := childrenOf(g, n)
		if err != nil {
			return err
		}
		for _, child := range children {
			if err := visit(child); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range roots {
		if err := visit(r); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(b.captured, func(a, b *Node) int { return int(a.ID() - b.ID()) })
	return b, nil
}

// bodyProgram is a program of a body with the slots of its variables, -1 for those that are not read.
type bodyProgram struct {
	*Program
	params, captured []int
}

// take returns a program that is not in use.
func (b *body) take(inference bool) (*bodyProgram, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if list := b.free[inference]; len(list) > 0 {
		b.free[inference] = list[:len(list)-1]
		return list[len(list)-1], nil
	}
	o := CompileOptions{leaves: slices.Concat(b.params, b.captured)}
	if inference {
		o.Inference = &Inference{}
	}
	p, err := o.Compile(b.roots...)
	if err != nil {
		return nil, err
	}
	p.own = NewArena(p.memory.Planned)
	program := &bodyProgram{Program: p}
	for _, n := range b.params {
		program.params = append(program.params, p.Input(n))
	}
	for _, n := range b.captured {
		program.captured = append(program.captured, p.Input(n))
	}
	return program, nil
}

// give returns a program for further use, and lets go of the memory that was lent to it.
func (b *body) give(p *bodyProgram, inference bool) {
	for _, list := range [][]int{p.params, p.captured} {
		for _, i := range list {
			p.lend(i, nil)
		}
	}
	b.mu.Lock()
	b.free[inference] = append(b.free[inference], p)
	b.mu.Unlock()
}

// lend sets the memory of input i, which must stay until the next one or nil.
func (p *Program) lend(i int, at unsafe.Pointer) {
	if i < 0 {
		return
	}
	p.values[i].lent = at
	p.point(i, at)
}

// rootOf returns the elements of root k after a run.
func rootOf[T Float](p *Program, k int) []T {
	i := p.roots[k]
	s, v := &p.slots[i], &p.values[i]
	at := v.lent
	if at == nil {
		at = p.address(s.place)
	}
	if at != nil {
		return unsafe.Slice((*T)(at), size(s.shape))
	}
	return data[T](v.value)
}

// memoryOf returns where operand k of a call begins.
func (c *call[T]) memoryOf(k int) unsafe.Pointer {
	switch {
	case len(c.ints) > k && c.ints[k] != nil:
		return unsafe.Pointer(unsafe.SliceData(c.ints[k]))
	case len(c.bools) > k && c.bools[k] != nil:
		return unsafe.Pointer(unsafe.SliceData(c.bools[k]))
	}
	return unsafe.Pointer(unsafe.SliceData(c.in[k]))
}

// packed says where values are in a vector that holds one after the other.
type packed struct {
	shapes  []Shape
	offsets []int
	size    int
}

// add appends a value.
func (p *packed) add(s Shape) {
	p.shapes, p.offsets = append(p.shapes, s), append(p.offsets, p.size)
	p.size += size(s)
}

// part returns value k of a vector.
func (p *packed) part(vector *Node, k int) (*Node, error) {
	var try Try
	y := try.Do(Reshape(try.Do(Slice(vector, At(0, p.offsets[k], p.offsets[k]+size(p.shapes[k])))), p.shapes[k]...))
	return y, try.Err()
}

// ids names nodes for the name of an op.
func ids(nodes Nodes) string {
	list := make([]int64, len(nodes))
	for k, n := range nodes {
		list[k] = n.ID()
	}
	return fmt.Sprint(list)
}

// checkFloats returns an error if one of the nodes is nil or not a float.
func checkFloats(what string, nodes Nodes) error {
	for k, n := range nodes {
		switch {
		case n == nil:
			return fmt.Errorf("%s %d is nil: an earlier expression failed", what, k)
		case !isFloat(n.Dtype()):
			return fmt.Errorf("%s %d is %v, want float32 or float64: see Cast", what, k, n.Dtype())
		}
	}
	return nil
}

// zeroSizes reports whether a shape is empty, which a packed vector does not hold.
func zeroSizes(nodes Nodes) bool {
	return slices.ContainsFunc(nodes, func(n *Node) bool { return size(n.Shape()) == 0 })
}

// packedOp returns an op whose output is a packed vector and which has a gradient by each input that is a
// float. It has no functions yet.
func packedOp(name string, out *packed, inputs Nodes) *op {
	o := &op{name: name, out: 1, shape: fixed(Shape{out.size})}
	for _, n := range inputs {
		dt, float := n.Dtype(), isFloat(n.Dtype())
		if float {
			dt = Dtype{}
		}
		o.in, o.inType = append(o.in, len(n.Shape())), append(o.inType, dt)
		o.diff, o.zeroDiff = append(o.diff, float), append(o.zeroDiff, !float)
	}
	return o
}

// called calls a function that the user gave to an op. A panic in it is the second error.
func called(what string, f func() error) (err, panicked error) {
	defer func() {
		if r := recover(); r != nil {
			panicked = fmt.Errorf("panic in %s: %v", what, r)
		}
	}()
	return f(), nil
}
