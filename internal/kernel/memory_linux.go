// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"syscall"
	"unsafe"
)

// largePages asks for pages of 2 MB around x, before it is first written: by default Linux gives
// them only to who asks. What else lies in them is Go's heap too, and to be refused is no
// mistake, only slower.
func largePages(x []float32) {
	const page = 2 << 20
	from := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	to := (from + uintptr(4*len(x)) + page - 1) / page * page
	from = from / page * page
	_, _, _ = syscall.RawSyscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
}
