// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// PackedBytes returns the memory of a packed k x n matrix: columns are filled up to whole panels of
// 16 (AVX2) or 32 (AVX-512), so few columns take more than the matrix does.
func PackedBytes(k, n int) int { return 4 * packedLen(simd.Active, k, n) }

// Fits reports whether b is a k x n matrix packed for the active instruction set.
func (b *Packed) Fits(k, n int) bool { return b.isa == simd.Active && b.k == k && b.n == n }

// Panels returns the address of b's data, nil for a nil b: panels of TileCols columns, each with
// all rows.
func (b *Packed) Panels() unsafe.Pointer {
	if b == nil {
		return nil
	}
	return simd.First(b.data)
}

// Pack stores op(B), k x n; trans means that from holds its transpose.
func (b *Packed) Pack(trans bool, k, n int, from []float32, ld int) {
	Check("pack", trans, k, n, len(from), ld)
	s := simd.Active
	b.isa, b.trans, b.k, b.n = s, trans, k, n
	b.data = buffer.Grow(b.data, packedLen(s, k, n))
	j := jobs.Get()
	*j = job{isa: s, transB: trans, n: n, k: k, b: simd.First(from), ldb: ld, packed: simd.First(b.data), packedK: k, spare: j.spare}
	j.pack(k*n < parallel.MinShared)
	j.release()
}

// Times computes C[m,n] = A·B, or C += A·B if add is set, on the calling worker: it is meant
// for the units of other jobs.
func (b *Packed) Times(w *parallel.Worker, m int, a []float32, lda int, add bool, c []float32, ldc int) {
	if m == 0 || b.n == 0 {
		return
	}
	Check("gemm: A", false, m, b.k, len(a), lda)
	Check("gemm: C", false, m, b.n, len(c), ldc)
	j := job{isa: b.isa, m: m, n: b.n, k: b.k, a: simd.First(a), lda: lda, c: simd.First(c), ldc: ldc, add: add, packed: simd.First(b.data), packedK: b.k}
	j.alone(w)
}

// AddTransposed computes C[m,n] += A'·B on the calling worker, where A is k x m.
func AddTransposed(w *parallel.Worker, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	Check("gemm: A", true, m, k, len(a), lda)
	Check("gemm: B", false, k, n, len(b), ldb)
	Check("gemm: C", false, m, n, len(c), ldc)
	j := job{isa: simd.Active, transA: true, m: m, n: n, k: k, a: simd.First(a), lda: lda, b: simd.First(b), ldb: ldb, c: simd.First(c), ldc: ldc, add: true}
	j.alone(w)
}
