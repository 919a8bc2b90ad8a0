// SPDX-License-Identifier: Apache-2.0

// Package elementwise computes chains of element-wise functions in one pass over memory: block by
// block, with all intermediate results in the first-level cache. Operands broadcast as NumPy's do
// (https://numpy.org/doc/stable/user/basics.broadcasting.html).
package elementwise

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Type is the element type of an operand: the float type of the computation, int64 or bool.
type Type uint8

// The types.
const (
	Float Type = iota
	Int
	Bool
	types
)

// Step applies an op to values: inputs are numbered from 0, the results of steps follow. X and Y are
// the constants of the ops that have some.
type Step struct {
	Op      Op
	A, B, C int
	X, Y    float64
	Act     ref.Activation // of Activate and ActivateGrad
}

// Expr is a function of inputs of the given types: the value of its last step.
type Expr struct {
	In    []Type
	Steps []Step
	// places has for each step where its result is kept: in which block of scratch memory of its type.
	places []int
	blocks [types]int
	code   atomic.Pointer[code]
}

// New returns the expression of the given steps.
func New(in []Type, steps ...Step) *Expr {
	e := &Expr{In: in, Steps: steps}
	for i := range steps {
		for _, v := range e.operands(i) {
			if v < 0 || v >= len(in)+i {
				panic(fmt.Sprintf("elementwise: step %d, %v, reads value %d", i, steps[i].Op, v))
			}
		}
	}
	e.allocate()
	return e
}

// operands returns the numbers of the values that a step reads.
func (e *Expr) operands(step int) []int {
	s := &e.Steps[step]
	return []int{s.A, s.B, s.C}[:s.Op.Arity()]
}

// allocate assigns blocks to the results of all steps but the last, which goes to the output. A block
// is free again after the last step that reads it; that step may write to it.
func (e *Expr) allocate() {
	n := len(e.Steps)
	last := make([]int, n)
	for i := range e.Steps {
		for _, v := range e.operands(i) {
			if v >= len(e.In) {
				last[v-len(e.In)] = i
			}
		}
	}
	var free [types][]int
	e.places = make([]int, n)
	for i := range n - 1 {
		t := e.Steps[i].Op.Result()
		var ended []int
		for _, v := range e.operands(i) {
			if k := v - len(e.In); k >= 0 && last[k] == i && !slices.Contains(ended, k) {
				ended = append(ended, k)
				kt := e.Steps[k].Op.Result()
				free[kt] = append(free[kt], e.places[k])
			}
		}
		if f := free[t]; len(f) > 0 {
			e.places[i], free[t] = f[len(f)-1], f[:len(f)-1]
		} else {
			e.places[i] = e.blocks[t]
			e.blocks[t]++
		}
	}
}

// TypeOf returns the type of a value.
func (e *Expr) TypeOf(value int) Type {
	if value < len(e.In) {
		return e.In[value]
	}
	return e.Steps[value-len(e.In)].Op.Result()
}

// Result returns the type of the expression.
func (e *Expr) Result() Type { return e.TypeOf(len(e.In) + len(e.Steps) - 1) }

// String returns the steps: "v2 = add(v0, v1); v3 = exp(v2)".
func (e *Expr) String() string {
	var b strings.Builder
	for i := range e.Steps {
		s := &e.Steps[i]
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "v%d = %v(", len(e.In)+i, s.Op)
		for k, v := range e.operands(i) {
			if k > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "v%d", v)
		}
		b.WriteString(")")
	}
	return b.String()
}
