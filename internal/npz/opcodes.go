// SPDX-License-Identifier: Apache-2.0

package npz

// The pickle opcodes that protocols 2 to 4 use for an object array of lists of
// integers. Source: the table in Python's Lib/pickletools.py.
const (
	opProto        = 0x80
	opFrame        = 0x95
	opStop         = '.'
	opMark         = '('
	opGlobal       = 'c'
	opStackGlobal  = 0x93
	opReduce       = 'R'
	opBuild        = 'b'
	opEmptyList    = ']'
	opAppend       = 'a'
	opAppends      = 'e'
	opTuple        = 't'
	opTuple1       = 0x85
	opTuple2       = 0x86
	opTuple3       = 0x87
	opEmptyTuple   = ')'
	opNone         = 'N'
	opTrue         = 0x88
	opFalse        = 0x89
	opInt          = 'J' // 4 bytes, signed
	opInt1         = 'K'
	opInt2         = 'M'
	opLong1        = 0x8a
	opPut          = 'q'
	opLongPut      = 'r'
	opMemoize      = 0x94
	opGet          = 'h'
	opLongGet      = 'j'
	opShortString  = 'U'
	opShortBytes   = 'C'
	opUnicode      = 'X'
	opShortUnicode = 0x8c
)
