// SPDX-License-Identifier: Apache-2.0

// Package openfile opens files that are read at any offset: those of the system, and those of any
// fs.FS, such as an archive or files that are embedded in the program.
package openfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// File is an open file of known size. It may be read by several goroutines.
type File struct {
	io.ReaderAt
	closer io.Closer
	size   int64
}

// Path opens the file at path.
func Path(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return open(f, path)
}

// FS opens a file of a file system. One that can only be read from its start to its end, such as
// a file in a zip archive, stays in memory as far as it has been read.
func FS(fsys fs.FS, name string) (*File, error) {
	if fsys == nil {
		return nil, errors.New("the file system is nil")
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	return open(f, name)
}

func open(f fs.File, name string) (*File, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		what := "not a regular file"
		if info.IsDir() {
			what = "a folder, want a file"
		}
		err = fmt.Errorf("%s is %s", name, what)
	}
	if err != nil {
		_ = f.Close() // only read
		return nil, err
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		r = &prefix{r: f}
	}
	return &File{r, f, info.Size()}, nil
}

// Size returns the length of the file in bytes when it was opened.
func (f *File) Size() int64 { return f.size }

// Close closes the file.
func (f *File) Close() error { return f.closer.Close() }

// prefix is a reader and what has been read from it.
type prefix struct {
	mu   sync.Mutex
	r    io.Reader
	data []byte
	err  error // at the end of data
}

// step is how much is read at once: memory grows with what the file has, not with what it claims.
const step = 1 << 20

// ReadAt reads up to off and beyond, if that has not been read.
func (p *prefix) ReadAt(b []byte, off int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if off < 0 {
		return 0, fmt.Errorf("offset %d is negative", off)
	}
	for p.err == nil && int64(len(p.data))-off < int64(len(b)) {
		more := make([]byte, min(step, off+int64(len(b))-int64(len(p.data))))
		n, err := io.ReadFull(p.r, more)
		p.data = append(p.data, more[:n]...)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		p.err = err
	}
	if off >= int64(len(p.data)) {
		return 0, p.err
	}
	n := copy(b, p.data[off:])
	if n < len(b) {
		return n, p.err
	}
	return n, nil
}
