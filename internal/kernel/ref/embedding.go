// SPDX-License-Identifier: Apache-2.0

package ref

// Gather copies row ids_i of table (vocab x dim) to row i of dst (n x dim). ids are integers
// stored as T. It returns the first i whose id is not an integer in [0,vocab), for which it
// fills the row with zeros, or -1.
func Gather[T Float](dst, table, ids []T, n, vocab, dim int) (bad int) {
	bad = -1
	for i := range n {
		d := dst[i*dim : (i+1)*dim]
		id, ok := ClassOf(ids[i], vocab)
		if !ok {
			clear(d)
			if bad < 0 {
				bad = i
			}
			continue
		}
		copy(d, table[id*dim:(id+1)*dim])
	}
	return bad
}

// ScatterAdd writes dtable_v = sum of dy_i over all i with ids_i = v, in order of i. Invalid
// ids add nothing.
func ScatterAdd[T Float](dtable, dy, ids []T, n, vocab, dim int) {
	clear(dtable)
	for i := range n {
		if id, ok := ClassOf(ids[i], vocab); ok {
			row := dtable[id*dim : (id+1)*dim]
			Add(row, row, dy[i*dim:(i+1)*dim])
		}
	}
}

// SparseDense writes y = act(X w + bias) for a sparse X (m x k) in compressed sparse row
// format: row i has the values vals_p in columns cols_p for indptr_i <= p < indptr_(i+1). vals
// may be nil if all are 1; bias may be nil.
func SparseDense[T Float](y, w, bias []T, indptr, cols []int32, vals []T, m, k, n int, act Activation, alpha T) {
	for i := range m {
		row := y[i*n : (i+1)*n]
		clear(row)
		copy(row, bias)
		for p := indptr[i]; p < indptr[i+1]; p++ {
			c := int(cols[p])
			AddScaled(row, w[c*n:(c+1)*n], valueAt(vals, p))
		}
		Activate(row, row, act, alpha)
	}
}

// SparseDenseBackWeights writes dw = X' dz (k x n) for the X of SparseDense, rows in order.
func SparseDenseBackWeights[T Float](dw, dz []T, indptr, cols []int32, vals []T, m, k, n int) {
	clear(dw)
	for i := range m {
		for p := indptr[i]; p < indptr[i+1]; p++ {
			c := int(cols[p])
			AddScaled(dw[c*n:(c+1)*n], dz[i*n:(i+1)*n], valueAt(vals, p))
		}
	}
}

func valueAt[T Float](vals []T, p int32) T {
	if vals == nil {
		return 1
	}
	return vals[p]
}
