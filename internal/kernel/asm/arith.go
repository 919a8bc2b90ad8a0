// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// arith is a vec for arithmetic on whole vectors in both instruction sets. A first operand
// may be a register, a memory operand or a number; numbers are read from memory, so they need
// no register. The operand order is that of the Go assembler: sub(y, x, dst) is dst = x - y.
type arith struct {
	vec
	numbers map[uint32]operand.Mem
	tables  map[string]operand.Mem
	chain   int  // of chains that are merged, which compare to different masks
	inside  bool // whether arguments are known to be in the function's domain
}

type register = reg.VecPhysical

// number is the bit pattern of a float32, also used for masks and integers.
type number uint32

func bits(v float64) number { return number(math.Float32bits(float32(v))) }

// numberPrefix is that of the names of numbers in memory.
const numberPrefix = "number"

// constant returns the eight copies of a number that AVX2 operands need; AVX-512 broadcasts
// the first.
func (a arith) constant(n number) operand.Mem {
	if m, ok := a.numbers[uint32(n)]; ok {
		return m
	}
	m := a.StaticGlobal(fmt.Sprintf(numberPrefix+"%08x", uint32(n)))
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 8 {
		a.AddDatum(4*i, operand.U32(n))
	}
	a.numbers[uint32(n)] = m
	return m
}

type instruction = func(...operand.Op)

// do emits dst = f(x, y), using the broadcasting form if x is a number.
func (a arith) do(f, broadcast instruction, x any, ops ...operand.Op) {
	switch x := x.(type) {
	case float64:
		a.do(f, broadcast, bits(x), ops...)
	case number:
		if a.is512() {
			broadcast(append([]operand.Op{a.constant(x)}, ops...)...)
		} else {
			f(append([]operand.Op{a.constant(x)}, ops...)...)
		}
	default:
		f(append([]operand.Op{x.(operand.Op)}, ops...)...)
	}
}

func (a arith) add(x any, y, dst register) { a.do(a.VADDPS, a.VADDPS_BCST, x, y, dst) }
func (a arith) sub(x any, y, dst register) { a.do(a.VSUBPS, a.VSUBPS_BCST, x, y, dst) }
func (a arith) mul(x any, y, dst register) { a.do(a.VMULPS, a.VMULPS_BCST, x, y, dst) }
func (a arith) div(x any, y, dst register) { a.do(a.VDIVPS, a.VDIVPS_BCST, x, y, dst) }

// mulAdd is dst += x y; negMulAdd is dst -= x y; horner is dst = dst y + x.
func (a arith) mulAdd(x any, y, dst register) { a.do(a.VFMADD231PS, a.VFMADD231PS_BCST, x, y, dst) }

func (a arith) negMulAdd(x any, y, dst register) {
	a.do(a.VFNMADD231PS, a.VFNMADD231PS_BCST, x, y, dst)
}
func (a arith) horner(x any, y, dst register) { a.do(a.VFMADD213PS, a.VFMADD213PS_BCST, x, y, dst) }

// max and min return x if either operand is NaN.
func (a arith) max(x any, y, dst register) { a.do(a.VMAXPS, a.VMAXPS_BCST, x, y, dst) }
func (a arith) min(x any, y, dst register) { a.do(a.VMINPS, a.VMINPS_BCST, x, y, dst) }

func (a arith) and(x any, y, dst register) {
	if a.is512() {
		a.do(a.VPANDD, a.VPANDD_BCST, x, y, dst)
	} else {
		a.do(a.VANDPS, nil, x, y, dst)
	}
}

func (a arith) or(x any, y, dst register) {
	if a.is512() {
		a.do(a.VPORD, a.VPORD_BCST, x, y, dst)
	} else {
		a.do(a.VORPS, nil, x, y, dst)
	}
}

func (a arith) xor(x any, y, dst register) {
	if a.is512() {
		a.do(a.VPXORD, a.VPXORD_BCST, x, y, dst)
	} else {
		a.do(a.VXORPS, nil, x, y, dst)
	}
}

