// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/rand/v2"
	"testing"
)

// An embedding of 10 000 words in 32 dimensions for batches of 128 texts of 500 words.
func BenchmarkEmbedding(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n, vocab, dim = 128 * 500, 10_000, 32
	ids, dy, table := randomIDs(rng, n, vocab), randomFloats(rng, n*dim), randomFloats(rng, vocab*dim)
	out, ms := make([]float32, n*dim), make([]float32, vocab*dim)
	var sparse SparseGrad
	rows := sparse.Set(dy, ids, n, vocab, dim)
	grad := sparse.Sum()
	for name, f := range map[string]func(){
		"Gather":      func() { Gather(out, table, ids, n, vocab, dim) },
		"ScatterAdd":  func() { ScatterAdd(ms, dy, ids, n, vocab, dim) },
		"SparseGrad":  func() { sparse.Set(dy, ids, n, vocab, dim); sparse.Sum() },
		"RMSpropRows": func() { RMSpropRows(table, grad, ms, nil, nil, 1e-6, 0.9, 0, 1e-7, rows, dim) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

// Batches of 512 texts as sets of words, 230 of 10 000 each, with 16 units.
func BenchmarkSparseDense(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	const m, k, n, words = 512, 10_000, 16, 230
	indptr, cols := []int32{0}, []int32(nil)
	for range m {
		for _, id := range randomIDs(rng, words, k) {
			cols = append(cols, int32(id))
		}
		indptr = append(indptr, int32(len(cols)))
	}
	w, y := randomFloats(rng, k*n), make([]float32, m*n)
	b.Run("Forward", func(b *testing.B) {
		for b.Loop() {
			SparseDense(y, w, nil, indptr, cols, nil, m, k, n, ReLU, 0)
		}
	})
	b.Run("BackWeights", func(b *testing.B) {
		for b.Loop() {
			SparseDenseBackWeights(w, y, indptr, cols, nil, m, k, n)
		}
	})
}
