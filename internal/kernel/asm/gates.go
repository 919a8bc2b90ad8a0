// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The element-wise part of a recurrent step, for a block of rows (sequences). Package ref has the
// formulas. Gates are activated in place; the backward functions replace them by the gradients of
// their pre-activations.

// matrix is an operand of rows that are ld floats apart; a row holds parts blocks of units floats.
type matrix struct {
	name  string
	parts int
}

// ld returns the name of the parameter for the distance between m's rows.
func (m matrix) ld() string { return "ld" + strings.ToUpper(m.name[:1]) + m.name[1:] }

// step describes such a function. The body sees the parts of all matrices as slices. The first
// matrix, the gates, is also prefetched to the second-level cache from ahead bytes on, where the
// gates of the next step are: these have long been evicted, or were never cached.
type step struct {
	name     string
	matrices []matrix
	body     func(l lane)
}

const stepTemps = 7

var distance = reg.R15

var stepRegisters = []reg.GPPhysical{reg.RDI, reg.RSI, reg.RBX, reg.RDX, reg.R8, reg.R11, reg.R12, reg.R13, reg.RAX}

func (s step) signature() string {
	sig := "func("
	for _, m := range s.matrices {
		sig += fmt.Sprintf("%s []float32, %s int, ", m.name, m.ld())
	}
	return sig + "ahead, rows, units int)"
}

func (s step) emit(v arith) {
	v.Function(v.name + s.name)
	v.Attributes(nosplit)
	v.Pragma("noescape")
	v.SignatureExpr(s.signature())
	base := func(m matrix) operand.Mem {
		p, err := v.Param(m.name).Base().Resolve()
		if err != nil {
			panic(err)
		}
		return p.Addr
	}
	v.CMPQ(v.memory("rows"), operand.U8(0))
	v.JEQ(operand.LabelRef("end"))
	v.MOVQ(v.memory("ahead"), distance)
	v.Label("row")
	v.Load(v.Param("units"), reg.RCX)
	var pointers []reg.GPPhysical
	for _, m := range s.matrices {
		for part := range m.parts {
			p := stepRegisters[len(pointers)]
			if part == 0 {
				v.MOVQ(base(m), p)
			} else {
				v.LEAQ(operand.Mem{Base: pointers[len(pointers)-1], Index: reg.RCX, Scale: 4}, p)
			}
			pointers = append(pointers, p)
		}
	}
	free, _ := v.free(0)
	const vectors = 2
	v.loop("", pointers, vectors, func(u int, masked bool) {
		chain(v.Context, masked || u == vectors-1, nil, func() {
			if u*v.width%64 == 0 {
				for _, p := range pointers[:s.matrices[0].parts] {
					v.PREFETCHT1(operand.Mem{Base: p, Index: distance, Scale: 1, Disp: u * v.width})
				}
			}
			v.chain = u
			s.body(lane{v, free[u*stepTemps : (u+1)*stepTemps], nil, pointers, u * v.width, masked})
		})
	})
	for _, m := range s.matrices { // the parameters themselves advance along the rows
		v.MOVQ(v.memory(m.ld()), reg.R9)
		v.SHLQ(operand.U8(2), reg.R9)
		v.ADDQ(reg.R9, base(m))
	}
	v.DECQ(v.memory("rows"))
	v.JNZ(operand.LabelRef("row"))
	v.Label("end")
	v.VZEROUPPER()
	v.RET()
}

// flush zeroes numbers so small that their products would be denormal, which costs a hundred
// cycles each on some CPUs: over long sequences, gradients decay to such values.
func (l lane) flush(x, t1, t2 register) {
	l.abs(x, t1)
	l.keep(notLessEqual, t1, 1e-28, x, t2)
}

// sigmoidDerivative writes s (1 - s).
func (l lane) sigmoidDerivative(s, dst register) {
	l.set(1, dst)
	l.sub(s, dst, dst)
	l.mul(s, dst, dst)
}

func gates(c *build.Context) {
	both(c, func(v arith) {
		for _, s := range steps {
			s.emit(v)
		}
	})
}

