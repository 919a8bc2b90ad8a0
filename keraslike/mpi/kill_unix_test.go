// SPDX-License-Identifier: Apache-2.0

//go:build unix

package mpi

import (
	"os"
	"syscall"
)

func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func terminateSelf() { _ = syscall.Kill(os.Getpid(), syscall.SIGTERM) }

// fillDisk makes the first rank's files end after 3,000 bytes, as on a full disk.
func fillDisk(rank int) error {
	if rank > 0 {
		return nil
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 3000, Max: 3000})
}
