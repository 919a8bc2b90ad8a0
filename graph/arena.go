// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel"
)

// Arena is memory for the intermediate values of Programs that take turns: Program.RunOn binds a
// Program to it. Its contents are undefined between two runs.
type Arena struct{ memory []float32 }

// NewArena returns an arena of that many bytes.
func NewArena(bytes int) *Arena { return &Arena{kernel.Floats((bytes + 3) / 4)} }

// Bytes returns the size.
func (a *Arena) Bytes() int { return 4 * len(a.memory) }

// base returns the address, a multiple of align; nil if the size is 0.
func (a *Arena) base() unsafe.Pointer {
	if len(a.memory) == 0 {
		return nil
	}
	return unsafe.Pointer(unsafe.SliceData(a.memory))
}

// place says where the memory of a node is.
type place struct {
	bytes   int // 0 if it is neither in an arena nor outside
	offset  int // in the arena
	outside int // k+1 for the memory that the caller gives for root k
}
