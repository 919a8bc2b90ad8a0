// SPDX-License-Identifier: Apache-2.0

// Package rnn runs recurrent layers over whole sequences of float32, forward and backward.
// Package ref has the formulas. Slice lengths are not checked; callers must do so.
package rnn

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Sequences are independent until the gradients of the weights are summed. Therefore the unit
// of work is a block of sequences for all steps, and its data stays in one core's caches.
//
// A step is a product of rows [x | 1 | h] with the stacked weights [W; b; U], written to the
// gates, and one pass over the gates (simd.Table). The rows of all steps are saved, so the
// gradient of the stacked weights is a product over many steps, and h is written where the next
// step reads it.

// product is one product of a step: columns from..from+k-1 of [x | 1 | h], or of [x | 1 | r h],
// times the columns of some gates yield column col of the saved gates.
type product struct {
	from, k     int
	reset       bool // reads [x | 1 | r h]
	col         int
	gate, gates int
	bias        int // row of the bias, or bothBiases
}

const bothBiases = 2

// plan has the sizes that follow from the shape.
type plan struct {
	part     int // of [x | 1 | h]
	width    int // of all parts: with dropout, each gate has its own
	slots    int // blocks of Units saved per step for the gates
	perRow   int // saved numbers per sequence
	products [4]product
	count    int // of products
	memory   steps
}

// steps has the number of steps for which a block has memory; where these are fewer than the
// steps of a sequence, they are used in turn.
type steps struct {
	inputs                   int // read at a time
	xh, gates, cells, resets int
	sums, states, activated  int // 0 if they need no memory of their own
}

func planOf(s *ref.RNN) plan {
	p := planOfCell(s)
	m := steps{inputs: inputSteps, xh: s.Time + 1, gates: s.Time, cells: s.Time + 1, resets: s.Time}
	if s.Dropout {
		p.divide(s)
		m.states = s.Time + 1
	}
	if acts := s.Acts(); s.General != nil && !(acts.State.FromOutput() && (s.Cell == ref.CellSimple || acts.Gate.FromOutput())) {
		m.sums = s.Time
	}
	p.remember(s, m)
	return p
}

// planOfCell has the products of a cell without dropout.
func planOfCell(s *ref.RNN) plan {
	in, n := s.In, s.Units
	p := plan{part: in + 1 + n, width: in + 1 + n, slots: s.Cell.Gates(), count: 1}
	all := p.part
	switch s.Cell {
	case ref.CellSimple, ref.CellLSTM:
		p.products[0] = product{0, all, false, 0, 0, p.slots, 0}
	case ref.CellGRU:
		p.count = 2
		p.products = [4]product{{0, all, false, 0, 0, 2, 0}, {0, all, true, 2 * n, 2, 1, 0}}
	case ref.CellGRUResetAfter: // gates z, r, h U_n + c_n, n
		p.slots, p.count = 4, 3
		p.products = [4]product{
			{0, all, false, 0, 0, 2, bothBiases}, {0, in + 1, false, 3 * n, 2, 1, 0}, {in, 1 + n, false, 2 * n, 2, 1, 1},
		}
	}
	return p
}

// divide gives each gate its own part of [x | 1 | h], and products of one gate.
func (p *plan) divide(s *ref.RNN) {
	n, whole := s.Units, *p
	p.width, p.count = s.Cell.Gates()*p.part, 0
	for _, q := range whole.products[:whole.count] {
		for g := range q.gates {
			one := q
			one.col, one.gate, one.gates = q.col+g*n, q.gate+g, 1
			if !q.reset {
				one.from += one.gate * p.part
			}
			p.products[p.count] = one
			p.count++
		}
	}
}

// remember sets the memory of a block.
func (p *plan) remember(s *ref.RNN, m steps) {
	if s.General != nil {
		m.activated = 1
	}
	p.memory = m
	p.perRow = m.xh*p.width + (m.gates+m.sums)*p.slots*s.Units + m.states*s.Units
	switch s.Cell {
	case ref.CellLSTM:
		p.perRow += (m.cells + m.activated) * s.Units
	case ref.CellGRU: // [x | 1 | r h]
		p.perRow += m.resets * p.part
	}
}

// SavedLen returns how many numbers RNNTensors.Saved needs.
func SavedLen(s *ref.RNN) int { return s.Batch * planOf(s).perRow }

// partsOf returns the number of blocks of a batch: blocks have at least 16 sequences; there are
// more than four only if these have 32, and never more than 16.
func partsOf(batch int) int { return min(ceilDiv(batch, 16), max(4, ceilDiv(batch, 32)), 16) }

// job is a pass over all blocks.
type job struct {
	plan
	s     ref.RNN
	t     ref.RNNTensors[float32]
	d     ref.RNNGrads[float32]
	parts int
	back  bool
	saved []float32 // the memory of the blocks

	weights  [4]gemm.Packed // the stacked weights of the products
	toState  [4]gemm.Packed // transposed columns of U: gates to h, and for ref.CellGRU the candidate to r h
	toInput  [4]gemm.Packed // the same for W; with dropout, both are those of one gate each
	stack    []float32
	gradient []float32 // of the stacked weights, one per block
	scratch  []float32 // for the backward pass, one per block
	zeros    []float32

	evaluation
}

var jobs parallel.FreeList[job]

func (j *job) release() {
	j.t, j.d, j.saved = ref.RNNTensors[float32]{}, ref.RNNGrads[float32]{}, nil
	jobs.Put(j)
}

