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
	splitRows  = 1024 // rows whose partial sums are in memory at a time
)

// splits reports whether j is such a product.
func (j *job) splits() bool {
	return !j.transA && !j.transB && (j.m <= splitMost || j.rows) && j.n <= splitMost && j.k >= 2*splitSteps
}

func (j *job) multiplySplit() {
	a, c := j.a, j.c
	parts, rows := min(j.k/splitSteps, splitParts), j.m
	j.kBlocks = parts
	for r0 := 0; r0 < rows; r0 += splitRows {
		j.m, j.a, j.c = min(splitRows, rows-r0), simd.At(a, r0*j.lda), simd.At(c, r0*j.ldc)
		j.spare = buffer.Grow(j.spare, parts*j.m*j.n)
		j.rowChunks = ceilDiv(j.m, splitMost)
		parallel.Run((*splitJob)(j), parts*j.rowChunks)
		j.addParts(parts)
	}
}

// addParts adds the sums of the parts of k.
func (j *job) addParts(parts int) {
	v, size := j.isa, j.m*j.n
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
		if j.scale != nil {
			v.Mul(row, row, unsafe.Slice((*float32)(j.scale), j.n))
			v.Add(row, row, unsafe.Slice((*float32)(j.shift), j.n))
		}
		if j.relu {
			v.Activate(row, row, ref.ReLU, 0)
		}
	}
}

// Unit computes the product of some rows and a part of k. Consecutive units read one part of B.
func (s *splitJob) Unit(u int, w *parallel.Worker) {
	part := u / s.rowChunks
	k0, k1 := parallel.Share(s.k, s.kBlocks, part)
	r0, r1 := parallel.Share(s.m, s.rowChunks, u%s.rowChunks)
	j := job{
		isa: s.isa, m: r1 - r0, n: s.n, k: k1 - k0, a: simd.At(s.a, r0*s.lda+k0), lda: s.lda,
		b: simd.At(s.b, k0*s.ldb), ldb: s.ldb, c: simd.First(s.spare[part*s.m*s.n+r0*s.n:]), ldc: s.n,
		packed: simd.At(s.packed, k0*s.isa.TileCols()), packedK: s.packedK,
	}
	j.alone(w)
}
