// SPDX-License-Identifier: Apache-2.0

package wholefile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	err := Write(path, func(w io.Writer) error { _, err := io.WriteString(w, content); return err })
	if err != nil {
		t.Fatal(err)
	}
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, want) {
		t.Errorf("folder holds %q, want %q", names, want)
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	for _, content := range []string{"one", "two, longer"} {
		write(t, path, content)
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("file holds %q (%v), want %q", got, err, content)
		}
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v (%v), want 0644", info.Mode(), err)
	}
	wantNames(t, dir, "m")
}

// However writing ends early, the old content remains and no other file is left.
func TestWriteEndsEarly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	write(t, path, "before")
	broken := errors.New("broken")
	if err := Write(path, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want the writer's", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = Write(path, func(io.Writer) error { panic("at the disco") })
	}()
	var wait sync.WaitGroup
	wait.Go(func() { _ = Write(path, func(io.Writer) error { runtime.Goexit(); return nil }) })
	wait.Wait()
	if got, _ := os.ReadFile(path); string(got) != "before" {
		t.Errorf("file holds %q, want its old content", got)
	}
	wantNames(t, dir, "m")
}

// Nobody has heard of the temporary file, so no error may name it.
func TestWriteNowhere(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		"":                                "the path is empty",
		dir:                               "it is a folder, want the path of a file",
		filepath.Join(dir, "absent", "m"): "create a file in " + filepath.Join(dir, "absent") + ": ",
	} {
		err := Write(path, func(io.Writer) error { t.Errorf("%q: was written", path); return nil })
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("%q: error %v, want %q and no temporary file", path, err, want)
		}
	}
	if err := Write(filepath.Join(dir, "absent", "m"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	err := Write(filepath.Join(dir, "m"), func(w io.Writer) error {
		_ = w.(io.Closer).Close() // as a full disk, it makes Write fail
		_, err := w.Write([]byte("x"))
		return err
	})
	if !errors.Is(err, fs.ErrClosed) || strings.Contains(err.Error(), ".tmp") {
		t.Errorf("error %v, want %v and no temporary file", err, fs.ErrClosed)
	}
	wantNames(t, dir)
}

// Only files that no other program creates are removed, and only those of the same target.
func TestSweepLeavesOthers(t *testing.T) {
	dir := t.TempDir()
	others := []string{".m", ".m.12.tmp.bak", ".m.1a.tmp", ".m.st.12.tmp", ".m..tmp", "m.12.tmp", ".n.12.tmp"}
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range append([]string{".m.12.tmp"}, others...) {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".m.13.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "m"), "x")
	want := append([]string{".m.13.tmp", "m"}, others...)
	slices.Sort(want)
	wantNames(t, dir, want...)
}

// Many concurrent writers of one target: each succeeds, and readers see only complete contents.
func TestWriteAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	write(t, path, "")
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			content := bytes.Repeat([]byte{byte('a' + i)}, 10_000)
			for range 20 {
				err := Write(path, func(w io.Writer) error {
					for part := range slices.Chunk(content, 1000) {
						if _, err := w.Write(part); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil && runtime.GOOS != "windows" { // Windows does not replace an open file
					t.Error(err)
				}
				got, err := os.ReadFile(path)
				if err == nil && len(got) > 0 && (len(got) != 10_000 || len(bytes.Trim(got, string(got[:1]))) > 0) {
					t.Errorf("read %d bytes of more than one writer", len(got))
				}
			}
		})
	}
	writers.Wait()
	wantNames(t, dir, "m")
}
