// SPDX-License-Identifier: Apache-2.0

// Package simd holds the innermost loops of the kernels: one implementation for each
// instruction set, of matrix tiles and of everything that runs over a piece of a vector or
// over some rows on the calling goroutine.
//
// The assembly, its declarations and the tables (table.go, table_amd64.go) are written by
// internal/kernel/asm. Portable Go stands beside it in the *_generic.go files and in package
// ref, which is the specification of both. The package splits no work and checks no lengths:
// its callers do.
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

	TileRows    int             // most rows of a tile
	LaneBits    int             // a vector holds 1<<LaneBits floats
	tileVectors int             // most vectors in a row of a tile
	Depth       int             // steps of k a call: TileRows x Depth floats of A stay in the first-level cache
	tiles       [][]func(*byte) // [vectors][rows], each takes a *TileArgs
	strips      []func(*byte)   // [rows], up to StripRows

	// TransposeBlock transposes blocks of BlockSide x BlockSide floats that lie side by side in
	// src; distances are in bytes. BlockSide is 0 where there is no such function.
	TransposeBlock func(dst, src *float32, blocks, dstRow, srcRow int)
	BlockSide      int

	// copy panels of a transposed A, which are a vector wide, and of B, as wide as a tile; nil without
	PackColumns, PackRows func(dst, src *float32, offsets *int, panels, rows, dstPanel, srcRow int)

	// the transforms of the Winograd convolution, nil without; see asm/winograd.go
	WinogradInput          func(dst, src *float32, vectors, dstStep, srcRow, srcPixel int)
	WinogradWeights        func(dst, src *float32, vectors, dstStep, srcStep int)
	WinogradOutput         func(dst, src, bias *float32, vectors, srcStep, dstRow, dstPixel int, floor float32)
	WinogradGradient       func(dst, src *float32, vectors, dstStep, srcRow, srcPixel int)
	WinogradWeightGradient func(dst, src *float32, vectors, dstStep, srcStep int)

	// Peak makes rounds of PeakChains independent multiply-adds of vectors; nil in portable Go.
	Peak func(rounds int)
}

// PeakChains is how many multiply-adds a round of ISA.Peak makes.
const PeakChains = 12

// TileCols returns the most columns of a tile.
func (s *ISA) TileCols() int { return s.tileVectors << s.LaneBits }

// Portable reports whether s is portable Go.
func (s *ISA) Portable() bool { return s == &generic }

// ISAs are the instruction sets that this CPU has, best first; the last is portable Go.
var ISAs = append(cpuISAs(), &generic)

// Active is the instruction set in use. The environment variable REEF_KERNEL chooses a lower
// one than the best; a name that this CPU cannot run is ignored.
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

// ForceISA makes the kernels use the given instruction set until restore is called. It
// is for tests; no kernel may run while it switches.
func ForceISA(name string) (restore func(), err error) {
	s := find(name)
	if s == nil {
		return nil, fmt.Errorf("instruction set %q: this CPU does not have it, its best is %q", name, ISAs[0].Name)
	}
	old := Active
	Active = s
	return func() { Active = old }, nil
}
