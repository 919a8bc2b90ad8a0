// SPDX-License-Identifier: Apache-2.0

package simd

import "unsafe"

// At returns p advanced by n float32s, nil if p is nil (a matrix without elements).
func At(p unsafe.Pointer, n int) unsafe.Pointer {
	if p == nil {
		return nil
	}
	return unsafe.Add(p, 4*n)
}

// First returns the address of x's first element, or an arbitrary one if x is empty.
func First(x []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }
