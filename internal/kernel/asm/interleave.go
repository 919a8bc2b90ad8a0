// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// A long chain of dependent instructions, such as an exponential, fills the queue from which a core
// picks those that are ready; the chain behind it waits although nothing it needs is missing. Chains
// that share no registers can be emitted one after the other and merged instruction by instruction,
// so that both are in the queue.
//
// Merged chains also share the loads of constants: a core loads two vectors per cycle, and a polynomial
// with its coefficients in memory has a load for each multiply-add, of which a core computes two per cycle.
// A register that is spared holds a constant for all chains.

const (
	chainStart = "chain"
	chainsEnd  = "end of chains"
)

// chain calls emit, whose instructions are merged with those of the chains before and after it. The chains
// share loads if a register is spared, which is that of the last one.
func chain(c *build.Context, last bool, spare register, emit func()) {
	c.Comment(chainStart)
	emit()
	switch {
	case last && spare != nil:
		c.Comment(chainsEnd, spare.Asm())
	case last:
		c.Comment(chainsEnd)
	}
}

// mergeChains merges the chains of all functions.
func mergeChains(file *ir.File) {
	for _, f := range file.Functions() {
		var merged []ir.Node
		var chains [][]ir.Node
		for _, n := range f.Nodes {
			if c, ok := n.(*ir.Comment); ok && c.Lines[0] == chainStart {
				chains = append(chains, nil)
				continue
			} else if ok && c.Lines[0] == chainsEnd {
				merged, chains = append(merged, zip(chains, spareOf(c))...), nil
				continue
			}
			if last := len(chains) - 1; last >= 0 {
				chains[last] = append(chains[last], n)
			} else {
				merged = append(merged, n)
			}
		}
		f.Nodes = merged
	}
}

// spareOf returns the register that the end of chains names, if it does.
func spareOf(c *ir.Comment) register {
	for _, set := range []isa{avx512, avx2} {
		for _, r := range set.regs {
			if len(c.Lines) > 1 && r.Asm() == c.Lines[1] {
				return r
			}
		}
	}
	return nil
}

// zip takes a node of each chain in turn.
func zip(chains [][]ir.Node, spare register) (all []ir.Node) {
	for i, more := 0, true; more; i++ {
		more = false
		var row []ir.Node
		for _, c := range chains {
			if i < len(c) {
				row, more = append(row, c[i]), true
			}
		}
		if spare != nil && len(row) > 1 {
			row = share(row, spare)
		}
		all = append(all, row...)
	}
	return all
}

// share replaces the constant that all instructions of a row read by a register.
func share(row []ir.Node, spare register) []ir.Node {
	first, at := constantOf(row[0])
	if first == nil {
		return row
	}
	for _, n := range row {
		in, k := constantOf(n)
		if in == nil || k != at || in.Opcode != first.Opcode || in.Operands[k].Asm() != first.Operands[at].Asm() {
			return row
		}
	}
	const broadcast = "VBROADCASTSS"
	if first.Opcode == broadcast { // to a register of each chain
		shared := []ir.Node{first}
		for _, n := range row[1:] {
			shared = append(shared, must(x86.VMOVAPS(first.Operands[1], n.(*ir.Instruction).Operands[1])))
		}
		return shared
	}
	shared := []ir.Node{must(x86.VBROADCASTSS(first.Operands[at], spare))}
	for _, n := range row {
		in := *n.(*ir.Instruction)
		in.Operands = slices.Clone(in.Operands)
		in.Operands[at] = spare
		in.Inputs = append(slices.Clone(in.Inputs), spare)
		in.Suffixes = slices.DeleteFunc(slices.Clone(in.Suffixes), func(s string) bool { return s == "BCST" })
		shared = append(shared, &in)
	}
	return shared
}

// constantOf returns an instruction and which of its operands is a constant of arith.
func constantOf(n ir.Node) (*ir.Instruction, int) {
	in, ok := n.(*ir.Instruction)
	if !ok {
		return nil, 0
	}
	for i, o := range in.Operands {
		if m, ok := o.(operand.Mem); ok && m.Base == reg.StaticBase && strings.HasPrefix(m.Symbol.Name, numberPrefix) {
			return in, i
		}
	}
	return nil, 0
}

func must(in *ir.Instruction, err error) *ir.Instruction {
	if err != nil {
		panic(err)
	}
	return in
}
