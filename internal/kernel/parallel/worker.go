// SPDX-License-Identifier: Apache-2.0

package parallel

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Task is work divided into units 0..n-1 that may run in any order, on any worker. The result
// of a unit must not depend on the worker that runs it.
type Task interface {
	Unit(u int, w *Worker)
}

// Worker is the memory that a goroutine needs to run units. Its scratch memory is valid until
// the unit returns.
type Worker struct {
	Tile    simd.TileArgs
	floats  []float32
	doubles []float64
	ints    []int32
	offsets []int

	segments []simd.Segment
}

// Floats returns n floats of scratch memory with undefined content.
func (w *Worker) Floats(n int) []float32 {
	if cap(w.floats) < n {
		w.floats = buffer.Floats(n)
	}
	return w.floats[:n]
}

// Doubles returns n numbers of double precision of scratch memory.
func (w *Worker) Doubles(n int) []float64 {
	w.doubles = buffer.Resize(w.doubles, n)
	return w.doubles
}

// Ints returns n integers of scratch memory.
func (w *Worker) Ints(n int) []int32 {
	w.ints = buffer.Resize(w.ints, n)
	return w.ints
}

// Offsets returns n offsets of scratch memory.
func (w *Worker) Offsets(n int) []int {
	w.offsets = buffer.Resize(w.offsets, n)
	return w.offsets
}

// Segments returns n segments of scratch memory.
func (w *Worker) Segments(n int) []simd.Segment {
	w.segments = buffer.Resize(w.segments, n)
	return w.segments
}

var callers FreeList[Worker]

// Borrow returns a worker whose scratch memory can be used outside of units, until Return is
// called.
func Borrow() *Worker { return callers.Get() }

// Return returns a worker obtained from Borrow.
func (w *Worker) Return() { callers.Put(w) }
