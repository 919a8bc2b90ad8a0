// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The matrix tile: C[rows, vectors·lanes] = init + Σ_s Σ_k A[i, s, k]·B[s, k, j]. All matrix
// products and convolutions are built from it.
//
// The accumulators stay in registers from the first product to the last; one step in k loads a row
// of B (the tile's vectors), then for each tile row broadcasts one element of A from memory and
// multiplies. A is addressed with two strides, so neither its transpose nor a convolution's window
// is ever copied. The sum runs over segments, each of which starts at an entry in a table of byte
// offsets.
//
// Registers, AVX-512: Z0-Z27 accumulators, Z28-Z29 B, Z30 broadcast, K1 mask.
// AVX2: Y0-Y11, Y12-Y13, Y14, and Y15 the mask.
//
// A multiply-add takes four cycles and two start in each, so a tile needs eight accumulators, and
// twelve to reach more than nine tenths of the peak. Two vectors a row give one of three rows or fewer
// too few, which therefore takes as long as one of four rows. Tiles of so few rows may be wider: they
// cover up to four neighboring panels of B. The order in which an element is summed is that of any
// other tile.

const panelVectors = 2 // vectors in a row of a panel of B

// maxVectors returns the number of vectors in a row of the widest tile of that many rows. Eight
// accumulators suffice, but three rows of three vectors would end within a panel.
func (i isa) maxVectors(rows int) int {
	switch {
	case rows == 1:
		return 4 * panelVectors
	case rows <= 3 || i.width == 64 && rows <= 6:
		return 2 * panelVectors
	}
	return panelVectors
}

// Offsets of the fields of simd.TileArgs.
const (
	argA, argB, argC, argBias                  = 0, 8, 16, 24
	argRowA, argStepA, argStepB, argRowC       = 32, 40, 48, 56
	argK, argSegments, argOffsets              = 64, 72, 80
	argFlags, argLast, argPanelB               = 88, 96, 104
	argScale, argShift                         = 144, 152
	argAhead, argStepAhead, argLeft            = 160, 168, 176
	flagAdd, flagReLU, flagScale         uint8 = 1, 2, 4
	flagWhole                            uint8 = 8
)

var (
	args    = reg.RDI
	offsets = reg.RSI
	rowDist = reg.R8 // distance between the rows of A; in the epilogue, of C
	stepA   = reg.R9
	b       = reg.R10
	stepB   = reg.R11
	k       = reg.R12

	aheadOfB  = reg.R15 // four rows of B
	ahead     = reg.R14 // what is prefetched beside B
	stepAhead = reg.R13 // how far this moves in a step

	// of a wide tile, whose rows do not need these as bases
	panelB  = reg.RDX // distance between panels of B
	panelB3 = reg.RCX // three times that, in a tile of one row
)

// Rows 0..13 are addressed from four moving base registers (rows 0, 3, 5, 8) with the index scales
// 1, 2, 4 and 8, so a step in k updates four registers instead of fourteen.
var (
	baseRows = []int{0, 3, 5, 8}
	bases    = map[int]reg.GPPhysical{0: reg.RAX, 3: reg.RBX, 5: reg.RCX, 8: reg.RDX}
	rowAt    = []struct {
		base  int
		scale uint8
	}{{0, 0}, {0, 1}, {0, 2}, {3, 0}, {0, 4}, {5, 0}, {5, 1}, {3, 4}, {8, 0}, {5, 4}, {8, 2}, {3, 8}, {8, 4}, {5, 8}}
)

// tile emits one tile function.
type tile struct {
	vec
	rows, vectors int
	masked        bool // the last vector of a row may be partial
	whole         bool // but it is whole in B
}

func tiles(c *build.Context) {
	laneMask(c)
	for _, set := range []isa{avx512, avx2} {
		for vectors := 1; vectors <= set.maxVectors(1); vectors++ {
			for rows := 1; rows <= set.rows && vectors <= set.maxVectors(rows); rows++ {
				tile{vec{c, set}, rows, vectors, true, false}.emit()
			}
		}
	}
}

