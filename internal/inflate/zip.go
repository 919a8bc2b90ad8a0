// SPDX-License-Identifier: Apache-2.0

package inflate

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/reef-dl/reef/internal/sniff"
)

// Zip reads the directory of a zip archive; size is that of the archive in bytes. The name
// is used in errors.
func Zip(f fs.File, name string) (z *zip.Reader, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, 0, fmt.Errorf("%s: does not support random access", name)
	}
	z, err = zip.NewReader(at, info.Size())
	if err != nil {
		begin := make([]byte, sniff.Len)
		n, readErr := at.ReadAt(begin, 0)
		if is := sniff.Name(begin[:n]); is != "" && !strings.Contains(is, "zip archive") && (readErr == nil || errors.Is(readErr, io.EOF)) {
			return nil, 0, fmt.Errorf("%s: %s, want a zip archive: %w", name, is, err)
		}
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	return z, info.Size(), nil
}

// Unzip opens one file of a zip archive, whatever folder it lies in, without unpacking the
// archive to disk.
func Unzip(f fs.File, name, entry string, l Limit) (io.ReadCloser, error) {
	z, size, err := Zip(f, name)
	if err != nil {
		return nil, err
	}
	for _, e := range z.File {
		if path.Base(e.Name) == entry {
			r, err := Open(e, size, l)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, entry, err)
			}
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s: contains no file %s", name, entry)
}
