// SPDX-License-Identifier: Apache-2.0

package parallel

import (
	"runtime"
	"syscall"
)

// yield gives up the core: to another goroutine, then to another thread, which may be the
// preempted helper that the caller is waiting for.
func yield() {
	runtime.Gosched()
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
}
