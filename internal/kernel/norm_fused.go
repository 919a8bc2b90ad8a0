// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// Norm is the normalization of columns by given statistics, see NormCols, at the end of a product or
// a convolution. It is computed as scale·x + shift with
//
//	scale = gamma/√(variance + eps)   shift = beta - mean·scale
//
// and thus rounded differently. Mean, Gamma and Beta may be nil.
type Norm struct {
	Mean, Variance, Gamma, Beta []float32
	Epsilon                     float32
}

// affine returns the scale and the shift of n columns in w's scratch memory.
func (m *Norm) affine(w *parallel.Worker, n int) gemm.Affine {
	if m == nil {
		return gemm.Affine{}
	}
	for _, x := range [][]float32{m.Mean, m.Variance, m.Gamma, m.Beta} {
		if x != nil && len(x) != n {
			panic(fmt.Sprintf("norm: %d values for %d columns", len(x), n))
		}
	}
	both := w.Floats(2 * n)
	a := gemm.Affine{Scale: both[:n], Shift: both[n:]}
	repeatScale(a.Scale, m.Variance, m.Gamma, m.Epsilon)
	if clear(a.Shift); m.Beta != nil {
		copy(a.Shift, m.Beta)
	}
	if m.Mean != nil {
		for j, v := range m.Mean {
			a.Shift[j] -= float32(v * a.Scale[j])
		}
	}
	return a
}
