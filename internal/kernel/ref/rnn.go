// SPDX-License-Identifier: Apache-2.0

package ref

// RNNCell selects the equations of a recurrent layer. With a = x W + b and g.h = h U, and the
// gates side by side in the columns of W, U and b in the given order:
//
//	CellSimple         h' = act(a + g.h)
//	CellGRU            z, r = sigmoid(a + g.h), n = tanh(a_n + (r h) U_n), h' = z h + (1-z) n
//	CellGRUResetAfter  n = tanh(a_n + r (h U_n + c_n)) with a second bias c, which is also added to z and r
//	CellLSTM           i, f, o = sigmoid(a + g.h), g = tanh(a + g.h), c' = f c + i g, h' = o tanh(c')
//
// The gates are in Keras's order: z r n, and i f g o
// (https://keras.io/api/layers/recurrent_layers).
type RNNCell uint8

// The cells.
const (
	CellSimple RNNCell = iota
	CellGRU
	CellGRUResetAfter
	CellLSTM
)

// Gates returns the number of gates in the columns of W.
func (c RNNCell) Gates() int { return [...]int{1, 3, 3, 4}[c] }

// RNN is the shape of a recurrent layer over whole sequences.
type RNN struct {
	Cell                   RNNCell
	Batch, Time, In, Units int
	Reverse                bool       // process the inputs from last to first; outputs are in the order in which they are computed
	Act                    Activation // for CellSimple; must have FromOutput
	Alpha                  float64    // for Act

	// General, if not nil, has the activations of any cell, including CellSimple. Otherwise gates
	// use sigmoid and states tanh.
	General *RNNGeneral
	Dropout bool // permits RNNTensors.DropX and DropH
}

// RNNGeneral has the activations of a cell: Gate replaces sigmoid, State replaces tanh and act.
type RNNGeneral struct {
	Gate, State           Activation
	GateAlpha, StateAlpha float64
}

// Acts returns the activations of the cell.
func (s *RNN) Acts() RNNGeneral {
	switch {
	case s.General != nil:
		return *s.General
	case s.Cell == CellSimple:
		return RNNGeneral{State: s.Act, StateAlpha: s.Alpha}
	}
	return RNNGeneral{Gate: Sigmoid, State: Tanh}
}

// RNNTensors are the operands and results of a forward pass; G is Cell.Gates().
type RNNTensors[T Float] struct {
	X    []T // (Batch, Time, In)
	W    []T // (In, G Units)
	U    []T // (Units, G Units)
	Bias []T // (G Units), for CellGRUResetAfter (2, G Units); nil for none
	Mask []T // (Batch, Time): where it is 0, the state is carried over, and Y repeats it; nil for none
	H0   []T // (Batch, Units) initial state, nil for 0
	C0   []T // initial cell state of CellLSTM, likewise

	// x and h are multiplied by DropX (G, Batch, In) and DropH (G, Batch, Units) before each
	// gate's product, at every step the same: the scaled masks of dropout; nil for ones, as
	// required unless RNN.Dropout is set.
	DropX, DropH []T

	Y      []T // (Batch, Time, Units) the state after each step; nil if not needed
	HN, CN []T // (Batch, Units) final states; nil if not needed
	Saved  []T // RNNSavedLen numbers for the backward pass; nil without one
}

// RNNGrads are the gradients of a backward pass. Incoming ones may be nil for 0, outgoing ones
// nil if not needed; DW, DU and DBias (with a bias) are always written.
type RNNGrads[T Float] struct {
	DY       []T // (Batch, Time, Units), in
	DHN, DCN []T // (Batch, Units), in
	DX       []T // (Batch, Time, In), out
	DW, DU   []T // out
	DBias    []T // out
	DH0, DC0 []T // out
}

// rnnStep holds the values of one step of one sequence.
type rnnStep[T Float] struct {
	x, h, c      []T // input and previous state
	seq          int
	sums, gate   [][]T // pre-activations and activations of the gates
	inner        []T   // h U_n + c_n of CellGRUResetAfter
	hNext, cNext []T
	skipped      bool
}

// RNNForward runs the layer. Saved is not used.
func RNNForward[T Float](s *RNN, t *RNNTensors[T]) {
	for b := range s.Batch {
		rnnSequence(s, t, b, func(i int, st *rnnStep[T]) {
			if t.Y != nil {
				copy(t.Y[(b*s.Time+i)*s.Units:(b*s.Time+i+1)*s.Units], st.hNext)
			}
			if i == s.Time-1 && t.HN != nil {
				copy(t.HN[b*s.Units:(b+1)*s.Units], st.hNext)
			}
			if i == s.Time-1 && t.CN != nil {
				copy(t.CN[b*s.Units:(b+1)*s.Units], st.cNext)
			}
		})
	}
}