var steps = []step{
	{"LSTM", []matrix{{"gates", 4}, {"cPrev", 1}, {"c", 1}, {"h", 1}, {"y", 1}}, func(l lane) {
		const i, f, m, o, cPrev, c, h, y = 0, 1, 2, 3, 4, 5, 6, 7
		cell, gate, t := l.t[0], l.t[1], l.t[2:]
		l.get(i, cell)
		l.sigmoid(cell, t...)
		l.put(i, cell)
		l.get(m, gate)
		l.tanh(gate, t...)
		l.put(m, gate)
		l.mul(gate, cell, cell)
		l.get(f, gate)
		l.sigmoid(gate, t...)
		l.put(f, gate)
		l.get(cPrev, t[0])
		l.mulAdd(gate, t[0], cell)
		l.put(c, cell)
		l.get(o, gate)
		l.sigmoid(gate, t...)
		l.put(o, gate)
		l.tanh(cell, t...)
		l.mul(gate, cell, cell)
		l.flush(cell, t[0], t[1])
		l.put(h, cell)
		l.put(y, cell)
	}},
	{"LSTMBack", []matrix{{"gates", 4}, {"cPrev", 1}, {"c", 1}, {"dh", 1}, {"dc", 1}, {"dy", 1}}, func(l lane) {
		const i, f, m, o, cPrev, c, dh, dc, dy = 0, 1, 2, 3, 4, 5, 6, 7, 8
		t := l.t
		l.gradient(dh, dy)
		l.get(c, t[1])
		l.tanh(t[1], t[2:]...)
		l.get(o, t[2])
		l.sigmoidDerivative(t[2], t[3])
		l.mul(t[0], t[3], t[3])
		l.mul(t[1], t[3], t[3])
		l.put(o, t[3]) // dh tanh(c) o (1-o)
		l.mul(t[1], t[1], t[1])
		l.set(1, t[4])
		l.sub(t[1], t[4], t[4])
		l.mul(t[2], t[4], t[4])
		l.mul(t[0], t[4], t[4])
		l.get(dc, t[3])
		l.flush(t[3], t[1], t[2])
		l.add(t[3], t[4], t[4]) // dc + dh o (1-tanh(c)^2)
		l.get(i, t[0])
		l.get(m, t[1])
		l.sigmoidDerivative(t[0], t[2])
		l.mul(t[1], t[2], t[2])
		l.mul(t[4], t[2], t[2])
		l.put(i, t[2]) // dc g i (1-i)
		l.mul(t[1], t[1], t[1])
		l.set(1, t[2])
		l.sub(t[1], t[2], t[2])
		l.mul(t[0], t[2], t[2])
		l.mul(t[4], t[2], t[2])
		l.put(m, t[2]) // dc i (1-g^2)
		l.get(f, t[0])
		l.get(cPrev, t[1])
		l.sigmoidDerivative(t[0], t[2])
		l.mul(t[1], t[2], t[2])
		l.mul(t[4], t[2], t[2])
		l.put(f, t[2]) // dc c f (1-f)
		l.mul(t[0], t[4], t[4])
		l.put(dc, t[4])
	}},
	{"GRUResetAfter", []matrix{{"gates", 4}, {"hPrev", 1}, {"h", 1}, {"y", 1}}, func(l lane) {
		const z, r, inner, n, hPrev, h, y = 0, 1, 2, 3, 4, 5, 6
		t := l.t
		l.get(r, t[1])
		l.sigmoid(t[1], t[2], t[4])
		l.put(r, t[1])
		l.get(inner, t[2])
		l.get(n, t[3])
		l.mulAdd(t[1], t[2], t[3])
		l.tanh(t[3], t[0], t[1], t[2], t[4], t[5])
		l.put(n, t[3])
		l.get(z, t[0])
		l.sigmoid(t[0], t[1], t[2])
		l.put(z, t[0])
		l.blend(t[0], t[3], t[1], hPrev)
		l.flush(t[3], t[1], t[2])
		l.put(h, t[3])
		l.put(y, t[3])
	}},
	{"GRUResetAfterBack", []matrix{{"gates", 4}, {"hPrev", 1}, {"dh", 1}, {"dy", 1}}, func(l lane) {
		const z, r, inner, n, hPrev, dh, dy = 0, 1, 2, 3, 4, 5, 6
		t := l.t
		l.gradient(dh, dy)
		l.blendBack(z, n, hPrev, dh) // leaves dn in t[4]
		l.get(r, t[1])
		l.get(inner, t[2])
		l.mul(t[4], t[1], t[3])
		l.put(inner, t[3])
		l.mul(t[4], t[2], t[2])
		l.sigmoidDerivative(t[1], t[3])
		l.mul(t[3], t[2], t[2])
		l.put(r, t[2]) // dn inner r (1-r)
	}},
	{"GRUReset", []matrix{{"gates", 2}, {"hPrev", 1}, {"reset", 1}}, func(l lane) {
		const z, r, hPrev, reset = 0, 1, 2, 3
		t := l.t
		l.get(z, t[0])
		l.sigmoid(t[0], t[2], t[3])
		l.put(z, t[0])
		l.get(r, t[0])
		l.sigmoid(t[0], t[2], t[3])
		l.put(r, t[0])
		l.get(hPrev, t[1])
		l.mul(t[1], t[0], t[0])
		l.put(reset, t[0])
	}},
	{"GRUBlend", []matrix{{"gates", 3}, {"hPrev", 1}, {"h", 1}, {"y", 1}}, func(l lane) {
		const z, n, hPrev, h, y = 0, 2, 3, 4, 5
		t := l.t
		l.get(n, t[3])
		l.tanh(t[3], t[0], t[1], t[2], t[4], t[5])
		l.put(n, t[3])
		l.get(z, t[0])
		l.blend(t[0], t[3], t[1], hPrev)
		l.flush(t[3], t[1], t[2])
		l.put(h, t[3])
		l.put(y, t[3])
	}},
	{"GRUBlendBack", []matrix{{"gates", 3}, {"hPrev", 1}, {"dh", 1}, {"dy", 1}}, func(l lane) {
		const z, n, hPrev, dh, dy = 0, 2, 3, 4, 5
		l.gradient(dh, dy)
		l.blendBack(z, n, hPrev, dh)
	}},
	{"GRUResetBack", []matrix{{"gates", 2}, {"hPrev", 1}, {"dreset", 1}, {"dh", 1}}, func(l lane) {
		const r, hPrev, dreset, dh = 1, 2, 3, 4
		t := l.t
		l.get(r, t[0])
		l.get(dreset, t[1])
		l.get(dh, t[2])
		l.mulAdd(t[0], t[1], t[2])
		l.put(dh, t[2])
		l.get(hPrev, t[2])
		l.mul(t[2], t[1], t[1])
		l.sigmoidDerivative(t[0], t[3])
		l.mul(t[3], t[1], t[1])
		l.put(r, t[1]) // dreset h r (1-r)
	}},

	// of cells with other activations
	{"MulRows", []matrix{{"x", 1}, {"by", 1}, {"dst", 1}}, func(l lane) {
		l.get(0, l.t[0])
		l.get(1, l.t[1])
		l.mul(l.t[0], l.t[1], l.t[1])
		l.put(2, l.t[1])
	}},
	{"MulAddRows", []matrix{{"x", 1}, {"by", 1}, {"dst", 1}}, func(l lane) {
		l.get(0, l.t[0])
		l.get(1, l.t[1])
		l.get(2, l.t[2])
		l.mulAdd(l.t[0], l.t[1], l.t[2])
		l.put(2, l.t[2])
	}},
	{"AddRows", []matrix{{"dst", 1}, {"x", 1}}, func(l lane) {
		l.gradient(0, 1)
		l.put(0, l.t[0])
	}},
	{"Blend", []matrix{{"z", 1}, {"n", 1}, {"hPrev", 1}, {"h", 1}, {"y", 1}}, func(l lane) {
		const z, n, hPrev, h, y = 0, 1, 2, 3, 4
		t := l.t
		l.get(n, t[3])
		l.get(z, t[0])
		l.blend(t[0], t[3], t[1], hPrev)
		l.flush(t[3], t[1], t[2])
		l.put(h, t[3])
		l.put(y, t[3])
	}},
	{"BlendBack", []matrix{{"z", 1}, {"n", 1}, {"hPrev", 1}, {"dh", 1}, {"dy", 1}, {"dz", 1}, {"dn", 1}}, func(l lane) {
		const z, n, hPrev, dh, dy, dz, dn = 0, 1, 2, 3, 4, 5, 6
		t := l.t
		l.gradient(dh, dy)
		l.get(hPrev, t[1])
		l.get(n, t[2])
		l.sub(t[2], t[1], t[1])
		l.mul(t[0], t[1], t[1])
		l.put(dz, t[1]) // dh (h - n)
		l.get(z, t[1])
		l.mul(t[0], t[1], t[2])
		l.put(dh, t[2])
		l.set(1, t[3])
		l.sub(t[1], t[3], t[3])
		l.mul(t[0], t[3], t[3])
		l.put(dn, t[3]) // dh (1-z)
	}},
}

