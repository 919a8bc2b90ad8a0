// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Cell selects the equations of a recurrent layer.
type Cell = kernel.RNNCell

// The cells. With a = x·W + b and g.h = h·U, the gates side by side in the columns of W, U
// and b:
//
//	SimpleCell         h' = act(a + g.h)
//	GRUCell            z, r = σ(a + g.h);  n = tanh(a_n + (r∘h)·U_n);  h' = z∘h + (1-z)∘n
//	GRUResetAfterCell  n = tanh(a_n + r∘(h·U_n + c_n)), with a second bias c that is also added to z and r
//	LSTMCell           i, f, o = σ(a + g.h);  g = tanh(a + g.h);  c' = f∘c + i∘g;  h' = o∘tanh(c')
//
// CellActivations replaces σ and tanh by other functions. The gates are in Keras's order: z r n
// and i f g o (Cho et al. 2014, Hochreiter & Schmidhuber 1997).
const (
	SimpleCell        = kernel.CellSimple
	GRUCell           = kernel.CellGRU
	GRUResetAfterCell = kernel.CellGRUResetAfter
	LSTMCell          = kernel.CellLSTM
)

// RecurrentSpec describes what a recurrent op computes and returns.
type RecurrentSpec struct {
	Cell    Cell
	Act     Activation       // for SimpleCell
	Gated   *CellActivations // for the other cells; nil means σ and tanh
	Reverse bool             // process the steps from last to first
	Output  RecurrentOutput
}

// CellActivations holds the activations of a gated cell: Gate replaces σ, State replaces tanh.
type CellActivations struct{ Gate, State Activation }

// RecurrentOutput selects what a recurrent op returns.
type RecurrentOutput uint8

// The outputs of a recurrent op.
const (
	LastState RecurrentOutput = iota // (batch, units)
	AllStates                        // (batch, steps, units), in the order in which the steps are processed
	// StatesAndCell is all states followed by the last cell state of LSTMCell,
	// (batch, (steps+1)·units).
	StatesAndCell
	// StateAndCell is the last state followed by the last cell state of LSTMCell,
	// (batch, 2·units).
	StateAndCell
)

// RecurrentInputs are the operands of a recurrent op; optional ones may be nil.
type RecurrentInputs struct {
	X    *Node // (batch, steps, in)
	W    *Node // (in, gates·units)
	U    *Node // (units, gates·units)
	Bias *Node // optional; (gates·units), for GRUResetAfterCell (2, gates·units)
	Mask *Node // optional; (batch, steps): where it is 0, the state is carried over unchanged
	// Optional dropout masks, (gates, batch, in) and (gates, batch, units): x and h are
	// multiplied by them before the matrix product of each gate, with the same mask at every
	// step (Gal & Ghahramani 2016). They have no gradient.
	DropX, DropH *Node
	H0, C0       *Node // optional; (batch, units): initial states, C0 only for LSTMCell
}

// Recurrent runs a recurrent layer over whole sequences. The forward and the backward pass
// are one op each.
func Recurrent(spec RecurrentSpec, in RecurrentInputs) (*Node, error) {
	r := &recurrence{spec: spec}
	var inputs Nodes
	for _, operand := range []struct {
		index *int
		node  *Node
		rank  int
	}{
		{&r.x, in.X, 3},
		{&r.w, in.W, 2},
		{&r.u, in.U, 2},
		{&r.bias, in.Bias, rankOf(in.Bias)},
		{&r.mask, in.Mask, 2},
		{&r.h0, in.H0, 2},
		{&r.c0, in.C0, 2},
		{&r.dropX, in.DropX, 3},
		{&r.dropH, in.DropH, 3},
	} {
		*operand.index = -1
		if operand.node != nil {
			*operand.index = len(inputs)
			inputs = append(inputs, operand.node)
			r.ranks = append(r.ranks, operand.rank)
		}
	}
	if r.x < 0 || r.w < 0 || r.u < 0 {
		return nil, &OpError{Op: "recurrent", Err: errors.New("x, w or u is nil: an earlier expression failed")}
	}
	r.kernel = r.general()
	return apply(r.op(), inputs...)
}

