// SPDX-License-Identifier: Apache-2.0

package buffer

import (
	"strings"
	"unsafe"
)

// Unset returns n floats with undefined content, aligned to a cache line and in huge pages like
// those of Floats, for results of which every value is computed. Clearing an array of some
// megabytes first takes as long as a cheap layer does; Go has no make without it, but
// strings.Builder allocates its bytes so, and a string that points to their start keeps them
// alive.
func Unset(n int) []float32 {
	const line = 64
	if 4*n < hugeBytes {
		return Floats(n)
	}
	var b strings.Builder
	b.Grow(4*n + line)
	b.WriteByte(0)
	p := unsafe.Pointer(unsafe.StringData(b.String()))
	p = unsafe.Add(p, -uintptr(p)%line) // to the next cache line
	x := unsafe.Slice((*float32)(p), n)
	hugePages(x)
	return x[:n:n]
}
