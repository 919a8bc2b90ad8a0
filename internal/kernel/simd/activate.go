// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Activate writes dst = a(x).
func (t *Table) Activate(dst, x []float32, a ref.Activation, alpha float32) {
	if f := t.activations[a]; f != nil {
		f(dst, x, alpha)
	} else {
		ref.Activate(dst, x, a, alpha)
	}
}

// ActivateGrad writes dx = a'(s) dy; see ref.ActivateGrad.
func (t *Table) ActivateGrad(dx, s, dy []float32, a ref.Activation, alpha float32) {
	if f := t.gradients[a]; f != nil {
		f(dx, s, dy, alpha)
	} else {
		ref.ActivateGrad(dx, s, dy, a, alpha)
	}
}

// genericReLUGrad has no branch: random signs would make it as slow as an exponential. s is
// positive or NaN if the sign bit is clear both in its bits and in its bits minus 1.
func genericReLUGrad(dx, s, dy []float32, _ float32) {
	for i, v := range s {
		b := int32(math.Float32bits(v))
		flat := (b | (b - 1)) >> 31
		dx[i] = math.Float32frombits(math.Float32bits(dy[i]) &^ uint32(flat))
	}
}
