// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/attention"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// MaskedScore is added to the scores that attention masks, as in Keras.
const MaskedScore = ref.MaskedScore

// Attention describes scaled dot-product attention of several heads; AttentionTensors are its
// operands, AttentionGradients those of its backward pass. See package ref.
type (
	Attention                   = ref.Attention
	AttentionTensors[T Float]   = ref.AttentionTensors[T]
	AttentionGradients[T Float] = ref.AttentionGradients[T]
)

func checkAttention[T Float](a *Attention, t *AttentionTensors[T]) {
	sameLen("attention: queries", a.Batch*a.T*a.Heads*a.Dim, len(t.Q))
	sameLen("attention: keys", a.Batch*a.S*a.Heads*a.Dim, len(t.K))
	sameLen("attention: values", a.Batch*a.S*a.Heads*a.ValueDim, len(t.V))
	sameLen("attention: output", a.Batch*a.T*a.Heads*a.ValueDim, len(t.Y))
	sameLen("attention: statistics", 2*a.Batch*a.Heads*a.T, len(t.Stats))
	for _, m := range []struct {
		mask []T
		n    int
	}{{t.Mask, a.Batch * a.T * a.S}, {t.QueryMask, a.Batch * a.T}, {t.KeyMask, a.Batch * a.S}} {
		if m.mask != nil {
			sameLen("attention: mask", m.n, len(m.mask))
		}
	}
}

// AttentionForward computes t.Y and t.Stats in memory that grows linearly with the sequences.
func AttentionForward[T Float](a *Attention, t *AttentionTensors[T]) {
	checkAttention(a, t)
	if t32, ok := any(t).(*AttentionTensors[float32]); ok {
		attention.Forward(a, t32)
	} else {
		ref.AttentionForward(a, t)
	}
}

// AttentionBackward computes the gradients of t.Q, t.K and t.V from what AttentionForward left in
// t.Y and t.Stats.
func AttentionBackward[T Float](a *Attention, t *AttentionTensors[T], d *AttentionGradients[T]) {
	checkAttention(a, t)
	sameLen("attention: gradient of queries", len(t.Q), len(d.DQ))
	sameLen("attention: gradient of keys", len(t.K), len(d.DK))
	sameLen("attention: gradient of values", len(t.V), len(d.DV))
	sameLen("attention: gradient", len(t.Y), len(d.DY))
	if t32, ok := any(t).(*AttentionTensors[float32]); ok {
		attention.Backward(a, t32, any(d).(*AttentionGradients[float32]))
	} else {
		ref.AttentionBackward(a, t, d)
	}
}
