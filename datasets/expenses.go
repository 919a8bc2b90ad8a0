// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"math"
	"sync"
)

// What decoding each picture of a folder once may take, in nanoseconds by priceOf: files
// that are small together as much as a dozen of the largest, larger ones by their bytes.
// Kaggle's cats and dogs take 200 for each byte.
const (
	folderWork = 1500e6
	folderRate = 8000
)

// expenses adds up the work on the pictures of a folder or an archive, each the first time
// that it is decoded. Otherwise many small files took as long as no single one may.
type expenses struct {
	size func() (int64, error) // of all files, asked once and only when it matters

	mu   sync.Mutex
	seen map[string]bool
	work int64
	most int64 // 0 as long as the size does not matter
	over error
}

func newExpenses(fsys fs.FS, parts ...[]imageFile) *expenses {
	return &expenses{seen: map[string]bool{}, size: func() (sum int64, err error) {
		for _, files := range parts {
			for _, f := range files {
				info, err := fs.Stat(fsys, f.name)
				if err != nil {
					return 0, err
				}
				sum += storedSize(info)
			}
		}
		return sum, nil
	}}
}

// storedSize is what a file takes, in an archive the size that it is compressed to.
func storedSize(info fs.FileInfo) int64 {
	if h, ok := info.Sys().(*zip.FileHeader); ok {
		return int64(min(h.CompressedSize64, math.MaxInt64))
	}
	return info.Size()
}

// of gives the function that takes what a picture costs before that is spent, nothing for
// one that was decoded before.
func (e *expenses) of(name string) (pay func(work int64) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen[name] {
		return free
	}
	e.seen[name] = true
	return e.pay
}

func (e *expenses) pay(work int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over != nil {
		return e.over
	}
	e.work += work
	if e.most == 0 && e.work > folderWork {
		size, err := e.size()
		if err != nil {
			return err
		}
		if e.most = folderWork; size >= smallFile {
			e.most = folderRate * size
		}
	}
	if e.most > 0 && e.work > e.most {
		e.over = fmt.Errorf("%d pictures of the folder would take %d ms to decode, want at most %d ms for the size of its files", len(e.seen), e.work/1e6, e.most/1e6)
	}
	return e.over
}
