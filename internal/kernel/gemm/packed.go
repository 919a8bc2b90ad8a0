// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// PackedBytes returns the memory of a packed k x n matrix: columns are filled up to whole panels of
// 16 (AVX2) or 32 (AVX-512), so few columns take more than the matrix does.
func PackedBytes(k, n int) int { return 4 * packedLen(simd.Active, k, n) }

// PanelColumns returns the number of columns of a panel.
func PanelColumns() int { return simd.Active.TileCols() }

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

// TimesRow computes part i of parts of c = a·B for one row a, on the calling worker. B is not divided
// into blocks of k. The sums start at the elements of start, which may be c itself, or
// at 0 if it is nil; if add is set, c is added to them at the end. Last is the order of the columns:
// who multiplies by the same B again and again finds most of it in the cache if the order alternates.
func (b *Packed) TimesRow(w *parallel.Worker, i, parts int, a, start []float32, add bool, c []float32, last bool) {
	if len(a) < b.k || len(c) < b.n || start != nil && len(start) < b.n {
		panic(fmt.Sprintf("gemm: a row of %d times %d x %d, from %d to %d numbers", len(a), b.k, b.n, len(start), len(c)))
	}
	s, t := b.isa, &w.Tile
	cols, width := s.TileCols(), s.TileWidth(1)
	from, to := 0, b.n
	if parts > 1 {
		q0, q1 := parallel.Share(ceilDiv(b.n, cols), parts, i)
		from, to = q0*cols, min(q1*cols, b.n)
	}
	if from >= to {
		return
	}
	t.A, t.StepA, t.StepB, t.PanelB = simd.First(a), 4, 4*cols, 4*cols*b.k
	t.K, t.Segments, t.Offsets, t.Bias, t.Flags = b.k, 1, &simd.NoOffset, nil, simd.TileWhole
	if add {
		t.Flags |= simd.TileAdd
	}
	at, step := from, width
	if last {
		at, step = from+(to-from-1)/width*width, -width
	}
	for ; from <= at && at < to; at += step {
		t.B, t.C = simd.At(simd.First(b.data), at*b.k), simd.At(simd.First(c), at)
		if start != nil {
			t.Bias = simd.At(simd.First(start), at)
		}
		s.Tile(t, 1, min(width, to-at))
	}
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
