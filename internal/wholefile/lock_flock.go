// SPDX-License-Identifier: Apache-2.0

//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package wholefile

import (
	"os"
	"syscall"
)

// own locks a new file for as long as it is open. It fails where another process got
// the lock first, which is about to remove the file. A file system without locks has
// none to lose: its files are never removed by others.
func own(f *os.File) bool {
	if err := lock(f); err != nil {
		return err != syscall.EWOULDBLOCK
	}
	here, err := os.Lstat(f.Name())
	if err != nil {
		return false // removed before the lock
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

// removeIfGone removes the file when its lock can be had.
func removeIfGone(name string) {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return // a link, or a pipe that would not open
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }() // after the removal: until then nobody else takes it for gone
	if lock(f) == nil {
		_ = os.Remove(name)
	}
}

// finish renames while the lock is held, so that nobody takes the file for left behind.
func finish(f *os.File, path string) error {
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return f.Close()
}
