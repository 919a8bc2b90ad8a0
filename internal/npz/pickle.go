// SPDX-License-Identifier: Apache-2.0

package npz

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
)

// Limits of a pickle, in addition to the number of lists that the array's header
// declares.
const (
	maxProto  = 4
	maxText   = 64
	maxStack  = 1 << 16 // Python writes lists in pieces of 1,000
	maxMarks  = 8
	maxValues = 1 << 25 // integers in all lists; IMDB has 6 million
	spare     = 64      // objects and memo entries beside the lists
)

// kind is the type of a value on the stack.
type kind uint8

const (
	kindInt kind = iota
	kindNone
	kindText
	kindTuple
	kindList
	kindGlobal // an allowed name
	kindDtype
	kindArray
)

// names of the kinds in errors.
var kindNames = [...]string{"an integer", "None or a boolean", "text", "a tuple", "a list", "a class", "a dtype", "an array"}

// value is an element of the stack.
type value struct {
	kind kind
	n    int32
	obj  *object
}

// object is what values of the larger kinds point to.
type object struct {
	text  string  // of text and globals
	items []value // of tuples
	ints  []int32 // of lists of integers
	lists []value // of lists of lists; of the built array
	built bool
}

// machine is the state of the decoder.
type machine struct {
	*source
	n       int // lists that the array's header declares
	most    int // integers that all lists together may have
	objects int
	values  int // integers in lists so far
	stack   []value
	marks   []int
	memo    map[uint32]value
}

// readPickle decodes an object array of n lists with a limited number of integers in all,
// and nothing else.
func readPickle(s *source, n, most int) ([][]int32, error) {
	m := &machine{source: s, n: n, most: most, memo: map[uint32]value{}}
	for {
		op, err := m.byte()
		if err != nil {
			return nil, err
		}
		if op == opStop {
			return m.result()
		}
		if err := m.step(op); err != nil {
			return nil, err
		}
		if err := m.integers(); err != nil {
			return nil, err
		}
		if len(m.stack) > maxStack {
			return nil, m.failf("pickle: more than %d values on the stack", maxStack)
		}
	}
}

// result checks that exactly the built array is left.
func (m *machine) result() ([][]int32, error) {
	if len(m.stack) != 1 || len(m.marks) != 0 || m.stack[0].kind != kindArray || !m.stack[0].obj.built {
		return nil, m.failf("pickle: the result is no array of lists")
	}
	lists := m.stack[0].obj.lists
	if len(lists) != m.n {
		return nil, m.failf("pickle: %d lists, the header declares %d", len(lists), m.n)
	}
	out := make([][]int32, m.n)
	total := 0
	for i, l := range lists {
		if len(l.obj.lists) > 0 {
			return nil, m.failf("pickle: element %d is a list of lists, want integers", i)
		}
		// A list may be referenced any number of times at two bytes each, which must
		// not make the caller copy without end.
		if total += len(l.obj.ints); total > m.most {
			return nil, m.failf("pickle: more than %d integers", m.most)
		}
		out[i] = l.obj.ints
	}
	return out, nil
}

func (m *machine) byte() (byte, error) {
	b, err := m.ReadByte()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, m.failf("pickle: %w", err)
	}
	m.offset++
	return b, nil
}

// uint reads a little-endian number of up to 8 bytes without copying: a pickle of IMDB
// has three million of them.
func (m *machine) uint(size int) (uint64, error) {
	b, err := m.Peek(size)
	if err != nil {
		return 0, m.fill(make([]byte, size)) // for the count and the error
	}
	var u uint64
	for i, v := range b {
		u |= uint64(v) << (8 * i)
	}
	m.offset += int64(size)
	_, err = m.Discard(size)
	return u, err
}

// step executes one opcode.
func (m *machine) step(op byte) error {
	switch op {
	case opInt1, opInt2, opInt, opLong1:
		return m.integer(op)
	case opProto:
		v, err := m.uint(1)
		if err == nil && (v < 2 || v > maxProto) {
			err = m.failf("pickle: protocol %d, want 2 to %d", v, maxProto)
		}
		return err
	case opFrame: // a length that readers may ignore
		_, err := m.uint(8)
		return err
	case opMark:
		if m.marks = append(m.marks, len(m.stack)); len(m.marks) > maxMarks {
			return m.failf("pickle: nested more than %d deep", maxMarks)
		}
		return nil
	case opEmptyList:
		return m.push(kindList, &object{})
	case opAppend, opAppends:
		return m.extend(op == opAppends)
	case opPut, opLongPut, opMemoize, opGet, opLongGet:
		return m.remember(op)
	case opNone, opTrue, opFalse:
		m.stack = append(m.stack, value{kind: kindNone})
		return nil
	case opEmptyTuple:
		return m.push(kindTuple, &object{})
	case opTuple1, opTuple2, opTuple3:
		items, err := m.pop(int(op) - opTuple1 + 1)
		if err != nil {
			return err
		}
		return m.push(kindTuple, &object{items: slices.Clone(items)})
	case opTuple:
		items, err := m.popMark()
		if err != nil {
			return err
		}
		if len(items) > 16 {
			return m.failf("pickle: tuple of %d values", len(items))
		}
		return m.push(kindTuple, &object{items: slices.Clone(items)})
	case opShortString, opShortBytes, opShortUnicode, opUnicode:
		return m.text(op)
	case opGlobal, opStackGlobal:
		return m.global(op)
	case opReduce:
		return m.reduce()
	case opBuild:
		return m.build()
	default:
		return m.failf("pickle: opcode %#02x: refused, only lists of integers are read", op)
	}
}

