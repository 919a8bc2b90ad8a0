// SPDX-License-Identifier: Apache-2.0

package ref

// MaskedScore is added to the scores that attention masks, as in Keras.
const MaskedScore = -1e9

// Attention describes scaled dot-product attention of several heads (Vaswani et al. 2017):
//
//	Y_i = Σ_j drop(softmax_j(scale·Q_i·K_j + MaskedScore·(1 - mask_ij)))·V_j
//
// for each sample and head, over T queries and S keys.
type Attention struct {
	Batch, Heads, T, S, Dim, ValueDim int

	Scale  float64
	Causal bool // MaskedScore is also added for each key j > i

	// The weight of key j for query i of head h of sample b is dropped as element
	// ((b·Heads + h)·T + i)·S' + j of Dropout, S' being S rounded up to a multiple of PhiloxBlock.
	Rate              float64
	Key, Stream, Step uint64
}

// AttentionTensors are its operands. The features of the heads lie side by side in a step.
type AttentionTensors[T Float] struct {
	Q, K, V, Y []T // (Batch, T, Heads·Dim), (Batch, S, Heads·Dim), (Batch, S, Heads·ValueDim), (Batch, T, Heads·ValueDim)
	// Factors of the mask, which may be nil: (Batch, T, S), (Batch, T), (Batch, S).
	Mask, QueryMask, KeyMask []T
	// Stats has for each query (Batch, Heads, T) its greatest score m, and 1/Σ_j exp(score - m).
	Stats []T
}

// AttentionGradients are the gradient of Y, and where those of Q, K and V go.
type AttentionGradients[T Float] struct{ DY, DQ, DK, DV []T }

// DropRow returns the index of the first weight of a query of Dropout; head counts those of all
// samples.
func (a *Attention) DropRow(head, query int) int {
	return (head*a.T + query) * ((a.S + PhiloxBlock - 1) / PhiloxBlock * PhiloxBlock)
}

// scores computes a row of scores of query i of head h of sample b.
func (t *AttentionTensors[T]) scores(a *Attention, x []T, b, h, i int) {
	q := t.Q[((b*a.T+i)*a.Heads+h)*a.Dim:][:a.Dim]
	for j := range x {
		k := t.K[((b*a.S+j)*a.Heads+h)*a.Dim:][:a.Dim]
		x[j] = T(Dot(q, k) * a.Scale)
		if a.Causal && j > i {
			x[j] += MaskedScore
		}
		if m, masked := t.maskAt(a, b, i, j); masked {
			x[j] += (1 - m) * MaskedScore
		}
	}
}

func (t *AttentionTensors[T]) maskAt(a *Attention, b, i, j int) (m T, masked bool) {
	m = 1
	if t.Mask != nil {
		m *= t.Mask[(b*a.T+i)*a.S+j]
	}
	if t.QueryMask != nil {
		m *= t.QueryMask[b*a.T+i]
	}
	if t.KeyMask != nil {
		m *= t.KeyMask[b*a.S+j]
	}
	return m, t.Mask != nil || t.QueryMask != nil || t.KeyMask != nil
}

// AttentionForward computes Y and Stats.
func AttentionForward[T Float](a *Attention, t *AttentionTensors[T]) {
	x := make([]T, a.S)
	for r := range a.Batch * a.Heads * a.T {
		b, h, i := r/(a.Heads*a.T), r/a.T%a.Heads, r%a.T
		t.scores(a, x, b, h, i)
		m, sum := maxOf(x), 0.0
		for j, v := range x {
			x[j] = exp(v - m)
			sum += float64(x[j])
		}
		t.Stats[2*r], t.Stats[2*r+1] = m, T(1/sum)
		Dropout(x, x, a.Rate, a.Key, a.Stream, a.Step, a.DropRow(b*a.Heads+h, i))
		y := t.Y[((b*a.T+i)*a.Heads+h)*a.ValueDim:][:a.ValueDim]
		for c := range y {
			var s float64
			for j, p := range x {
				s += float64(p) * float64(t.V[((b*a.S+j)*a.Heads+h)*a.ValueDim+c])
			}
			y[c] = T(s / sum)
		}
	}
}

// AttentionBackward computes the gradients, which overwrite d.DQ, d.DK and d.DV. It uses Y and
// Stats.
func AttentionBackward[T Float](a *Attention, t *AttentionTensors[T], d *AttentionGradients[T]) {
	x, dp := make([]T, a.S), make([]T, a.S)
	clear(d.DQ)
	clear(d.DK)
	clear(d.DV)
	for r := range a.Batch * a.Heads * a.T {
		b, h, i := r/(a.Heads*a.T), r/a.T%a.Heads, r%a.T
		t.scores(a, x, b, h, i)
		for j, v := range x {
			x[j] = exp(v-t.Stats[2*r]) * t.Stats[2*r+1]
		}
		at := ((b*a.T+i)*a.Heads + h) * a.ValueDim
		y, dy := t.Y[at:at+a.ValueDim], d.DY[at:at+a.ValueDim]
		along := T(Dot(y, dy))
		for j := range dp {
			dp[j] = T(Dot(dy, t.V[((b*a.S+j)*a.Heads+h)*a.ValueDim:][:a.ValueDim]))
		}
		first := a.DropRow(b*a.Heads+h, i)
		Dropout(dp, dp, a.Rate, a.Key, a.Stream, a.Step, first)
		q, dq := t.Q[((b*a.T+i)*a.Heads+h)*a.Dim:][:a.Dim], d.DQ[((b*a.T+i)*a.Heads+h)*a.Dim:][:a.Dim]
		for j := range dp {
			ds := x[j] * (dp[j] - along) * T(a.Scale)
			k, dk := t.K[((b*a.S+j)*a.Heads+h)*a.Dim:][:a.Dim], d.DK[((b*a.S+j)*a.Heads+h)*a.Dim:][:a.Dim]
			for c := range k {
				dq[c] += ds * k[c]
				dk[c] += ds * q[c]
			}
		}
		Dropout(x, x, a.Rate, a.Key, a.Stream, a.Step, first)
		for j, p := range x {
			dv := d.DV[((b*a.S+j)*a.Heads+h)*a.ValueDim:][:a.ValueDim]
			for c := range dv {
				dv[c] += p * dy[c]
			}
		}
	}
}
