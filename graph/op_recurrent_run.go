// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/reef-dl/reef/internal/kernel"

// recurrentMemory is what the ops of one recurrence share in one element type.
type recurrentMemory[T kernel.Float] struct {
	t kernel.RNNTensors[T]
	d kernel.RNNGradients[T]
	y []T // all states, where they are part of the op's output, and last states
	// dy is the gradient of what y holds of the output, in the same order.
	dy []T
}

func memoryOf[T kernel.Float](r *recurrence) *recurrentMemory[T] {
	if m, ok := any(&r.single).(*recurrentMemory[T]); ok {
		return m
	}
	return any(&r.double).(*recurrentMemory[T])
}

// at is operand i of a call, nil for one that is not there.
func at[T kernel.Float](c *call[T], i int) []T {
	if i < 0 {
		return nil
	}
	return c.in[i]
}

// sized is s with n elements, its own memory where that suffices.
func sized[T kernel.Float](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	if _, ok := any(s).([]float32); ok {
		return any(kernel.Floats(n)).([]T)
	}
	return make([]T, n)
}

func runRecurrent[T kernel.Float](r *recurrence) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := r.geometry(c.inShape)
		if err != nil {
			return err
		}
		m := memoryOf[T](r)
		t := &m.t
		t.X, t.W, t.U = c.in[r.x], c.in[r.w], c.in[r.u]
		t.Bias, t.Mask, t.H0, t.C0 = at(c, r.bias), at(c, r.mask), at(c, r.h0), at(c, r.c0)
		t.DropX, t.DropH = at(c, r.dropX), at(c, r.dropH)
		t.HN, t.CN = nil, nil
		t.Saved = sized(t.Saved, kernel.RNNSavedLen(&g))
		switch r.spec.Output {
		case AllStates:
			t.Y = c.out
		case LastState:
			t.Y, t.HN = nil, c.out
		case StatesAndCell:
			states := g.Batch * g.Time * g.Units
			m.y = sized(m.y, states+g.Batch*g.Units)
			t.Y, t.CN = m.y[:states], m.y[states:]
		case StateAndCell:
			last := g.Batch * g.Units
			m.y = sized(m.y, 2*last)
			t.Y, t.HN, t.CN = nil, m.y[:last], m.y[last:]
		}
		kernel.RNNForward(&g, t)
		switch r.spec.Output {
		case StatesAndCell:
			pack(c.out, t.Y, g.Time*g.Units, t.CN, g.Units)
		case StateAndCell:
			pack(c.out, t.HN, g.Units, t.CN, g.Units)
		}
		return nil
	}
}

// grad makes the backward op, whose output is the gradient of x, and an op for
// each other part of the gradient, which copies it out of the shared memory.
func (r *recurrence) grad(in Nodes, y, dy *Node) (Nodes, error) {
	ranks := append(append([]int(nil), r.ranks...), len(y.Shape()), len(y.Shape()))
	const withX = true
	unread := both(runRecurrentGrad[float32](r, !withX), runRecurrentGrad[float64](r, !withX))
	dx, err := apply(&op{
		name: r.name("_grad"),
		in:   ranks, out: 3,
		shape:  fixed(in[r.x].Shape()),
		run:    both(runRecurrentGrad[float32](r, withX), runRecurrentGrad[float64](r, withX)),
		unread: &unread,
	}, append(append(Nodes{}, in...), y, dy)...)
	if err != nil {
		return nil, err
	}
	grads := make(Nodes, len(in))
	grads[r.x] = dx
	for _, p := range []struct {
		name string
		at   int
		f32  func(*recurrentMemory[float32]) []float32
		f64  func(*recurrentMemory[float64]) []float64
	}{
		{"kernel", r.w, partW[float32], partW[float64]},
		{"recurrent_kernel", r.u, partU[float32], partU[float64]},
		{"bias", r.bias, partBias[float32], partBias[float64]},
		{"h0", r.h0, partH0[float32], partH0[float64]},
		{"c0", r.c0, partC0[float32], partC0[float64]},
	} {
		if p.at < 0 {
			continue
		}
		to := in[p.at].Shape()
		grads[p.at], err = apply(&op{
			name: cellNames[r.spec.Cell] + "_grad_" + p.name,
			in:   []int{3}, out: len(to),
			shape:    fixed(to),
			run:      both(runPart(r, p.f32), runPart(r, p.f64)),
			edgeOnly: true,
		}, dx)
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

// runRecurrentGrad leaves the gradient of x out where nobody reads it.
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
		d.DW, d.DU = sized(d.DW, len(m.t.W)), sized(d.DU, len(m.t.U))
		d.DBias, d.DH0, d.DC0 = sized(d.DBias, len(m.t.Bias)), nil, nil
		if r.h0 >= 0 {
			d.DH0 = sized(d.DH0, g.Batch*g.Units)
		}
		if r.c0 >= 0 {
			d.DC0 = sized(d.DC0, g.Batch*g.Units)
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
		kernel.RNNBackward(&g, &m.t, d)
		return nil
	}
}

// pack puts rows of n and of k numbers side by side.
func pack[T kernel.Float](out, a []T, n int, b []T, k int) {
	for r := range len(out) / (n + k) {
		copy(out[r*(n+k):], a[r*n:(r+1)*n])
		copy(out[r*(n+k)+n:], b[r*k:(r+1)*k])
	}
}

// unpack takes the gradient of what pack made apart.
func (m *recurrentMemory[T]) unpack(dy []T, n, k int) (a, b []T) {
	m.dy = sized(m.dy, len(dy))
	rows := len(dy) / (n + k)
	a, b = m.dy[:rows*n], m.dy[rows*n:]
	for r := range rows {
		copy(a[r*n:(r+1)*n], dy[r*(n+k):])
		copy(b[r*k:(r+1)*k], dy[r*(n+k)+n:])
	}
	return a, b
}
