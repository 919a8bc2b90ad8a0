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

// TimesFrom computes part i of parts of the columns of C[m,n] = A·B on the calling worker. The
// sums start at the elements of the row start instead of 0, which may be C's own if m is 1; nil
// means 0. If add is set, C is added to them at the end.
func (b *Packed) TimesFrom(w *parallel.Worker, i, parts, m int, a []float32, lda int, start []float32, add bool, c []float32, ldc int) {
	if m == 0 || b.n == 0 {
		return
	}
	Check("gemm: A", false, m, b.k, len(a), lda)
	Check("gemm: C", false, m, b.n, len(c), ldc)
	if start != nil {
		Check("gemm: start", false, 1, b.n, len(start), b.n)
	}
	j := job{
		isa: b.isa, m: m, n: b.n, k: b.k, a: simd.First(a), lda: lda, c: simd.First(c), ldc: ldc,
		bias: simd.First(start), add: add, packed: simd.First(b.data), packedK: b.k,
	}
	j.divide()
	j.colChunks = parts
	j.Unit(i, w)
}

// Blocks returns the number of blocks into which a product divides k steps. Block i has the
// steps parallel.Share(k, Blocks(k), i): each is summed from 0 and then added to C.
func Blocks(k int) int { return max(1, ceilDiv(k, simd.Active.Depth)) }

// AddTransposed computes C[m,n] += A'·B on the calling worker, where A is k x m.
func AddTransposed(w *parallel.Worker, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	Check("gemm: A", true, m, k, len(a), lda)
	Check("gemm: B", false, k, n, len(b), ldb)
	Check("gemm: C", false, m, n, len(c), ldc)
	j := job{isa: simd.Active, transA: true, m: m, n: n, k: k, a: simd.First(a), lda: lda, b: simd.First(b), ldb: ldb, c: simd.First(c), ldc: ldc, add: true}
	if ldb < farApart || ceilDiv(m, j.isa.TileRows) < addPanels {
		j.alone(w)
		return
	}
	chunk := max(1, addChunk/max(k, 1)/j.isa.TileCols()) * j.isa.TileCols()
	j.divide()
	rows := 0 // of A, which j copies to the start of the scratch memory
	if j.copyA {
		rows = j.rowPanels * j.panelA(ceilDiv(k, j.kBlocks))
	}
	scratch := w.Floats(rows + packedLen(j.isa, k, min(chunk, n)))
	for n0 := 0; n0 < n; n0 += chunk {
		j.n = min(chunk, n-n0)
		j.b, j.c = simd.First(b[n0:]), simd.First(c[n0:])
		j.packed, j.packedK = simd.First(scratch[rows:]), k
		j.divide()
		for u := range j.kBlocks * j.colPanels {
			(*packJob)(&j).Unit(u, w)
		}
		j.alone(w)
	}
}

// AddTransposed packs B if its rows are so far apart that they map to the same few cache sets and
// take a TLB entry each, and if enough panels of rows of C read it. This doubles the speed.
const (
	farApart  = 512 // floats
	addPanels = 8
	addChunk  = 64 << 10 // floats of B that are packed at a time: a part of the second-level cache
)
