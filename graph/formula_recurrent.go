// SPDX-License-Identifier: Apache-2.0

package graph

import "gorgonia.org/tensor"

// unrolled builds a recurrence step by step.
type unrolled struct {
	Try
	*recurrence
	in                       Nodes
	batch, time, features, n int
	gates                    int
}

// formula is the recurrence with its steps one after the other.
func (r *recurrence) formula(in Nodes) (*Node, error) {
	x, gates := in[r.x].Shape(), r.spec.Cell.Gates()
	u := &unrolled{recurrence: r, in: in, batch: x[0], time: x[1], features: x[2], n: in[r.u].Shape()[0], gates: gates}
	h, c := u.initial(r.h0), u.initial(r.c0)
	states := make(Nodes, u.time)
	for i := range u.time {
		at := i
		if r.spec.Reverse {
			at = u.time - 1 - i
		}
		next, cell := u.step(at, h, c)
		if r.mask >= 0 { // the state is carried over
			m := u.Do(Slice(in[r.mask], At(1, at, at+1)))
			keep := u.Do(Equal(m, u.Do(Scalar(m, 0))))
			next = u.Do(Where(keep, h, next))
			if cell != nil {
				cell = u.Do(Where(keep, c, cell))
			}
		}
		h, c = next, cell
		states[i] = h
	}
	switch r.spec.Output {
	case LastState:
		return h, u.Err()
	case StateAndCell:
		return u.Do(Concat(1, h, c)), u.Err()
	}
	all := u.Do(Concat(1, states...)) // (batch, steps·units)
	if r.spec.Output == StatesAndCell {
		return u.Do(Concat(1, all, c)), u.Err()
	}
	return u.Do(Reshape(all, u.batch, u.time, u.n)), u.Err()
}

// initial returns an initial state, zeros if it is not among the inputs.
func (u *unrolled) initial(index int) *Node {
	if index >= 0 {
		return u.in[index]
	}
	return u.filled(u.in[u.x], 0, tensor.Shape{u.batch, u.n})
}

// step returns the states after a step of the input; cell is nil unless the cell is an LSTM.
func (u *unrolled) step(at int, h, c *Node) (next, cell *Node) {
	x := u.Do(Reshape(u.Do(Slice(u.in[u.x], At(1, at, at+1))), u.batch, u.features))
	acts := u.acts()
	// input returns x·W + b of a gate, and state h·U.
	input := func(gate int) *Node {
		return u.biased(u.product(u.dropped(x, u.dropX, gate), u.in[u.w], gate), 0, gate)
	}
	state := func(h *Node, gate int) *Node { return u.product(u.dropped(h, u.dropH, gate), u.in[u.u], gate) }
	if u.spec.Cell == GRUResetAfterCell {
		plain := state
		state = func(h *Node, gate int) *Node { return u.biased(plain(h, gate), 1, gate) }
	}
	sum := func(gate int, act Activation) *Node {
		return u.Do(Activate(u.Do(Add(input(gate), state(h, gate))), act))
	}
	switch u.spec.Cell {
	case SimpleCell:
		return sum(0, acts.State), nil
	case LSTMCell:
		i, f, g, o := sum(0, acts.Gate), sum(1, acts.Gate), sum(2, acts.State), sum(3, acts.Gate)
		cell = u.Do(Add(u.Do(Mul(f, c)), u.Do(Mul(i, g))))
		return u.Do(Mul(o, u.Do(Activate(cell, acts.State)))), cell
	}
	z, r := sum(0, acts.Gate), sum(1, acts.Gate)
	var inner *Node
	if u.spec.Cell == GRUCell {
		inner = u.product(u.Do(Mul(r, u.dropped(h, u.dropH, 2))), u.in[u.u], 2)
	} else {
		inner = u.Do(Mul(r, state(h, 2)))
	}
	n := u.Do(Activate(u.Do(Add(input(2), inner)), acts.State))
	return u.Do(Add(u.Do(Mul(z, h)), u.Do(Mul(u.Do(Affine(z, -1, 1)), n)))), nil
}

// product returns v times the columns of a gate.
func (u *unrolled) product(v, m *Node, gate int) *Node {
	return u.Do(MatMul(v, u.Do(Slice(m, At(1, gate*u.n, (gate+1)*u.n)))))
}

// biased adds the columns of a gate of a row of the bias.
func (u *unrolled) biased(v *Node, row, gate int) *Node {
	if u.bias < 0 {
		return v
	}
	b := u.Do(Reshape(u.in[u.bias], size(u.in[u.bias].Shape())))
	return u.Do(AddRow(v, u.Do(Slice(b, At(0, (row*u.gates+gate)*u.n, (row*u.gates+gate+1)*u.n)))))
}

// dropped multiplies by the dropout mask of a gate.
func (u *unrolled) dropped(v *Node, mask, gate int) *Node {
	if mask < 0 {
		return v
	}
	m := u.Do(Slice(u.in[mask], At(0, gate, gate+1)))
	return u.Do(Mul(v, u.like(m, v)))
}