func (t tile) emit() {
	name := t.tileName(t.rows, t.vectors)
	t.Function(name)
	t.Attributes(nosplit)
	t.Pragma("noescape")
	t.Doc(fmt.Sprintf("%s computes a tile of %d by %d vectors; args is a *TileArgs.", name, t.rows, t.vectors))
	t.SignatureExpr("func(args *byte)")
	t.Load(t.Param("args"), args)

	t.prefetchC()
	t.MOVQ(arg(argLast), reg.RAX)
	if t.is512() { // masks of all elements have no cost
		t.setMask(reg.RAX, reg.RBX)
		t.body("")
		return
	}
	// masked loads cost AVX2 a third of its speed, masked stores 12 to 20 cycles each on AMD
	t.CMPQ(reg.RAX, operand.Imm(8))
	t.JNE(operand.LabelRef("masked"))
	tile{t.vec, t.rows, t.vectors, false, false}.body("Full")
	t.Label("masked")
	t.setMask(reg.RAX, reg.RBX)
	t.body("")
}

// body emits the function after its prologue; variant distinguishes its labels. Loads of B with a
// partial mask double the time of a tile, so there is a loop without for rows that are whole in B.
func (t tile) body(variant string) {
	t.start(variant)
	twice := t.masked && !t.wide()
	if twice {
		t.TESTB(operand.U8(flagWhole), arg(argFlags))
		t.JZ(operand.LabelRef("partial"))
		whole := t
		whole.whole = true
		whole.sum("Whole")
		t.JMP(operand.LabelRef("summed"))
		t.Label("partial")
	}
	t.sum(variant)
	if twice {
		t.Label("summed")
	}
	t.finish(variant)
	t.VZEROUPPER()
	t.RET()
}

func arg(offset int) operand.Mem { return operand.Mem{Base: args, Disp: offset} }

func (t tile) acc(i, j int) reg.VecPhysical { return t.regs[i*t.vectors+j] }
func (t tile) bVec(j int) reg.VecPhysical   { return t.regs[t.rows*t.vectors+j] }
func (t tile) broadcast() reg.VecPhysical   { return t.regs[len(t.regs)-2] }

// wide reports whether the tile covers more than one panel of B.
func (t tile) wide() bool { return t.vectors > panelVectors }

// last reports whether vector j needs the mask.
func (t tile) last(j int) bool { return t.masked && j == t.vectors-1 }

// partial reports whether vector j of a row of B needs the mask.
func (t tile) partial(j int) bool { return t.last(j) && !t.whole }

func (t tile) at(r reg.Register, j int) operand.Mem { return operand.Mem{Base: r, Disp: j * t.width} }

// each calls f for each accumulator.
func (t tile) each(f func(i, j int)) {
	for i := range t.rows {
		for j := range t.vectors {
			f(i, j)
		}
	}
}

// uses reports whether some row of the tile is addressed from base.
func (t tile) uses(base int) bool {
	for _, r := range rowAt[:t.rows] {
		if r.base == base {
			return true
		}
	}
	return base == 3 && t.rows > 5 // row 5's base is computed from row 3's
}

// setBases computes the other bases from row 0 in RAX and the row distance.
func (t tile) setBases() {
	if t.uses(3) {
		t.LEAQ(operand.Mem{Base: bases[0], Index: rowDist, Scale: 2}, bases[3])
		t.ADDQ(rowDist, bases[3])
	}
	if t.uses(5) {
		t.LEAQ(operand.Mem{Base: bases[3], Index: rowDist, Scale: 2}, bases[5])
	}
	if t.uses(8) {
		t.LEAQ(operand.Mem{Base: bases[0], Index: rowDist, Scale: 8}, bases[8])
	}
}

