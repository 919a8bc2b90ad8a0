// SPDX-License-Identifier: Apache-2.0

package buffer

import (
	"syscall"
	"unsafe"
)

// hugePages requests pages of 2 MB around x before x is first written: by default, Linux uses them
// only on request. The rest of such a page belongs to Go's heap too, and if the system refuses,
// only speed is lost.
func hugePages(x []float32) {
	const page = 2 << 20
	from := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	to := (from + uintptr(4*len(x)) + page - 1) / page * page
	from = from / page * page
	_, _, _ = syscall.RawSyscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
}
