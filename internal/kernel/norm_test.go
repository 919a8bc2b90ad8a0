// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// shifted returns normal numbers around 3, to expose an inaccurate subtraction of the mean.
func shifted(rng *rand.Rand, n int) []float32 {
	x := randomFloats(rng, n)
	for i := range x {
		x[i] = 2*x[i] + 3
	}
	return x
}

func TestNormColsMatchesReference(t *testing.T) {
	const eps = 1e-3
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 3))
		for _, s := range [][2]int{{1, 1}, {1, 300}, {5, 3}, {700, 7}, {31, 257}, {8, 515}, {20_000, 3}, {2000, 64}} {
			rows, cols := s[0], s[1]
			x, dy, gamma, beta := shifted(rng, rows*cols), randomFloats(rng, rows*cols), randomFloats(rng, cols), randomFloats(rng, cols)
			mean, variance, dgamma, dbeta := make([]float32, cols), make([]float32, cols), make([]float32, cols), make([]float32, cols)
			wide := make([]float64, rows*cols)
			wmean, wvariance, wdgamma, wdbeta := make([]float64, cols), make([]float64, cols), make([]float64, cols), make([]float64, cols)

			ref.ColSum(wmean, kerneltest.Widen(x), rows, cols)
			for j := range wmean {
				wmean[j] /= float64(rows)
				mean[j] = float32(wmean[j])
				wmean[j] = float64(mean[j])
			}
			ColVariance(variance, x, mean, rows, cols)
			ref.ColVariance(wvariance, kerneltest.Widen(x), wmean, rows, cols)
			near(t, "variance", variance, wvariance, 1e-5)

			got := make([]float32, rows*cols)
			for _, affine := range []bool{true, false} {
				g, b, wg, wb := gamma, beta, kerneltest.Widen(gamma), kerneltest.Widen(beta)
				if !affine {
					g, b, wg, wb = nil, nil, nil, nil
				}
				NormCols(got, x, mean, variance, g, b, eps, rows, cols)
				ref.NormCols(wide, kerneltest.Widen(x), wmean, kerneltest.Widen(variance), wg, wb, eps, rows, cols)
				near(t, "norm", got, wide, 1e-5)

				NormColsDot(dgamma, x, dy, mean, variance, eps, rows, cols)
				ref.NormColsDot(wdgamma, kerneltest.Widen(x), kerneltest.Widen(dy), wmean, kerneltest.Widen(variance), eps, rows, cols)
				near(t, "gradient of gamma", dgamma, wdgamma, 1e-4) // a sum of up to 20 000 terms of either sign

				ColSum(dbeta, dy, rows, cols)
				ref.ColSum(wdbeta, kerneltest.Widen(dy), rows, cols)
				NormColsGrad(got, x, dy, mean, variance, g, dgamma, dbeta, eps, rows, cols)
				ref.NormColsGrad(wide, kerneltest.Widen(x), kerneltest.Widen(dy), wmean, kerneltest.Widen(variance), wg, wdgamma, wdbeta, eps, rows, cols)
				near(t, "norm gradient", got, wide, 1e-4)
			}
			if t.Failed() {
				t.Fatalf("with %d x %d", rows, cols)
			}
		}
	})
}

func TestNormRowsMatchesReference(t *testing.T) {
	const eps = 1e-3
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 3))
		for _, s := range [][2]int{{1, 1}, {1, 3000}, {5, 3}, {700, 7}, {31, 257}, {8, 515}, {20_000, 3}} {
			rows, cols := s[0], s[1]
			x, dy, gamma, beta := shifted(rng, rows*cols), randomFloats(rng, rows*cols), randomFloats(rng, cols), randomFloats(rng, cols)
			got, wide := make([]float32, rows*cols), make([]float64, rows*cols)
			dgamma, wdgamma := make([]float32, cols), make([]float64, cols)
			dbeta, wdbeta := make([]float32, cols), make([]float64, cols)
			for _, affine := range []bool{true, false} {
				g, b, wg, wb := gamma, beta, kerneltest.Widen(gamma), kerneltest.Widen(beta)
				if !affine {
					g, b, wg, wb = nil, nil, nil, nil
				}
				NormRows(got, x, g, b, eps, rows, cols)
				last := make([]float32, cols)
				NormRows(last, x[(rows-1)*cols:], g, b, eps, 1, cols)
				sameNumbers(t, "a row alone", got[(rows-1)*cols:], last)
				ref.NormRows(wide, kerneltest.Widen(x), wg, wb, eps, rows, cols)
				near(t, "norm", got, wide, 1e-5)
				clear(wdgamma)
				clear(wdbeta)
				ref.NormRowsBack(wide, wdgamma, wdbeta, kerneltest.Widen(x), kerneltest.Widen(dy), wg, eps, rows, cols)
				NormRowsBack(got, dgamma, dbeta, x, dy, g, eps, rows, cols)
				near(t, "norm gradient", got, wide, 1e-4)
				near(t, "gradient of gamma", dgamma, wdgamma, 1e-4)
				near(t, "gradient of beta", dbeta, wdbeta, 1e-4)
				all, sums := slices.Clone(got), slices.Clone(dgamma)
				NormRowsBack(got, nil, nil, x, dy, g, eps, rows, cols)
				sameNumbers(t, "norm gradient alone", got, all)
				NormRowsBack(nil, dgamma, dbeta, x, dy, g, eps, rows, cols)
				sameNumbers(t, "gradient of gamma alone", dgamma, sums)
			}
			for _, one := range [][2][]float32{{gamma, nil}, {nil, beta}} {
				NormRows(got, x, one[0], one[1], eps, rows, cols)
				ref.NormRows(wide, kerneltest.Widen(x), widenOrNil(one[0]), widenOrNil(one[1]), eps, rows, cols)
				near(t, "norm with gamma or beta", got, wide, 1e-5)
			}
			x[0] = 3e20 // its square is not a float32
			L2NormalizeRows(got, x, rows, cols)
			ref.L2NormalizeRows(wide, kerneltest.Widen(x), rows, cols)
			near(t, "unit rows", got, wide, 1e-6)
			L2NormalizeRowsGrad(got, x, dy, rows, cols)
			ref.L2NormalizeRowsGrad(wide, kerneltest.Widen(x), kerneltest.Widen(dy), rows, cols)
			near(t, "unit rows gradient", got, wide, 1e-5)
			if t.Failed() {
				t.Fatalf("with %d x %d", rows, cols)
			}
		}
	})
}

func widenOrNil(x []float32) []float64 {
	if x == nil {
		return nil
	}
	return kerneltest.Widen(x)
}

func TestGemmBatchMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		for _, s := range [][4]int{{0, 2, 3, 4}, {1, 1, 1, 1}, {3, 2, 5, 4}, {300, 7, 3, 9}, {2, 70, 80, 90}, {40, 33, 17, 30}} {
			n, m, k, depth := s[0], s[1], s[2], s[3]
			a, b, c := randomFloats(rng, n*m*depth), randomFloats(rng, n*depth*k), make([]float32, n*m*k)
			for _, trans := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
				wide := make([]float64, len(c))
				GemmBatch(trans[0], trans[1], n, m, k, depth, kerneltest.Widen(a), kerneltest.Widen(b), wide)
				GemmBatch(trans[0], trans[1], n, m, k, depth, a, b, c)
				kerneltest.Close(t, "batch of products", c, wide, 1e-6, 40)
				for i := range n {
					want := make([]float32, m*k)
					Gemm(trans[0], trans[1], m, k, depth, a[i*m*depth:], leadingDim(trans[0], m, depth), b[i*depth*k:], leadingDim(trans[1], depth, k), 0, want, k)
					sameNumbers(t, "one of the batch", c[i*m*k:(i+1)*m*k], want)
				}
			}
		}
	})
}