// recurrence is shared by the forward op, the backward op and the ops that extract the parts
// of the gradient: the position of each operand among the inputs (-1 if absent), and memory.
// The forward op's output is an input of the backward op, and the backward op's output is an
// input of the parts; this determines their order.
type recurrence struct {
	spec                        RecurrentSpec
	ranks                       []int
	diff                        []bool // which operands have a gradient
	x, w, u, bias, mask, h0, c0 int
	dropX, dropH                int
	kernel                      *kernel.RNNGeneral
	single                      recurrentMemory[float32]
	double                      recurrentMemory[float64]
}

// cellNames has the op name of each cell.
var cellNames = map[Cell]string{SimpleCell: "simple_rnn", GRUCell: "gru", GRUResetAfterCell: "gru_reset_after", LSTMCell: "lstm"}

func (r *recurrence) name(suffix string) string {
	return cellNames[r.spec.Cell] + suffix + attrs("act", r.spec.Act, "reverse", r.spec.Reverse, "output", r.spec.Output,
		"bias", r.bias >= 0, "mask", r.mask >= 0, "h0", r.h0 >= 0, "c0", r.c0 >= 0) + r.generalName()
}

func (r *recurrence) drops() bool { return r.dropX >= 0 || r.dropH >= 0 }

// generalName returns the suffix of the op name for a general cell and for dropout.
func (r *recurrence) generalName() string {
	if r.general() == nil && !r.drops() {
		return ""
	}
	acts := r.acts()
	return attrs("gate", acts.Gate, "state", acts.State, "drop_x", r.dropX >= 0, "drop_h", r.dropH >= 0)
}

// acts returns the activations of the cell; SimpleCell does not use Gate.
func (r *recurrence) acts() CellActivations {
	switch {
	case r.spec.Cell == SimpleCell:
		return CellActivations{State: r.spec.Act}
	case r.spec.Gated != nil:
		return *r.spec.Gated
	}
	return CellActivations{Act(Sigmoid), Act(Tanh)}
}

// general returns the activations of a cell for which there is no fast kernel, nil if there is one.
func (r *recurrence) general() *kernel.RNNGeneral {
	acts := r.acts()
	fast := acts == CellActivations{Act(Sigmoid), Act(Tanh)}
	if r.spec.Cell == SimpleCell {
		fast = acts.State.FromOutput()
	}
	if fast {
		return nil
	}
	return &kernel.RNNGeneral{Gate: acts.Gate.kind, GateAlpha: acts.Gate.alpha, State: acts.State.kind, StateAlpha: acts.State.alpha}
}

func (r *recurrence) op() *op {
	diff, zeroDiff := make([]bool, len(r.ranks)), make([]bool, len(r.ranks))
	for i := range diff {
		diff[i], zeroDiff[i] = i != r.mask && i != r.dropX && i != r.dropH, i == r.mask
	}
	r.diff = diff
	rank := 2
	if r.spec.Output == AllStates {
		rank = 3
	}
	const kept = true
	o := &op{
		name: r.name(""),
		in:   r.ranks, out: rank,
		shape:    r.shape,
		run:      forDtypes(runRecurrent[float32](r, kept), runRecurrent[float64](r, kept)),
		diff:     diff,
		zeroDiff: zeroDiff,
		grad:     r.grad,
		formula:  r.formula,
	}
	// Dropout needs the gates' separate rows of x and h at every step, and only training has it.
	if !r.drops() {
		o.keeps = r
		o.lean = func() runner {
			own := *r
			own.single, own.double = recurrentMemory[float32]{}, recurrentMemory[float64]{}
			return forDtypes(runRecurrent[float32](&own, !kept), runRecurrent[float64](&own, !kept))
		}
	}
	return o
}

