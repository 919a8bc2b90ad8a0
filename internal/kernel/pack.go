// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

// inPlace is the only offset of a panel that starts where its source does.
var inPlace int

// packPanel copies a panel of op(B), rows k x cols, into rows of s.cols() floats,
// the rest of a row being undefined. src points at its first element; ld is
// the distance of B's stored rows.
func packPanel(s *isa, dst, src unsafe.Pointer, trans bool, k, cols, ld int) {
	width := s.cols()
	if trans {
		turn(s, dst, width, src, k, cols, ld)
		return
	}
	if cols == width && s.packRows != nil && k > 0 {
		s.packRows((*float32)(dst), (*float32)(src), &inPlace, 1, k, 0, 4*ld)
		return
	}
	for p := range k {
		copy(unsafe.Slice((*float32)(floatsAt(dst, p*width)), cols), unsafe.Slice((*float32)(floatsAt(src, p*ld)), cols))
	}
}

// turn writes the transpose of a matrix of cols rows and k columns, ld floats
// from row to row, as k rows that are width floats apart.
func turn(s *isa, dst unsafe.Pointer, width int, src unsafe.Pointer, k, cols, ld int) {
	fullK, fullCols := 0, 0
	if s.block > 0 && k >= s.block {
		fullK, fullCols = k-k%s.block, cols-cols%s.block
		for j := 0; j < fullCols; j += s.block {
			s.turn((*float32)(floatsAt(dst, j)), (*float32)(floatsAt(src, j*ld)), fullK/s.block, 4*width, 4*ld)
		}
	}
	for j := range cols {
		from := 0
		if j < fullCols {
			from = fullK
		}
		for p := from; p < k; p++ {
			*(*float32)(floatsAt(dst, p*width+j)) = *(*float32)(floatsAt(src, j*ld+p))
		}
	}
}

// packedLen returns the floats that a packed k x n matrix takes.
func packedLen(s *isa, k, n int) int { return k * ceilDiv(n, s.cols()) * s.cols() }
