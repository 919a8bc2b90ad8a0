// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The machine runs a chain of element-wise functions on some vectors at a time, the accumulators, from
// loading them to storing them: what the chain computes in between stays in registers, and memory is
// read while the core computes. A program is a list of simd.Instruction. The code of an instruction, a
// handler, is a function that is entered and left by a jump; the first and the last of them are called
// and return.
//
// The bodies are those of the functions over slices, so an element has the same bits here and there.

// machine emits a machine.
type machine struct {
	arith
	prefix string // of the names of its handlers
	// accumulators is the number of vectors that a program works on at a time. The core takes three cycles to
	// jump to the next handler and six for a multiplication and an addition that waits for it; in each cycle it
	// could compute four vectors. But the functions need registers, too.
	accumulators int
}

func machineOf(v arith) machine {
	if v.is512() {
		return machine{v, v.name + "VM", 8}
	}
	return machine{v, v.name + "VM", 6}
}

// A function that needs at least long registers beside the accumulator has so many instructions that its
// handler computes some of the accumulators, moves the others to their place, and does so again: this costs
// moves, which the core does by renaming, and saves code. Nor has it a second handler with its operands
// exchanged; a program keeps the accumulators in memory instead.
const long = 4

// Fields of simd.Instruction.
const (
	fieldHandler  = 8 * iota
	fieldOperand  // the address of the first element
	fieldMoving   // all ones if the operand moves with the elements, else 0
	fieldOperand2 // the same for a second operand
	fieldMoving2
	fieldX  // two floats
	fieldX2 // the same for a second function
	_
	instructionSize // a cache line
	fieldY          = fieldX + 4
)

var (
	pc        = reg.R10 // the current instruction
	program   = reg.R12 // the first one
	at        = reg.R8  // the offset in bytes of the current floats
	end       = reg.R9
	beyond    = reg.R11 // not 0 if a function met an argument that it cannot handle
	base      = reg.RSI
	index     = reg.RDX
	base2     = reg.RDI
	index2    = reg.RBX
	scratch   = reg.RAX
	rounds    = reg.RCX
	handlerOf = map[string][]string{}
)

func machines(c *build.Context) {
	doubles := map[bits64]operand.Mem{}
	both(c, func(v arith) { machineOf(v).emit(doubles) })
}

func (m machine) acc(i int) register { return m.regs[i] }

// temps returns the registers that are no accumulators, but for those of scalars.
func (m machine) temps(scalars int) (temps, held []register) {
	free := m.regs[m.accumulators:]
	n := len(free) - scalars
	return free[:n], free[n:]
}

func (m machine) emit(doubles map[bits64]operand.Mem) {
	m.control()
	m.memory()
	for _, f := range unaryForms {
		m.unary(f)
	}
	m.unary(unary("Scale", alpha, 0, func(l lane, x register) { l.mul(l.scalars[0], x, x) }))
	m.unary(unary("Shift", alpha, 0, func(l lane, x register) { l.add(l.scalars[0], x, x) }))
	m.unary(unary("Square", nil, 0, func(l lane, x register) { l.mul(x, x, x) }))
	m.unary(unary("Clip", []string{"lo", "hi"}, 0, func(l lane, x register) {
		l.max(x, l.scalars[0], x)
		l.min(x, l.scalars[1], x)
	}))
	for _, f := range angleForms {
		m.angle(f)
	}
	m.arithmetic("Add", m.add, true)
	m.arithmetic("Sub", m.sub, false)
	m.arithmetic("Mul", m.mul, true)
	m.arithmetic("Div", m.div, false)
	m.withNumber("MaxNumber", m.max)
	m.withNumber("MinNumber", m.min)
	for _, f := range []form{maximum, formOf(binaryForms, "Min"), power(doubles)} {
		m.binary(f.name, f, false)
		if f.temps < long {
			m.binary(f.name+"Of", f, true)
		}
	}
	for _, a := range activationForms {
		m.unary(unary("Act"+a.name, alpha, 5, func(l lane, x register) { a.value(l, x, l.scalars[0], l.t) }))
		f := binary("", alpha, 5, func(l lane, s, dy register) {
			a.derivative(l, s, dy, l.scalars[0], l.t)
			l.VMOVAPS(dy, s)
		})
		m.binary("Grad"+a.name, f, false)
	}
	m.pairs(simplePair)
	m.exponentials()
	m.polynomial()
	m.conditions()
	m.addresses()
}

