// SPDX-License-Identifier: Apache-2.0

package parallel

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Task is work cut into units 0..n-1 that may run in any order, on any worker.
// What a unit computes must not depend on the worker that runs it.
type Task interface {
	Unit(u int, w *Worker)
}

// Worker is what one goroutine needs for itself while it runs units. Its scratch memory is
// good until the unit returns.
type Worker struct {
	Tile    simd.TileArgs
	floats  []float32
	ints    []int32
	offsets []int
}

// Floats returns n floats of scratch memory, of undefined content.
func (w *Worker) Floats(n int) []float32 {
	if cap(w.floats) < n {
		w.floats = buffer.Floats(n)
	}
	return w.floats[:n]
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

var callers FreeList[Worker]

// Borrow returns a worker's scratch memory for use outside of units, until Return.
func Borrow() *Worker { return callers.Get() }

// Return gives back what Borrow returned.
func (w *Worker) Return() { callers.Put(w) }
