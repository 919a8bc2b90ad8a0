// SPDX-License-Identifier: Apache-2.0

package kernel

// SparseGrad is the gradient of an embedding with only the rows that occurred: the sums of
// the rows of dy that belong to each of them. They are summed when they are asked for. Its
// buffers are reused from call to call; the zero value is ready.
type SparseGrad struct {
	index rowIndex
	dy    []float32 // nil once everything is summed, in grad
	dim   int
	rows  []int32
	grad  []float32

	partRows int
	body     func(rows []int32, grad []float32)
}

// Of makes s the gradient for rows of dy (n x dim) at the places of ids, and returns the
// distinct ids, ascending. Ids that Gather calls bad are left out. dy must stay as it is until
// the sums are no longer asked for.
func (s *SparseGrad) Of(dy, ids []float32, n, vocab, dim int) (rows []int32) {
	sameLen("sparse gradient", n*dim, len(dy))
	sameLen("sparse gradient", n, len(ids))
	s.rows = s.index.ofIDs(ids, vocab)
	s.dy, s.dim = dy, dim
	return s.rows
}

// Sum returns for each row the sum of its rows of dy, in order of position. It is good until
// the next call of a method.
func (s *SparseGrad) Sum() []float32 {
	if s.dy == nil {
		return s.grad
	}
	s.grad = resized(s.grad, len(s.rows)*s.dim)
	l := loops.get()
	l.v[0], l.v[1], l.int32s, l.width, l.rows = s.grad, s.dy, s.rows, s.dim, &s.index
	l.each(len(s.rows), s.grain(), sparseGradPiece)
	return s.grad
}

func (s *SparseGrad) grain() int { return scatterGrain(len(s.index.where), len(s.rows), s.dim) }

func sparseGradPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		l.rows.sum(l.v[0][i*l.width:(i+1)*l.width], l.v[1], int(l.int32s[i]))
	}
}

// Each sums some rows and calls body with them, then the next, on all workers: what body does
// with the sums finds them in the cache. They are good until body returns.
func (s *SparseGrad) Each(body func(rows []int32, grad []float32)) {
	if len(s.rows) == 0 {
		return
	}
	s.partRows, s.body = 4*s.grain(), body
	run(s, ceilDiv(len(s.rows), s.partRows))
	s.body = nil
}

func (s *SparseGrad) unit(u int, w *worker) {
	lo, hi := u*s.partRows, min((u+1)*s.partRows, len(s.rows))
	if s.dy == nil {
		s.body(s.rows[lo:hi], s.grad[lo*s.dim:hi*s.dim])
		return
	}
	grad := w.floats((hi - lo) * s.dim)
	for i, r := range s.rows[lo:hi] {
		s.index.sum(grad[i*s.dim:(i+1)*s.dim], s.dy, int(r))
	}
	s.body(s.rows[lo:hi], grad)
}
