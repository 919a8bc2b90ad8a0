// SPDX-License-Identifier: Apache-2.0

package simd

import "unsafe"

// StripRows is the maximum number of rows in a strip.
const StripRows = 12

// Strip computes the element-wise form of a tile,
//
//	C[rows, cols] = start + Σ_s Σ_k A[i, s, k, j]·B[s, k, j],
//
// where element (i, s, k) of A is a row of cols floats, for any number of columns.
func (s *ISA) Strip(t *TileArgs, rows, cols int) {
	p := (*byte)(unsafe.Pointer(t))
	t.column = 0
	for v := min(StripRows/rows, len(s.strips)-1); v > 0; v-- {
		if s.strips[v] == nil {
			continue
		}
		if t.groups = cols >> s.LaneBits / v; t.groups > 0 {
			done := t.groups * v << s.LaneBits
			cols -= done
			s.strips[v][rows](p)
			t.column += 4 * done
		}
	}
	if cols > 0 {
		t.last, t.groups = cols, 1
		s.strips[0][rows](p)
	}
}
