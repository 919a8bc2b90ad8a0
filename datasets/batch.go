// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"iter"
)

// Batch holds consecutive samples. Its slices are reused for the next batch: copy what
// you keep.
type Batch struct {
	Len             int
	Inputs, Targets [][]float32 // row-major, Len samples each
}

// Batches reads the source in order, size samples at a time; the last batch may be
// shorter. It stops at the first error. A batch of more than 2^28 numbers (1 GB) is an
// error.
func Batches(s Source, size int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		if size < 1 {
			yield(Batch{}, fmt.Errorf("batches: size %d, want at least 1", size))
			return
		}
		l, n, err := measure(s)
		size = min(size, max(n, 1))
		if err == nil {
			err = l.checkRoom(size)
		}
		if err != nil {
			yield(Batch{}, fmt.Errorf("batches: %w", err))
			return
		}
		inputs, targets := l.buffers(size)
		b := Batch{0, make([][]float32, len(inputs)), make([][]float32, len(targets))}
		indices := make([]int, 0, size)
		for first := 0; first < n; first += size {
			indices = indices[:0]
			for i := first; i < min(first+size, n); i++ {
				indices = append(indices, i)
			}
			b.Len = len(indices)
			cut(b.Inputs, inputs, l.inputSizes, b.Len)
			cut(b.Targets, targets, l.targetSizes, b.Len)
			if err := read(s, indices, b.Inputs, b.Targets); err != nil {
				yield(Batch{}, fmt.Errorf("samples %d to %d: %w", first, first+b.Len-1, err))
				return
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// StreamBatches reads the stream to its end, size samples at a time; the last batch may
// be shorter. It stops at the first error. A batch of more than 2^28 numbers (1 GB) is an
// error.
func StreamBatches(s Stream, size int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		if size < 1 {
			yield(Batch{}, fmt.Errorf("batches: size %d, want at least 1", size))
			return
		}
		l, err := outline(s)
		if err == nil {
			err = l.checkRoom(size)
		}
		if err != nil {
			yield(Batch{}, fmt.Errorf("batches: %w", err))
			return
		}
		inputs, targets := l.buffers(size)
		b := Batch{0, make([][]float32, len(inputs)), make([][]float32, len(targets))}
		for {
			n, err := next(s, size, inputs, targets)
			if n > 0 {
				b.Len = n
				cut(b.Inputs, inputs, l.inputSizes, n)
				cut(b.Targets, targets, l.targetSizes, n)
				if !yield(b, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Batch{}, err)
				return
			}
		}
	}
}
