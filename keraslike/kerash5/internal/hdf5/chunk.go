// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math"
)

// Filters (section IV.A.2.l) that are undone.
const (
	filterDeflate    = 1
	filterShuffle    = 2
	filterFletcher32 = 3
)

// deflateRatio is a little more than the most that deflate can compress (1032).
const deflateRatio = 1100

type filter uint16

func parseFilters(body []byte) ([]filter, error) {
	c := cursor{b: body}
	version, n := c.u8(), c.u8()
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("version %d is not supported", version)
	}
	if version == 1 {
		c.skip(6)
	}
	var list []filter
	for range n {
		id := c.u16()
		if id < filterDeflate || id > filterFletcher32 {
			return nil, fmt.Errorf("filter %d is not supported", id)
		}
		var name uint64
		if version == 1 {
			name = uint64(c.u16())
		}
		c.skip(2) // flags
		values := uint64(c.u16())
		c.skip(name + 4*values)
		if version == 1 {
			c.skip(4 * (values & 1)) // to a multiple of eight
		}
		list = append(list, filter(id))
	}
	return list, c.err
}

// stored is one chunk in the file.
type stored struct {
	address, size uint64
	mask          uint32 // bit i: filter i was left out
	offset        []uint64
}

// grid is the bytes of a chunk and the number of chunks that the shape needs.
func (d *Dataset) grid() (size, count uint64, err error) {
	size, count = d.kind.size, 1
	for i, n := range d.layout.chunk {
		if size > math.MaxInt64/8/n {
			return 0, 0, fmt.Errorf("chunks of %v are too large", d.layout.chunk)
		}
		size *= n
		count *= (uint64(d.Shape[i]) + n - 1) / n // at most the number of elements
	}
	return size, count, nil
}

// readChunks places every chunk. Each must be there exactly once.
func (d *reader) readChunks(convert func([]float32, []byte)) ([]float32, error) {
	chunks, bytesStored, err := d.chunks()
	if err != nil {
		return nil, fmt.Errorf("chunks: %w", err)
	}
	size, count, err := d.grid()
	if err != nil {
		return nil, err
	}
	if uint64(len(chunks)) != count {
		return nil, fmt.Errorf("%d chunks of %v are there, shape %v needs %d", len(chunks), d.layout.chunk, d.Shape, count)
	}
	if most := bytesStored * deflateRatio; size > most || count > most/size {
		return nil, fmt.Errorf("%d chunks of %d bytes cannot come from %d bytes", count, size, bytesStored)
	}
	out := make([]float32, d.elements)
	values := make([]float32, size/d.kind.size)
	seen := map[uint64]bool{}
	for _, c := range chunks {
		raw, err := d.unpack(c, size)
		if err != nil {
			return nil, fmt.Errorf("chunk at %v: %w", c.offset, err)
		}
		convert(values, raw)
		at, err := d.start(c)
		if err != nil {
			return nil, err
		}
		if seen[at] {
			return nil, fmt.Errorf("chunk at %v is there twice", c.offset)
		}
		seen[at] = true
		d.place(out, values, c.offset)
	}
	return out, nil
}

// chunks lists the chunks by the tree of the dataset.
func (d *reader) chunks() (list []stored, total uint64, err error) {
	rank := len(d.layout.chunk)
	key := 8 + 8*uint64(rank+1)
	err = d.f.walkTree(d.layout.address, 1, key, func(key []byte, address uint64) error {
		c := cursor{b: key}
		s := stored{address: address, size: uint64(c.u32()), mask: c.u32()}
		for range rank {
			s.offset = append(s.offset, c.u64())
		}
		total += s.size
		list = append(list, s)
		if total > uint64(d.f.size) {
			return errors.New("they have more bytes than the file")
		}
		return nil
	})
	return list, total, err
}

// start returns the place of a chunk's first element and checks that it lies on
// the grid of chunks.
func (d *Dataset) start(c stored) (uint64, error) {
	at := uint64(0)
	for i, o := range c.offset {
		if o%d.layout.chunk[i] != 0 || o >= uint64(d.Shape[i]) {
			return 0, fmt.Errorf("chunk at %v lies outside shape %v", c.offset, d.Shape)
		}
		at = at*uint64(d.Shape[i]) + o
	}
	return at, nil
}

// place copies a chunk's rows into out; what reaches past the edge is dropped.
func (d *Dataset) place(out, values []float32, offset []uint64) {
	var copyAxis func(axis int, dst, src uint64)
	copyAxis = func(axis int, dst, src uint64) {
		shape, chunk := uint64(d.Shape[axis]), d.layout.chunk[axis]
		n := min(chunk, shape-offset[axis])
		dst, src = dst*shape+offset[axis], src*chunk
		if axis == len(offset)-1 {
			copy(out[dst:dst+n], values[src:src+n])
			return
		}
		for i := range n {
			copyAxis(axis+1, dst+i, src+i)
		}
	}
	copyAxis(0, 0, 0)
}

// unpack reads a chunk and undoes the filters, last one first.
func (d *reader) unpack(c stored, size uint64) ([]byte, error) {
	b, err := d.f.bytes(c.address, c.size)
	if err != nil {
		return nil, err
	}
	for i := len(d.filters) - 1; i >= 0; i-- {
		if c.mask>>i&1 != 0 {
			continue
		}
		switch d.filters[i] {
		case filterFletcher32: // the checksum follows the data
			if len(b) < 4 {
				return nil, errShort
			}
			b = b[:len(b)-4]
		case filterShuffle:
			b = unshuffle(b, int(d.kind.size))
		case filterDeflate:
			if b, err = d.inflate(b, size); err != nil {
				return nil, err
			}
		}
	}
	if uint64(len(b)) != size {
		return nil, fmt.Errorf("%d bytes after unpacking, want %d", len(b), size)
	}
	return b, nil
}

func (d *reader) inflate(b []byte, size uint64) ([]byte, error) {
	var err error
	if d.z == nil {
		d.z, err = zlib.NewReader(bytes.NewReader(b))
	} else {
		err = d.z.(zlib.Resetter).Reset(bytes.NewReader(b), nil)
	}
	if err != nil {
		return nil, err
	}
	// A checksum may follow the data, if that filter came first.
	out := make([]byte, size+5)
	n, err := io.ReadFull(d.z, out)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	return out[:n], nil
}

// unshuffle turns first bytes, second bytes, ... back into elements.
func unshuffle(b []byte, width int) []byte {
	n := len(b) / width
	out := make([]byte, len(b))
	for i := range n {
		for j := range width {
			out[i*width+j] = b[j*n+i]
		}
	}
	copy(out[n*width:], b[n*width:])
	return out
}
