// SPDX-License-Identifier: Apache-2.0

package simd

import "unsafe"

// At returns p moved by n float32s. No memory, of a matrix without elements, stays none.
func At(p unsafe.Pointer, n int) unsafe.Pointer {
	if p == nil {
		return nil
	}
	return unsafe.Add(p, 4*n)
}

// First returns the address of x's first element; of an empty slice, any.
func First(x []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }
