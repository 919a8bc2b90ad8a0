// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"math"
	"sync"
)

// Limits on decoding every image of a folder once, in nanoseconds of estimated work:
// small files together may cost as much as a dozen of the largest, larger ones are limited
// by their bytes. Kaggle's cats and dogs need 200 for each byte.
const (
	folderWork = 1500e6
	folderRate = 8000
)

// Budget adds up the work on the images of a folder or an archive, each counted the first
// time that it is decoded. Without it, many small files could together take as long as no
// single file may. A nil Budget has no limit.
type Budget struct {
	size func() (int64, error) // of all files, computed once and only if it matters

	mu       sync.Mutex
	seen     map[string]bool
	work     int64
	limit    int64 // 0 as long as the size does not matter
	exceeded error
}

// NewBudget returns the budget for the named files.
func NewBudget(fsys fs.FS, names []string) *Budget {
	return &Budget{seen: map[string]bool{}, size: func() (sum int64, err error) {
		for _, name := range names {
			info, err := fs.Stat(fsys, name)
			if err != nil {
				return 0, err
			}
			sum += StoredSize(info)
		}
		return sum, nil
	}}
}

// StoredSize is the size of a file in bytes; in an archive, its compressed size.
func StoredSize(info fs.FileInfo) int64 {
	if h, ok := info.Sys().(*zip.FileHeader); ok {
		return int64(min(h.CompressedSize64, math.MaxInt64))
	}
	return info.Size()
}

// spender returns the function that charges work on the named file to the budget before
// the work is done. It is free for a file that was decoded before.
func (b *Budget) spender(name string) (spend func(work int64) error) {
	if b == nil {
		return free
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[name] {
		return free
	}
	b.seen[name] = true
	return b.spend
}

func free(int64) error { return nil }

func (b *Budget) spend(work int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.exceeded != nil {
		return b.exceeded
	}
	b.work += work
	if b.limit == 0 && b.work > folderWork {
		size, err := b.size()
		if err != nil {
			return err
		}
		if b.limit = folderWork; size >= smallFile {
			b.limit = folderRate * size
		}
	}
	if b.limit > 0 && b.work > b.limit {
		b.exceeded = fmt.Errorf("decoding %d images of the folder would take %d ms, want at most %d ms for the size of its files", len(b.seen), b.work/1e6, b.limit/1e6)
	}
	return b.exceeded
}
