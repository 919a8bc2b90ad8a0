// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// PackedB is a right-hand matrix op(B) in the order in which tiles read it: worth
// making when the same weights are multiplied many times. It belongs to the
// instruction set in use when Pack was called.
type PackedB struct {
	isa  *simd.ISA
	k, n int
	data []float32
}

// Pack stores op(B), k x n; trans says that from holds its transpose.
func (b *PackedB) Pack(trans bool, k, n int, from []float32, ld int) {
	checkMatrix("pack", trans, k, n, len(from), ld)
	s := simd.Active
	b.isa, b.k, b.n = s, k, n
	b.data = buffer.Grow(b.data, packedLen(s, k, n))
	j := gemmJobs.Get()
	*j = gemmJob{isa: s, transB: trans, n: n, k: k, b: first(from), ldb: ld, packed: first(b.data), spare: j.spare}
	j.pack(k*n < minShared)
	j.release()
}

// times computes C[m,n] = A·B, or C += A·B where add is set, on the calling worker: from within a unit of a job.
func (b *PackedB) times(w *parallel.Worker, m int, a []float32, lda int, add bool, c []float32, ldc int) {
	if m == 0 || b.n == 0 {
		return
	}
	checkMatrix("gemm: A", false, m, b.k, len(a), lda)
	checkMatrix("gemm: C", false, m, b.n, len(c), ldc)
	j := gemmJob{isa: b.isa, m: m, n: b.n, k: b.k, a: first(a), lda: lda, c: first(c), ldc: ldc, add: add, packed: first(b.data)}
	j.alone(w)
}

// addTransposed computes C[m,n] += A'·B on the calling worker, A being k x m.
func addTransposed(w *parallel.Worker, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	checkMatrix("gemm: A", true, m, k, len(a), lda)
	checkMatrix("gemm: B", false, k, n, len(b), ldb)
	checkMatrix("gemm: C", false, m, n, len(c), ldc)
	j := gemmJob{isa: simd.Active, transA: true, m: m, n: n, k: k, a: first(a), lda: lda, b: first(b), ldb: ldb, c: first(c), ldc: ldc, add: true}
	j.alone(w)
}
