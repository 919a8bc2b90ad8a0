// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Rows is a matrix of which only some rows are not zero, those of Index, as the
// gradient of an embedding is. It is overwritten by the next run.
type Rows struct {
	Index []int32 // ascending
	shape tensor.Shape
	grad  kernel.SparseGrad
}

// Values computes the rows of Index, (len(Index), dim) row-major: row k is the sum of the
// gradients at all places of the id Index[k], in their order. It is good until the next
// call or run, and must be called before what the gradient is made of changes.
func (m *Rows) Values() []float32 { return m.grad.Sum() }

// Each computes some of the rows of Values, (len(index), dim), and calls f with them, then
// the next, so that f finds them in the cache; several at a time, on different goroutines.
// The slices are good until f returns.
func (m *Rows) Each(f func(index []int32, values []float32)) { m.grad.Each(f) }

// CSR is a sparse matrix in compressed rows, as a batch of multi-hot vectors
// is: row i has ones in the columns Cols[Indptr[i]:Indptr[i+1]], or the Vals at
// those places. Bound to a variable of rank 2 it is a valid input of Dense.
type CSR struct {
	Indptr []int32 // one more than rows, from 0
	Cols   []int32
	Vals   []float32 // nil when all are 1
	shape  tensor.Shape
}

// NewCSR is an empty matrix; its slices are filled by the caller, who may reuse
// them from batch to batch.
func NewCSR(rows, cols int) *CSR {
	return &CSR{Indptr: make([]int32, rows+1), shape: tensor.Shape{rows, cols}}
}

func (m *CSR) sparse()  {}
func (m *Rows) sparse() {}

var (
	_ Value = (*CSR)(nil)
	_ Value = (*Rows)(nil)
)

// The methods of gorgonia.Value.

// Shape is (rows, columns).
func (m *CSR) Shape() tensor.Shape { return m.shape }

// Size is the number of elements of the dense matrix.
func (m *CSR) Size() int { return size(m.shape) }

// Data is the matrix itself.
func (m *CSR) Data() any { return m }

// Dtype is float32.
func (m *CSR) Dtype() tensor.Dtype { return tensor.Float32 }

// MemSize is the size of the stored columns in bytes.
func (m *CSR) MemSize() uintptr { return uintptr(4 * (len(m.Cols) + len(m.Vals))) }

// Uintptr is the address of the first column.
func (m *CSR) Uintptr() uintptr { return uintptr(m.Pointer()) }

// Pointer points to the first column.
func (m *CSR) Pointer() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(m.Cols)) }

// Format writes the shape and the number of stored elements.
func (m *CSR) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "CSR %v with %d elements", m.shape, len(m.Cols))
}

// Shape is (rows, columns).
func (m *Rows) Shape() tensor.Shape { return m.shape }

// Size is the number of elements of the dense matrix.
func (m *Rows) Size() int { return size(m.shape) }

// Data is the matrix itself.
func (m *Rows) Data() any { return m }

// Dtype is float32.
func (m *Rows) Dtype() tensor.Dtype { return tensor.Float32 }

// MemSize is the size of the rows in bytes.
func (m *Rows) MemSize() uintptr { return uintptr(4 * len(m.Index) * m.shape[1]) }

// Uintptr is the address of the index.
func (m *Rows) Uintptr() uintptr { return uintptr(m.Pointer()) }

// Pointer points to the index: the rows have no memory of their own.
func (m *Rows) Pointer() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(m.Index)) }

// Format writes the shape and the number of stored rows.
func (m *Rows) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "Rows %v with %d rows", m.shape, len(m.Index))
}