func start(s *ref.RNN, t *ref.RNNTensors[float32]) *job {
	j := jobs.Get()
	j.plan, j.s, j.t, j.saved = planOf(s), *s, *t, t.Saved
	j.parts = partsOf(s.Batch)
	return j
}

// Forward runs a recurrent layer over whole sequences. Without Saved, which only dropout needs, it
// is an evaluation: the same numbers from less memory.
func Forward(s *ref.RNN, t *ref.RNNTensors[float32]) {
	if t.Saved == nil {
		evaluate(s, t)
		return
	}
	j := start(s, t)
	j.packWeights()
	j.back = false
	parallel.Run(j, j.parts)
	j.release()
}

func (j *job) packWeights() {
	for i, p := range j.products[:j.count] {
		j.weights[i].Pack(false, p.k, p.gates*j.s.Units, j.stackOf(i), p.gates*j.s.Units)
	}
}

// Backward writes the gradients of Forward. It needs Saved as Forward left it, and overwrites it.
func Backward(s *ref.RNN, t *ref.RNNTensors[float32], d *ref.RNNGrads[float32]) {
	j := start(s, t)
	j.d = *d
	j.packTransposed()
	if len(j.zeros) < s.Units {
		j.zeros = buffer.Floats(s.Units)
	}
	j.gradient = buffer.Grow(j.gradient, max(j.parts, 1)*j.stackLen())
	j.scratch = buffer.Grow(j.scratch, j.parts*j.scratchLen())
	clear(j.gradient[:j.stackLen()])
	j.back = true
	parallel.Run(j, j.parts)
	j.writeWeightGradients()
	j.release()
}

func (j *job) Unit(u int, w *parallel.Worker) {
	r0, r1 := parallel.Share(j.s.Batch, j.parts, u)
	b := j.block(r0, r1-r0)
	b.w = w
	if j.back {
		b.backward(u)
	} else {
		b.forward()
	}
}

func (j *job) stackLen() (n int) {
	for _, p := range j.products[:j.count] {
		n += p.k * p.gates * j.s.Units
	}
	return n
}

// stackOf returns rows p.from.. of [W; b; U], in the columns of the gates of product i.
func (j *job) stackOf(i int) []float32 {
	p, in, n, g := &j.products[i], j.s.In, j.s.Units, j.s.Cell.Gates()*j.s.Units
	cols := p.gates * n
	j.stack = buffer.Grow(j.stack, p.k*cols)
	for r := range p.k {
		row, at := j.stack[r*cols:(r+1)*cols], p.from%j.part+r
		switch {
		case at < in:
			copy(row, j.t.W[at*g+p.gate*n:])
		case at > in:
			copy(row, j.t.U[(at-in-1)*g+p.gate*n:])
		case j.t.Bias == nil:
			clear(row)
		case p.bias == bothBiases:
			simd.Active.Add(row, j.t.Bias[p.gate*n:p.gate*n+cols], j.t.Bias[g+p.gate*n:g+p.gate*n+cols])
		default:
			copy(row, j.t.Bias[p.bias*g+p.gate*n:])
		}
	}
	return j.stack
}

// packTransposed packs the weights that propagate gate gradients back to h and x.
func (j *job) packTransposed() {
	n, g, after := j.s.Units, j.s.Cell.Gates()*j.s.Units, j.s.Cell == ref.CellGRUResetAfter
	switch {
	case j.t.DropH != nil:
		for i := range j.s.Cell.Gates() {
			j.toState[i].Pack(true, n, n, j.t.U[i*n:], g)
		}
	case j.s.Cell == ref.CellGRU:
		j.toState[0].Pack(true, 2*n, n, j.t.U, g)
		j.toState[2].Pack(true, n, n, j.t.U[2*n:], g)
	default:
		j.toState[0].Pack(true, g, n, j.t.U, g)
	}
	switch {
	case j.d.DX == nil:
	case j.t.DropX != nil:
		for i := range j.s.Cell.Gates() {
			j.toInput[i].Pack(true, n, j.s.In, j.t.W[i*n:], g)
		}
	case after:
		j.toInput[0].Pack(true, 2*n, j.s.In, j.t.W, g)
		j.toInput[2].Pack(true, n, j.s.In, j.t.W[2*n:], g)
	default:
		j.toInput[0].Pack(true, g, j.s.In, j.t.W, g)
	}
}

// writeWeightGradients adds the blocks' gradients in order and unstacks them.
func (j *job) writeWeightGradients() {
	size := j.stackLen()
	sum := j.gradient[:size]
	if j.parts > 1 {
		parallel.AddPartials(sum, j.gradient[:j.parts*size])
	}
	in, n, g := j.s.In, j.s.Units, j.s.Cell.Gates()*j.s.Units
	for _, p := range j.products[:j.count] {
		cols := p.gates * n
		for r := range p.k {
			row, at := sum[r*cols:(r+1)*cols], p.from%j.part+r
			switch {
			case at < in:
				copy(j.d.DW[at*g+p.gate*n:], row)
			case at > in:
				copy(j.d.DU[(at-in-1)*g+p.gate*n:], row)
			case j.t.Bias == nil:
			case p.bias == bothBiases:
				copy(j.d.DBias[p.gate*n:], row)
				copy(j.d.DBias[g+p.gate*n:], row)
			default:
				copy(j.d.DBias[p.bias*g+p.gate*n:], row)
			}
		}
		sum = sum[p.k*cols:]
	}
}

// ceilDiv returns n/d rounded up.
func ceilDiv(n, d int) int { return (n + d - 1) / d }
