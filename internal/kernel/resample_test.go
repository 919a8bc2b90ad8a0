// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// TestResample compares the vector code with sums in float64: rows of 0 to 4 numbers, of any length.
func TestResample(t *testing.T) {
	kerneltest.OnEachISA(t, testResample)
}

func testResample(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const outer, n = 3, 7
	for _, inner := range []int{1, 3, 8, 16, 37, 300} {
		t.Run(fmt.Sprint(inner), func(t *testing.T) {
			narrow, wide := &Taps[float32]{First: []int{0}}, &Taps[float64]{First: []int{0}}
			for r := range 10 {
				for range []int{0, 1, 2, 2, 2, 3, 4, 1, 2, 2}[r] {
					w := float32(rng.NormFloat64())
					narrow.Index, narrow.Weight = append(narrow.Index, rng.IntN(n)), append(narrow.Weight, w)
					wide.Weight = append(wide.Weight, float64(w))
				}
				narrow.First = append(narrow.First, len(narrow.Index))
			}
			wide.First, wide.Index = narrow.First, narrow.Index
			x, exact := make([]float32, outer*n*inner), make([]float64, outer*n*inner)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
				exact[i] = float64(x[i])
			}
			got, want := make([]float32, outer*10*inner), make([]float64, outer*10*inner)
			Resample(got, x, narrow, outer, n, inner)
			Resample(want, exact, wide, outer, n, inner)
			for i, w := range want {
				if math.Abs(float64(got[i])-w) > 1e-5*(1+math.Abs(w)) {
					t.Fatalf("element %d is %v, want %v", i, got[i], w)
				}
			}
		})
	}
}
