// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// A small product of long rows, such as a dense layer with few units after a flattened
// sequence, has too few tiles to distribute. Instead, its k axis is divided into parts: a
// worker reads only its own part of A and of B, which is the part of the weights that it also
// updates. The number of parts depends only on k, and their sums are added in order.
type splitJob job

const (
	splitSteps = 1024 // minimum steps of k per part
	splitMost  = 64   // maximum rows and columns of C
	splitParts = 8    // maximum number of parts
)

// splits reports whether j is such a product.
func (j *job) splits() bool {
	return !j.transA && !j.transB && j.m <= splitMost && j.n <= splitMost && j.k >= 2*splitSteps
}

func (j *job) multiplySplit() {
	parts, size := min(j.k/splitSteps, splitParts), j.m*j.n
	j.kBlocks, j.spare = parts, buffer.Grow(j.spare, parts*size)
	parallel.Run((*splitJob)(j), parts)
	v := j.isa
	for i := range j.m {
		row := unsafe.Slice((*float32)(simd.At(j.c, i*j.ldc)), j.n)
		switch {
		case j.add:
		case j.bias != nil:
			copy(row, unsafe.Slice((*float32)(j.bias), j.n))
		default:
			clear(row)
		}
		for p := range parts {
			v.Add(row, row, j.spare[p*size+i*j.n:][:j.n])
		}
		if j.relu {
			v.Activate(row, row, ref.ReLU, 0)
		}
	}
}

// Unit computes the product of part u of k.
func (s *splitJob) Unit(u int, w *parallel.Worker) {
	k0, k1 := parallel.Share(s.k, s.kBlocks, u)
	j := job{
		isa: s.isa, m: s.m, n: s.n, k: k1 - k0, a: simd.At(s.a, k0), lda: s.lda,
		b: simd.At(s.b, k0*s.ldb), ldb: s.ldb, c: simd.First(s.spare[u*s.m*s.n:]), ldc: s.n,
		packed: simd.At(s.packed, k0*s.isa.TileCols()), packedK: s.packedK,
	}
	j.alone(w)
}
