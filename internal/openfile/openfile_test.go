// SPDX-License-Identifier: Apache-2.0

package openfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// content is longer than two steps and compresses badly enough.
func content() []byte {
	b := make([]byte, 2*step+1234)
	for i := range b {
		b[i] = byte(i*i>>3 + i)
	}
	return b
}

// TestSources reads the same file from disk, from memory, and from a zip archive, which has no
// ReadAt, in any order.
func TestSources(t *testing.T) {
	want := content()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("dir/f")
	if err == nil {
		_, err = w.Write(want)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (*File, error){
		"path": func() (*File, error) { return Path(path) },
		"map":  func() (*File, error) { return FS(fstest.MapFS{"f": {Data: want}}, "f") },
		"zip":  func() (*File, error) { return FS(archive, "dir/f") },
	} {
		t.Run(name, func(t *testing.T) {
			f, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Size() != int64(len(want)) {
				t.Errorf("size %d, want %d", f.Size(), len(want))
			}
			var group sync.WaitGroup
			for _, at := range []int{5, step - 3, 0, 2 * step, step + 77} {
				group.Go(func() {
					got := make([]byte, 1000)
					if n, err := f.ReadAt(got, int64(at)); n != len(got) || err != nil || !bytes.Equal(got, want[at:at+1000]) {
						t.Errorf("at %d: %d bytes, %v", at, n, err)
					}
				})
			}
			group.Wait()
			got := make([]byte, 100)
			if n, err := f.ReadAt(got, int64(len(want)-40)); n != 40 || err != io.EOF {
				t.Errorf("at the end: %d bytes, %v, want 40 and EOF", n, err)
			}
			if n, err := f.ReadAt(got, int64(len(want)+40)); n != 0 || err == nil {
				t.Errorf("behind the end: %d bytes, %v, want 0 and an error", n, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	system := fstest.MapFS{"dir/f": {}}
	for want, open := range map[string]func() (*File, error){
		dir + " is a folder, want a file": func() (*File, error) { return Path(dir) },
		"no such file":                    func() (*File, error) { return Path(filepath.Join(dir, "absent")) },
		"dir is a folder, want a file":    func() (*File, error) { return FS(system, "dir") },
		"open absent":                     func() (*File, error) { return FS(system, "absent") },
		"the file system is nil":          func() (*File, error) { return FS(nil, "f") },
	} {
		if _, err := open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := FS(system, "absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	failing := &prefix{r: io.MultiReader(strings.NewReader("abc"), failure{})}
	if n, err := failing.ReadAt(make([]byte, 5), 1); n != 2 || !errors.Is(err, errFailed) {
		t.Errorf("%d bytes, %v; want 2 and the reader's error", n, err)
	}
	if _, err := failing.ReadAt(make([]byte, 5), -1); err == nil {
		t.Error("a negative offset was accepted")
	}
}

var errFailed = errors.New("failed")

type failure struct{}

func (failure) Read([]byte) (int, error) { return 0, errFailed }
