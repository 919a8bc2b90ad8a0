// SPDX-License-Identifier: Apache-2.0

package simd

import "unsafe"

// TileArgs describes one tile of a product to a tile function, which computes
//
//	C[rows, cols] = start + Σ_s Σ_k A[i, s, k]·B[s, k, j]
//
// over the segments s and the steps k of each. Element (i, k) of segment s of A is at A +
// Offsets[s].A + i·RowA + k·StepA, row k of B at B + Offsets[s].B + k·StepB, row i of C at C +
// i·RowC. The start is the bias row, or 0 if Bias is nil. Beyond TileCols columns, each further
// TileCols columns of B are a panel that starts PanelB behind the last one. All distances are in
// bytes. The assembly accesses the fields by offset.
type TileArgs struct {
	A, B, C, Bias            unsafe.Pointer
	RowA, StepA, StepB, RowC int
	K, Segments              int
	Offsets                  *Segment
	Flags                    int
	last                     int // columns in the last vector, 1 to lanes
	PanelB                   int
	column, groups           int            // of strips: the first column, in bytes, and the number of strips
	AheadA, AheadB           int            // of strips: what to prefetch, in bytes from A and B; 0 for nothing
	Scale, Shift             unsafe.Pointer // of tiles: rows like Bias, for TileScale
	ahead, stepAhead, left   int            // of tiles: what to prefetch, in bytes from A, and segments that remain
	Fetch                    unsafe.Pointer // of tiles of one segment: what to prefetch meanwhile; may be nil
	FetchStep                int            // how many bytes of it in each step of k, at most a cache line
}

// Segment is the start of a run of products, in bytes from A and B.
type Segment struct{ A, B int }

// TileArgs.Flags, which take effect in the order TileAdd, TileScale, TileReLU.
const (
	TileAdd   = 1 << iota // add to what C holds, instead of overwriting it
	TileReLU              // store max(·, 0) in the end
	TileScale             // multiply the sum, with what C held, by the row Scale and add the row Shift; not for strips
	TileWhole             // B has whole vectors where C ends within one, which is faster; not for strips
)

// NoOffset is the segment table of a plain matrix product.
var NoOffset Segment

// Tile computes a tile of rows x cols, at most TileWidth(rows) columns. Apart from prefetching, it
// never reads or writes outside of the tile's own elements. An element is summed in the same order
// in a tile of any size.
func (s *ISA) Tile(t *TileArgs, rows, cols int) {
	vectors := (cols-1)>>s.LaneBits + 1
	t.last = cols - (vectors-1)<<s.LaneBits
	if t.Fetch != nil {
		t.ahead, t.stepAhead = int(uintptr(t.Fetch)-uintptr(t.A)), t.FetchStep
	} else { // a transposed A eight steps ahead
		t.ahead, t.stepAhead = 8*t.StepA+4*(rows-1), t.StepA
	}
	s.tiles[vectors][rows]((*byte)(unsafe.Pointer(t)))
}