// row returns the address of vector j of row i.
func (t tile) row(i, j int) operand.Mem {
	m := operand.Mem{Base: bases[rowAt[i].base], Disp: j * t.width}
	if rowAt[i].scale != 0 {
		m.Index, m.Scale = rowDist, rowAt[i].scale
	}
	return m
}

func (t tile) baseC() {
	t.MOVQ(arg(argRowC), rowDist)
	t.MOVQ(arg(argC), bases[0])
	t.setBases()
}

func (t tile) prefetchC() {
	t.baseC()
	t.each(func(i, j int) {
		if j*t.width%64 == 0 {
			t.PREFETCHT0(t.row(i, j))
		}
	})
}

// start sets each row of accumulators to the bias, or to zero without one.
func (t tile) start(variant string) {
	t.MOVQ(arg(argBias), reg.RAX)
	t.TESTQ(reg.RAX, reg.RAX)
	t.JZ(operand.LabelRef("nobias" + variant))
	t.each(func(i, j int) {
		if i == 0 {
			t.load(t.at(reg.RAX, j), t.last(j), t.acc(0, j))
		} else {
			t.VMOVAPS(t.acc(0, j), t.acc(i, j))
		}
	})
	t.JMP(operand.LabelRef("started" + variant))
	t.Label("nobias" + variant)
	t.each(func(i, j int) { t.zero(t.acc(i, j)) })
	t.Label("started" + variant)
}

func (t tile) sum(variant string) {
	t.MOVQ(arg(argRowA), rowDist)
	t.MOVQ(arg(argStepA), stepA)
	t.MOVQ(arg(argStepB), stepB)
	t.MOVQ(stepB, aheadOfB)
	t.SHLQ(operand.Imm(2), aheadOfB)
	t.MOVQ(arg(argOffsets), offsets)
	t.MOVQ(arg(argStepAhead), stepAhead)
	t.MOVQ(arg(argSegments), k)
	t.MOVQ(k, arg(argLeft))
	t.Label("segment" + variant)
	t.MOVQ(arg(argA), bases[0])
	t.ADDQ(operand.Mem{Base: offsets}, bases[0])
	t.MOVQ(arg(argB), b)
	t.ADDQ(operand.Mem{Base: offsets, Disp: 8}, b)
	t.MOVQ(arg(argAhead), ahead)
	t.ADDQ(bases[0], ahead)
	t.setBases()
	if t.wide() {
		t.MOVQ(arg(argPanelB), panelB)
	}
	if t.vectors > 3*panelVectors {
		t.LEAQ(operand.Mem{Base: panelB, Index: panelB, Scale: 2}, panelB3)
	}
	t.MOVQ(arg(argK), k)
	t.SUBQ(operand.Imm(2), k)
	t.JLT(operand.LabelRef("odd" + variant))
	t.Label("pair" + variant)
	t.step()
	t.step()
	t.SUBQ(operand.Imm(2), k)
	t.JGE(operand.LabelRef("pair" + variant))
	t.Label("odd" + variant)
	t.ADDQ(operand.Imm(1), k)
	t.JLT(operand.LabelRef("next" + variant))
	t.step()
	t.Label("next" + variant)
	t.ADDQ(operand.Imm(16), offsets)
	t.DECQ(arg(argLeft))
	t.JNZ(operand.LabelRef("segment" + variant))
}

// step adds the products for one k. It prefetches B 32 rows ahead, as the processor's own prefetches
// begin anew at every page, of 32 or 64 rows, and what lies ahead according to TileArgs.
func (t tile) step() {
	if t.wide() {
		t.wideStep()
		return
	}
	for j := range t.vectors {
		t.load(t.at(b, j), t.partial(j), t.bVec(j))
	}
	for line := 0; line < t.vectors*t.width; line += 64 {
		t.PREFETCHT0(operand.Mem{Base: b, Index: aheadOfB, Scale: 8, Disp: line})
	}
	t.PREFETCHT0(operand.Mem{Base: ahead})
	for i := range t.rows {
		t.VBROADCASTSS(t.row(i, 0), t.broadcast())
		for j := range t.vectors {
			t.VFMADD231PS(t.bVec(j), t.broadcast(), t.acc(i, j))
		}
	}
	t.advance()
}