// gradient loads dh + dy to t[0], flushed.
func (l lane) gradient(dh, dy int) {
	l.get(dh, l.t[0])
	l.get(dy, l.t[1])
	l.add(l.t[1], l.t[0], l.t[0])
	l.flush(l.t[0], l.t[1], l.t[2])
}

// blend turns n into z h + (1-z) n = n + z (h - n).
func (l lane) blend(z, n, tmp register, hPrev int) {
	l.get(hPrev, tmp)
	l.sub(n, tmp, tmp)
	l.mulAdd(z, tmp, n)
}

// blendBack, with dh in t[0], stores dh (h - n) z (1-z) to z, dn = dh (1-z) (1-n^2) to n and t[4],
// and dh z to dh.
func (l lane) blendBack(z, n, hPrev, dh int) {
	t := l.t
	l.get(z, t[1])
	l.get(n, t[2])
	l.get(hPrev, t[3])
	l.sub(t[2], t[3], t[3])
	l.mul(t[0], t[3], t[3])
	l.mul(t[1], t[3], t[3])
	l.set(1, t[4])
	l.sub(t[1], t[4], t[4])
	l.mul(t[4], t[3], t[3])
	l.put(z, t[3])
	l.mul(t[0], t[1], t[3])
	l.put(dh, t[3])
	l.mul(t[0], t[4], t[4])
	l.mul(t[2], t[2], t[2])
	l.set(1, t[3])
	l.sub(t[2], t[3], t[3])
	l.mul(t[3], t[4], t[4])
	l.put(n, t[4])
}
