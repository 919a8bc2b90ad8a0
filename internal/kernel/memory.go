// SPDX-License-Identifier: Apache-2.0

package kernel

import "unsafe"

// largeBytes is the size from which an array is worth pages of its own size, 2 MB: of the
// usual 4 kB each, a processor finds the addresses of about 12 MB at a time, less than one
// layer may have, and looks others up in memory.
const largeBytes = 1 << 20

// Floats returns n floats, all 0, that start on a cache line, in large pages where they fill
// some and the system has them to give.
func Floats(n int) []float32 {
	const line = 64 / 4
	b := make([]float32, n+line)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % 64 / 4)
	b = b[off : off+n : off+n]
	if 4*n >= largeBytes {
		largePages(b)
	}
	return b
}

// grow returns a buffer of at least n floats, b itself if it is long enough.
func grow(b []float32, n int) []float32 {
	if len(b) < n {
		return Floats(n)
	}
	return b
}