// rnnSequence runs sequence b and calls show for each step.
func rnnSequence[T Float](s *RNN, t *RNNTensors[T], b int, show func(i int, st *rnnStep[T])) {
	h, c := make([]T, s.Units), make([]T, s.Units)
	if t.H0 != nil {
		copy(h, t.H0[b*s.Units:])
	}
	if t.C0 != nil {
		copy(c, t.C0[b*s.Units:])
	}
	for i := range s.Time {
		st := &rnnStep[T]{h: h, c: c, seq: b}
		at := s.inputAt(i)
		st.x = t.X[(b*s.Time+at)*s.In : (b*s.Time+at+1)*s.In]
		st.skipped = t.Mask != nil && t.Mask[b*s.Time+at] == 0
		st.run(s, t)
		show(i, st)
		h, c = st.hNext, st.cNext
	}
}

func (s *RNN) inputAt(step int) int {
	if s.Reverse {
		return s.Time - 1 - step
	}
	return step
}

func (st *rnnStep[T]) run(s *RNN, t *RNNTensors[T]) {
	n, g := s.Units, s.Cell.Gates()
	st.hNext, st.cNext, st.inner = make([]T, n), make([]T, n), make([]T, n)
	a := gateTimes(st.x, t.DropX, st.seq, s, t.W)
	if t.Bias != nil {
		Add(a, a, t.Bias[:g*n])
	}
	sums := make([]T, g*n)
	for k := range g {
		st.gate, st.sums = append(st.gate, a[k*n:(k+1)*n]), append(st.sums, sums[k*n:(k+1)*n])
	}
	acts := s.Acts()
	activate := func(from, to int, f Activation, alpha float64) {
		copy(sums[from*n:to*n], a[from*n:to*n])
		Activate(a[from*n:to*n], sums[from*n:to*n], f, T(alpha))
	}
	gate := func(from, to int) { activate(from, to, acts.Gate, acts.GateAlpha) }
	state := func(at int) { activate(at, at+1, acts.State, acts.StateAlpha) }
	u := gateTimes(st.h, t.DropH, st.seq, s, t.U)
	if s.Cell == CellGRUResetAfter && t.Bias != nil {
		Add(u, u, t.Bias[g*n:])
	}
	switch s.Cell {
	case CellSimple:
		Add(a, a, u)
		state(0)
		copy(st.hNext, a)
	case CellLSTM:
		Add(a, a, u)
		gate(0, 2)
		state(2)
		gate(3, 4)
		for j := range n {
			st.cNext[j] = st.gate[1][j]*st.c[j] + st.gate[0][j]*st.gate[2][j]
		}
		Activate(st.hNext, st.cNext, acts.State, T(acts.StateAlpha))
		Mul(st.hNext, st.hNext, st.gate[3])
	default:
		Add(a[:2*n], a[:2*n], u[:2*n])
		gate(0, 2)
		z, r, m := st.gate[0], st.gate[1], st.gate[2]
		if s.Cell == CellGRU {
			reset := make([]T, n)
			Mul(reset, r, dropped(st.h, t.DropH, st.seq, 2, s))
			Add(m, m, rowTimes(reset, t.U, g*n)[2*n:])
		} else {
			copy(st.inner, u[2*n:])
			for j := range n {
				m[j] += r[j] * st.inner[j]
			}
		}
		state(2)
		for j := range n {
			st.hNext[j] = z[j]*st.h[j] + (1-z[j])*m[j]
		}
	}
	if st.skipped {
		copy(st.hNext, st.h)
		copy(st.cNext, st.c)
	}
}

// dropped returns x times the mask of gate k for sequence seq.
func dropped[T Float](x, mask []T, seq, k int, s *RNN) []T {
	if mask == nil {
		return x
	}
	y := make([]T, len(x))
	Mul(y, x, mask[(k*s.Batch+seq)*len(x):(k*s.Batch+seq+1)*len(x)])
	return y
}

// gateTimes returns the products of x, multiplied by each gate's dropout mask, with the columns
// of all gates of m.
func gateTimes[T Float](x, mask []T, seq int, s *RNN, m []T) []T {
	n, g := s.Units, s.Cell.Gates()
	y := make([]T, 0, g*n)
	for k := range g {
		y = append(y, rowTimes(dropped(x, mask, seq, k, s), m, g*n)[k*n:(k+1)*n]...)
	}
	return y
}

// rowTimes returns x m for a matrix m with cols columns.
func rowTimes[T Float](x, m []T, cols int) []T {
	y := make([]T, cols)
	for i, v := range x {
		AddScaled(y, m[i*cols:(i+1)*cols], v)
	}
	return y
}

// timesColumns adds d m' to y, where m' is the transpose of columns from..from+len(d)-1 of m.
func timesColumns[T Float](y, d, m []T, cols, from int) {
	for i := range y {
		y[i] += T(Dot(d, m[i*cols+from:i*cols+from+len(d)]))
	}
}

// addOuter adds the outer product of x and d to columns from.. of m.
func addOuter[T Float](m, x, d []T, cols, from int) {
	for i, v := range x {
		AddScaled(m[i*cols+from:i*cols+from+len(d)], d, v)
	}
}
