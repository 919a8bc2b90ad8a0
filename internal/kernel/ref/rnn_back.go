// SPDX-License-Identifier: Apache-2.0

package ref

// RNNBackward writes the gradients of RNNForward, whose operands are in t.
func RNNBackward[T Float](s *RNN, t *RNNTensors[T], d *RNNGrads[T]) {
	clear(d.DW)
	clear(d.DU)
	clear(d.DBias)
	n := s.Units
	for b := range s.Batch {
		steps := make([]*rnnStep[T], s.Time)
		rnnSequence(s, t, b, func(i int, st *rnnStep[T]) { steps[i] = st })
		dh, dc := make([]T, n), make([]T, n)
		if d.DHN != nil {
			copy(dh, d.DHN[b*n:])
		}
		if d.DCN != nil {
			copy(dc, d.DCN[b*n:])
		}
		for i := s.Time - 1; i >= 0; i-- {
			if d.DY != nil {
				Add(dh, dh, d.DY[(b*s.Time+i)*n:(b*s.Time+i+1)*n])
			}
			dx := make([]T, s.In)
			if !steps[i].skipped {
				dh, dc = steps[i].back(s, t, d, dx, dh, dc)
			}
			if d.DX != nil {
				copy(d.DX[(b*s.Time+s.inputAt(i))*s.In:], dx)
			}
		}
		if d.DH0 != nil {
			copy(d.DH0[b*n:], dh)
		}
		if d.DC0 != nil {
			copy(d.DC0[b*n:], dc)
		}
	}
}

// back takes the gradient of the state after the step and returns that of the state before it.
func (st *rnnStep[T]) back(s *RNN, t *RNNTensors[T], d *RNNGrads[T], dx, dh, dc []T) (dhPrev, dcPrev []T) {
	n, cols := s.Units, s.Cell.Gates()*s.Units
	dhPrev, dcPrev = make([]T, n), make([]T, n)
	da := make([]T, cols) // gradient of the gates' pre-activations
	acts := s.Acts()
	gateGrad := func(k int) { activateGrad(da[k*n:(k+1)*n], st.sums[k], st.gate[k], acts.Gate, acts.GateAlpha) }
	stateGrad := func(k int) { activateGrad(da[k*n:(k+1)*n], st.sums[k], st.gate[k], acts.State, acts.StateAlpha) }
	outer := func(h, da []T, from int) { gateOuter(d.DU, dhPrev, h, da, t.U, t.DropH, st.seq, s, from) }
	switch s.Cell {
	case CellSimple:
		copy(da, dh)
		stateGrad(0)
		outer(st.h, da, 0)
	case CellLSTM:
		i, f, g, o := st.gate[0], st.gate[1], st.gate[2], st.gate[3]
		tc, dcell := make([]T, n), make([]T, n)
		Activate(tc, st.cNext, acts.State, T(acts.StateAlpha))
		Mul(dcell, dh, o)
		activateGrad(dcell, st.cNext, tc, acts.State, acts.StateAlpha)
		Add(dcell, dcell, dc)
		for j := range n {
			da[j] = dcell[j] * g[j]
			da[n+j] = dcell[j] * st.c[j]
			da[2*n+j] = dcell[j] * i[j]
			da[3*n+j] = dh[j] * tc[j]
			dcPrev[j] = dcell[j] * f[j]
		}
		gateGrad(0)
		gateGrad(1)
		stateGrad(2)
		gateGrad(3)
		outer(st.h, da, 0)
	default:
		z, r, m := st.gate[0], st.gate[1], st.gate[2]
		dm := da[2*n:]
		for j := range n {
			da[j] = dh[j] * (st.h[j] - m[j])
			dm[j] = dh[j] * (1 - z[j])
			dhPrev[j] = dh[j] * z[j]
		}
		gateGrad(0)
		stateGrad(2)
		dr := da[n : 2*n]
		if s.Cell == CellGRU {
			reset, dreset := make([]T, n), make([]T, n)
			h := dropped(st.h, t.DropH, st.seq, 2, s)
			Mul(reset, r, h)
			addOuter(d.DU, reset, dm, cols, 2*n)
			timesColumns(dreset, dm, t.U, cols, 2*n)
			for j := range n {
				dr[j] = dreset[j] * h[j]
				dreset[j] *= r[j]
			}
			gateGrad(1)
			Add(dhPrev, dhPrev, dropped(dreset, t.DropH, st.seq, 2, s))
		} else {
			dinner := make([]T, n)
			for j := range n {
				dinner[j] = dm[j] * r[j]
				dr[j] = dm[j] * st.inner[j]
			}
			gateGrad(1)
			outer(st.h, dinner, 2*n)
			if t.Bias != nil {
				second := d.DBias[cols:]
				Add(second[:2*n], second[:2*n], da[:2*n])
				Add(second[2*n:], second[2*n:], dinner)
			}
		}
		outer(st.h, da[:2*n], 0)
	}
	gateOuter(d.DW, dx, st.x, da, t.W, t.DropX, st.seq, s, 0)
	if t.Bias != nil {
		Add(d.DBias[:cols], d.DBias[:cols], da)
	}
	return dhPrev, dcPrev
}

// activateGrad multiplies d by the derivative of an activation, given its input and output.
func activateGrad[T Float](d, sum, output []T, a Activation, alpha float64) {
	s := sum
	if a.FromOutput() {
		s = output
	}
	ActivateGrad(d, s, d, a, T(alpha))
}

// gateOuter adds to dm and dx the gradients of the products of gateTimes; da has those of the
// gates starting at column from of m.
func gateOuter[T Float](dm, dx, x, da, m, mask []T, seq int, s *RNN, from int) {
	n, cols := s.Units, s.Cell.Gates()*s.Units
	for at := 0; at < len(da); at += n {
		k, d := (from+at)/n, da[at:at+n]
		addOuter(dm, dropped(x, mask, seq, k, s), d, cols, from+at)
		part := make([]T, len(x))
		timesColumns(part, d, m, cols, from+at)
		Add(dx, dx, dropped(part, mask, seq, k, s))
	}
}
