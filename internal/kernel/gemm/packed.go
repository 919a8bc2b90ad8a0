// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Packed is a right-hand matrix op(B) in the order in which tiles read it: useful if the same
// weights are multiplied many times, by any number of rows. It holds what B was when Pack was
// called. Any number of goroutines may multiply by it at a time, but none while it is packed. Its
// products use the instruction set that was active when it was packed.
//
// What it gains depends on the size of B. One that the second-level cache holds (256 x 768) is read
// in place almost as fast: 0 to 30 %. One of 16 MB (1024 x 4096) is read twice as fast by 1 to 3
// rows, two to three times as fast by 6 or 8, 1.3 to 2.1 times by 32; at 128 rows, for which
// Multiply packs B by itself, up to 1.25 times. It never loses, apart from the memory and from
// packing, which takes as long as a few products of one row.
type Packed struct {
	isa   *simd.ISA
	trans bool
	k, n  int
	data  []float32
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

// Bytes returns the memory that b holds: columns are filled up to whole panels of 16 (AVX2) or 32
// (AVX-512) columns, so few columns take more than B does.
func (b *Packed) Bytes() int { return 4 * cap(b.data) }

// put makes b the right-hand matrix of j.
func (b *Packed) put(j *job) {
	if b.isa == nil || b.k != j.k || b.n != j.n {
		panic(fmt.Sprintf("gemm: packed B is %d x %d, want %d x %d", b.k, b.n, j.k, j.n))
	}
	j.isa, j.transB, j.b = b.isa, b.trans, nil
	j.packed, j.packedK = simd.First(b.data), b.k
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
