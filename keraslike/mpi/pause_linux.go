// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"syscall"
	"time"
)

// pause sleeps on this thread. time.Sleep takes a millisecond or more in a process that does nothing else,
// because epoll_wait, in which the Go runtime then waits, counts milliseconds.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early
}
