// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
)

// isa is one way to compute tiles: an instruction set, or portable Go.
type isa struct {
	name     string
	vec      *vecTable       // kernels over vectors and rows
	rows     int             // most rows of a tile
	laneBits int             // a vector holds 1<<laneBits floats
	vectors  int             // most vectors in a tile's row
	depth    int             // steps of k a call: rows x depth floats of A stay in the first-level cache
	tiles    [][]func(*byte) // [vectors][rows], each takes a *tileArgs
	strips   []func(*byte)   // [rows]
	peak     func(rounds int)
	block    int // side of the square that transpose turns; 0 without
	turn     func(dst, src *float32, blocks, dstRow, srcRow int)

	// copy panels of a transposed A, which are a vector wide, and of B, as wide as a tile; nil without
	packColumns, packRows func(dst, src *float32, offsets *int, panels, rows, dstPanel, srcRow int)

	// the transforms of the Winograd convolution, nil without; see asm/winograd.go
	winogradInput          func(dst, src *float32, vectors, dstStep, srcRow, srcPixel int)
	winogradWeights        func(dst, src *float32, vectors, dstStep, srcStep int)
	winogradOutput         func(dst, src, bias *float32, vectors, srcStep, dstRow, dstPixel int, floor float32)
	winogradGradient       func(dst, src *float32, vectors, dstStep, srcRow, srcPixel int)
	winogradWeightGradient func(dst, src *float32, vectors, dstStep, srcStep int)
}

// cols returns the most columns of a tile.
func (s *isa) cols() int { return s.vectors << s.laneBits }

// isas are the paths this CPU can take, best first.
var isas = append(cpuISAs(), &genericISA)

// current is the path in use. REEF_KERNEL chooses a lower one than the best;
// a name that this CPU cannot run is ignored.
var current *isa

func init() { current = chosenISA(os.Getenv("REEF_KERNEL")) } // its kernels refer to current

func chosenISA(name string) *isa {
	if s := findISA(name); s != nil {
		return s
	}
	return isas[0]
}

func findISA(name string) *isa {
	for _, s := range isas {
		if s.name == name {
			return s
		}
	}
	return nil
}

// Path names the instruction set in use: "avx512", "avx2" or "generic".
func Path() string { return current.name }

// ForcePath makes the kernels take the given path until restore is called. It
// is for tests, and no kernel may run while it switches.
func ForcePath(path string) (restore func(), err error) {
	s := findISA(path)
	if s == nil {
		return nil, fmt.Errorf("kernel path %q: this CPU does not have it, its best is %q", path, isas[0].name)
	}
	old := current
	current = s
	return func() { current = old }, nil
}
