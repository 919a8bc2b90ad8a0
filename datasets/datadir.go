// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/reef-dl/reef/internal/npz"
)

// dataDir is a folder to read a data set from, on disk or embedded.
type dataDir struct {
	fs     fs.FS
	origin Origin
}

// name is how errors refer to a file of the folder.
func (p dataDir) name(file string) string {
	if p.origin.Path == "" {
		return path.Join("embedded sample", p.origin.Set, file)
	}
	return filepath.Join(p.origin.Path, filepath.FromSlash(file))
}

// open opens the first of the names that exists.
func (p dataDir) open(names ...string) (fs.File, string, error) {
	for _, name := range names {
		f, err := p.fs.Open(name)
		if err == nil {
			return f, name, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, name, fmt.Errorf("%s: %w", p.name(name), err)
		}
	}
	return nil, "", fmt.Errorf("%s: %w", p.name(names[0]), fs.ErrNotExist)
}

// openLike opens the first of the names that exists, or else the first file that matches
// the pattern, which accepts excerpts under longer names.
func (p dataDir) openLike(pattern string, names ...string) (fs.File, string, error) {
	f, name, err := p.open(names...)
	if errors.Is(err, fs.ErrNotExist) {
		if found, _ := fs.Glob(p.fs, pattern); len(found) > 0 { // the patterns are valid constants
			return p.open(found[0])
		}
	}
	return f, name, err
}

// openNPZ opens an archive for the duration of a call of f.
func (p dataDir) openNPZ(file string, f func(*npz.Archive) error) (name string, err error) {
	in, _, err := p.open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }() // only read
	name = p.name(file)
	info, err := in.Stat()
	if err != nil {
		return name, fmt.Errorf("%s: %w", name, err)
	}
	r, ok := in.(io.ReaderAt)
	if !ok {
		return name, fmt.Errorf("%s: cannot be read at random", name)
	}
	a, err := npz.Open(r, info.Size(), name)
	if err != nil {
		return name, err
	}
	return name, f(a)
}
