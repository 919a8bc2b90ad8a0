// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The strip: C[i, j] = init[j] + Σ_s Σ_k A[i, s, k, j]·B[s, k, j], a matrix tile in which element
// (i, k) of A is itself a vector. Depthwise convolutions are built from it.
//
// A function computes a strip of some rows and vectors, then the strip to its right, and so on:
// all columns in one call. There are at least eight accumulators, the number that two multiply-adds
// per cycle with a latency of four need, if the strip has that many rows or columns.
//
// Registers are those of the matrix tile.

const stripSums = 12 // accumulators

// stripVectors are the numbers of vectors per row, for as many rows as there are accumulators.
var stripVectors = []int{1, 2, 4}

// Offsets of further fields of simd.TileArgs.
const argColumn, argGroups, argAheadA, argAheadB = 112, 120, 128, 136

var (
	column   = reg.R14 // distance in bytes of the strip from the first column
	segments = reg.R13
	aheadB   = reg.R15
)

type strip struct{ tile }

func strips(c *build.Context) {
	laneMask(c)
	for _, set := range []isa{avx512, avx2} {
		for _, vectors := range stripVectors {
			for rows := 1; rows <= stripSums/vectors; rows++ {
				strip{tile{vec{c, set}, rows, vectors, false, false}}.emit(set.stripName(rows, vectors))
			}
		}
		for rows := 1; rows <= stripSums; rows++ {
			strip{tile{vec{c, set}, rows, 1, true, false}}.emit(set.stripName(rows, 0))
		}
	}
}

func (t strip) emit(name string) {
	what := fmt.Sprintf("strips of %d by %d vectors", t.rows, t.vectors)
	if t.masked {
		what = fmt.Sprintf("a strip of %d vectors of which part is used", t.rows)
	}
	t.Function(name)
	t.Attributes(nosplit)
	t.Pragma("noescape")
	t.Doc(fmt.Sprintf("%s computes %s; args is a *TileArgs.", name, what))
	t.SignatureExpr("func(args *byte)")
	t.Load(t.Param("args"), args)
	if t.masked {
		t.MOVQ(arg(argLast), reg.RAX)
		t.setMask(reg.RAX, reg.RBX)
	}
	t.MOVQ(arg(argColumn), column)
	t.MOVQ(arg(argStepA), stepA)
	t.MOVQ(arg(argStepB), stepB)
	t.MOVQ(arg(argAheadB), aheadB)
	t.Label("strip")
	t.prefetch()
	t.start()
	t.sum()
	t.finish()
	t.ADDQ(operand.I32(t.vectors*t.width), column)
	t.DECQ(arg(argGroups))
	t.JNZ(operand.LabelRef("strip"))
	t.VZEROUPPER()
	t.RET()
}

// prefetch fetches what lies AheadA from the strip's first elements of A, unless that is 0. It pays
// if these are the only ones that are new to the cache: of a convolution's next row, say.
func (t strip) prefetch() {
	t.MOVQ(arg(argAheadA), reg.RAX)
	t.TESTQ(reg.RAX, reg.RAX)
	t.JZ(operand.LabelRef("near"))
	t.ADDQ(arg(argA), reg.RAX)
	t.ADDQ(column, reg.RAX)
	t.MOVQ(arg(argRowA), rowDist)
	t.setBases()
	t.each(func(i, j int) {
		if j*t.width%64 == 0 {
			t.PREFETCHT0(t.row(i, j))
		}
	})
	t.Label("near")
}

// start sets each row of accumulators to the bias, or to zero without one.
func (t strip) start() {
	t.MOVQ(arg(argBias), reg.RAX)
	t.TESTQ(reg.RAX, reg.RAX)
	t.JZ(operand.LabelRef("nobias"))
	t.ADDQ(column, reg.RAX)
	t.each(func(i, j int) {
		if i == 0 {
			t.load(t.at(reg.RAX, j), t.masked, t.acc(0, j))
		} else {
			t.VMOVAPS(t.acc(0, j), t.acc(i, j))
		}
	})
	t.JMP(operand.LabelRef("started"))
	t.Label("nobias")
	t.each(func(i, j int) { t.zero(t.acc(i, j)) })
	t.Label("started")
}

