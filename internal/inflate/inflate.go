// SPDX-License-Identifier: Apache-2.0

// Package inflate limits the uncompressed size of files in proportion to their compressed
// size: a small file may not inflate to gigabytes, while a large one may.
package inflate

import (
	"archive/zip"
	"bufio"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/reef-dl/reef/internal/sniff"
)

// Limit is how much may come out of a compressed file: Base bytes, and Ratio bytes for
// each byte read from it.
type Limit struct{ Base, Ratio int64 }

// Error reports that a file inflates to more than its limit.
type Error struct{ From, Most int64 }

func (e *Error) Error() string {
	return fmt.Sprintf("%d bytes inflate to more than %d bytes", e.From, e.Most)
}

// Of limits plain, which is inflated from as many compressed bytes as from returns.
func (l Limit) Of(plain io.Reader, from func() int64) io.Reader {
	return &reader{plain: plain, limit: l, from: from}
}

type reader struct {
	plain io.Reader
	limit Limit
	from  func() int64
	got   int64
	err   error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.plain.Read(p)
	r.got += int64(n)
	if from := r.from(); r.got > r.limit.Base+r.limit.Ratio*from {
		r.err = &Error{from, r.limit.Base + r.limit.Ratio*from}
		return 0, r.err
	}
	return n, err
}

// Counter counts the bytes read.
type Counter struct {
	io.Reader
	n int64
}

func (c *Counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// Count is the number of bytes so far.
func (c *Counter) Count() int64 { return c.n }

// Gunzip returns the contents of r, inflated within the limit if it is compressed with
// gzip. The name is used in errors.
func Gunzip(r io.Reader, name string, l Limit) (plain io.Reader, gzipped bool, err error) {
	c := &Counter{Reader: r}
	in := bufio.NewReader(c)
	magic, err := sniff.Peek(in, 2)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", name, err)
	}
	if string(magic) != "\x1f\x8b" {
		return in, false, nil // also if it is too short to be compressed
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, false, fmt.Errorf("%s: gzip header: %w", name, err)
	}
	return l.Of(z, c.Count), true, nil
}

// Open opens a file of an archive of size bytes. Its compressed form cannot be larger
// than that, whatever the archive says.
func Open(f *zip.File, size int64, l Limit) (io.ReadCloser, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	from := size
	if f.CompressedSize64 < uint64(size) {
		from = int64(f.CompressedSize64)
	}
	return struct {
		io.Reader
		io.Closer
	}{l.Of(r, func() int64 { return from }), r}, nil
}
