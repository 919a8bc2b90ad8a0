// SPDX-License-Identifier: Apache-2.0

package kernel

// SparseGrad makes the gradient of an embedding with only the rows that occurred. Its
// buffers are reused from call to call; the zero value is ready.
type SparseGrad struct {
	index rowIndex
	rows  []int32
	grad  []float32
}

// Sum returns the distinct ids, ascending, and for each the sum of the rows of dy (n x dim)
// at its positions, in order of position. Ids that Gather calls bad are left out. Both
// slices are good until the next call.
func (s *SparseGrad) Sum(dy, ids []float32, n, vocab, dim int) (rows []int32, grad []float32) {
	sameLen("sparse gradient", n*dim, len(dy))
	sameLen("sparse gradient", n, len(ids))
	s.index.ofIDs(ids, vocab)
	s.rows = s.index.occurring(s.rows)
	s.grad = resized(s.grad, len(s.rows)*dim)
	l := loops.get()
	l.v[0], l.v[1], l.int32s, l.width, l.rows = s.grad, dy, s.rows, dim, &s.index
	l.each(len(s.rows), scatterGrain(n, len(s.rows), dim), sparseGradPiece)
	return s.rows, s.grad
}

func sparseGradPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		l.rows.sum(l.v[0][i*l.width:(i+1)*l.width], l.v[1], int(l.int32s[i]))
	}
}