func (a arith) addInt(x any, y, dst register) { a.do(a.VPADDD, a.VPADDD_BCST, x, y, dst) }
func (a arith) subInt(x any, y, dst register) { a.do(a.VPSUBD, a.VPSUBD_BCST, x, y, dst) }
func (a arith) maxInt(x any, y, dst register) { a.do(a.VPMAXSD, a.VPMAXSD_BCST, x, y, dst) }
func (a arith) minInt(x any, y, dst register) { a.do(a.VPMINSD, a.VPMINSD_BCST, x, y, dst) }

const (
	signBit  number = 1 << 31
	absMask  number = 1<<31 - 1
	exponent        = 23
)

func (a arith) abs(x, dst register)    { a.and(absMask, x, dst) }
func (a arith) negAbs(x, dst register) { a.or(signBit, x, dst) }
func (a arith) neg(x, dst register)    { a.xor(signBit, x, dst) }

// look writes the elements of a table of eight numbers at i, of which the last three bits count.
func (a arith) look(name string, table [8]float64, i, dst register) {
	m, ok := a.tables[name]
	if !ok {
		m = a.StaticGlobal(name)
		a.DataAttributes(attr.RODATA | attr.NOPTR)
		for k, v := range table {
			a.AddDatum(4*k, operand.U32(bits(v)))
		}
		a.tables[name] = m
	}
	if a.is512() {
		a.VBROADCASTF32X8(m, dst) // twice, as the last four bits count
		a.VPERMPS(dst, i, dst)
		return
	}
	a.VPERMPS(m, i, dst)
}

// set fills dst with a number.
func (a arith) set(v float64, dst register) {
	if v == 0 {
		a.zero(dst)
		return
	}
	a.VBROADCASTSS(a.constant(bits(v)), dst)
}

// atLeast and atMost are x = max(x, v) and x = min(x, v); they preserve NaN.
func (a arith) atLeast(v float64, x, tmp register) { a.set(v, tmp); a.max(x, tmp, x) }
func (a arith) atMost(v float64, x, tmp register)  { a.set(v, tmp); a.min(x, tmp, x) }

// round rounds to the nearest integer, ties to even.
func (a arith) round(x, dst register) {
	if a.is512() {
		a.VRNDSCALEPS(operand.U8(8), x, dst)
	} else {
		a.VROUNDPS(operand.U8(8), x, dst)
	}
}

// Comparisons are ordered unless the name says otherwise.
const (
	equal        = 0
	less         = 1
	unordered    = 3
	notEqual     = 4 // or unordered
	notLessEqual = 6 // greater, or unordered
	greater      = 14
)

// choose is dst = yes where x pred y, and no elsewhere; x is a register.
func (a arith) choose(pred uint8, x register, y any, yes, no, dst, tmp register) {
	if a.is512() {
		a.compare(pred, x, y)
		a.VBLENDMPS(yes, no, a.condition(), dst)
		return
	}
	a.do(func(ops ...operand.Op) { a.VCMPPS(append([]operand.Op{operand.U8(pred)}, ops...)...) }, nil, y, x, tmp)
	a.VBLENDVPS(tmp, yes, no, dst)
}

// keep zeroes v except where x pred y.
func (a arith) keep(pred uint8, x register, y any, v, tmp register) {
	if a.is512() {
		a.compare(pred, x, y)
		a.VMOVAPS_Z(v, a.condition(), v)
		return
	}
	a.do(func(ops ...operand.Op) { a.VCMPPS(append([]operand.Op{operand.U8(pred)}, ops...)...) }, nil, y, x, tmp)
	a.VANDPS(tmp, v, v)
}

// condition returns the mask that compare sets.
func (a arith) condition() reg.OpmaskPhysical {
	return []reg.OpmaskPhysical{reg.K2, reg.K3, reg.K4, reg.K5}[a.chain]
}

// compare sets the mask condition where x pred y.
func (a arith) compare(pred uint8, x register, y any) {
	p := operand.U8(pred)
	a.do(func(ops ...operand.Op) { a.VCMPPS(append([]operand.Op{p}, ops...)...) },
		func(ops ...operand.Op) { a.VCMPPS_BCST(append([]operand.Op{p}, ops...)...) }, y, x, a.condition())
}
