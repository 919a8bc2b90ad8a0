// SPDX-License-Identifier: Apache-2.0

// Package buffer allocates what kernels write to.
package buffer

import "unsafe"

// hugeBytes is the size from which an array is worth huge pages, of 2 MB. Of the usual pages of
// 4 kB, a processor caches the addresses of about 12 MB at a time, less than one layer may have,
// and looks the others up in memory.
const hugeBytes = 1 << 20

// Floats returns n zeros that start on a cache line, in huge pages where they fill some and the
// system grants them.
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

// Grow returns a buffer of at least n floats of undefined content: b itself if it is long enough.
func Grow(b []float32, n int) []float32 {
	if len(b) < n {
		return Floats(n)
	}
	return b
}

// Resize returns a slice of n elements of undefined content, in s's memory if that is large enough.
func Resize[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}
