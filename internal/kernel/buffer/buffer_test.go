// SPDX-License-Identifier: Apache-2.0

package buffer

import (
	"slices"
	"testing"
	"unsafe"
)

func TestFloats(t *testing.T) {
	for _, n := range []int{0, 1, 17, 1000, hugeBytes/4 - 1, hugeBytes / 4, 3 * hugeBytes} {
		x := Floats(n)
		if len(x) != n || cap(x) != n {
			t.Errorf("%d: length %d, capacity %d", n, len(x), cap(x))
		}
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(x))); at%64 != 0 {
			t.Errorf("%d: starts at %#x, no cache line", n, at)
		}
		if slices.ContainsFunc(x, func(v float32) bool { return v != 0 }) {
			t.Errorf("%d: not all 0", n)
		}
		for i := range x {
			x[i] = 1 // all of it is ours
		}
	}
}
