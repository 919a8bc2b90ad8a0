// SPDX-License-Identifier: Apache-2.0

// Package hdf5 reads the part of HDF5 that Keras writes: groups, text
// attributes and arrays of numbers, in files of the classic layout and those
// parts of the newer one that small groups use.
//
// Every size that a file states is compared with the file and taken from its Budget
// before memory is asked for, and no structure is followed twice, so that a damaged or
// hostile file of n bytes costs O(n) memory and time, and an error. (That is why the general reader
// github.com/scigolib/hdf5 is not used: eight changed bytes make it ask for any
// amount of memory, which ends the process and cannot be recovered.)
//
// The format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
// (HDF5 File Format Specification, version 3.0); the comments name its sections.
package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	signature = "\x89HDF\r\n\x1a\n"
	undefined = ^uint64(0) // the address of something that was never stored
)

// File is an open HDF5 file.
type File struct {
	r      io.ReaderAt
	size   int64
	base   uint64 // added to every address
	root   uint64
	budget *int64 // bytes that may still be read for structures or for one array
	cost   *Budget
	heaps  map[uint64]map[uint16][]byte // collections of texts that have been read
}

// Is tells whether r begins as an HDF5 file does.
func Is(r io.ReaderAt) bool {
	b := make([]byte, len(signature))
	n, _ := r.ReadAt(b, 0)
	return n == len(b) && string(b) == signature
}

// New reads the superblock (section II.A) of a file of size bytes, which may cost
// what the budget has.
func New(r io.ReaderAt, size int64, cost *Budget) (*File, error) {
	f := &File{r: r, size: size, cost: cost, heaps: map[uint64]map[uint16][]byte{}}
	if !Is(r) {
		return nil, errors.New("not an HDF5 file")
	}
	head, err := f.bytes(0, 12)
	if err != nil {
		return nil, fmt.Errorf("superblock: %w", err)
	}
	// Sizes of offsets and lengths, where the addresses begin, and their bytes.
	version, sizes, rest, n := head[8], head[9:], uint64(12), uint64(32)
	switch version {
	case 0, 1:
		if head, err = f.bytes(0, 24); err != nil {
			return nil, fmt.Errorf("superblock: %w", err)
		}
		sizes, rest, n = head[13:], 24+4*uint64(version), 48
	case 2, 3:
	default:
		return nil, fmt.Errorf("superblock: version %d is not supported", version)
	}
	if sizes[0] != 8 || sizes[1] != 8 {
		return nil, fmt.Errorf("superblock: addresses of %d and lengths of %d bytes are not supported, want 8", sizes[0], sizes[1])
	}
	c, err := f.cursor(rest, n)
	if err != nil {
		return nil, fmt.Errorf("superblock: %w", err)
	}
	f.base = c.u64()
	c.skip(16) // free space or extension, and the end of the file
	if version < 2 {
		c.skip(16) // driver information; the name of the root's entry
	}
	f.root = c.u64()
	return f, c.err
}

// bytes reads n bytes at an address, if the file has them.
func (f *File) bytes(address, n uint64) ([]byte, error) {
	at := address + f.base
	if address == undefined || at < address || at > uint64(f.size) || n > uint64(f.size)-at {
		return nil, fmt.Errorf("%d bytes at address %d lie outside the file of %d bytes", n, address, f.size)
	}
	if f.budget != nil {
		if *f.budget -= int64(n); *f.budget < 0 {
			return nil, errors.New("its structures overlap: more was read than the file holds")
		}
	}
	b := make([]byte, n)
	got, err := f.r.ReadAt(b, int64(at))
	if got < len(b) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%d bytes at address %d: %w", n, address, err)
	}
	return b, nil
}

func (f *File) cursor(address, n uint64) (*cursor, error) {
	b, err := f.bytes(address, n)
	return &cursor{b: b}, err
}

// signed is cursor for a structure that begins with a four-letter signature.
func (f *File) signed(address, n uint64, want string) (*cursor, error) {
	c, err := f.cursor(address, n)
	if err != nil {
		return nil, err
	}
	if got := string(c.take(4)); got != want {
		return nil, fmt.Errorf("signature at address %d is %q, want %q", address, got, want)
	}
	return c, nil
}

var errShort = errors.New("structure is cut short")

// cursor reads little-endian numbers one after another. After the end it gives
// zeros and keeps err.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.b, c.err = nil, errShort
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) skip(n uint64) { c.take(n) }

func (c *cursor) u8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}
