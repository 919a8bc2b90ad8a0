// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// RowSparse is a matrix that is zero except for the rows listed in Index, such as the gradient of
// an embedding. The next run overwrites it.
type RowSparse struct {
	Index []int32 // ascending
	shape tensor.Shape
	grad  kernel.SparseGrad
}

// Values computes the rows listed in Index, (len(Index), dim) row-major: row k is the sum of
// the gradients at all occurrences of the id Index[k], in order. The result is valid until
// the next call or run. Values must be called before the operands of the gradient change.
func (m *RowSparse) Values() []float32 { return m.grad.Sum() }

// Each computes the rows of Values block by block and calls f with each block,
// (len(index), dim), while it is in the cache. Calls run concurrently on several goroutines.
// The slices are valid until f returns.
func (m *RowSparse) Each(f func(index []int32, values []float32)) { m.grad.Each(f) }

// CSR is a sparse matrix in compressed sparse row format, such as a batch of multi-hot
// vectors: row i has the values Vals[Indptr[i]:Indptr[i+1]], or ones if Vals is nil, in the
// columns Cols[Indptr[i]:Indptr[i+1]]. Bound to a variable of rank 2 it is a valid input of
// Dense.
type CSR struct {
	Indptr []int32 // rows+1 offsets, starting at 0
	Cols   []int32
	Vals   []float32 // nil if all are 1
	shape  tensor.Shape
}

// NewCSR returns an empty matrix. The caller fills its slices and may reuse them from batch
// to batch.
func NewCSR(rows, cols int) *CSR {
	return &CSR{Indptr: make([]int32, rows+1), shape: tensor.Shape{rows, cols}}
}

func (m *CSR) sparse()       {}
func (m *RowSparse) sparse() {}

var (
	_ Value = (*CSR)(nil)
	_ Value = (*RowSparse)(nil)
)

// The methods of gorgonia.Value.

// Shape returns (rows, columns).
func (m *CSR) Shape() tensor.Shape { return m.shape }

// Size returns the number of elements of the dense matrix.
func (m *CSR) Size() int { return size(m.shape) }

// Data returns the matrix itself.
func (m *CSR) Data() any { return m }

// Dtype returns float32.
func (m *CSR) Dtype() tensor.Dtype { return tensor.Float32 }

// MemSize returns the size of the stored elements in bytes.
func (m *CSR) MemSize() uintptr { return uintptr(4 * (len(m.Cols) + len(m.Vals))) }

// Uintptr returns the address of the first column index.
func (m *CSR) Uintptr() uintptr { return uintptr(m.Pointer()) }

// Pointer returns a pointer to the first column index.
func (m *CSR) Pointer() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(m.Cols)) }

// Format writes the shape and the number of stored elements.
func (m *CSR) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "CSR %v with %d elements", m.shape, len(m.Cols))
}

// Shape returns (rows, columns).
func (m *RowSparse) Shape() tensor.Shape { return m.shape }

// Size returns the number of elements of the dense matrix.
func (m *RowSparse) Size() int { return size(m.shape) }

// Data returns the matrix itself.
func (m *RowSparse) Data() any { return m }

// Dtype returns float32.
func (m *RowSparse) Dtype() tensor.Dtype { return tensor.Float32 }

// MemSize returns the size of the nonzero rows in bytes.
func (m *RowSparse) MemSize() uintptr { return uintptr(4 * len(m.Index) * m.shape[1]) }

// Uintptr returns the address of the index.
func (m *RowSparse) Uintptr() uintptr { return uintptr(m.Pointer()) }

// Pointer returns a pointer to the index; the rows are not stored.
func (m *RowSparse) Pointer() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(m.Index)) }

// Format writes the shape and the number of nonzero rows.
func (m *RowSparse) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "RowSparse %v with %d rows", m.shape, len(m.Index))
}
