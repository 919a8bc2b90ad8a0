// SPDX-License-Identifier: Apache-2.0

package rnn

import (
	"math/bits"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// An evaluation is a forward pass after which nothing runs backward. It gives the same numbers as
// any other forward pass, to the last bit, and differs in this:
//
//   - A block has memory for a few steps, which are used in turn, and keeps nothing.
//   - Blocks may be of any size, because no gradients are summed over them.
//   - A block of one sequence computes x W + b ahead, for as many steps as fit into the cache.
//     Then the rows of a tile are steps; there would be only one row otherwise. Blocks of several
//     sequences have enough rows, and reading the sums again would cost more than it saves.
//
// A product that is computed ahead is divided into factors such that all sums keep their order:
// at the steps of k where gemm divides it into blocks, and where h begins. Within a block of k,
// the sum over h starts at the sum over x. This is in the gates, or in open if the gates have
// the sum of earlier blocks.
type evaluation struct {
	evaluates bool
	ahead     bool
	factors   []factor
	used      int      // of factors; the others keep their memory
	sharers   int      // workers that share the factors of a step
	shared    operands // of the factors that several workers compute
}

// factor is the product of columns from..from+k-1 of [x | 1 | h] with their rows of the stacked
// weights of some gates, for column col.. of the saved gates.
type factor struct {
	gemm.Packed
	from, k     int
	gate, gates int
	col         int
	reset       bool // of [x | 1 | r h]
	head        bool // of x and 1, and therefore computed ahead
	starts      bool // at the sum of the head in the same block of k
	add         bool // adds its sum to the gates
	open        bool // a head writes to open instead of the gates, a tail starts there
}

// operands are those of factors at a step, or of the heads at several.
type operands struct {
	steps       int
	rows        []float32 // [x | 1 | h] or [x | 1 | r h]
	reset       bool
	gates, open []float32
	odd         bool // step
}

const (
	mostRows         = 32       // sequences in a block
	fewestRows       = 8        // with fewer, reading the weights takes longer than the products
	evaluationFloats = 32 << 10 // of the steps in memory: a part of the second-level cache
	minSharedStep    = 64 << 10 // multiplications with U in a step that pay for sharing it
)

func evaluate(s *ref.RNN, t *ref.RNNTensors[float32]) {
	j := jobs.Get()
	j.s, j.t, j.plan = *s, *t, planOfCell(s)
	j.back, j.evaluates = false, true
	j.parts = j.evaluationParts()
	j.ahead, j.sharers = j.blockRows() == 1, 1
	if j.ahead {
		j.packFactors()
		if j.parts == 1 && j.multiplications(false) >= minSharedStep {
			j.sharers = parallel.Workers()
		}
	} else {
		j.packWeights()
	}
	j.rememberFew()
	parallel.Run(j, j.parts)
	j.evaluates, j.ahead, j.shared = false, false, operands{}
	j.release()
}

// evaluationParts returns the number of blocks of an evaluation: a multiple of the number of
// workers if the batch is large enough, and one if it would not pay to wake them.
func (j *job) evaluationParts() int {
	if j.s.Batch*j.s.Time*(j.multiplications(true)+j.multiplications(false)) < parallel.MinShared {
		return 1
	}
	w := parallel.Workers()
	return max(1, min(j.s.Batch/fewestRows, ceilDiv(ceilDiv(j.s.Batch, mostRows), w)*w))
}

// heads returns how many of p's columns are of x and 1.
func (j *job) heads(p *product) int { return min(p.k, j.s.In+1-p.from) }

// multiplications returns how many a step of one sequence has with W and b, or with U.
func (j *job) multiplications(head bool) (n int) {
	for i := range j.products[:j.count] {
		p := &j.products[i]
		k := j.heads(p)
		if !head {
			k = p.k - k
		}
		n += k * p.gates * j.s.Units
	}
	return n
}

// rememberFew gives the blocks memory for as many steps as are of use.
func (j *job) rememberFew() {
	gates := j.slots * j.s.Units
	if j.ahead {
		n := floorPower(min(j.s.Time, evaluationFloats/(gates+j.width)))
		j.remember(&j.s, steps{inputs: n, xh: n, gates: n, cells: 2, resets: 1})
		if j.opens() {
			j.perRow += n * gates
		}
	} else {
		n := floorPower(min(inputSteps, evaluationFloats/max(1, j.blockRows()*j.width)))
		j.remember(&j.s, steps{inputs: n, xh: n, gates: 1, cells: 2, resets: n})
	}
	j.scratch = buffer.Grow(j.scratch, j.s.Batch*j.perRow)
	j.saved = j.scratch
}

// floorPower returns the largest power of two that is at most n, but at least 2.
func floorPower(n int) int { return 1 << max(1, bits.Len(uint(n))-1) }

func (j *job) packFactors() {
	j.used = 0
	for i := range j.products[:j.count] {
		p, before := &j.products[i], j.used
		stack, cols := j.stackOf(i), p.gates*j.s.Units
		blocks, split := gemm.Blocks(p.k), j.heads(p)
		for b := range blocks {
			k0, k1 := parallel.Share(p.k, blocks, b)
			middle := min(max(k0, split), k1)
			divided := k0 < middle && middle < k1
			if k0 < middle {
				f := j.nextFactor()
				f.of(p, k0, middle)
				f.head, f.starts, f.open, f.add = true, false, divided && b > 0, b > 0 && !divided
				f.Pack(false, f.k, cols, stack[k0*cols:], cols)
			}
			if middle < k1 {
				f := j.nextFactor()
				f.of(p, middle, k1)
				f.head, f.starts, f.open, f.add = false, divided, divided && b > 0, b > 0
			}
		}
		j.joinTail(j.factors[:before])
	}
	g := j.s.Cell.Gates() * j.s.Units
	for i := range j.factors[:j.used] {
		if f := &j.factors[i]; !f.head {
			f.Pack(false, f.k, f.gates*j.s.Units, j.t.U[(f.from-j.s.In-1)*g+f.gate*j.s.Units:], g)
		}
	}
}

// of makes f the steps k0..k1-1 of k of product p.
func (f *factor) of(p *product, k0, k1 int) {
	f.from, f.k, f.gate, f.gates, f.col, f.reset = p.from+k0, k1-k0, p.gate, p.gates, p.col, p.reset
}

// joinTail makes the only tail of a product, if it is the last of the factors, part of that of an
// earlier product that ends where it begins: of U's columns for z and r, and for h U_n.
func (j *job) joinTail(earlier []factor) {
	f := &j.factors[j.used-1]
	if !f.starts || f.open {
		return
	}
	for i := range earlier {
		e := &earlier[i]
		if e.starts && !e.open && e.from == f.from && e.k == f.k && e.reset == f.reset && e.gate+e.gates == f.gate && e.col+e.gates*j.s.Units == f.col {
			e.gates += f.gates
			j.used--
			return
		}
	}
}

func (j *job) nextFactor() *factor {
	if j.used == len(j.factors) {
		j.factors = append(j.factors, factor{})
	}
	j.used++
	return &j.factors[j.used-1]
}

func (j *job) opens() bool {
	for i := range j.factors[:j.used] {
		if j.factors[i].open {
			return true
		}
	}
	return false
}

// begin computes the heads of the steps in memory.
func (b *block) begin(steps int) {
	o := operands{steps: steps, rows: b.xh, gates: b.gates, open: b.open}
	if b.sharers == 1 || steps*b.multiplications(true) < parallel.MinShared {
		b.multiplyHeads(b.w, &o, 0, steps)
		return
	}
	b.shared = o
	parallel.Run((*headsJob)(b.job), b.sharers)
}

// headsJob has a unit for each worker: some of the steps.
type headsJob job

func (h *headsJob) Unit(u int, w *parallel.Worker) {
	j := (*job)(h)
	t0, t1 := parallel.Share(j.shared.steps, j.sharers, u)
	j.multiplyHeads(w, &j.shared, t0, t1)
}

func (j *job) multiplyHeads(w *parallel.Worker, o *operands, t0, t1 int) {
	ld := j.slots * j.s.Units
	for i := range j.factors[:j.used] {
		f := &j.factors[i]
		if !f.head || t0 == t1 {
			continue
		}
		to := o.gates
		if f.open {
			to = o.open
		}
		f.Times(w, t1-t0, o.rows[t0*j.width+f.from:], j.width, f.add, to[t0*ld+f.col:], ld)
	}
}

// finish computes the tails of step t for the products of h, or of r h.
func (b *block) finish(t int, rows []float32, reset bool) {
	o := operands{rows: rows, reset: reset, gates: b.step(t), odd: t&1 == 1}
	if len(b.open) > 0 {
		o.open = b.open[inTurn(t, b.memory.gates)*b.slots*b.s.Units:]
	}
	if b.sharers == 1 {
		b.multiplyTails(b.w, &o, 0, 1)
		return
	}
	b.shared = o
	parallel.Run((*tailsJob)(b.job), b.sharers)
}

// tailsJob has a unit for each worker: some columns of each product.
type tailsJob job

func (t *tailsJob) Unit(u int, w *parallel.Worker) {
	j := (*job)(t)
	j.multiplyTails(w, &j.shared, u, j.sharers)
}

func (j *job) multiplyTails(w *parallel.Worker, o *operands, part, parts int) {
	for i := range j.factors[:j.used] {
		f := &j.factors[i]
		if f.head || f.reset != o.reset {
			continue
		}
		to := o.gates[f.col:]
		var start []float32
		switch {
		case f.open:
			start = o.open[f.col:]
		case f.starts:
			start = to
		}
		f.TimesRow(w, part, parts, o.rows[f.from:], start, f.add, to, o.odd)
	}
}
