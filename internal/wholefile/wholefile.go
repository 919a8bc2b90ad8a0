// SPDX-License-Identifier: Apache-2.0

// Package wholefile replaces files atomically: content is written to a temporary file next to the
// target, which is renamed to the target when it is complete.
//
// A process that is killed in between leaves its temporary file behind, and the next writer of the
// same target removes it. Whether the owner of such a file is still alive is decided by a lock
// that the owner holds on it, which the system releases when the process ends, and not by a
// process ID, which may have been reused.
package wholefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// suffix is the end of a temporary file's name: ".<target>.<digits>.tmp".
const suffix = ".tmp"

// Write writes a temporary file next to path, syncs it to disk and renames it: whatever fails, path
// holds either its previous content or all of the new content. Temporary files of path whose
// writers are gone are removed first.
//
// Errors name the folder or path, and never the temporary file, of which the caller knows nothing.
func Write(path string, write func(io.Writer) error) error {
	if path == "" {
		return errors.New("the path is empty")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return errors.New("it is a folder, want the path of a file")
	}
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
	if err := write(target{f, path}); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync()); err != nil { // it was created with mode 0600
		return err
	}
	if err := finish(f, path); err != nil {
		return err
	}
	done = true
	return nil
}

// target is a temporary file whose errors in writing name the file that it replaces.
type target struct {
	*os.File
	path string
}

func (f target) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = &fs.PathError{Op: failed.Op, Path: f.path, Err: failed.Err}
	}
	return n, err
}

// tries is the maximum number of names to try: each failure means that another process found the
// file after it was created and before it was locked.
const tries = 100

// create creates a temporary file of path and locks it.
func create(path string) (*os.File, error) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	for range tries {
		f, err := os.CreateTemp(dir, "."+base+".*"+suffix)
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, &fs.PathError{Op: "create a file in", Path: dir, Err: failed.Err}
		}
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

// sweep removes the temporary files of path that have no living writer. Files that it cannot open
// or remove are left to the next writer.
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

// unfinished reports whether create could have made the name.
func unfinished(name, base string) bool {
	rest, ok := strings.CutPrefix(name, "."+base+".")
	if !ok {
		return false
	}
	digits, ok := strings.CutSuffix(rest, suffix)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