// memory emits the handlers that load and store the accumulators.
func (m machine) memory() {
	m.handler("load", func() {
		m.operand()
		m.each(func(i int) { m.VMOVUPS(m.element(i), m.acc(i)) })
	})
	m.handler("store", func() {
		m.operand()
		m.each(func(i int) { m.VMOVUPS(m.acc(i), m.element(i)) })
	})
	m.handler("stream", func() {
		m.operand()
		m.each(func(i int) { m.VMOVNTPS(m.acc(i), m.element(i)) })
	})
}

var maximum = binary("Max", nil, 2, func(l lane, a, b register) {
	l.max(a, b, a)
	l.choose(unordered, b, b, b, a, a, l.t[0])
})

// handler emits the code of an instruction and the jump to the next one.
func (m machine) handler(name string, body func()) {
	m.Function(m.prefix + name)
	m.Attributes(nosplit)
	m.SignatureExpr("func()")
	body()
	m.advance()
	handlerOf[m.prefix] = append(handlerOf[m.prefix], name)
}

// advance goes to the next instruction, and next jumps to the handler of the current one.
func (m machine) advance() {
	m.ADDQ(operand.I32(instructionSize), pc)
	m.next()
}

func (m machine) next() {
	handler := operand.Mem{Base: pc, Disp: fieldHandler}
	m.Instruction(&ir.Instruction{Opcode: "JMP", Operands: []operand.Op{handler}, Inputs: []operand.Op{pc}, IsTerminal: true})
}

// control emits how a program begins, repeats and ends.
func (m machine) control() {
	delete(handlerOf, m.prefix)
	m.Function(m.prefix)
	m.Attributes(nosplit)
	m.Doc("runs a program on bytes of floats, a multiple of those of the accumulators; it returns whether a function met an argument that it cannot handle.")
	m.SignatureExpr("func(program *byte, bytes int) uint64")
	m.Load(m.Param("program"), program)
	m.Load(m.Param("bytes"), end)
	m.XORQ(at, at)
	m.XORQ(beyond, beyond)
	m.MOVQ(program, pc)
	m.next()
	m.again("again", func() { m.MOVQ(program, pc) })
	// the last store, and the load that begins the program
	for _, f := range []struct {
		name  string
		store func(x operand.Op, to operand.Mem)
	}{
		{"store", func(x operand.Op, to operand.Mem) { m.VMOVUPS(x, to) }},
		{"stream", func(x operand.Op, to operand.Mem) { m.VMOVNTPS(x, to) }},
	} {
		store := func() {
			m.operand()
			m.each(func(i int) { f.store(m.acc(i), m.element(i)) })
		}
		begin := func() {
			m.operand2()
			m.each(func(i int) { m.VMOVUPS(m.element2(i), m.acc(i)) })
		}
		second := func() { m.LEAQ(operand.Mem{Base: program, Disp: instructionSize}, pc) }
		m.again(f.name+"again", func() { begin(); second() }, store)
		if m.is512() {
			m.again(f.name+"ahead", func() { begin(); m.fetch(); second() }, store)
		}
	}
}

// again emits the handler that ends a program: it goes on with begin if there are elements left.
func (m machine) again(name string, begin func(), before ...func()) {
	m.Function(m.prefix + name)
	m.Attributes(nosplit)
	m.SignatureExpr("func(program *byte, bytes int) uint64") // that of the function that is left here
	for _, f := range before {
		f()
	}
	m.ADDQ(operand.U32(m.accumulators*m.width), at)
	m.CMPQ(at, end)
	m.JGE(operand.LabelRef("end"))
	begin()
	m.next()
	m.Label("end")
	m.SFENCE()
	m.VZEROUPPER()
	m.MOVQ(beyond, address(m.ReturnIndex(0)))
	m.RET()
	handlerOf[m.prefix] = append(handlerOf[m.prefix], name)
}

// fetch prefetches what lies ahead of the second operand. With AVX-512, programs that read one array become
// faster, by a tenth, and those that read two slower; with AVX2, a polynomial of one array becomes slower, too.
func (m machine) fetch() {
	const ahead = 2048
	m.each(func(i int) {
		e := m.element2(i)
		e.Disp += ahead
		m.PREFETCHT0(e)
	})
}

func (m machine) each(f func(i int)) {
	for i := range m.accumulators {
		f(i)
	}
}

// operand computes where the first operand is; operand2 the second.
func (m machine) operand() {
	m.MOVQ(operand.Mem{Base: pc, Disp: fieldOperand}, base)
	m.MOVQ(operand.Mem{Base: pc, Disp: fieldMoving}, index)
	m.ANDQ(at, index)
}

