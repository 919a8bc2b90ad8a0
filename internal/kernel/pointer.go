// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

// floatsAt returns p moved by n float32s. No memory, of a matrix without elements, stays none.
func floatsAt(p unsafe.Pointer, n int) unsafe.Pointer {
	if p == nil {
		return nil
	}
	return unsafe.Add(p, 4*n)
}

// first returns the address of x's first element; of an empty slice, any.
func first(x []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }
