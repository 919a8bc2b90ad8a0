// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// randomIDs returns n ids, with small ones more frequent, like words in a vocabulary.
func randomIDs(rng *rand.Rand, n, vocab int) []float32 {
	ids := newFloats(n)
	for i := range ids {
		u := rng.Float64()
		ids[i] = float32(int(u * u * u * float64(vocab)))
	}
	return ids
}

func TestEmbedding(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var sparse SparseGrad
	for _, n := range []int{0, 1, 7, 300, 5000} {
		const vocab, dim = 97, 19
		table, dy, ids := randomFloats(rng, vocab*dim), randomFloats(rng, n*dim), randomIDs(rng, n, vocab)
		dst, want := make([]float32, n*dim), make([]float32, n*dim)
		if bad := Gather(dst, table, ids, n, vocab, dim); bad != -1 {
			t.Fatalf("first bad id %d, want none", bad)
		}
		ref.Gather(want, table, ids, n, vocab, dim)
		sameNumbers(t, "gather", dst, want)

		if n == 5000 { // invalid ids add nothing and are reported
			ids[4001], ids[4500], ids[4600] = 0.5, vocab, -1
			if bad := Gather(dst, table, ids, n, vocab, dim); bad != 4001 {
				t.Errorf("first bad id %d, want 4001", bad)
			}
		}
		dense, wantDense := randomFloats(rng, vocab*dim), make([]float64, vocab*dim)
		ScatterAdd(dense, dy, ids, n, vocab, dim)
		ref.ScatterAdd(wantDense, kerneltest.Widen(dy), convert[float64](kerneltest.Widen(ids)), n, vocab, dim)
		near(t, "scatter", dense, wantDense, 1e-4)

		rows := sparse.Set(dy, ids, n, vocab, dim)
		grad := sparse.Sum()
		if !slices.IsSorted(rows) || len(slices.Compact(slices.Clone(rows))) != len(rows) {
			t.Fatalf("rows %v are not distinct and ascending", rows)
		}
		spread := make([]float32, vocab*dim)
		for i, r := range rows {
			copy(spread[int(r)*dim:], grad[i*dim:(i+1)*dim])
		}
		sameNumbers(t, "sparse gradient", spread, dense)

		clear(spread)
		sparse.Each(func(rows []int32, grad []float32) {
			for i, r := range rows {
				copy(spread[int(r)*dim:], grad[i*dim:(i+1)*dim])
			}
		})
		sameNumbers(t, "sparse gradient, part by part", spread, dense)
	}
}

// multiHot returns m random rows of a sparse m x k matrix, and the matrix.
func multiHot(rng *rand.Rand, m, k int, withValues bool) (indptr, cols []int32, vals []float32, full []float64) {
	indptr, full = []int32{0}, make([]float64, m*k)
	for i := range m {
		for _, c := range rng.Perm(k)[:rng.IntN(k+1)] {
			cols = append(cols, int32(c))
			v := float32(1)
			if withValues {
				v = rng.Float32()
				vals = append(vals, v)
			}
			full[i*k+c] = float64(v)
		}
		indptr = append(indptr, int32(len(cols)))
	}
	return indptr, cols, vals, full
}

func TestSparseDense(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 2))
		for i := range 20 {
			m, k, n := rng.IntN(120), 1+rng.IntN(60), 1+rng.IntN(40)
			indptr, cols, vals, full := multiHot(rng, m, k, i%2 == 0)
			w, bias, dz := randomFloats(rng, k*n), randomFloats(rng, n), randomFloats(rng, m*n)
			y, want := make([]float32, m*n), make([]float64, m*n)
			SparseDense(y, w, bias, indptr, cols, vals, m, k, n, ReLU, 0)
			ref.Dense(want, full, kerneltest.Widen(w), kerneltest.Widen(bias), m, k, n)
			ref.Activate(want, want, ref.ReLU, 0)
			near(t, "sparse dense", y, want, 1e-5)
			dw, wantDw := randomFloats(rng, k*n), make([]float64, k*n)
			SparseDenseBackWeights(dw, dz, indptr, cols, vals, m, k, n)
			ref.Gemm(true, false, k, n, m, full, k, kerneltest.Widen(dz), n, 0, wantDw, n)
			near(t, "sparse dense gradient", dw, wantDw, 1e-5)
		}
	})
}

func TestRowOptimizersTouchOnlyTheirRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	const vocab, dim = 50, 13
	rows := []int32{0, 3, 17, 49}
	g := randomFloats(rng, len(rows)*dim)
	dense := make([]float32, vocab*dim)
	for i, r := range rows {
		copy(dense[int(r)*dim:], g[i*dim:(i+1)*dim])
	}
	for name, f := range map[string][2]func(w, g, a, b []float32){
		"sgd": {
			func(w, g, a, b []float32) { SGD(w, g, a, 0.1, 0.9, true) },
			func(w, g, a, b []float32) { SGDRows(w, g, a, 0.1, 0.9, true, rows, dim) },
		},
		"rmsprop": {
			func(w, g, a, b []float32) { RMSprop(w, g, a, b, nil, 0.1, 0.9, 0.9, 1e-7) },
			func(w, g, a, b []float32) { RMSpropRows(w, g, a, b, nil, 0.1, 0.9, 0.9, 1e-7, rows, dim) },
		},
		"adam": {
			func(w, g, a, b []float32) { Adam(w, g, a, b, nil, 0.1, 0.9, 0.999, 1e-7, 2) },
			func(w, g, a, b []float32) { AdamRows(w, g, a, b, nil, 0.1, 0.9, 0.999, 1e-7, 2, rows, dim) },
		},
		"nadam": {
			func(w, g, a, b []float32) { Nadam(w, g, a, b, 0.1, 0.9, 0.999, 1e-7, 2) },
			func(w, g, a, b []float32) { NadamRows(w, g, a, b, 0.1, 0.9, 0.999, 1e-7, 2, rows, dim) },
		},
		"adamax": {
			func(w, g, a, b []float32) { Adamax(w, g, a, b, 0.1, 0.9, 0.999, 1e-7, 2) },
			func(w, g, a, b []float32) { AdamaxRows(w, g, a, b, 0.1, 0.9, 0.999, 1e-7, 2, rows, dim) },
		},
		"adagrad": {
			func(w, g, a, b []float32) { Adagrad(w, g, a, 0.1, 1e-7) },
			func(w, g, a, b []float32) { AdagradRows(w, g, a, 0.1, 1e-7, rows, dim) },
		},
		"adadelta": {
			func(w, g, a, b []float32) { Adadelta(w, g, a, b, 0.1, 0.95, 1e-7) },
			func(w, g, a, b []float32) { AdadeltaRows(w, g, a, b, 0.1, 0.95, 1e-7, rows, dim) },
		},
		"ftrl": { // of sums that start at 0
			func(w, g, a, b []float32) { Ftrl(w, g, a, b, 0.1, -0.5, 0.1, 0, 0, 0) },
			func(w, g, a, b []float32) { FtrlRows(w, g, a, b, 0.1, -0.5, 0.1, 0, 0, 0, rows, dim) },
		},
		"lion": {
			func(w, g, a, b []float32) { Lion(w, g, a, 0.1, 0.9, 0.99) },
			func(w, g, a, b []float32) { LionRows(w, g, a, 0.1, 0.9, 0.99, rows, dim) },
		},
	} {
		// From zero state, one step of the dense variant leaves rows without gradient unchanged.
		w := randomFloats(rng, vocab*dim)
		want, got := slices.Clone(w), slices.Clone(w)
		state := [4][]float32{make([]float32, len(w)), make([]float32, len(w)), make([]float32, len(w)), make([]float32, len(w))}
		f[0](want, dense, state[0], state[1])
		f[1](got, g, state[2], state[3])
		sameNumbers(t, name, got, want)
		sameNumbers(t, name+" state", state[2], state[0])
		sameNumbers(t, name+" state", state[3], state[1])
	}
}

// TestDecayRows: many steps at once give the same bits as that many decays of the row.
func TestDecayRows(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, dim := range []int{0, 1, 7, 8, 15, 16, 63, 64, 65, 100, 128, 129, 300} {
			met := []int32{3, -1, 0, 9, 10, 5, 2}
			rows := []int32{0, 1, 2, 3, 4, 6}
			x := randomFloats(rng, len(met)*dim)
			want := slices.Clone(x)
			for _, r := range rows {
				for step := met[r]; step < 10 && met[r] >= 0; step++ {
					for i := range dim {
						want[int(r)*dim+i] *= 0.9
					}
				}
			}
			DecayRows(x, 0.9, met, 10, rows, dim)
			sameNumbers(t, fmt.Sprint("rows of ", dim), x, want)
		}
		// A gap that takes more than one assembly call.
		one, want := []float32{1}, float32(1)
		for range 9999 {
			want *= 0.9999
		}
		DecayRows(one, 0.9999, []int32{1}, 10_000, []int32{0}, 1)
		sameNumbers(t, "long gap", one, []float32{want})
	})
}

func TestNormalIsNormal(t *testing.T) {
	const n = 400_000
	x := make([]float32, n)
	Normal(x, 1, 2, 3)
	var moments [5]float64
	for _, v := range x {
		p := 1.0
		for k := range moments {
			moments[k] += p / n
			p *= float64(v)
		}
	}
	// Moments 1 to 4 of the standard normal; deviations of a mean are sqrt(var/n): 1, 2, 15, 96.
	for k, want := range []float64{1, 0, 1, 0, 3} {
		if d := moments[k] - want; d > 0.08 || d < -0.08 {
			t.Errorf("moment %d is %v, want %v", k, moments[k], want)
		}
	}
	neighbors := float64(Dot(x[1:], x[:n-1])) / n
	if neighbors > 0.01 || neighbors < -0.01 {
		t.Errorf("neighbors correlate by %v", neighbors)
	}
}
