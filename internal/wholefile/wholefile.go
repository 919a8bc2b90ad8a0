// SPDX-License-Identifier: Apache-2.0

// Package wholefile replaces files whole: what is written lies beside the target
// until it is complete, and is then renamed to it.
//
// A process that is killed in between leaves its unfinished file behind. The next
// writer of the same target removes it. Whether the owner of such a file still lives
// is told by a lock that the owner holds on it, not by a process number, which may
// be in use again: the system drops the lock with the process.
package wholefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// suffix ends the name of an unfinished file: ".<target>.<digits>.tmp".
const suffix = ".tmp"

// Write writes a file beside path, forces it to the disk and renames it, so that path
// holds either what it held before or the whole new content, whatever fails in between.
// Unfinished files of path whose writers are gone are removed first.
func Write(path string, write func(io.Writer) error) error {
	sweep(path)
	f, err := create(path)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done { // write failed, panicked or ended its goroutine
			_ = f.Close() // a second Close only returns an error
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync()); err != nil { // it was made with 0600
		return err
	}
	if err := finish(f, path); err != nil {
		return err
	}
	done = true
	return nil
}

// tries is how often a new name is tried: each failure means that another process has
// met the file between its making and its locking.
const tries = 100

// create makes an unfinished file of path and takes its lock.
func create(path string) (*os.File, error) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	for range tries {
		f, err := os.CreateTemp(dir, "."+base+".*"+suffix)
		if err != nil {
			return nil, err
		}
		if own(f) {
			return f, nil
		}
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	return nil, fmt.Errorf("%s: no temporary file can be kept beside it", path)
}

// sweep removes the unfinished files of path that nobody writes any more. What it
// cannot look at or remove it leaves: it is the next writer's to try again.
func sweep(path string) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer func() { _ = d.Close() }() // only read
	for {
		names, err := d.Readdirnames(1000)
		for _, name := range names {
			if unfinished(name, base) {
				removeIfGone(filepath.Join(dir, name))
			}
		}
		if err != nil || len(names) == 0 {
			return
		}
	}
}

// unfinished tells the names that create gives from all others.
func unfinished(name, base string) bool {
	rest, ok := strings.CutPrefix(name, "."+base+".")
	if !ok {
		return false
	}
	digits, ok := strings.CutSuffix(rest, suffix)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
