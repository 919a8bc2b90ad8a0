// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Packed is a right-hand matrix op(B) in the order in which tiles read it: useful if the same
// weights are multiplied many times, by any number of rows. It holds what B was when Pack was
// called. Any number of goroutines may multiply by it at a time, but none while it is packed. Its
// products use the instruction set that was active when it was packed.
//
// What it gains depends on the size of B. One that the second-level cache holds (256 x 768) is read
// in place almost as fast: 0 to 30 %. One of 16 MB (1024 x 4096) is multiplied 1.1 to 1.9 times as
// fast by one row, 1.7 to 3 times by 2 to 8, 1 to 2 times by 32 and, as Multiply then packs B by
// itself, at most 1.25 times by 128 (Zen 5, AVX2 and AVX-512). Packing it takes as long as three
// products of one row.
type Packed struct {
	isa   *simd.ISA
	trans bool
	k, n  int
	data  []float32
}

// Bytes returns the memory that b holds: columns are filled up to whole panels of 16 (AVX2) or 32
// (AVX-512) columns, so few columns take more than B does.
func (b *Packed) Bytes() int { return 4 * cap(b.data) }

// inPlace is the only offset of a panel that starts at the start of its source.
var inPlace int

// PackPanel copies a panel of op(B), rows k x cols, to rows of s.TileCols() floats, with zeros in the
// rest of each row. src points to its first element; ld is the distance between B's stored rows.
func PackPanel(s *simd.ISA, dst, src unsafe.Pointer, trans bool, k, cols, ld int) {
	width := s.TileCols()
	if cols < width {
		for p := range k {
			clear(unsafe.Slice((*float32)(simd.At(dst, p*width+cols)), width-cols))
		}
	}
	if trans {
		Transpose(s, dst, width, src, k, cols, ld)
		return
	}
	if cols == width && s.PackRows != nil && k > 0 {
		s.PackRows((*float32)(dst), (*float32)(src), &inPlace, 1, k, 0, 4*ld)
		return
	}
	for p := range k {
		copy(unsafe.Slice((*float32)(simd.At(dst, p*width)), cols), unsafe.Slice((*float32)(simd.At(src, p*ld)), cols))
	}
}

// Transpose writes the transpose of a matrix with cols rows and k columns, whose rows are ld
// floats apart, as k rows that are width floats apart.
func Transpose(s *simd.ISA, dst unsafe.Pointer, width int, src unsafe.Pointer, k, cols, ld int) {
	fullK, fullCols := 0, 0
	if s.BlockSide > 0 && k >= s.BlockSide {
		fullK, fullCols = k-k%s.BlockSide, cols-cols%s.BlockSide
		for j := 0; j < fullCols; j += s.BlockSide {
			s.TransposeBlock((*float32)(simd.At(dst, j)), (*float32)(simd.At(src, j*ld)), fullK/s.BlockSide, 4*width, 4*ld)
		}
	}
	for j := range cols {
		from := 0
		if j < fullCols {
			from = fullK
		}
		for p := from; p < k; p++ {
			*(*float32)(simd.At(dst, p*width+j)) = *(*float32)(simd.At(src, j*ld+p))
		}
	}
}

// packedLen returns the number of floats in a packed k x n matrix.
func packedLen(s *simd.ISA, k, n int) int { return k * ceilDiv(n, s.TileCols()) * s.TileCols() }