// geometry derives the sizes from the inputs' shapes.
func (r *recurrence) geometry(in []tensor.Shape) (g kernel.RNN, err error) {
	x, w, u := in[r.x], in[r.w], in[r.u]
	g = kernel.RNN{
		Cell: r.spec.Cell, Batch: x[0], Time: x[1], In: x[2], Units: u[0], Reverse: r.spec.Reverse,
		Act: r.spec.Act.kind, Alpha: r.spec.Act.alpha, General: r.kernel, Dropout: r.drops(),
	}
	columns := g.Cell.Gates() * g.Units
	switch {
	case w[0] != g.In || w[1] != columns:
		return g, fmt.Errorf("kernel has shape %v, want (%d, %d) for inputs %v and %d units", w, g.In, columns, x, g.Units)
	case u[1] != columns:
		return g, fmt.Errorf("recurrent kernel has shape %v, want (%d, %d)", u, g.Units, columns)
	case r.spec.Cell == SimpleCell && r.spec.Gated != nil:
		return g, errors.New("a simple cell has no gates")
	case r.spec.Output >= StatesAndCell && r.spec.Cell != LSTMCell:
		return g, errors.New("only an LSTM has a cell state")
	case r.c0 >= 0 && r.spec.Cell != LSTMCell:
		return g, errors.New("only an LSTM has an initial cell state")
	}
	biases := 1
	if r.spec.Cell == GRUResetAfterCell {
		biases = 2
	}
	if i := r.bias; i >= 0 && (size(in[i]) != biases*columns || len(in[i]) != biases) {
		return g, fmt.Errorf("bias has shape %v, want %d x %d", in[i], biases, columns)
	}
	if i := r.mask; i >= 0 && (in[i][0] != g.Batch || in[i][1] != g.Time) {
		return g, fmt.Errorf("mask has shape %v, want (%d, %d)", in[i], g.Batch, g.Time)
	}
	for _, m := range [2]struct{ index, n int }{{r.dropX, g.In}, {r.dropH, g.Units}} {
		if i := m.index; i >= 0 && (in[i][0] != g.Cell.Gates() || in[i][1] != g.Batch || in[i][2] != m.n) {
			return g, fmt.Errorf("dropout mask has shape %v, want (%d, %d, %d)", in[i], g.Cell.Gates(), g.Batch, m.n)
		}
	}
	for _, i := range [2]int{r.h0, r.c0} {
		if i >= 0 && (in[i][0] != g.Batch || in[i][1] != g.Units) {
			return g, fmt.Errorf("initial state has shape %v, want (%d, %d)", in[i], g.Batch, g.Units)
		}
	}
	return g, nil
}

func (r *recurrence) shape(in []tensor.Shape) (tensor.Shape, error) {
	g, err := r.geometry(in)
	if err != nil {
		return nil, err
	}
	switch r.spec.Output {
	case AllStates:
		return tensor.Shape{g.Batch, g.Time, g.Units}, nil
	case StatesAndCell:
		return tensor.Shape{g.Batch, (g.Time + 1) * g.Units}, nil
	case StateAndCell:
		return tensor.Shape{g.Batch, 2 * g.Units}, nil
	}
	return tensor.Shape{g.Batch, g.Units}, nil
}

// recurrentMemory is the memory shared by the ops of one recurrence, for one element type.
type recurrentMemory[T kernel.Float] struct {
	t     kernel.RNNTensors[T]
	saved []T  // t.Saved if it is kept for the gradient
	spent bool // a gradient has overwritten saved since it was computed
	d     kernel.RNNGradients[T]
	y     []T // all states if they are part of the op's output, then the last states
	// dy is the gradient of the part of the output that y holds, in the same layout.
	dy []T
}

func memoryOf[T kernel.Float](r *recurrence) *recurrentMemory[T] {
	if m, ok := any(&r.single).(*recurrentMemory[T]); ok {
		return m
	}
	return any(&r.double).(*recurrentMemory[T])
}

// operand returns operand i of a call, nil if i < 0.
func operand[T kernel.Float](c *call[T], i int) []T {
	if i < 0 {
		return nil
	}
	return c.in[i]
}

