// SPDX-License-Identifier: Apache-2.0

package parallel

import (
	"runtime"
	"syscall"
)

// yield gives the core away: to a goroutine, then to another thread, which may
// be the displaced helper that the caller waits for.
func yield() {
	runtime.Gosched()
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
}
