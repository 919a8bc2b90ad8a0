// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// A loss computed together with its gradient has the bits of both.
func TestLossBoth(t *testing.T) {
	losses := map[string]struct {
		value func(loss, p, t []float32, rows, cols int)
		grad  func(dp, p, t, dloss []float32, rows, cols int)
		both  func(loss, dp, p, t, dloss []float32, rows, cols int)
	}{
		"mse":          {MSE[float32], MSEGrad[float32], MSEBoth},
		"mae":          {MAE[float32], MAEGrad[float32], MAEBoth},
		"sigmoid xent": {SigmoidXent[float32], SigmoidXentGrad[float32], SigmoidXentBoth},
		"softmax xent": {SoftmaxXent[float32], SoftmaxXentGrad[float32], SoftmaxXentBoth},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for name, l := range losses {
			for _, size := range [][2]int{{0, 3}, {1, 1}, {5, 7}, {1000, 3}, {9, 2500}, {300, 512}} {
				rows, cols := size[0], size[1]
				normal := func(n int) []float32 { return kerneltest.Normal(rng, make([]float32, n)) }
				p, y, dloss := normal(rows*cols), normal(rows*cols), normal(rows)
				value, grad := make([]float32, rows), make([]float32, rows*cols)
				l.value(value, p, y, rows, cols)
				l.grad(grad, p, y, dloss, rows, cols)
				kerneltest.SameBits(t, rows*(cols+1), func(to []float32) {
					l.both(to[:rows], to[rows:], p, y, dloss, rows, cols)
					if !slices.Equal(to[:rows], value) || !slices.Equal(to[rows:], grad) {
						t.Fatalf("%s of %d x %d differs from loss and gradient alone", name, rows, cols)
					}
				})
			}
		}
	})
}
