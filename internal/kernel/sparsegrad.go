// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// SparseGrad is the gradient of an embedding, restricted to the rows that occur: for each of them,
// the sum of the corresponding rows of dy. The sums are computed on demand. Buffers are reused
// between calls; the zero value is ready to use.
type SparseGrad struct {
	index rowIndex
	dy    []float32 // nil once all sums are in grad
	dim   int
	rows  []int32
	grad  []float32

	partRows int
	part     func(s *SparseGrad, lo, hi int, w *parallel.Worker)
	body     func(rows []int32, grad []float32)

	dst, table []float32 // of Gather
}

// GatherPays reports whether rows are long enough that writing them in the order of their ids
// costs no more than writing them in sequence.
func GatherPays(dim int) bool { return dim >= 64 }

// Gather is the function Gather and prepares SetGathered for a dy that follows. Each worker copies the rows
// that it will later sum in Each and most likely update, so they are already in its core's cache.
func (s *SparseGrad) Gather(dst, table, ids []float32, n, vocab, dim int) (bad int) {
	sameLen("gather", n*dim, len(dst))
	sameLen("gather", vocab*dim, len(table))
	sameLen("gather", n, len(ids))
	s.rows, s.dim = s.index.ofIDs(ids, vocab), dim
	if len(s.index.where) < n {
		return slices.Index(s.index.ids, -1)
	}
	s.dst, s.table = dst, table
	s.run((*SparseGrad).copyRows)
	s.dst, s.table = nil, nil
	return -1
}

func (s *SparseGrad) copyRows(lo, hi int, _ *parallel.Worker) {
	n, ahead := s.dim, fetchAhead(s.dim)
	for i, r := range s.rows[lo:hi] {
		if next := lo + i + ahead; next < len(s.rows) {
			simd.Fetch(s.table[int(s.rows[next])*n : int(s.rows[next]+1)*n])
		}
		row := s.table[int(r)*n : int(r+1)*n]
		a, b := s.index.bounds(int(r))
		for _, at := range s.index.where[a:b] {
			copy(s.dst[int(at)*n:int(at+1)*n], row)
		}
	}
}

// SetGathered is Set with the ids of the last call of Gather.
func (s *SparseGrad) SetGathered(dy []float32) (rows []int32) {
	sameLen("sparse gradient", len(s.index.where)*s.dim, len(dy))
	s.dy = dy
	return s.rows
}

// Set sets s to the gradient for the rows of dy (n x dim) at the positions of ids and returns the
// distinct ids, ascending. Invalid ids are skipped. dy must not change as long as the sums are
// used.
func (s *SparseGrad) Set(dy, ids []float32, n, vocab, dim int) (rows []int32) {
	sameLen("sparse gradient", n*dim, len(dy))
	sameLen("sparse gradient", n, len(ids))
	s.rows = s.index.ofIDs(ids, vocab)
	s.dy, s.dim = dy, dim
	return s.rows
}

// Sum returns for each row the sum of its rows of dy, in order of position. The result is valid
// until the next method call.
func (s *SparseGrad) Sum() []float32 {
	if s.dy == nil {
		return s.grad
	}
	s.grad = buffer.Resize(s.grad, len(s.rows)*s.dim)
	sparseSumJobs.Run(sparseSumJob{s.grad, s.dy, s.rows, &s.index, s.dim}, len(s.rows), s.grain())
	return s.grad
}

// sparseSumJob writes to row i of dst the sum for rows_i.
type sparseSumJob struct {
	dst, from []float32
	rows      []int32
	index     *rowIndex
	dim       int
}

var sparseSumJobs parallel.Jobs[sparseSumJob, *sparseSumJob]

func (j *sparseSumJob) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		j.index.sum(j.dst[i*j.dim:(i+1)*j.dim], j.from, int(j.rows[i]))
	}
}

func (s *SparseGrad) grain() int { return scatterGrain(len(s.index.where), len(s.rows), s.dim) }

// Each computes the sums block by block on all workers and calls body with each block while it is
// in the cache. The slices are valid until body returns.
func (s *SparseGrad) Each(body func(rows []int32, grad []float32)) {
	s.body = body
	s.run((*SparseGrad).sumRows)
	s.body = nil
}

// run calls part for block after block of rows, on all workers.
func (s *SparseGrad) run(part func(s *SparseGrad, lo, hi int, w *parallel.Worker)) {
	s.part, s.partRows = part, 4*s.grain()
	parallel.Run(s, ceilDiv(len(s.rows), s.partRows))
}

func (s *SparseGrad) Unit(u int, w *parallel.Worker) {
	s.part(s, u*s.partRows, min((u+1)*s.partRows, len(s.rows)), w)
}

func (s *SparseGrad) sumRows(lo, hi int, w *parallel.Worker) {
	if s.dy == nil {
		s.body(s.rows[lo:hi], s.grad[lo*s.dim:hi*s.dim])
		return
	}
	grad := w.Floats((hi - lo) * s.dim)
	for i, r := range s.rows[lo:hi] {
		s.index.sum(grad[i*s.dim:(i+1)*s.dim], s.dy, int(r))
	}
	s.body(s.rows[lo:hi], grad)
}
