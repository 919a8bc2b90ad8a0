// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Machine runs programs of element-wise functions; see internal/kernel/asm/machine.go.
type Machine struct {
	Group    int      // a program computes that many floats at a time
	Wide     *Machine // has larger groups and only cheap functions; nil if there is none
	run      func(program *byte, bytes int) uint64
	handlers map[string]uintptr
}

// Instruction is a step of a program. The assembly reads its fields at their offsets.
type Instruction struct {
	Handler  uintptr
	Operand  unsafe.Pointer // the first element
	Moving   int            // -1 if the operand moves with the elements, 0 if it is one group
	Operand2 unsafe.Pointer // of Where, of the second of two functions, and the first coefficient of Polynomial
	Moving2  int            // of Polynomial, the size of its coefficients in bytes
	X, Y     float32
	X2, Y2   float32
	_        [8]byte // a cache line
}

func newMachine(group int, wide *Machine, run func(*byte, int) uint64, addresses func([]uintptr), names []string) *Machine {
	m := &Machine{Group: group, Wide: wide, run: run, handlers: map[string]uintptr{}}
	list := make([]uintptr, len(names))
	addresses(list)
	for i, name := range names {
		m.handlers[name] = list[i]
	}
	return m
}

// Handler returns the code of a function, 0 if there is none. The functions are named as in Functions
// and Table; the accumulator is the first operand, with the suffix Of the second. Two functions in one
// have both names.
func (m *Machine) Handler(name string) uintptr { return m.handlers[name] }

// ActivationName returns the name of an activation in those of functions, "" if it has none.
func ActivationName(a ref.Activation) string { return machineActivations[a] }

// Run runs a program on n floats, a multiple of Group. It reports whether a function met an argument
// that it cannot handle: the results are then wrong.
func (m *Machine) Run(program []Instruction, n int) (beyond bool) {
	return m.run((*byte)(unsafe.Pointer(&program[0])), 4*n) != 0
}
