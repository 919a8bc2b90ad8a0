// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// TestNormGroups compares both directions with the reference in float64.
func TestNormGroups(t *testing.T) {
	shapes := [][4]int{ // samples, rows, groups, columns
		{1, 1, 1, 1}, {1, 1, 1, 5}, {2, 7, 3, 6}, {3, 50, 2, 8}, {9, 33, 4, 12}, {2, 300, 8, 64}, {10, 40, 64, 64},
		{2, 1100, 1, 33}, {1, 5, 2, 514}, {8, 3, 1, 200}, {2, 0, 1, 3}, {1, 9000, 3, 3},
	}
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(8, 1))
		for k, s := range shapes {
			samples, rows, groups, cols := s[0], s[1], s[2], s[3]
			n := samples * rows * cols
			x, dy, gamma, beta := randomFloats(rng, n), randomFloats(rng, n), randomFloats(rng, cols), randomFloats(rng, cols)
			for i := range x {
				x[i] += 30
			}
			wide := kerneltest.Widen
			gamma64, beta64 := wide(gamma), wide(beta)
			switch k % 3 {
			case 1:
				gamma, gamma64 = nil, nil
			case 2:
				beta, beta64 = nil, nil
			}
			close := func(what string, got []float32, want []float64, scale float64) {
				t.Helper()
				for i, w := range want {
					if d := math.Abs(float64(got[i]) - w); !(d <= 2e-5*(scale+math.Abs(w))) {
						t.Fatalf("%s of %v: element %d is %v, want %v", what, s, i, got[i], w)
					}
				}
			}
			y, want := garbage(n), make([]float64, n)
			forward := func(y []float32) { NormGroups(y, x, gamma, beta, 0.01, samples, groups, cols) }
			forward(y)
			if n > 0 {
				ref.NormGroups(want, wide(x), gamma64, beta64, 0.01, samples, groups, cols)
			}
			close("y", y, want, 1)
			dx, dgamma, dbeta := garbage(n), garbage(cols), garbage(cols)
			back := func(dx []float32) { NormGroupsBack(dx, dgamma, dbeta, x, dy, gamma, 0.01, samples, groups, cols) }
			back(dx)
			wantX, wantGamma, wantBeta := make([]float64, n), make([]float64, cols), make([]float64, cols)
			if n > 0 {
				ref.NormGroupsBack(wantX, wantGamma, wantBeta, wide(x), wide(dy), gamma64, 0.01, samples, groups, cols)
			}
			close("dx", dx, wantX, 10)
			close("dgamma", dgamma, wantGamma, math.Sqrt(float64(samples*rows)))
			close("dbeta", dbeta, wantBeta, math.Sqrt(float64(samples*rows)))
			back(nil)
			close("dgamma without dx", dgamma, wantGamma, math.Sqrt(float64(samples*rows)))
			NormGroupsBack(dx, nil, nil, x, dy, gamma, 0.01, samples, groups, cols)
			close("dx alone", dx, wantX, 10)
			kerneltest.SameBits(t, n, forward)
			kerneltest.SameBits(t, n, back)
			if allocs := kerneltest.Allocs(func() { forward(y); back(dx) }); allocs > 0 {
				t.Errorf("%s allocates %v times", fmt.Sprint(s), allocs)
			}
		}
	})
}
