// SPDX-License-Identifier: Apache-2.0

package simd

import "unsafe"

// The portable tile: vectors with one lane. The compiler can keep six accumulators and their
// products in amd64's 15 registers.
const (
	genericRows = 3
	genericCols = 2
)

var generic = ISA{
	Name: "generic", Table: genericTable,
	TileRows: genericRows, tileVectors: genericCols, Depth: 256, tiles: genericTiles(), strips: genericStrips(),
}

func genericTiles() [][]func(*byte) {
	tiles := make([][]func(*byte), genericCols+1)
	for cols := 1; cols <= genericCols; cols++ {
		tiles[cols] = make([]func(*byte), genericRows+1)
		for rows := 1; rows <= genericRows; rows++ {
			tiles[cols][rows] = func(p *byte) { genericTileEdge((*TileArgs)(unsafe.Pointer(p)), rows, cols) }
		}
	}
	tiles[genericCols][genericRows] = func(p *byte) { genericTile((*TileArgs)(unsafe.Pointer(p))) }
	return tiles
}

func genericStrips() [][]func(*byte) {
	strips := make([]func(*byte), StripRows+1)
	for r := 1; r <= StripRows; r++ {
		strips[r] = func(p *byte) { genericStrip((*TileArgs)(unsafe.Pointer(p)), r) }
	}
	return [][]func(*byte){nil, strips}
}

// float reads the float32 at p + offset bytes.
func float(p unsafe.Pointer, offset int) float32 { return *(*float32)(unsafe.Add(p, offset)) }

// genericTile computes a full tile. As in the assembly, its pointers are not checked: those who
// fill TileArgs must ensure that they are valid.
//
//go:nocheckptr
func genericTile(t *TileArgs) {
	var c00, c01, c10, c11, c20, c21 float32
	if t.Bias != nil {
		c00, c01 = float(t.Bias, 0), float(t.Bias, 4)
		c10, c11 = c00, c01
		c20, c21 = c00, c01
	}
	rowA, stepA, stepB, steps := t.RowA, t.StepA, t.StepB, t.K
	for _, s := range unsafe.Slice(t.Offsets, t.Segments) {
		a, b := s.A, s.B // offsets, not pointers, since these may leave the matrices after the last step
		for range steps {
			b0, b1 := float(t.B, b), float(t.B, b+4)
			x := float(t.A, a)
			c00 += x * b0
			c01 += x * b1
			x = float(t.A, a+rowA)
			c10 += x * b0
			c11 += x * b1
			x = float(t.A, a+2*rowA)
			c20 += x * b0
			c21 += x * b1
			a, b = a+stepA, b+stepB
		}
	}
	t.put(0, c00, c01)
	t.put(1, c10, c11)
	t.put(2, c20, c21)
}

// put finishes one row of a full tile.
func (t *TileArgs) put(i int, v0, v1 float32) {
	c := (*[genericCols]float32)(unsafe.Add(t.C, i*t.RowC))
	if t.Flags&TileAdd != 0 {
		v0, v1 = v0+c[0], v1+c[1]
	}
	if t.Flags&TileScale != 0 {
		v0, v1 = t.scaled(v0, 0), t.scaled(v1, 1)
	}
	if t.Flags&TileReLU != 0 {
		v0, v1 = max(v0, 0), max(v1, 0)
	}
	*c = [genericCols]float32{v0, v1}
}

// genericTileEdge computes a smaller tile, element by element.
//
//go:nocheckptr
func genericTileEdge(t *TileArgs, rows, cols int) {
	segments := unsafe.Slice(t.Offsets, t.Segments)
	for i := range rows {
		for j := range cols {
			var sum float32
			if t.Bias != nil {
				sum = float(t.Bias, 4*j)
			}
			for _, s := range segments {
				a, b := s.A+i*t.RowA, s.B+4*j
				for range t.K {
					sum += float(t.A, a) * float(t.B, b)
					a, b = a+t.StepA, b+t.StepB
				}
			}
			t.putOne(i, j, sum)
		}
	}
}

// genericStrip computes a strip of t.groups columns.
//
//go:nocheckptr
func genericStrip(t *TileArgs, rows int) {
	segments := unsafe.Slice(t.Offsets, t.Segments)
	for j := range t.groups {
		for i := range rows {
			var sum float32
			if t.Bias != nil {
				sum = float(t.Bias, 4*j)
			}
			for _, s := range segments {
				a, b := s.A+i*t.RowA+4*j, s.B+4*j
				for range t.K {
					sum += float(t.A, a) * float(t.B, b)
					a, b = a+t.StepA, b+t.StepB
				}
			}
			t.putOne(i, j, sum)
		}
	}
}

// scaled applies the scale and the shift of column j.
func (t *TileArgs) scaled(v float32, j int) float32 {
	return float32(v*float(t.Scale, 4*j)) + float(t.Shift, 4*j)
}

// putOne finishes one element.
func (t *TileArgs) putOne(i, j int, v float32) {
	c := (*float32)(unsafe.Add(t.C, i*t.RowC+4*j))
	if t.Flags&TileAdd != 0 {
		v += *c
	}
	if t.Flags&TileScale != 0 {
		v = t.scaled(v, j)
	}
	if t.Flags&TileReLU != 0 {
		v = max(v, 0)
	}
	*c = v
}
