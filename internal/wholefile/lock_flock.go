// SPDX-License-Identifier: Apache-2.0

//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package wholefile

import (
	"os"
	"syscall"
)

// own locks a new file as long as it is open. It fails if another process got the lock first and
// is about to remove the file. On a file system without locks it succeeds: there, files are never
// removed by others.
func own(f *os.File) bool {
	if err := lock(f); err != nil {
		return err != syscall.EWOULDBLOCK
	}
	here, err := os.Lstat(f.Name())
	if err != nil {
		return false // removed before it was locked
	}
	mine, err := f.Stat()
	return err == nil && os.SameFile(here, mine)
}

func lock(f *os.File) (err error) {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	failed := c.Control(func(fd uintptr) {
		for {
			if err = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EINTR {
				return
			}
		}
	})
	if failed != nil {
		return failed
	}
	return err
}

// removeIfGone removes the file if its lock can be acquired.
func removeIfGone(name string) {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return // a link, or a pipe that would block
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }() // after the removal: until then, nobody else can lock the file
	if lock(f) == nil {
		_ = os.Remove(name)
	}
}

// finish renames while the lock is held, so that nobody considers the file abandoned.
func finish(f *os.File, path string) error {
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return f.Close()
}
