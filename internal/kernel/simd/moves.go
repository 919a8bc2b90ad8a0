// SPDX-License-Identifier: Apache-2.0

package simd

// Moves are one instruction set's functions that move elements. All are nil in portable Go.
type Moves struct {
	// CopyRows copies rows of n bytes, at least LeastRow, that are dstStep and srcStep bytes apart.
	CopyRows func(dst, src *byte, rows, n, dstStep, srcStep int)

	// JoinRows writes rows lo to hi-1 that are made of a row of each of count parts, of which each has at least LeastRow
	// bytes. Row lo starts at dst; parts is a *RowPart.
	JoinRows func(dst, parts *byte, count, lo, hi int)

	// Outside reports whether one of the indices, a multiple of Sixteen, is negative or not below n.
	Outside func(ids []int64, n int64) bool

	// CombineRows writes dst_rj = v_r x_aj + w_r x_bj for rows of cols floats, with the rounding of Combine:
	// of each row, index has a and b, and weight v and w.
	CombineRows func(dst, x []float32, index []int, weight []float32, cols int)
}

// RowPart are adjacent rows of so many bytes. The assembly accesses the fields by offset.
type RowPart struct {
	From  *byte
	Bytes int
}

// LeastRow is the smallest number of bytes of a row for CopyRows and JoinRows.
const LeastRow = 64