func (m *machine) push(k kind, o *object) error {
	if m.objects++; m.objects > m.n+spare {
		return m.failf("pickle: more objects than an array of %d lists has", m.n)
	}
	m.stack = append(m.stack, value{kind: k, obj: o})
	return nil
}

// pop removes the last n values above the innermost mark.
func (m *machine) pop(n int) ([]value, error) {
	floor := 0
	if len(m.marks) > 0 {
		floor = m.marks[len(m.marks)-1]
	}
	if at := len(m.stack) - n; at >= floor {
		items := m.stack[at:]
		m.stack = m.stack[:at]
		return items, nil
	}
	return nil, m.failf("pickle: %d values wanted, the stack has %d", n, len(m.stack)-floor)
}

// popMark removes the values above the innermost mark, and the mark.
func (m *machine) popMark() ([]value, error) {
	if len(m.marks) == 0 {
		return nil, m.failf("pickle: no mark on the stack")
	}
	at := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	items := m.stack[at:]
	m.stack = m.stack[:at]
	return items, nil
}

func (m *machine) integer(op byte) error {
	size := 1
	switch op {
	case opInt2:
		size = 2
	case opInt:
		size = 4
	case opLong1:
		n, err := m.uint(1)
		if err != nil {
			return err
		}
		if n > 8 {
			return m.failf("pickle: integer of %d bytes, want at most 8", n)
		}
		size = int(n)
	}
	u, err := m.uint(size)
	if err != nil {
		return err
	}
	v := int64(u)
	if (op == opInt || op == opLong1) && size > 0 { // these two are signed
		v = v << (64 - 8*size) >> (64 - 8*size)
	}
	if v < math.MinInt32 || v > math.MaxInt32 {
		return m.failf("pickle: integer %d does not fit 32 bits", v)
	}
	m.stack = append(m.stack, value{kind: kindInt, n: int32(v)})
	return nil
}

// integers executes the integer opcodes that come next, as far as they are buffered.
// Nearly all of a file consists of runs of them: this halves the time to load IMDB,
// compared to one step for each.
func (m *machine) integers() error {
	b, err := m.Peek(m.Buffered())
	if err != nil {
		return m.failf("pickle: %w", err)
	}
	at := 0
run:
	for at+5 <= len(b) && len(m.stack) <= maxStack {
		v := value{kind: kindInt}
		switch b[at] {
		case opInt1:
			v.n = int32(b[at+1])
			at += 2
		case opInt2:
			v.n = int32(binary.LittleEndian.Uint16(b[at+1:]))
			at += 3
		case opInt:
			v.n = int32(binary.LittleEndian.Uint32(b[at+1:]))
			at += 5
		default:
			break run
		}
		m.stack = append(m.stack, v)
	}
	m.offset += int64(at)
	_, err = m.Discard(at)
	return err
}

// extend appends one value, or all above the mark, to the list below.
func (m *machine) extend(many bool) error {
	var items []value
	var err error
	if many {
		items, err = m.popMark()
	} else {
		items, err = m.pop(1)
	}
	if err != nil {
		return err
	}
	if len(m.stack) == 0 || m.stack[len(m.stack)-1].kind != kindList {
		return m.failf("pickle: values appended to something that is no list")
	}
	list := m.stack[len(m.stack)-1].obj
	if m.values += len(items); m.values > m.most {
		return m.failf("pickle: more than %d integers", m.most)
	}
	for _, v := range items {
		switch {
		case v.kind == kindInt && len(list.lists) == 0:
			list.ints = append(list.ints, v.n)
		case v.kind == kindList && len(list.ints) == 0 && v.obj != list:
			list.lists = append(list.lists, v)
		default:
			return m.failf("pickle: %s in a list, only lists of integers are read", kindNames[v.kind])
		}
	}
	return nil
}

// remember stores the top of the stack in the memo or fetches from it.
func (m *machine) remember(op byte) error {
	key := uint64(len(m.memo))
	var err error
	switch op {
	case opPut, opGet:
		key, err = m.uint(1)
	case opLongPut, opLongGet:
		key, err = m.uint(4)
	}
	if err != nil {
		return err
	}
	if op == opGet || op == opLongGet {
		v, ok := m.memo[uint32(key)]
		if !ok {
			return m.failf("pickle: memo %d is empty", key)
		}
		m.stack = append(m.stack, v)
		return nil
	}
	if len(m.stack) == 0 {
		return m.failf("pickle: nothing to remember")
	}
	if m.memo[uint32(key)] = m.stack[len(m.stack)-1]; len(m.memo) > m.n+spare {
		return m.failf("pickle: more memo entries than an array of %d lists needs", m.n)
	}
	return nil
}
