// SPDX-License-Identifier: Apache-2.0

package buffer

import (
	"syscall"
	"unsafe"
)

// hugePages asks for pages of 2 MB around x, before it is first written: by default Linux gives
// them only to those who ask. What else lies in them is Go's heap too, and a refusal costs
// nothing but speed.
func hugePages(x []float32) {
	const page = 2 << 20
	from := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	to := (from + uintptr(4*len(x)) + page - 1) / page * page
	from = from / page * page
	_, _, _ = syscall.RawSyscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
}
