// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reef-dl/reef/internal/wholefile"
)

// Writable makes the folder if it does not exist and proves that files can be created
// in it.
func Writable(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		probe := filepath.Join(dir, ".writable")
		err = wholefile.Write(probe, func(w io.Writer) error {
			_, err := w.Write(make([]byte, 4096)) // a full disk shows here
			return err
		})
		if err == nil {
			if err = os.Remove(probe); errors.Is(err, fs.ErrNotExist) {
				err = nil // another process has just proved the same
			}
		}
	}
	if err != nil {
		return fmt.Errorf("output folder: %w", err)
	}
	return nil
}

// WriteFile replaces a file as a whole: path holds either what it held before or all of
// the new content.
func WriteFile(path string, write func(io.Writer) error) error {
	if err := wholefile.Write(path, write); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
