// SPDX-License-Identifier: Apache-2.0

package buffer

import (
	"runtime"
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

// TestUnset: memory that is not cleared is whole, aligned, and alive as long as the slice.
func TestUnset(t *testing.T) {
	for _, n := range []int{0, 1, 1000, hugeBytes/4 - 1, hugeBytes / 4, hugeBytes/4 + 1, 3 * hugeBytes} {
		x := Unset(n)
		if len(x) != n || cap(x) != n {
			t.Errorf("%d: length %d, capacity %d", n, len(x), cap(x))
		}
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(x))); at%64 != 0 {
			t.Errorf("%d: starts at %#x, no cache line", n, at)
		}
		for i := range x {
			x[i] = float32(n)
		}
		var others [][]float32
		for range 4 {
			runtime.GC()
			others = append(others, Unset(n))
			for i := range others[len(others)-1] {
				others[len(others)-1][i] = -1
			}
		}
		if slices.ContainsFunc(x, func(v float32) bool { return v != float32(n) }) {
			t.Errorf("%d: another array overwrote it", n)
		}
	}
}
