// SPDX-License-Identifier: Apache-2.0

//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package wholefile

import (
	"os"
	"time"
)

// abandoned is the time without a change after which a file counts as abandoned on systems without
// flock: no write takes that long. On Windows, an open file cannot be removed at all.
const abandoned = 24 * time.Hour

func own(*os.File) bool { return true }

func removeIfGone(name string) {
	info, err := os.Lstat(name)
	if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandoned {
		_ = os.Remove(name)
	}
}

// finish closes first: an open file cannot be renamed on Windows.
func finish(f *os.File, path string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
