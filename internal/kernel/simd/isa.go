// SPDX-License-Identifier: Apache-2.0

// Package simd has the innermost loops of the kernels: one implementation per instruction set
// of matrix tiles and of everything that runs over part of a vector or some rows on the calling
// goroutine.
//
// internal/kernel/asm generates the assembly, its declarations and the tables (table.go,
// table_amd64.go). The portable Go versions are in the *_generic.go files and in package ref,
// which is the specification of both. The package does not divide work and does not check
// lengths; callers must do so.
package simd

//go:generate go -C ../asm run . -dir ../simd

import (
	"fmt"
	"os"
)

// ISA is one instruction set, or portable Go: its kernels and the geometry of its tiles.
type ISA struct {
	Name string // "avx512", "avx2" or "generic"
	Table
	Functions Functions
	Moves     Moves
	Machine   *Machine // nil in portable Go

	TileRows    int             // maximum rows of a tile
	LaneBits    int             // a vector holds 1<<LaneBits floats
	tileVectors int             // vectors in a row of a panel of B
	Depth       int             // steps of k per call: TileRows x Depth floats of A stay in the first-level cache
	tiles       [][]func(*byte) // [vectors][rows], each takes a *TileArgs
	strips      [][]func(*byte) // [vectors][rows]; those of 0 vectors compute part of one

	// TransposeBlock transposes adjacent blocks of BlockSide x BlockSide floats in src;
	// distances are in bytes. If there is no such function, BlockSide is 0.
	TransposeBlock func(dst, src *float32, blocks, dstRow, srcRow int)
	BlockSide      int

	// copy panels of a transposed A, one vector wide, and of B, as wide as a tile; may be nil
	PackColumns, PackRows func(dst, src *float32, offsets *int, panels, rows, dstPanel, srcRow int)

	// the transforms of the Winograd convolution, see asm/winograd.go; may be nil
	WinogradInput          func(dst, src *float32, vectors, dstStep, srcRow, srcPixel int)
	WinogradWeights        func(dst, src *float32, vectors, dstStep, srcStep int)
	WinogradOutput         func(dst, src, bias *float32, vectors, srcStep, dstRow, dstPixel int, floor float32)
	WinogradGradient       func(dst, src *float32, vectors, dstStep, srcRow, srcPixel int)
	WinogradWeightGradient func(dst, src *float32, vectors, dstStep, srcStep int)

	// Peak performs rounds of PeakChains independent multiply-adds of vectors; nil in portable Go.
	Peak func(rounds int)
}

// PeakChains is the number of multiply-adds in a round of ISA.Peak.
const PeakChains = 12

// TileCols returns the number of columns of a panel of B, which a tile of any rows can have.
func (s *ISA) TileCols() int { return s.tileVectors << s.LaneBits }

// TileWidth returns the maximum number of columns of a tile of that many rows, a multiple of
// TileCols: tiles of few rows are wider, as only with enough independent sums does a tile not wait
// for its own results.
func (s *ISA) TileWidth(rows int) int {
	vectors := len(s.tiles) - 1
	for rows >= len(s.tiles[vectors]) {
		vectors--
	}
	return vectors << s.LaneBits
}

// fullSums are as many independent sums as a tile needs to run at full speed: with 8, which would do
// if every multiply-add started as early as it could, and 10 it reaches nine tenths.
const fullSums = 12

// FullTiles reports how rows by cols elements are best divided into the least number of tiles, of
// which there is more than one: as FullTile says, or else into tiles that differ by at most a row, if
// these have enough sums, or nearly all of them TileRows rows.
func (s *ISA) FullTiles(rows, cols int) bool {
	tiles, rest := (rows-1)/s.TileRows+1, rows%s.TileRows
	if tiles == 1 || rest == 0 || rows/tiles*s.tileVectors >= fullSums || 6*(s.TileRows-rest) <= tiles {
		return false
	}
	if rest == 1 {
		rest = lastRows
	}
	return s.TileWidth(rest) <= cols
}

// lastRows are the rows of the last tile if there would be only one, which takes as long.
const lastRows = 3

// FullTile returns the rows r0..r1-1 of tile i if rows are divided into tiles of TileRows rows and a
// last one of the rest, which may be wide.
func (s *ISA) FullTile(rows, i int) (r0, r1 int) {
	r0, r1 = i*s.TileRows, min((i+1)*s.TileRows, rows)
	if rows%s.TileRows == 1 && s.TileRows > lastRows {
		if last := rows - lastRows; r0 > last {
			r0 = last
		} else if r1 > last {
			r1 = last
		}
	}
	return r0, r1
}

// Portable reports whether s is portable Go.
func (s *ISA) Portable() bool { return s == &generic }

// ISAs are the instruction sets that this CPU supports, best first; the last is portable Go.
var ISAs = append(cpuISAs(), &generic)

// Active is the instruction set in use. The environment variable REEF_KERNEL can select a lower
// one than the best; a name that this CPU does not support is ignored.
var Active = choose(os.Getenv("REEF_KERNEL"))

func choose(name string) *ISA {
	if s := find(name); s != nil {
		return s
	}
	return ISAs[0]
}

func find(name string) *ISA {
	for _, s := range ISAs {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// ForceISA makes the kernels use the given instruction set until restore is called. It is for
// tests; no kernel may be running when it is called.
func ForceISA(name string) (restore func(), err error) {
	s := find(name)
	if s == nil {
		return nil, fmt.Errorf("instruction set %q: this CPU does not have it, its best is %q", name, ISAs[0].Name)
	}
	old := Active
	Active = s
	return func() { Active = old }, nil
}
