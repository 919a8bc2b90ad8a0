// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// fast computes a step by the instruction set's own function; it reports whether there is one.
func fast[T ref.Float](s *Step, dst []T, a, b *value[T]) bool {
	d, ok := any(dst).([]float32)
	if !ok {
		return false
	}
	x, _ := any(a.floats).([]float32)
	y, _ := any(b.floats).([]float32)
	switch t := simd.Active; s.Op {
	case Add:
		t.Add(d, x, y)
	case Sub:
		t.Sub(d, x, y)
	case Mul:
		t.Mul(d, x, y)
	case Square:
		t.Mul(d, x, x)
	case Max:
		t.Max(d, x, y)
	case Affine:
		if s.Y != 0 {
			return false
		}
		t.Scale(d, x, float32(s.X))
	case Activate:
		t.Activate(d, x, s.Act, float32(s.X))
	case ActivateGrad:
		t.ActivateGrad(d, x, y, s.Act, float32(s.X))
	default:
		return false
	}
	return true
}
