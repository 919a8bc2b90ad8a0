// SPDX-License-Identifier: Apache-2.0

package npz

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/reef-dl/reef/internal/inflate"
)

// Rows reads the numbers of one array in order, as float32, without holding all of them.
type Rows struct {
	Shape []int
	Type  string // as numpy writes it: "<f4"

	s      *source
	closer io.Closer
	number numberType
	left   int // numbers that have not been read
	buf    []byte
}

// numberType is a type of numbers; decode reads one of size bytes.
type numberType struct {
	size   int
	decode func([]byte) float64
}

var numberTypes = map[string]numberType{
	"<f8": {8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }},
	"<f4": {4, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }},
	"<f2": {2, func(b []byte) float64 { return half(binary.LittleEndian.Uint16(b)) }},
	"<i8": {8, func(b []byte) float64 { return float64(int64(binary.LittleEndian.Uint64(b))) }},
	"<i4": {4, func(b []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(b))) }},
	"<i2": {2, func(b []byte) float64 { return float64(int16(binary.LittleEndian.Uint16(b))) }},
	"|i1": {1, func(b []byte) float64 { return float64(int8(b[0])) }},
	"<u8": {8, func(b []byte) float64 { return float64(binary.LittleEndian.Uint64(b)) }},
	"<u4": {4, func(b []byte) float64 { return float64(binary.LittleEndian.Uint32(b)) }},
	"<u2": {2, func(b []byte) float64 { return float64(binary.LittleEndian.Uint16(b)) }},
	"|u1": {1, func(b []byte) float64 { return float64(b[0]) }},
	"|b1": {1, func(b []byte) float64 { return float64(b[0] & 1) }},
}

// half converts an IEEE 754 number of 16 bits.
func half(bits uint16) float64 {
	sign, exponent, fraction := 1-2*float64(bits>>15), int(bits>>10&31), float64(bits&1023)
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// NewRows reads the header of one .npy file with at most limit numbers; errors call it name.
func NewRows(r io.Reader, name string, limit int) (*Rows, error) {
	s := &source{Reader: bufio.NewReaderSize(r, 1<<16), name: name}
	descr, shape, n, err := readHeader(s, limit)
	if err != nil {
		return nil, err
	}
	number, ok := numberTypes[descr]
	if !ok {
		return nil, s.failf("element type %q, want integers, floats of 16, 32 or 64 bits, or booleans, little-endian", descr)
	}
	return &Rows{Shape: shape, Type: descr, s: s, number: number, left: n}, nil
}

// Next fills to with the next numbers. It returns an error, io.ErrUnexpectedEOF for one, unless
// there were as many; behind the last number it checks that the file ends.
func (r *Rows) Next(to []float32) error {
	if len(to) > r.left {
		return r.s.failf("%d numbers are left, want %d", r.left, len(to))
	}
	if r.buf == nil {
		r.buf = make([]byte, 4096)
	}
	size := r.number.size
	for done := 0; done < len(to); {
		part := r.buf[:min(len(to)-done, len(r.buf)/size)*size]
		if err := r.s.fill(part); err != nil {
			return err
		}
		for ; len(part) > 0; part = part[size:] {
			to[done] = float32(r.number.decode(part))
			done++
		}
	}
	if r.left -= len(to); r.left == 0 && len(to) > 0 {
		return r.s.end()
	}
	return nil
}

// Len is the number of numbers that have not been read.
func (r *Rows) Len() int { return r.left }

// All reads all numbers; memory grows with what arrives, whatever the header says.
func (r *Rows) All() ([]float32, error) {
	var out []float32
	part := make([]float32, min(r.left, 1<<14))
	for r.left > 0 {
		part = part[:min(r.left, len(part))]
		if err := r.Next(part); err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

// Close closes an array of an archive.
func (r *Rows) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Names lists the arrays of the archive in its order.
func (a *Archive) Names() (names []string) {
	for _, f := range a.zip.File {
		if name, ok := strings.CutSuffix(f.Name, ".npy"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Rows opens the array of the given name. The caller closes it.
func (a *Archive) Rows(array string, limit int) (*Rows, error) {
	for _, f := range a.zip.File {
		if f.Name != array+".npy" {
			continue
		}
		name := a.name + ": " + f.Name
		c, err := inflate.Open(f, a.size, inflated)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r, err := NewRows(c, name, limit)
		if err != nil {
			_ = c.Close() // only read
			return nil, err
		}
		r.closer = c
		return r, nil
	}
	return nil, fmt.Errorf("%s: no array %q", a.name, array)
}
