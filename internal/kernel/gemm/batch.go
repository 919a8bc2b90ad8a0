// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// batchJob multiplies consecutively stored matrices. A worker computes whole products, for which it packs B in its
// own scratch memory.
type batchJob struct {
	job
	all          Product
	count, grain int
	packs        bool
	copied       int // floats of A that a product copies to the start of the scratch memory
}

var batchJobs parallel.FreeList[batchJob]

// maxWhole is the largest number of floats of A, B, the packed B and C of a product that a worker computes
// alone: the second-level cache holds them.
const maxWhole = 160 << 10

// MultiplyBatch computes n products of consecutively stored matrices, each of which has the bits that
// Multiply gives it. A, B and C of p are those of all products, the rest is that of each; rows of C are adjacent, those
// of A and B if they are stored as LD says. Bias, Affine, ReLU, Rows and Packed must not be set. It reports
// false, and does nothing, if the products are too large or too few to be distributed whole.
func MultiplyBatch(p Product, n int) bool {
	s, work := simd.Active, p.M*p.N*p.K
	j := job{isa: s, transA: p.TransA, transB: p.TransB, m: p.M, n: p.N, k: p.K, lda: p.LDA, ldb: p.LDB, ldc: p.LDC, add: p.Add}
	size := p.M*p.K + p.K*p.N + packedLen(s, p.K, p.N) + p.M*p.N
	if work == 0 || j.splits() || size > maxWhole || work >= parallel.MinShared && n < 2*parallel.Workers() {
		return false
	}
	j.divide()
	b := batchJobs.Get()
	*b = batchJob{job: j, all: p, count: n, grain: max(1, parallel.MinShared/work)}
	b.packs = j.transB || j.rowPanels >= packPanels && j.n > 2*s.TileCols() && j.k >= 16
	depth := ceilDiv(j.k, j.kBlocks)
	switch {
	case j.copyA && j.transA:
		b.copied = j.rowPanels * j.panelA(depth)
	case j.copyA:
		b.copied = s.TileRows * rowA(depth)
	default:
		b.ahead = !j.transA && j.kBlocks == 1 && j.m*j.k >= aheadFrom
	}
	parallel.Run(b, ceilDiv(n, b.grain))
	*b = batchJob{}
	batchJobs.Put(b)
	return true
}

// Unit computes some products.
func (b *batchJob) Unit(u int, w *parallel.Worker) {
	sizeA, sizeB, sizeC := b.m*b.k, b.k*b.n, b.m*b.n
	for i := u * b.grain; i < min(b.count, (u+1)*b.grain); i++ {
		j := b.job
		j.a, j.b, j.c = simd.First(b.all.A[i*sizeA:]), simd.First(b.all.B[i*sizeB:]), simd.First(b.all.C[i*sizeC:])
		if b.packs {
			scratch := w.Floats(b.copied + packedLen(j.isa, j.k, j.n))
			j.packed, j.packedK = simd.First(scratch[b.copied:]), j.k
			for q := range j.kBlocks * j.colPanels {
				(*packJob)(&j).Unit(q, w)
			}
		}
		if i+1 < b.count && b.ahead && sizeB <= aheadMost*j.rowPanels {
			j.nextB = b.all.B[(i+1)*sizeB : (i+2)*sizeB]
		}
		j.Unit(0, w)
	}
}
