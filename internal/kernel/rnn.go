// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

type (
	// RNN is a recurrent layer; package ref has the formulas and the meaning of every field.
	RNN = ref.RNN
	// RNNCell is one of the cells.
	RNNCell = ref.RNNCell
	// RNNGeneral is what only the general cells have.
	RNNGeneral = ref.RNNGeneral
	// RNNTensors are a layer's operands.
	RNNTensors[T Float] = ref.RNNTensors[T]
	// RNNGradients are what flows back.
	RNNGradients[T Float] = ref.RNNGrads[T]
)

// The cells of recurrent layers.
const (
	CellSimple        = ref.CellSimple
	CellGRU           = ref.CellGRU
	CellGRUResetAfter = ref.CellGRUResetAfter
	CellLSTM          = ref.CellLSTM
)

// Sequences are independent until the gradients of the weights are summed, so a block of
// sequences is the unit of work for all steps, and its numbers stay in one core's caches.
//
// A step is a product of rows [x | 1 | h] with the stacked weights [W; b; U], written to the
// gates, and one pass over these (vecTable). The rows of all steps are saved, so that the
// gradient of the stack is a product over many steps, and h is written where the next
// step reads it.

// rnnProduct is one product of a step: columns from..from+k-1 of [x | 1 | h], or of
// [x | 1 | r h], times the columns of some gates give column col of the saved gates.
type rnnProduct struct {
	from, k     int
	reset       bool // of [x | 1 | r h]
	col         int
	gate, gates int
	bias        int // row of the bias to use, or bothBiases
}

const bothBiases = 2

// rnnPlan is what follows from the shape.
type rnnPlan struct {
	width    int // of [x | 1 | h]
	slots    int // blocks of Units that are saved of a step's gates
	perRow   int // saved numbers of one sequence
	products [4]rnnProduct
	count    int // of products
}

func planRNN(s *RNN) rnnPlan {
	if s.General != nil {
		return planGeneral(s)
	}
	in, n := s.In, s.Units
	p := rnnPlan{width: in + 1 + n, slots: s.Cell.Gates(), count: 1}
	all := p.width
	extra := 0
	switch s.Cell {
	case CellLSTM:
		extra = (s.Time + 1) * n // cell states
		fallthrough
	case CellSimple:
		p.products[0] = rnnProduct{0, all, false, 0, 0, p.slots, 0}
	case CellGRU:
		extra = s.Time * p.width // [x | 1 | r h]
		p.count = 2
		p.products = [4]rnnProduct{{0, all, false, 0, 0, 2, 0}, {0, all, true, 2 * n, 2, 1, 0}}
	case CellGRUResetAfter: // gates z, r, h U_n + c_n, n
		p.slots, p.count = 4, 3
		p.products = [4]rnnProduct{
			{0, all, false, 0, 0, 2, bothBiases}, {0, in + 1, false, 3 * n, 2, 1, 0}, {in, 1 + n, false, 2 * n, 2, 1, 1},
		}
	}
	p.perRow = (s.Time+1)*p.width + s.Time*p.slots*n + extra
	return p
}

// RNNSavedLen returns how many numbers RNNTensors.Saved needs.
func RNNSavedLen(s *RNN) int { return s.Batch * planRNN(s).perRow }

// rnnParts cuts a batch into blocks of at least 16 sequences; more than four only when
// these have 32, and never more than 16 of them.
func rnnParts(batch int) int { return min(ceilDiv(batch, 16), max(4, ceilDiv(batch, 32)), 16) }

// rnnJob is a pass over all blocks.
type rnnJob struct {
	rnnPlan
	s     RNN
	t     RNNTensors[float32]
	d     RNNGradients[float32]
	parts int
	back  bool

	weights  [4]gemm.Packed // the stacks of the products
	backs    [4]gemm.Packed // transposed, of a general cell
	toState  [2]gemm.Packed // transposed columns of U: gates to h, and of CellGRU the candidate to r h
	toInput  [2]gemm.Packed // the same of W
	stack    []float32
	gradient []float32 // of the stacks, one for each block
	scratch  []float32 // of the backward pass, the same
	zeros    []float32
}

var rnnJobs parallel.FreeList[rnnJob]

func (j *rnnJob) release() {
	j.t, j.d = RNNTensors[float32]{}, RNNGradients[float32]{}
	rnnJobs.Put(j)
}

func startRNN(s *RNN, t *RNNTensors[float32]) *rnnJob {
	g := s.Cell.Gates() * s.Units
	sameLen("recurrent x", s.Batch*s.Time*s.In, len(t.X))
	if t.Y != nil {
		sameLen("recurrent y", s.Batch*s.Time*s.Units, len(t.Y))
	}
	sameLen("recurrent w", s.In*g, len(t.W))
	sameLen("recurrent u", s.Units*g, len(t.U))
	if s.Cell == CellSimple && s.General == nil && !s.Act.FromOutput() {
		panic(fmt.Sprintf("recurrent: the gradient of %v does not follow from its output", s.Act))
	}
	if s.General == nil && (t.DropX != nil || t.DropH != nil) {
		panic("recurrent: dropout without RNN.General")
	}
	j := rnnJobs.Get()
	j.rnnPlan, j.s, j.t = planRNN(s), *s, *t
	sameLen("recurrent saved", s.Batch*j.perRow, len(t.Saved))
	j.parts = rnnParts(s.Batch)
	return j
}

// RNNForward runs a recurrent layer over whole sequences.
func RNNForward[T Float](s *RNN, t *RNNTensors[T]) {
	single, ok := any(t).(*RNNTensors[float32])
	if !ok {
		ref.RNNForward(s, t)
		return
	}
	j := startRNN(s, single)
	for p := range j.count {
		j.weights[p].Pack(false, j.products[p].k, j.products[p].gates*s.Units, j.stackOf(p), j.products[p].gates*s.Units)
	}
	j.back = false
	parallel.Run(j, j.parts)
	j.release()
}

// RNNBackward writes the gradients of RNNForward; Saved must be as that left it, and is spoilt.
func RNNBackward[T Float](s *RNN, t *RNNTensors[T], d *RNNGradients[T]) {
	single, ok := any(t).(*RNNTensors[float32])
	if !ok {
		ref.RNNBackward(s, t, d)
		return
	}
	j := startRNN(s, single)
	d32 := any(d).(*RNNGradients[float32])
	j.d = *d32
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

func (j *rnnJob) Unit(u int, w *parallel.Worker) {
	r0, r1 := parallel.Share(j.s.Batch, j.parts, u)
	if j.s.General != nil {
		b := j.general(w, r0, r1-r0)
		b.pass(u)
		return
	}
	b := j.block(r0, r1-r0)
	b.w = w
	if j.back {
		b.backward(u)
	} else {
		b.forward()
	}
}

func (j *rnnJob) stackLen() (n int) {
	for _, p := range j.products[:j.count] {
		n += p.k * p.gates * j.s.Units
	}
	return n
}

// stackOf is rows p.from.. of [W; b; U], the columns of the gates of product i.
func (j *rnnJob) stackOf(i int) []float32 {
	p, in, n, g := &j.products[i], j.s.In, j.s.Units, j.s.Cell.Gates()*j.s.Units
	cols := p.gates * n
	j.stack = buffer.Grow(j.stack, p.k*cols)
	for r := range p.k {
		row, at := j.stack[r*cols:(r+1)*cols], p.from+r
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

// packTransposed packs what carries the gates' gradients back to h and x.
func (j *rnnJob) packTransposed() {
	if j.s.General != nil {
		for p := range j.count {
			j.backs[p].Pack(true, j.s.Units, j.products[p].k, j.stackOf(p), j.s.Units)
		}
		return
	}
	n, g := j.s.Units, j.s.Cell.Gates()*j.s.Units
	if j.s.Cell == CellGRU {
		j.toState[0].Pack(true, 2*n, n, j.t.U, g)
		j.toState[1].Pack(true, n, n, j.t.U[2*n:], g)
	} else {
		j.toState[0].Pack(true, g, n, j.t.U, g)
	}
	if j.d.DX == nil {
		return
	}
	if j.s.Cell == CellGRUResetAfter {
		j.toInput[0].Pack(true, 2*n, j.s.In, j.t.W, g)
		j.toInput[1].Pack(true, n, j.s.In, j.t.W[2*n:], g)
	} else {
		j.toInput[0].Pack(true, g, j.s.In, j.t.W, g)
	}
}

// writeWeightGradients adds the blocks' gradients in order and takes the stacks apart.
func (j *rnnJob) writeWeightGradients() {
	size := j.stackLen()
	sum := j.gradient[:size]
	for part := 1; part < j.parts; part++ {
		Add(sum, sum, j.gradient[part*size:(part+1)*size])
	}
	in, n, g := j.s.In, j.s.Units, j.s.Cell.Gates()*j.s.Units
	for _, p := range j.products[:j.count] {
		cols := p.gates * n
		for r := range p.k {
			row, at := sum[r*cols:(r+1)*cols], p.from+r
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