// resized returns s with length n, reusing its memory if it is large enough.
func resized[T kernel.Float](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	if _, ok := any(s).([]float32); ok {
		return any(kernel.Floats(n)).([]T)
	}
	return make([]T, n)
}

// runRecurrent keeps what the gradient needs if kept is set.
func runRecurrent[T kernel.Float](r *recurrence, kept bool) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := r.geometry(c.inShape)
		if err != nil {
			return err
		}
		m := memoryOf[T](r)
		t := &m.t
		t.X, t.W, t.U = c.in[r.x], c.in[r.w], c.in[r.u]
		t.Bias, t.Mask, t.H0, t.C0 = operand(c, r.bias), operand(c, r.mask), operand(c, r.h0), operand(c, r.c0)
		t.DropX, t.DropH = operand(c, r.dropX), operand(c, r.dropH)
		t.HN, t.CN = nil, nil
		t.Saved = nil
		if kept {
			m.saved = resized(m.saved, kernel.RNNSavedLen(&g))
			t.Saved = m.saved
		}
		switch r.spec.Output {
		case AllStates:
			t.Y = c.out
		case LastState:
			t.Y, t.HN = nil, c.out
		case StatesAndCell:
			states := g.Batch * g.Time * g.Units
			m.y = resized(m.y, states+g.Batch*g.Units)
			t.Y, t.CN = m.y[:states], m.y[states:]
		case StateAndCell:
			last := g.Batch * g.Units
			m.y = resized(m.y, 2*last)
			t.Y, t.HN, t.CN = nil, m.y[:last], m.y[last:]
		}
		kernel.RNNForward(&g, t)
		m.spent = false
		switch r.spec.Output {
		case StatesAndCell:
			pack(c.out, t.Y, g.Time*g.Units, t.CN, g.Units)
		case StateAndCell:
			pack(c.out, t.HN, g.Units, t.CN, g.Units)
		}
		if !kept { // an idle program must not keep the operands alive
			*t = kernel.RNNTensors[T]{}
		}
		return nil
	}
}

// grad makes the backward op, whose output is the gradient of x, and for each other operand
// an op that copies its gradient out of the shared memory.
func (r *recurrence) grad(in Nodes, y, dy *Node) (Nodes, error) {
	ranks := append(append([]int(nil), r.ranks...), len(y.Shape()), len(y.Shape()))
	operands, f := len(in), formula(r.formula)
	zeroDiff := make([]bool, operands+2)
	zeroDiff[operands] = true // the output
	if r.mask >= 0 {
		zeroDiff[r.mask] = true
	}
	const withX = true
	runUnused := forDtypes(runRecurrentGrad[float32](r, !withX), runRecurrentGrad[float64](r, !withX))
	dx, err := apply(&op{
		name: r.name("_grad"),
		in:   ranks, out: 3,
		shape:     fixed(in[r.x].Shape()),
		run:       forDtypes(runRecurrentGrad[float32](r, withX), runRecurrentGrad[float64](r, withX)),
		runUnused: &runUnused,
		readsKept: r,
		diff:      append(slices.Clone(r.diff), false, true),
		zeroDiff:  zeroDiff,
		formula:   f.backward(operands, r.x),
	}, append(append(Nodes{}, in...), y, dy)...)
	if err != nil {
		return nil, err
	}
	grads := make(Nodes, len(in))
	grads[r.x] = dx
	for _, p := range []struct {
		name  string
		index int
		f32   func(*recurrentMemory[float32]) []float32
		f64   func(*recurrentMemory[float64]) []float64
	}{
		{"kernel", r.w, partW[float32], partW[float64]},
		{"recurrent_kernel", r.u, partU[float32], partU[float64]},
		{"bias", r.bias, partBias[float32], partBias[float64]},
		{"h0", r.h0, partH0[float32], partH0[float64]},
		{"c0", r.c0, partC0[float32], partC0[float64]},
	} {
		if p.index < 0 {
			continue
		}
		to := in[p.index].Shape()
		grads[p.index], err = apply(&op{
			name: cellNames[r.spec.Cell] + "_grad_" + p.name,
			in:   append(append([]int{3}, r.ranks...), len(y.Shape())), out: len(to),
			shape:     fixed(to),
			run:       forDtypes(runPart(r, p.f32), runPart(r, p.f64)),
			orderOnly: true,
			diff:      append(append([]bool{false}, r.diff...), true),
			zeroDiff:  append([]bool{true}, zeroDiff[:operands]...),
			formula:   func(in Nodes) (*Node, error) { return f.backward(operands, p.index)(in[1:]) },
		}, append(append(Nodes{dx}, in...), dy)...)
		if err != nil {
			return nil, err
		}
	}
	return grads, nil
}

