// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

// tileArgs describes one tile of a product to a tile function, which computes
//
//	C[rows, cols] = start + Σ_s Σ_k A[i, s, k]·B[s, k, j]
//
// over the segments s and the steps k of each. Element (i, k) of segment s of
// A lies at a + offsets[s].a + i·rowA + k·stepA, row k of B at
// b + offsets[s].b + k·stepB, row i of C at c + i·rowC. The start is the bias
// row, or 0 if bias is nil. All distances are in bytes; the assembly knows the
// fields by their offsets.
type tileArgs struct {
	a, b, c, bias            unsafe.Pointer
	rowA, stepA, stepB, rowC int
	k, segments              int
	offsets                  *segment
	flags                    int
	last                     int // columns in the last vector, 1 to lanes
}

// segment says where a run of products starts, in bytes from a and b.
type segment struct{ a, b int }

const (
	tileAdd  = 1 << iota // add to what C holds, instead of overwriting it
	tileReLU             // then store max(·, 0)
)

// noOffset is the segment table of a plain matrix product.
var noOffset segment

// call computes a tile of rows x cols. A tile never reads or writes outside
// of its own elements, except that it prefetches.
func (t *tileArgs) call(s *isa, rows, cols int) {
	vectors := (cols-1)>>s.laneBits + 1
	t.last = cols - (vectors-1)<<s.laneBits
	s.tiles[vectors][rows]((*byte)(unsafe.Pointer(t)))
}

// strip computes the element-wise form of a tile,
//
//	C[rows, cols] = start + Σ_s Σ_k A[i, s, k, j]·B[s, k, j],
//
// where element (i, s, k) of A is a row of cols floats; cols is at most the lanes of a vector.
func (t *tileArgs) strip(s *isa, rows, cols int) {
	t.last = cols
	s.strips[rows]((*byte)(unsafe.Pointer(t)))
}

// floatsAt returns p moved by n float32s. No memory, of a matrix without elements, stays none.
func floatsAt(p unsafe.Pointer, n int) unsafe.Pointer {
	if p == nil {
		return nil
	}
	return unsafe.Add(p, 4*n)
}

// first returns the address of x's first element; of an empty slice, any.
func first(x []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }
