// SPDX-License-Identifier: Apache-2.0

// Package buffer allocates memory for kernels.
package buffer

import "unsafe"

// hugeBytes is the size from which an array should be in huge pages of 2 MB. The TLB covers about
// 12 MB in 4 kB pages, which may be less than one layer has; beyond that, addresses are looked up
// in memory.
const hugeBytes = 1 << 20

// Floats returns n zeros aligned to a cache line, in huge pages if they fill some and the system
// grants them.
func Floats(n int) []float32 {
	const line = 64 / 4
	b := make([]float32, n+line)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % 64 / 4)
	b = b[off : off+n : off+n]
	if 4*n >= hugeBytes {
		hugePages(b)
	}
	return b
}

// Grow returns a buffer of at least n floats with undefined content: b itself if it is long enough.
func Grow(b []float32, n int) []float32 {
	if len(b) < n {
		return Floats(n)
	}
	return b
}

// Resize returns a slice of n elements with undefined content, in s's memory if that is large
// enough.
func Resize[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}
