// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"fmt"
	"sync"
)

// Budget is what reading one file may cost in bytes, memory and work together: what
// is unpacked, at every level of packing, and the elements as float32. It is taken
// from before anything is allocated. With s bytes of file it begins with
//
//	160 MiB + 64·min(s, 1 MiB) + 8·s
//
// The first term is what a small file may take: VGG16's convolutions, packed, need it.
// Plain weights need s, half floats 2s; weights that are nearly all zero may be packed
// 64 to 1 in a small file and 8 to 1 in a large one. Deflate alone could do 1032 to 1,
// and twice that where an archive holds a packed file.
type Budget struct {
	mu          sync.Mutex
	size, total int64
	left        int64
}

// NewBudget is the budget of a file of size bytes.
func NewBudget(size int64) *Budget {
	const most = 1 << 50 // keeps the sum from overflowing
	s := min(max(size, 0), most)
	total := 160<<20 + 64*min(s, 1<<20) + 8*s
	return &Budget{size: size, total: total, left: total}
}

// Take spends n bytes on something.
func (b *Budget) Take(n uint64, what string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > uint64(b.left) {
		return fmt.Errorf("%s needs %d bytes, a file of %d bytes may take %d in all, of which %d are left", what, n, b.size, b.total, b.left)
	}
	b.left -= int64(n)
	return nil
}
