// SPDX-License-Identifier: Apache-2.0

// Package npz reads numpy's .npz archives as far as the Keras data sets need it:
// arrays of floats and integers, and object arrays of lists of integers. The
// latter are Python pickles; a decoder that accepts only lists of integers reads
// them, so that a file cannot execute anything. No file can make it panic or use
// much more memory than its size warrants, which is why the general reader
// codeberg.org/sbinet/npyio is used only in the tests.
package npz

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/internal/inflate"
	"github.com/reef-dl/reef/internal/sniff"
)

// maxHeader limits the text header of an array; numpy writes 128 bytes or less.
const maxHeader = 1 << 14

// maxAxes is numpy's own limit.
const maxAxes = 64

// Archive is an open .npz file.
type Archive struct {
	zip  *zip.Reader
	size int64
	name string
}

// inflated limits the uncompressed size of an array, and the lists and integers of an
// object array: for each compressed byte, IMDB has 0.7 integers and one list in 350
// bytes.
var (
	inflated   = inflate.Limit{Base: 16 << 20, Ratio: 16}
	mostValues = inflate.Limit{Base: 4 << 20, Ratio: 4}
)

const (
	listsBase  = 1 << 16
	bytesAList = 16
)

// Array holds one array; exactly one of Float, Int and Lists is set.
type Array struct {
	Shape []int
	Float []float64 // of float32 and float64 arrays, row-major
	Int   []int64   // of integer arrays, row-major
	Lists [][]int32 // of object arrays, one list for each element
}

// Open reads the directory of an archive. The name is used in errors.
func Open(r io.ReaderAt, size int64, name string) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		begin := make([]byte, sniff.Len)
		n, readErr := r.ReadAt(begin, 0)
		if is := sniff.Name(begin[:n]); readErr == nil || errors.Is(readErr, io.EOF) {
			if is != "" && !strings.Contains(is, "zip archive") {
				return nil, fmt.Errorf("%s: %s, want a numpy archive (.npz): %w", name, is, err)
			}
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Archive{z, size, name}, nil
}

// Read decodes the array of the given name. An array of more than limit elements is
// rejected.
func (a *Archive) Read(array string, limit int) (*Array, error) {
	for _, f := range a.zip.File {
		if f.Name != array+".npy" {
			continue
		}
		name := a.name + ": " + f.Name
		r, err := inflate.Open(f, a.size, inflated)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		defer func() { _ = r.Close() }() // only read
		from := a.size
		if f.CompressedSize64 < uint64(from) {
			from = int64(f.CompressedSize64)
		}
		return readArray(r, name, limit, from)
	}
	return nil, fmt.Errorf("%s: no array %q", a.name, array)
}

// source counts what has been read, for the offsets in errors.
type source struct {
	*bufio.Reader
	name   string
	offset int64
}

// failf makes an error that names the file and the position.
func (s *source) failf(format string, args ...any) error {
	return fmt.Errorf("%s: offset %d: %w", s.name, s.offset, fmt.Errorf(format, args...))
}

// fill reads len(p) bytes.
func (s *source) fill(p []byte) error {
	n, err := io.ReadFull(s.Reader, p)
	s.offset += int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return s.failf("%w", err)
	}
	return nil
}

// end reports data after the array, and a wrong checksum of the archive.
func (s *source) end() error {
	switch _, err := s.ReadByte(); {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return s.failf("more data after the array")
	default:
		return s.failf("%w", err)
	}
}

// ReadArray decodes one .npy file.
func ReadArray(r io.Reader, name string, limit int) (*Array, error) {
	return readArray(r, name, limit, 0)
}

// readArray decodes an array that takes from bytes in its archive.
func readArray(r io.Reader, name string, limit int, from int64) (*Array, error) {
	s := &source{Reader: bufio.NewReaderSize(r, 1<<16), name: name}
	descr, shape, n, err := readHeader(s, limit)
	if err != nil {
		return nil, err
	}
	a := &Array{Shape: shape}
	switch descr {
	case "|O":
		if len(shape) != 1 {
			return nil, s.failf("object array of shape %v, want one axis", shape)
		}
		if most := listsBase + from/bytesAList; int64(n) > most {
			return nil, s.failf("%d lists in %d bytes, want at most %d", n, from, most)
		}
		a.Lists, err = readPickle(s, n, int(min(mostValues.Base+mostValues.Ratio*from, maxValues)))
	case "<f8":
		a.Float, err = numbers(s, n, 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) })
	case "<f4":
		a.Float, err = numbers(s, n, 4, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) })
	case "<i8":
		a.Int, err = numbers(s, n, 8, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
	case "<i4":
		a.Int, err = numbers(s, n, 4, func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) })
	case "|u1":
		a.Int, err = numbers(s, n, 1, func(b []byte) int64 { return int64(b[0]) })
	default:
		return nil, s.failf("element type %q, want one of <f4 <f8 <i4 <i8 |u1 |O", descr)
	}
	if err != nil {
		return nil, err
	}
	return a, s.end()
}

// numbers reads n elements of the given size; its slice grows with what arrives.
func numbers[T any](s *source, n, size int, decode func([]byte) T) ([]T, error) {
	buf := make([]byte, 4096)
	var out []T
	for len(out) < n {
		part := buf[:min(n-len(out), len(buf)/size)*size]
		if err := s.fill(part); err != nil {
			return nil, err
		}
		for ; len(part) > 0; part = part[size:] {
			out = append(out, decode(part))
		}
	}
	return out, nil
}

// header is the literal that numpy writes; its keys are sorted.
var header = regexp.MustCompile(`^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \}\s*$`)

// readHeader returns the element type, the shape and the number of elements.
func readHeader(s *source, limit int) (descr string, shape []int, n int, err error) {
	fixed := make([]byte, 8)
	if err := s.fill(fixed); err != nil {
		return "", nil, 0, err
	}
	if string(fixed[:6]) != "\x93NUMPY" {
		return "", nil, 0, s.failf("magic %q: not a numpy array", fixed[:6])
	}
	length := make([]byte, 4)
	if version := fixed[6]; version == 1 {
		length = length[:2]
	} else if version != 2 && version != 3 {
		return "", nil, 0, s.failf("format version %d, want 1 to 3", version)
	}
	if err := s.fill(length); err != nil {
		return "", nil, 0, err
	}
	size := int64(binary.LittleEndian.Uint16(length))
	if len(length) == 4 {
		size = int64(binary.LittleEndian.Uint32(length))
	}
	if size > maxHeader {
		return "", nil, 0, s.failf("header of %d bytes, limit %d", size, maxHeader)
	}
	text := make([]byte, size)
	if err := s.fill(text); err != nil {
		return "", nil, 0, err
	}
	m := header.FindSubmatch(text)
	if m == nil {
		return "", nil, 0, s.failf("header %.80q is not one that numpy writes", text)
	}
	n = 1
	for part := range strings.SplitSeq(string(m[3]), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue // after the last comma
		}
		axis, err := strconv.Atoi(part)
		if err != nil {
			return "", nil, 0, s.failf("shape (%s): %w", m[3], err)
		}
		if shape = append(shape, axis); len(shape) > maxAxes {
			return "", nil, 0, s.failf("shape (%s) has more than %d axes", m[3], maxAxes)
		}
		if axis > 0 && n > limit/axis { // the product might overflow
			return "", nil, 0, s.failf("shape (%s) has more than %d elements", m[3], limit)
		}
		n *= axis
	}
	if string(m[2]) == "True" && len(shape) > 1 {
		return "", nil, 0, s.failf("columns first (fortran_order), want rows first")
	}
	return string(m[1]), shape, n, nil
}
