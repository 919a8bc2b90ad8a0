// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Dropout writes dst_i = x_i m_i / (1-rate), m_i = 1 with probability 1-rate, else 0. The
// mask is a function of (key, stream, step, i) alone (Philox4x32-10), so the gradient is the
// same call on dy and no mask is kept. A dropped element is 0 even where x is NaN. dst may be x.
func Dropout[T Float](dst, x []T, rate float64, key, stream, step uint64) {
	sameLen("dropout", len(dst), len(x))
	d, ok := single(dst)
	if !ok {
		ref.Dropout(dst, x, rate, key, stream, step, 0)
		return
	}
	l := loops.get()
	l.v[0], l.rate, l.key = d, rate, [3]uint64{key, stream, step}
	l.v[1], _ = single(x)
	l.each(len(d), dearGrain, dropoutPiece)
}

func dropoutPiece(l *loop, lo, hi int) {
	simd.Active.Dropout(l.v[0][lo:hi], l.v[1][lo:hi], l.rate, l.key[0], l.key[1], l.key[2], lo)
}

// DropoutMask writes Dropout's scaled mask m_i / (1-rate) itself, for masks that several
// elements share (spatial and recurrent dropout).
func DropoutMask[T Float](dst []T, rate float64, key, stream, step uint64) {
	Fill(dst, 1)
	Dropout(dst, dst, rate, key, stream, step)
}

// Normal writes standard normal numbers that are a function of (key, stream, step, i) alone.
func Normal[T Float](dst []T, key, stream, step uint64) {
	d, ok := single(dst)
	if !ok {
		ref.Normal(dst, key, stream, step, 0)
		return
	}
	l := loops.get()
	l.v[0], l.key = d, [3]uint64{key, stream, step}
	l.each(len(d), dearGrain, normalPiece)
}

func normalPiece(l *loop, lo, hi int) {
	ref.Normal(l.v[0][lo:hi], l.key[0], l.key[1], l.key[2], lo)
}
