// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Gather copies row ids_i of table (vocab x dim) to row i of dst (n x dim). ids are integers
// stored as T. It returns the first i whose id is not an integer in [0,vocab), for which it fills
// the row with zeros, or -1.
func Gather[T Float](dst, table, ids []T, n, vocab, dim int) (bad int) {
	sameLen("gather", n*dim, len(dst))
	sameLen("gather", vocab*dim, len(table))
	sameLen("gather", n, len(ids))
	d, ok := single(dst)
	if !ok {
		return ref.Gather(dst, table, ids, n, vocab, dim)
	}
	j := gatherJobs.Get()
	j.dst, j.dim, j.vocab = d, dim, vocab
	j.table, j.ids = f32(table), f32(ids)
	j.start(n, rowGrain(cheapGrain, dim))
	j.Run(j)
	bad = j.first()
	j.dst, j.table, j.ids = nil, nil, nil
	gatherJobs.Put(j)
	return bad
}

type gatherJob struct {
	search
	dst, table, ids []float32
	vocab, dim      int
}

var gatherJobs parallel.FreeList[gatherJob]

func (j *gatherJob) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	ids, n, bad, ahead := j.ids[lo:hi], j.dim, -1, fetchAhead(j.dim)
	for i, v := range ids {
		if i+ahead < len(ids) {
			if id, ok := ref.ClassOf(ids[i+ahead], j.vocab); ok {
				simd.Fetch(j.table[id*n : (id+1)*n])
			}
		}
		row := j.dst[(lo+i)*n : (lo+i+1)*n]
		if id, ok := ref.ClassOf(v, j.vocab); ok {
			copy(row, j.table[id*n:(id+1)*n])
			continue
		}
		clear(row)
		if bad < 0 {
			bad = i
		}
	}
	j.report(u, bad)
}

// ScatterAdd writes dtable_v = sum of dy_i over all i with ids_i = v, in order of i. Invalid ids
// add nothing.
func ScatterAdd[T Float](dtable, dy, ids []T, n, vocab, dim int) {
	sameLen("scatter", n*dim, len(dy))
	sameLen("scatter", vocab*dim, len(dtable))
	sameLen("scatter", n, len(ids))
	d, ok := single(dtable)
	if !ok {
		ref.ScatterAdd(dtable, dy, ids, n, vocab, dim)
		return
	}
	x := rowIndexes.Get()
	x.ofIDs(f32(ids), vocab)
	scatterJobs.Run(scatterJob{d, f32(dy), x, dim}, vocab, scatterGrain(n, vocab, dim))
	rowIndexes.Put(x)
}

// scatterJob writes to each row of dst the sum of those rows of from that index lists for it.
type scatterJob struct {
	dst, from []float32
	index     *rowIndex
	dim       int
}

var scatterJobs parallel.Jobs[scatterJob, *scatterJob]

func (j *scatterJob) Piece(lo, hi int) {
	for r := lo; r < hi; r++ {
		j.index.sum(j.dst[r*j.dim:(r+1)*j.dim], j.from, r)
	}
}

// scatterGrain returns the number of rows per piece. Pieces are small because the sums are
// uneven: frequent words come first in a vocabulary.
func scatterGrain(additions, rows, dim int) int {
	return rowGrain(cheapGrain/4, dim*(1+additions/max(rows, 1)))
}