func (m machine) operand2() {
	m.MOVQ(operand.Mem{Base: pc, Disp: fieldOperand2}, base2)
	m.MOVQ(operand.Mem{Base: pc, Disp: fieldMoving2}, index2)
	m.ANDQ(at, index2)
}

func (m machine) element(i int) operand.Mem {
	return operand.Mem{Base: base, Index: index, Scale: 1, Disp: i * m.width}
}

func (m machine) element2(i int) operand.Mem {
	return operand.Mem{Base: base2, Index: index2, Scale: 1, Disp: i * m.width}
}

// scalars broadcasts the numbers of the instruction.
func (m machine) scalars(held []register) {
	for i, r := range held {
		m.VBROADCASTSS(operand.Mem{Base: pc, Disp: fieldX + 4*i}, r)
	}
}

// mostChains is the number of chains that are merged: an isa has as many masks for their conditions.
const mostChains = 4

// share calls f for each accumulator, with registers of its own for as many of them as are merged. advance
// emits what moves to the operands of the next ones.
func (m machine) share(name string, temps []register, each int, advance func(bytes int), f func(a arith, i int, t []register)) {
	all := m.accumulators
	chains := all
	if each > 0 {
		chains = min(chains, mostChains)
		for chains > 1 && (chains*each >= len(temps) || all%chains != 0) {
			chains--
		}
	}
	count := all
	if each >= long {
		count = max(chains, 2)
		m.MOVQ(operand.U32(all/count), rounds)
		m.Label(name + "round")
	}
	var spare register
	if n := chains * each; n < len(temps) {
		spare = temps[n]
	}
	for i := range count {
		a := m.arith
		a.chain = i % chains
		chain(m.Context, a.chain == chains-1, spare, func() { f(a, i, temps[a.chain*each:][:each]) })
	}
	if count == all {
		return
	}
	for i := range all {
		switch {
		case i < count:
			m.VMOVAPS(m.acc(i), temps[i])
		default:
			m.VMOVAPS(m.acc(i), m.acc(i-count))
		}
	}
	for i := range count {
		m.VMOVAPS(temps[i], m.acc(all-count+i))
	}
	if advance != nil {
		advance(count * m.width)
	}
	m.DECQ(rounds)
	m.JNZ(operand.LabelRef(name + "round"))
}

func (m machine) unary(f form) {
	m.handler(f.name, func() { m.unaryBody(f) })
}

func (m machine) unaryBody(f form) {
	temps, held := m.temps(len(f.numbers))
	m.scalars(held)
	emit := func(name string, each int) {
		m.share(name, temps, each, nil, func(a arith, i int, t []register) {
			f.unary(lane{arith: a, t: t, scalars: held}, m.acc(i))
		})
	}
	d := domains[f.name]
	if d == nil {
		emit("", f.temps)
		return
	}
	m.jumpIfBeyond(d, temps, "beyond")
	m.inside = true
	emit("inside", d.temps)
	m.inside = false
	m.advance()
	m.Label("beyond")
	emit("", f.temps)
}

// jumpIfBeyond jumps to a label if an accumulator has an element that is not in a domain.
func (m machine) jumpIfBeyond(d *domain, temps []register, label string) {
	var keys []register
	m.each(func(i int) {
		k := m.acc(i)
		if d.key != nil {
			d.key(m.arith, k, temps[i])
			k = temps[i]
		}
		keys = append(keys, k)
	})
	for n := len(keys); n > 1; n = (n + 1) / 2 {
		for i := range n / 2 {
			m.VPMAXUD(keys[n-1-i], keys[i], temps[i])
			keys[i] = temps[i]
		}
	}
	most, limit := temps[0], m.constant(d.most)
	if m.is512() {
		m.VPCMPUD_BCST(operand.U8(notLessEqual), limit, most, m.condition())
		m.KORTESTW(m.condition(), m.condition())
		m.JNE(operand.LabelRef(label))
		return
	}
	m.VPMAXUD(limit, most, most)
	m.VPCMPEQD(limit, most, most)
	m.VMOVMSKPS(most, scratch.As32())
	m.CMPL(scratch.As32(), operand.U32(1<<(m.width/4)-1))
	m.JNE(operand.LabelRef(label))
}

