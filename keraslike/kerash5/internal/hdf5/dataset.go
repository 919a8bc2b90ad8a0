// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
)

// Dataset is an array in a file.
type Dataset struct {
	Shape []int // empty for a scalar

	f        *File
	paid     sync.Once
	kind     datatype
	elements uint64
	layout   layout
	filters  []filter
}

// layout says where the elements are (section IV.A.2.i): in the header itself,
// in one piece, or in chunks.
type layout struct {
	class   uint8
	data    []byte   // compact
	address uint64   // contiguous: of the data; chunked: of the tree
	size    uint64   // contiguous
	chunk   []uint64 // chunked: the sizes of a chunk
}

const (
	layoutCompact    = 0
	layoutContiguous = 1
	layoutChunked    = 2
)

func (f *File) dataset(o *object) (*Dataset, error) {
	d := &Dataset{f: f}
	body, err := o.one(msgDataspace)
	if err == nil {
		d.Shape, d.elements, err = parseSpace(body)
	}
	if err != nil {
		return nil, fmt.Errorf("dataspace: %w", err)
	}
	if body, err = o.one(msgDatatype); err == nil {
		d.kind, err = parseType(body)
	}
	if err != nil {
		return nil, fmt.Errorf("datatype: %w", err)
	}
	if body, err = o.one(msgLayout); err == nil {
		d.layout, err = parseLayout(body, len(d.Shape))
	}
	if err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	if body, err = o.one(msgFilters); err == nil {
		d.filters, err = parseFilters(body)
	}
	if err != nil && !errors.Is(err, errMissing) {
		return nil, fmt.Errorf("filters: %w", err)
	}
	return d, d.pay()
}

// pay takes what Read will need from the budget, before the first Read: the elements,
// and the chunks unpacked, one of them in two forms.
func (d *Dataset) pay() error {
	bytes := 4 * d.elements // parseSpace keeps elements below 2^59
	if d.layout.class == layoutChunked && d.elements > 0 {
		size, count, err := d.grid()
		if err != nil {
			return err
		}
		if size >= math.MaxInt64/8/count || count > 1<<50 {
			return fmt.Errorf("%d chunks of %v are too large", count, d.layout.chunk)
		}
		const each = 256 // of a chunk, however small
		bytes += (size+each)*count + 4*(size/d.kind.size)
	}
	return d.f.cost.Take(bytes, fmt.Sprintf("shape %v", d.Shape))
}

func parseLayout(body []byte, rank int) (layout, error) {
	c := cursor{b: body}
	version := c.u8()
	l := layout{class: c.u8()}
	if version < 3 || version > 4 || version == 4 && l.class > layoutContiguous {
		return l, fmt.Errorf("version %d with class %d is not supported", version, l.class)
	}
	switch l.class {
	case layoutCompact:
		l.data = c.take(uint64(c.u16()))
	case layoutContiguous:
		l.address, l.size = c.u64(), c.u64()
	case layoutChunked:
		if n := int(c.u8()); rank == 0 || n != rank+1 {
			return l, fmt.Errorf("chunks have %d axes, the dataset %d", n-1, rank)
		}
		l.address = c.u64()
		for range rank {
			n := uint64(c.u32())
			if n == 0 {
				return l, errors.New("chunks are empty")
			}
			l.chunk = append(l.chunk, n)
		}
	default:
		return l, fmt.Errorf("class %d is not supported", l.class)
	}
	return l, c.err
}

// Read returns all elements, row-major, rounded to float32. What it takes is bounded
// by the file's Budget.
func (d *Dataset) Read() ([]float32, error) {
	limited := *d.f
	limited.budget = d.f.allowance()
	r := &reader{Dataset: d, f: &limited}
	before := *limited.budget
	out, err := r.read()
	d.paid.Do(func() { // structures and packed chunks that many arrays share cost each of them
		if short := d.f.cost.Take(uint64(before-max(*limited.budget, 0)), "an array"); err == nil {
			err = short
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// reader reads a dataset by a File with a budget of its own.
type reader struct {
	*Dataset
	f *File
	z io.ReadCloser // undoes deflate, of one chunk after another
}

func (d *reader) read() ([]float32, error) {
	convert, err := d.kind.converter()
	if err != nil {
		return nil, err
	}
	if d.elements == 0 {
		return []float32{}, nil
	}
	if d.elements > math.MaxInt/d.kind.size {
		return nil, fmt.Errorf("shape %v is too large", d.Shape)
	}
	need := d.elements * d.kind.size
	switch d.layout.class {
	case layoutCompact:
		if uint64(len(d.layout.data)) < need {
			return nil, fmt.Errorf("shape %v needs %d bytes, the file has %d", d.Shape, need, len(d.layout.data))
		}
		out := make([]float32, d.elements)
		convert(out, d.layout.data)
		return out, nil
	case layoutContiguous:
		return d.readContiguous(need, convert)
	}
	return d.readChunks(convert)
}

func (d *reader) readContiguous(need uint64, convert func([]float32, []byte)) ([]float32, error) {
	if d.layout.address == undefined {
		return nil, errors.New("the data were never written")
	}
	if d.layout.size < need {
		return nil, fmt.Errorf("shape %v needs %d bytes, the file has %d", d.Shape, need, d.layout.size)
	}
	if at := d.layout.address + d.f.base; at > uint64(d.f.size) || need > uint64(d.f.size)-at {
		return nil, fmt.Errorf("%d bytes at address %d lie outside the file of %d bytes", need, d.layout.address, d.f.size)
	}
	const piece = 1 << 14 // elements at a time
	out := make([]float32, d.elements)
	for done := 0; done < len(out); {
		n := min(piece, len(out)-done)
		b, err := d.f.bytes(d.layout.address+uint64(done)*d.kind.size, uint64(n)*d.kind.size)
		if err != nil {
			return nil, err
		}
		convert(out[done:done+n], b)
		done += n
	}
	return out, nil
}
