// SPDX-License-Identifier: Apache-2.0

// Package safetensors reads and writes safetensors files: named arrays of numbers and a map
// of strings, without anything executable.
//
// A file is
//
//	8 bytes   length n of the header, unsigned, little endian
//	n bytes   header: one JSON object, padded at its end with blanks
//	the rest  data: the tensors' elements, little endian, row-major, without gaps
//
// where the header holds for each tensor name
// {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, offsets counted
// from the start of the data, and under "__metadata__" an object of strings.
//
// The reader is strict, because weight files often come from untrusted sources: it rejects a
// header that does not match the file, duplicate names, offsets that overlap, leave gaps or
// exceed the file, and element counts that do not match the shape. It allocates no more than
// the size of the file, times the ratio of the sizes of float32 and the stored type.
//
// The format is described at https://github.com/huggingface/safetensors.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"unsafe"

	"github.com/reef-dl/reef/internal/openfile"
	"github.com/reef-dl/reef/internal/text"
)

// Tensor is one named array of float32, row-major. A nil or empty Shape is a scalar.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// File is an open safetensors file: its header is checked and in memory, its tensors are
// read on demand. It is safe for concurrent use until Close.
type File struct {
	name     string
	r        io.ReaderAt
	memory   []byte // the whole file, if it is in memory
	closer   io.Closer
	size     int64
	data     int64 // where the data section starts
	names    []string
	entries  map[string]entry
	metadata map[string]string
}

// Open opens the file at path and checks its header. The caller closes it.
func Open(path string) (*File, error) {
	r, err := openfile.Path(path)
	return opened(r, path, err)
}

// OpenFS opens a file of a file system, for instance of an embed.FS, and checks its header. The
// caller closes it.
func OpenFS(fsys fs.FS, name string) (*File, error) {
	r, err := openfile.FS(fsys, name)
	return opened(r, name, err)
}

func opened(r *openfile.File, name string, err error) (*File, error) {
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	f, err := New(r, r.Size(), name)
	if err != nil {
		_ = r.Close() // only read
		return nil, err
	}
	f.closer = r
	return f, nil
}

// NewBytes reads the header of a file in memory, for instance of an embedded one; errors call it
// name. The data must not change as long as the file is used.
func NewBytes(data []byte, name string) (*File, error) {
	f, err := New(bytes.NewReader(data), int64(len(data)), name)
	if err != nil {
		return nil, err
	}
	f.memory = data
	return f, nil
}

// New reads the header of a file of size bytes in r; errors call it name.
func New(r io.ReaderAt, size int64, name string) (*File, error) {
	if r == nil {
		return nil, fmt.Errorf("safetensors: %s: the reader is nil", name)
	}
	f := &File{name: name, r: r, size: size}
	if err := f.readHeader(size); err != nil {
		return nil, text.Brief(fmt.Errorf("safetensors: %s: %w", name, err))
	}
	for n := range f.entries {
		f.names = append(f.names, n)
	}
	slices.Sort(f.names)
	return f, nil
}

// Close closes the file if Open or OpenFS opened it.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Size returns the length of the file in bytes.
func (f *File) Size() int64 { return f.size }

// Names returns the names of all tensors in ascending order.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Metadata returns the file's map of strings, which is never nil. Do not modify it.
func (f *File) Metadata() map[string]string { return f.metadata }

// Shape returns the shape and the stored type ("F32", "BF16", ...) of a tensor
// without reading it; ok is false if the file has no tensor of that name.
func (f *File) Shape(name string) (shape []int, dtype string, ok bool) {
	e, ok := f.entries[name]
	return slices.Clone(e.shape), e.dtype, ok
}

// Has reports whether the file has a tensor of that name.
func (f *File) Has(name string) bool {
	_, ok := f.entries[name]
	return ok
}

// Tensor reads a tensor and converts it to float32: F16, BF16 and U8 exactly, F64 rounded to
// nearest, I32 and I64 exactly or with an error. A finite number that overflows float32 is an
// error, as are types other than F64, F32, F16, BF16, I64, I32 and U8.
func (f *File) Tensor(name string) (shape []int, data []float32, err error) {
	e, ok := f.entries[name]
	if !ok {
		return nil, nil, fmt.Errorf("safetensors: %s: no tensor %q among its %d", f.name, name, len(f.names))
	}
	data, err = e.read(f.r, f.data)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors: %s: tensor %q: %w", f.name, name, err)
	}
	return slices.Clone(e.shape), data, nil
}

// InPlace returns the elements of a tensor where they are in the memory of a file of NewBytes, to
// be read only. ok is false if they have to be read with Tensor: in another file, of another type
// than F32, at an address that is not a multiple of four, or on a big-endian machine.
func (f *File) InPlace(name string) (data []float32, ok bool) {
	e, ok := f.entries[name]
	if !ok || f.memory == nil || e.dtype != "F32" || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, false
	}
	bytes := f.memory[f.data+e.begin : f.data+e.end]
	at := unsafe.Pointer(unsafe.SliceData(bytes))
	if uintptr(at)%unsafe.Alignof(float32(0)) != 0 {
		return nil, false
	}
	return unsafe.Slice((*float32)(at), e.elements), true
}
