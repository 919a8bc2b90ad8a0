// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

func TestReLUKeepsNaN(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		y := make([]float32, 3)
		Dense(y, []float32{1}, []float32{float32(math.NaN()), -1, 2}, nil, 1, 1, 3, ReLU, 0)
		if y[0] == y[0] || y[1] != 0 || y[2] != 2 {
			t.Errorf("relu of [NaN -1 2] = %v", y)
		}
	})
}

func TestGemmFloat64(t *testing.T) {
	a, b, c := []float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}, []float64{1, 1, 1, 1}
	Gemm(true, false, 2, 2, 2, a, 2, b, 2, 1, c, 2)
	if want := [4]float64{27, 31, 39, 45}; [4]float64(c) != want {
		t.Errorf("AᵀB + C = %v, want %v", c, want)
	}
}

func TestDense(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, bias := range [][]float32{nil, randomFloats(rng, 33)} {
		const m, k, n = 19, 47, 33
		x, w := randomFloats(rng, m*k), randomFloats(rng, k*n)
		want := make([]float64, m*n)
		var wide []float64
		if bias != nil {
			wide = kerneltest.Widen(bias)
		}
		ref.Dense(want, kerneltest.Widen(x), kerneltest.Widen(w), wide, m, k, n)
		y := make([]float32, m*n)
		Dense(y, x, w, bias, m, k, n, Linear, 0)
		kerneltest.Close(t, "linear", y, want, 1e-6, 20)
		Dense(y, x, w, bias, m, k, n, ReLU, 0)
		for i, v := range want {
			want[i] = max(v, 0)
		}
		kerneltest.Close(t, "relu", y, want, 1e-6, 20)
	}
}

// Small products of long rows, which are divided along k, support bias and ReLU as well.
func TestDenseOfLongRows(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(15, 17))
		const m, k, n = 3, 2500, 17
		x, w, bias, want := randomFloats(rng, m*k), randomFloats(rng, k*n), randomFloats(rng, n), make([]float64, m*n)
		ref.Dense(want, kerneltest.Widen(x), kerneltest.Widen(w), kerneltest.Widen(bias), m, k, n)
		for i, v := range want {
			want[i] = max(v, 0)
		}
		y := make([]float32, m*n)
		Dense(y, x, w, bias, m, k, n, ReLU, 0)
		kerneltest.Close(t, "dense", y, want, 1e-6, 1000)
		kerneltest.SameBits(t, m*n, func(y []float32) { Dense(y, x, w, bias, m, k, n, ReLU, 0) })
		if got := testing.AllocsPerRun(5, func() { Dense(y, x, w, bias, m, k, n, ReLU, 0) }); got != 0 {
			t.Errorf("%v allocations", got)
		}
	})
}