func partW[T kernel.Float](m *recurrentMemory[T]) []T    { return m.d.DW }
func partU[T kernel.Float](m *recurrentMemory[T]) []T    { return m.d.DU }
func partBias[T kernel.Float](m *recurrentMemory[T]) []T { return m.d.DBias }
func partH0[T kernel.Float](m *recurrentMemory[T]) []T   { return m.d.DH0 }
func partC0[T kernel.Float](m *recurrentMemory[T]) []T   { return m.d.DC0 }

func runPart[T kernel.Float](r *recurrence, part func(*recurrentMemory[T]) []T) func(*call[T]) error {
	return func(c *call[T]) error {
		copy(c.out, part(memoryOf[T](r)))
		return nil
	}
}

// runRecurrentGrad skips the gradient of x unless withX is set.
func runRecurrentGrad[T kernel.Float](r *recurrence, withX bool) func(*call[T]) error {
	return func(c *call[T]) error {
		operands := len(r.ranks)
		g, err := r.geometry(c.inShape[:operands])
		if err != nil {
			return err
		}
		m := memoryOf[T](r)
		d := &m.d
		d.DX = nil
		if withX {
			d.DX = c.out
		}
		d.DW, d.DU = resized(d.DW, len(m.t.W)), resized(d.DU, len(m.t.U))
		d.DBias = resized(d.DBias, len(m.t.Bias))
		if r.h0 >= 0 {
			d.DH0 = resized(d.DH0, g.Batch*g.Units)
		}
		if r.c0 >= 0 {
			d.DC0 = resized(d.DC0, g.Batch*g.Units)
		}
		d.DY, d.DHN, d.DCN = nil, nil, nil
		switch dy := c.in[operands+1]; r.spec.Output {
		case AllStates:
			d.DY = dy
		case LastState:
			d.DHN = dy
		case StatesAndCell:
			d.DY, d.DCN = m.unpack(dy, g.Time*g.Units, g.Units)
		case StateAndCell:
			d.DHN, d.DCN = m.unpack(dy, g.Units, g.Units)
		}
		if m.spent { // of another cost or of a second derivative
			kernel.RNNForward(&g, &m.t)
		}
		kernel.RNNBackward(&g, &m.t, d)
		m.spent = true
		return nil
	}
}

// pack interleaves rows of length n and rows of length k.
func pack[T kernel.Float](out, a []T, n int, b []T, k int) {
	for r := range len(out) / (n + k) {
		copy(out[r*(n+k):], a[r*n:(r+1)*n])
		copy(out[r*(n+k)+n:], b[r*k:(r+1)*k])
	}
}

// unpack is the inverse of pack, for gradients.
func (m *recurrentMemory[T]) unpack(dy []T, n, k int) (a, b []T) {
	m.dy = resized(m.dy, len(dy))
	rows := len(dy) / (n + k)
	a, b = m.dy[:rows*n], m.dy[rows*n:]
	for r := range rows {
		copy(a[r*n:(r+1)*n], dy[r*(n+k):])
		copy(b[r*k:(r+1)*k], dy[r*(n+k)+n:])
	}
	return a, b
}