// advance moves A and B to the next k.
func (t tile) advance() {
	t.ADDQ(stepB, b)
	t.ADDQ(stepAhead, ahead)
	for _, base := range baseRows {
		if t.uses(base) {
			t.ADDQ(stepA, bases[base])
		}
	}
}

// wideStep is step for a tile of several panels. As there are few rows, it holds their elements of A
// and not the vectors of B, if there are enough registers.
func (t tile) wideStep() {
	elements := t.regs[t.rows*t.vectors:]
	bVec := elements[t.rows]
	hold := t.rows*t.vectors+t.rows+1 < len(t.regs) || !t.masked || t.is512()
	if !hold {
		bVec = elements[1]
	}
	element := func(i int) reg.VecPhysical {
		if hold {
			return elements[i]
		}
		t.VBROADCASTSS(t.row(i, 0), elements[0])
		return elements[0]
	}
	if hold {
		for i := range t.rows {
			t.VBROADCASTSS(t.row(i, 0), elements[i])
		}
	}
	t.PREFETCHT0(operand.Mem{Base: b, Index: aheadOfB, Scale: 8})
	t.PREFETCHT0(operand.Mem{Base: ahead})
	for j := range t.vectors {
		if t.rows == 1 && !t.partial(j) {
			t.VFMADD231PS(t.inPanel(j), element(0), t.acc(0, j))
			continue
		}
		t.load(t.inPanel(j), t.partial(j), bVec)
		for i := range t.rows {
			t.VFMADD231PS(bVec, element(i), t.acc(i, j))
		}
	}
	t.advance()
}

// inPanel returns the address of vector j of a row of B that lies in several panels.
func (t tile) inPanel(j int) operand.Mem {
	m := operand.Mem{Base: b, Disp: j % panelVectors * t.width}
	switch j / panelVectors {
	case 1:
		m.Index, m.Scale = panelB, 1
	case 2:
		m.Index, m.Scale = panelB, 2
	case 3:
		m.Index, m.Scale = panelB3, 1
	}
	return m
}

// finish adds C, multiplies by the scale and adds the shift, and takes max(·, 0), each if requested,
// and stores.
func (t tile) finish(variant string) {
	tmp := t.broadcast()
	t.baseC()
	t.MOVQ(arg(argFlags), k)
	t.TESTB(operand.U8(flagAdd), k.As8())
	t.JZ(operand.LabelRef("noadd" + variant))
	t.each(func(i, j int) {
		t.load(t.row(i, j), t.last(j), tmp)
		t.VADDPS(tmp, t.acc(i, j), t.acc(i, j))
	})
	t.Label("noadd" + variant)
	t.TESTB(operand.U8(flagScale), k.As8())
	t.JZ(operand.LabelRef("noscale" + variant))
	scale, shift, factor := stepA, stepB, t.regs[t.rows*t.vectors]
	t.MOVQ(arg(argScale), scale)
	t.MOVQ(arg(argShift), shift)
	for j := range t.vectors {
		t.load(t.at(scale, j), t.last(j), factor)
		t.load(t.at(shift, j), t.last(j), tmp)
		for i := range t.rows {
			t.VFMADD213PS(tmp, factor, t.acc(i, j))
		}
	}
	t.Label("noscale" + variant)
	t.TESTB(operand.U8(flagReLU), k.As8())
	t.JZ(operand.LabelRef("norelu" + variant))
	t.zero(tmp)
	t.each(func(i, j int) { t.VMAXPS(t.acc(i, j), tmp, t.acc(i, j)) }) // this operand order preserves NaN
	t.Label("norelu" + variant)
	t.each(func(i, j int) { t.store(t.acc(i, j), t.last(j), t.row(i, j)) })
}