// arithmetic emits an instruction of the accumulator and the operand, which it reads from memory, and if they
// do not commute that of the operand and the accumulator.
func (m machine) arithmetic(name string, f func(x any, y, dst register), commutes bool) {
	m.handler(name, func() {
		m.operand()
		m.each(func(i int) { f(m.element(i), m.acc(i), m.acc(i)) })
	})
	if !commutes {
		m.reversed(name, f)
	}
}

// reversed emits the instruction of the operand and the accumulator.
func (m machine) reversed(name string, f func(x any, y, dst register)) {
	temps, _ := m.temps(0)
	m.handler(name+"Of", func() {
		m.operand()
		m.each(func(i int) {
			t := temps[i%len(temps)]
			m.VMOVUPS(m.element(i), t)
			f(m.acc(i), t, m.acc(i))
		})
	})
}

// withNumber emits a maximum or minimum of the accumulator and an operand that has the same number, which is
// not NaN, in all elements.
func (m machine) withNumber(name string, f func(x any, y, dst register)) {
	temps, _ := m.temps(0)
	m.handler(name, func() {
		m.operand()
		m.VMOVUPS(m.element(0), temps[0])
		m.each(func(i int) { f(m.acc(i), temps[0], m.acc(i)) })
	})
}

// binary emits a function of the accumulator and the operand; of the operand and the accumulator if
// reversed is set.
func (m machine) binary(name string, f form, reversed bool) {
	m.handler(name, func() {
		m.operand()
		temps, held := m.temps(len(f.numbers))
		m.scalars(held)
		advance := func(bytes int) { m.ADDQ(operand.U32(bytes), index) }
		m.share("", temps, f.temps+1, advance, func(a arith, i int, t []register) {
			other := t[f.temps]
			m.VMOVUPS(m.element(i), other)
			l := lane{arith: a, t: t[:f.temps], scalars: held}
			if !reversed {
				f.binary(l, m.acc(i), other)
				return
			}
			f.binary(l, other, m.acc(i))
			m.VMOVAPS(other, m.acc(i))
		})
	})
}

func (m machine) angle(f angleForm) {
	m.handler(f.name, func() {
		const each = 6
		temps, _ := m.temps(0)
		m.share("", temps, each, nil, func(a arith, i int, t []register) {
			l, x := lane{arith: a, t: t}, m.acc(i)
			m.abs(x, t[0])
			m.set(largestAngle, t[1])
			scratch := []reg.GPPhysical{scratch, base, base2, index}[a.chain]
			if m.is512() {
				l.compare(greater, t[0], t[1])
				m.KMOVW(l.condition(), scratch.As32())
			} else {
				m.VCMPPS(operand.U8(greater), t[1], t[0], t[0])
				m.VMOVMSKPS(t[0], scratch.As32())
			}
			m.ORQ(scratch, beyond)
			f.reduce(l, x, t[0], t[1], t[2:5])
			f.value(l, x, t[0], t[1], t[2:5])
		})
	})
}

// mask writes lanes of ones where x pred y.
func (m machine) mask(pred uint8, x, y, dst register) {
	if m.is512() {
		m.VCMPPS(operand.U8(pred), y, x, m.condition())
		m.VPMOVM2D(m.condition(), dst)
		return
	}
	m.VCMPPS(operand.U8(pred), y, x, dst)
}

