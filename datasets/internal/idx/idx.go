// SPDX-License-Identifier: Apache-2.0

// Package idx reads the IDX format in which MNIST is published: a big-endian
// header (two zero bytes, element type, number of axes, one 32-bit length per
// axis) followed by the elements in row-major order.
//
// Source: the format note on the MNIST page, http://yann.lecun.com/exdb/mnist/.
package idx

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/reef-dl/reef/internal/inflate"
	"github.com/reef-dl/reef/internal/sniff"
)

// maxAxes is more than any published IDX file has (images have three).
const maxAxes = 4

// typeUint8 is the element type code of bytes, the only one MNIST uses.
const typeUint8 = 0x08

// inflated limits the uncompressed size of a file: published sets of digits compress to a
// seventh.
var inflated = inflate.Limit{Base: 24 << 20, Ratio: 32}

// Array is an array of bytes with its shape.
type Array struct {
	Shape []int
	Data  []byte // row-major, product of Shape bytes
}

// Read decodes one IDX file of bytes from r, gzip-compressed or plain. check, if not nil,
// says whether the shape is acceptable. A file that declares another shape or more than
// limit elements is rejected before anything is allocated for it; a file that ends early
// or continues after its last element is an error, and so is a wrong gzip checksum.
// Errors name the file, which is called name, and the offset in the uncompressed file.
func Read(r io.Reader, name string, limit int, check func(shape []int) error) (*Array, error) {
	plain, _, err := inflate.Gunzip(r, name, inflated)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(plain)
	shape, offset, err := readHeader(in, name, limit)
	if err != nil {
		return nil, err
	}
	if check != nil {
		if err := check(shape); err != nil {
			return nil, fmt.Errorf("%s: offset 3: %w", name, err)
		}
	}
	size := 1
	for _, n := range shape {
		size *= n
	}
	// The memory grows with what is read, so a short file that declares many elements
	// costs little.
	data := make([]byte, min(size, 1<<20))
	got := 0
	for {
		n, err := io.ReadFull(in, data[got:])
		got += n
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: offset %d: %w", name, offset+got, err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: truncated at offset %d: got %d of the %d bytes that the header declares", name, offset+got, got, size)
		}
		if got == size {
			break
		}
		grown := make([]byte, got+min(got, size-got))
		copy(grown, data)
		data = grown
	}
	switch _, err := in.ReadByte(); {
	case err == nil:
		return nil, fmt.Errorf("%s: offset %d: more data after the %d bytes that the header declares", name, offset+got, size)
	case err != io.EOF:
		return nil, fmt.Errorf("%s: offset %d: %w", name, offset+got, err)
	}
	return &Array{Shape: shape, Data: data}, nil
}

// readHeader returns the shape and the offset of the first element.
func readHeader(r *bufio.Reader, name string, limit int) ([]int, int, error) {
	magic, err := sniff.Peek(r, 4)
	if err == nil && len(magic) < 4 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: offset 0: header: %w", name, err)
	}
	if magic[0] != 0 || magic[1] != 0 {
		begin, _ := r.Peek(sniff.Len) // refused in any case
		if is := sniff.Name(begin); is != "" {
			return nil, 0, fmt.Errorf("%s: offset 0: %s, want an IDX file", name, is)
		}
		return nil, 0, fmt.Errorf("%s: offset 0: magic %#02x%02x, want 0x0000: not an IDX file", name, magic[0], magic[1])
	}
	if magic[2] != typeUint8 {
		return nil, 0, fmt.Errorf("%s: offset 2: element type %#02x, want %#02x (bytes)", name, magic[2], typeUint8)
	}
	axes := int(magic[3])
	_, _ = r.Discard(len(magic)) // were peeked at
	if axes < 1 || axes > maxAxes {
		return nil, 0, fmt.Errorf("%s: offset 3: %d axes, want 1 to %d", name, axes, maxAxes)
	}
	shape := make([]int, axes)
	size := int64(1)
	for i := range shape {
		var n [4]byte
		at := 4 + 4*i
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return nil, 0, fmt.Errorf("%s: offset %d: length of axis %d: %w", name, at, i, eof(err))
		}
		length := int64(binary.BigEndian.Uint32(n[:]))
		if length == 0 {
			return nil, 0, fmt.Errorf("%s: offset %d: axis %d has length 0", name, at, i)
		}
		// size stays at most limit, so the product cannot overflow.
		if size *= length; size > int64(limit) {
			return nil, 0, fmt.Errorf("%s: offset %d: %d elements or more declared, limit %d", name, at, size, limit)
		}
		shape[i] = int(length)
	}
	return shape, 4 + 4*axes, nil
}

// eof turns a clean end of file inside the header into an unexpected one.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Write encodes a in the IDX format, uncompressed.
func Write(w io.Writer, a *Array) error {
	size := int64(1)
	for _, n := range a.Shape {
		if n < 1 || int64(n) > math.MaxUint32 || size > int64(len(a.Data)) {
			return fmt.Errorf("idx: shape %v does not fit %d bytes", a.Shape, len(a.Data))
		}
		size *= int64(n)
	}
	if len(a.Shape) < 1 || len(a.Shape) > maxAxes || size != int64(len(a.Data)) {
		return fmt.Errorf("idx: shape %v does not fit %d bytes", a.Shape, len(a.Data))
	}
	header := []byte{0, 0, typeUint8, byte(len(a.Shape))}
	for _, n := range a.Shape {
		header = binary.BigEndian.AppendUint32(header, uint32(n))
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	_, err := w.Write(a.Data)
	return err
}