func (t strip) sum() {
	t.MOVQ(arg(argRowA), rowDist)
	t.MOVQ(arg(argOffsets), offsets)
	t.MOVQ(arg(argSegments), segments)
	t.Label("segment")
	t.MOVQ(arg(argK), k)
	t.TESTQ(k, k)
	t.JZ(operand.LabelRef("next"))
	t.MOVQ(arg(argA), bases[0])
	t.ADDQ(operand.Mem{Base: offsets}, bases[0])
	t.ADDQ(column, bases[0])
	t.MOVQ(arg(argB), b)
	t.ADDQ(operand.Mem{Base: offsets, Disp: 8}, b)
	t.ADDQ(column, b)
	t.setBases()
	t.Label("step")
	t.step()
	t.DECQ(k)
	t.JNZ(operand.LabelRef("step"))
	t.Label("next")
	t.ADDQ(operand.Imm(16), offsets)
	t.DECQ(segments)
	t.JNZ(operand.LabelRef("segment"))
}

// step adds the products for one k. The widest strips, which are those with many steps, prefetch
// what lies AheadB from the row of B.
func (t strip) step() {
	bVec, tmp := t.regs[stripSums], t.regs[stripSums+1]
	for j := range t.vectors {
		t.load(t.at(b, j), t.masked, bVec)
		for i := range t.rows {
			if t.masked {
				t.load(t.row(i, j), true, tmp)
				t.VFMADD231PS(bVec, tmp, t.acc(i, j))
			} else {
				t.VFMADD231PS(t.row(i, j), bVec, t.acc(i, j))
			}
		}
	}
	if t.vectors == slices.Max(stripVectors) {
		for line := 0; line < t.vectors*t.width; line += 64 {
			t.PREFETCHT0(operand.Mem{Base: b, Index: aheadB, Scale: 1, Disp: line})
		}
	}
	t.ADDQ(stepB, b)
	for _, base := range baseRows {
		if t.uses(base) {
			t.ADDQ(stepA, bases[base])
		}
	}
}

// finish adds C if requested, takes max(·, 0) if requested, and stores.
func (t strip) finish() {
	tmp := t.regs[stripSums]
	t.MOVQ(arg(argRowC), rowDist)
	t.MOVQ(arg(argC), bases[0])
	t.ADDQ(column, bases[0])
	t.setBases()
	t.MOVQ(arg(argFlags), k)
	t.TESTB(operand.U8(flagAdd), k.As8())
	t.JZ(operand.LabelRef("noadd"))
	t.each(func(i, j int) {
		t.load(t.row(i, j), t.masked, tmp)
		t.VADDPS(tmp, t.acc(i, j), t.acc(i, j))
	})
	t.Label("noadd")
	t.TESTB(operand.U8(flagReLU), k.As8())
	t.JZ(operand.LabelRef("norelu"))
	t.zero(tmp)
	t.each(func(i, j int) { t.VMAXPS(t.acc(i, j), tmp, t.acc(i, j)) }) // this operand order preserves NaN
	t.Label("norelu")
	t.each(func(i, j int) { t.store(t.acc(i, j), t.masked, t.row(i, j)) })
}

// stripName names a strip; that of a partial vector has 0 vectors.
func (i isa) stripName(rows, vectors int) string {
	if vectors == 0 {
		return fmt.Sprintf("%sStripEnd%d", i.name, rows)
	}
	return fmt.Sprintf("%sStrip%dx%d", i.name, rows, vectors)
}

// stripTables lists the strips by vectors, 0 for those of a partial vector, and rows.
func stripTables() string {
	var b strings.Builder
	for _, set := range []isa{avx512, avx2} {
		fmt.Fprintf(&b, "\nvar %sStrips = [][]func(*byte){\n", set.name)
		for vectors := range slices.Max(stripVectors) + 1 {
			if vectors > 0 && !slices.Contains(stripVectors, vectors) {
				b.WriteString("nil,\n")
				continue
			}
			b.WriteString("{\n\tnil,\n")
			for rows := 1; rows <= stripSums/max(vectors, 1); rows++ {
				fmt.Fprintf(&b, "\t%s,\n", set.stripName(rows, vectors))
			}
			b.WriteString("},\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}