// conditions emits the functions of booleans, which are lanes of ones or zeros in accumulators.
func (m machine) conditions() {
	temps, _ := m.temps(0)
	for _, p := range predicates {
		if p.with == nil {
			for _, reversed := range []bool{false, true} {
				name := p.name
				if reversed {
					name += "Of"
				}
				m.handler(name, func() {
					m.operand()
					m.each(func(i int) {
						m.VMOVUPS(m.element(i), temps[i])
						x, y := m.acc(i), temps[i]
						if reversed {
							x, y = y, x
						}
						m.mask(p.pred, x, y, m.acc(i))
					})
				})
			}
			continue
		}
		m.handler(p.name, func() {
			limit := temps[m.accumulators]
			if w, ok := p.with.(float64); ok {
				m.set(w, limit)
			}
			m.each(func(i int) {
				x, y := m.acc(i), limit
				if p.abs {
					m.abs(x, temps[i])
					x = temps[i]
				}
				if _, ok := p.with.(itself); ok {
					y = x
				}
				m.mask(p.pred, x, y, m.acc(i))
			})
		})
	}
	ones := number(math.MaxUint32)
	logic := func(name string, f func(x operand.Op, y, dst register)) {
		m.handler(name, func() {
			m.operand()
			m.each(func(i int) {
				m.VMOVUPS(m.element(i), temps[i])
				f(temps[i], m.acc(i), m.acc(i))
			})
		})
	}
	logic("And", func(x operand.Op, y, dst register) { m.and(x, y, dst) })
	logic("Or", func(x operand.Op, y, dst register) { m.or(x, y, dst) })
	logic("Xor", func(x operand.Op, y, dst register) { m.xor(x, y, dst) })
	m.handler("Not", func() { m.each(func(i int) { m.xor(ones, m.acc(i), m.acc(i)) }) })
	m.handler("FloatOfBool", func() { m.each(func(i int) { m.and(bits(1), m.acc(i), m.acc(i)) }) })
	m.handler("Where", func() {
		m.operand()
		m.operand2()
		m.each(func(i int) {
			if m.is512() {
				m.VMOVUPS(m.element(i), temps[i])
				m.VPMOVD2M(m.acc(i), m.condition())
				m.VMOVUPS(m.element2(i), m.acc(i))
				m.VMOVAPS(temps[i], m.condition(), m.acc(i))
			} else {
				m.VMOVUPS(m.element2(i), temps[i])
				m.VBLENDVPS(m.acc(i), m.element(i), temps[i], m.acc(i))
			}
		})
	})
	lanes := m.width / 4
	m.handler("LoadBool", func() {
		m.operand()
		m.SHRQ(operand.U8(2), index)
		zero := temps[0]
		m.zero(zero)
		m.each(func(i int) {
			m.VPMOVZXBD(operand.Mem{Base: base, Index: index, Scale: 1, Disp: i * lanes}, m.acc(i))
			m.subInt(m.acc(i), zero, m.acc(i))
		})
	})
	m.handler("StoreBool", func() {
		m.operand()
		m.SHRQ(operand.U8(2), index)
		one, x := temps[0].AsX(), temps[1].AsX()
		if m.is512() {
			m.VPBROADCASTB(m.constant(0x01010101), one)
		} else {
			m.VBROADCASTSS(m.constant(0x01010101), temps[0])
		}
		for i := 0; i < m.accumulators*lanes/boolLanes; i++ {
			if m.is512() {
				m.VPMOVD2M(m.acc(i), m.condition())
				m.VPMOVM2B(m.condition(), x)
			} else {
				for k := range 2 {
					a, t := m.acc(2*i+k), temps[1+k].AsX()
					m.VEXTRACTI128(operand.U8(1), a, t)
					m.VPACKSSDW(t, a.AsX(), t)
				}
				m.VPACKSSWB(temps[2].AsX(), x, x)
			}
			m.VPAND(one, x, x)
			m.VMOVDQU(x, operand.Mem{Base: base, Index: index, Scale: 1, Disp: i * boolLanes})
		}
	})
}

// addresses emits a function that writes the addresses of all handlers.
func (m machine) addresses() {
	m.Function(m.prefix + "Handlers")
	m.Attributes(nosplit)
	m.Pragma("noescape")
	m.SignatureExpr("func(dst []uintptr)")
	m.Load(m.Param("dst").Base(), reg.RDI)
	for i, name := range handlerOf[m.prefix] {
		m.LEAQ(operand.Mem{Symbol: operand.Symbol{Name: "·" + m.prefix + name}, Base: reg.StaticBase}, scratch)
		m.MOVQ(scratch, operand.Mem{Base: reg.RDI, Disp: 8 * i})
	}
	m.RET()
}

// machineTables lists the handlers in the order of their addresses.
func machineTables() string {
	var b strings.Builder
	for _, v := range []isa{avx512, avx2} {
		wide := "nil"
		if v.name == avx2.name {
			wide = "avx2WideMachine"
		}
		machineOf(arith{vec: vec{isa: v}}).table(&b, v.name+"Machine", wide)
	}
	b.WriteString("\nvar machineActivations = [ref.Activations]string{\n")
	for _, a := range activationForms {
		fmt.Fprintf(&b, "\tref.%s: %q,\n", a.name, a.name)
	}
	b.WriteString("}\n")
	return b.String()
}

// table writes the declaration of a machine.
func (m machine) table(b *strings.Builder, name, wide string) {
	fmt.Fprintf(b, "\nvar %s = newMachine(%d, %s, %s, %sHandlers, []string{\n", name, m.accumulators*m.width/4, wide, m.prefix, m.prefix)
	for _, name := range handlerOf[m.prefix] {
		fmt.Fprintf(b, "\t%q,\n", name)
	}
	b.WriteString("})\n")
}
