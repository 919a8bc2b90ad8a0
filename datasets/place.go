// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/reef-dl/reef/datasets/internal/inflate"
	"github.com/reef-dl/reef/datasets/internal/npz"
	"github.com/reef-dl/reef/datasets/internal/sniff"
)

// place is a folder to read from, on disk or embedded.
type place struct {
	fs     fs.FS
	origin Origin
}

// name is how errors call a file of this place.
func (p place) name(file string) string {
	if p.origin.Path == "" {
		return path.Join("embedded sample", p.origin.Set, file)
	}
	return filepath.Join(p.origin.Path, filepath.FromSlash(file))
}

// open opens the first of the names that exists.
func (p place) open(names ...string) (fs.File, string, error) {
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

// at is the place of a folder on disk.
func (s *Set) at(dir, kind string) place {
	return place{os.DirFS(dir), Origin{Set: s.Name, Kind: kind, Path: dir, Licence: s.Licence}}
}

// sample is the place of the embedded sample.
func (s *Set) sample() place {
	sub, err := fs.Sub(samples, path.Join("samples", s.Folder))
	if err != nil { // only for an invalid path, and the names are constants
		sub = samples
	}
	return place{sub, Origin{Set: s.Name, Kind: Sample, Licence: s.Licence, Detail: s.Sample}}
}

// openLike opens the first of the names that exists, or else the first file that
// matches the pattern, which lets excerpts under longer names pass.
func (p place) openLike(pattern string, names ...string) (fs.File, string, error) {
	f, name, err := p.open(names...)
	if errors.Is(err, fs.ErrNotExist) {
		if found, _ := fs.Glob(p.fs, pattern); len(found) > 0 { // the patterns are constants and good
			return p.open(found[0])
		}
	}
	return f, name, err
}

// openNPZ opens an archive for the length of a function call.
func (p place) openNPZ(file string, f func(*npz.Archive) error) (name string, err error) {
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

// wordIndex reads the word index of a set.
func (p place) wordIndex(file string) (*WordIndex, error) {
	in, file, err := p.open(file, file+".gz")
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read
	return ReadWordIndex(in, p.name(file))
}

// newZip reads the directory of an archive.
func newZip(f fs.File, name string) (*zip.Reader, error) {
	z, err := openZipFile(f, name)
	if err != nil {
		return nil, err
	}
	return z.Reader, nil
}

// zipFile is an archive and its size in bytes.
type zipFile struct {
	*zip.Reader
	size int64
}

func openZipFile(f fs.File, name string) (*zipFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, fmt.Errorf("%s: cannot be read at random", name)
	}
	z, err := zip.NewReader(at, info.Size())
	if err != nil {
		begin := make([]byte, sniff.Len)
		n, readErr := at.ReadAt(begin, 0)
		if is := sniff.Name(begin[:n]); is != "" && !strings.Contains(is, "zip archive") && (readErr == nil || errors.Is(readErr, io.EOF)) {
			return nil, fmt.Errorf("%s: %s, want a zip archive: %w", name, is, err)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &zipFile{z, info.Size()}, nil
}

// unzip opens one file of an archive, which is not unpacked to disk.
func unzip(f fs.File, name, entry string, l inflate.Limit) (io.ReadCloser, error) {
	z, err := openZipFile(f, name)
	if err != nil {
		return nil, err
	}
	for _, e := range z.File {
		if path.Base(e.Name) == entry {
			r, err := inflate.Open(e, z.size, l)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, entry, err)
			}
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s: no file %s in it", name, entry)
}
