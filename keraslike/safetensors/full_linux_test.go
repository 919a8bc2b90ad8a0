// SPDX-License-Identifier: Apache-2.0

package safetensors_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/reef-dl/reef/keraslike/safetensors"
)

// A limit on file size makes the kernel refuse a write in the middle of a file,
// as a full disk does; it is set in a child process, since it cannot be lifted.
func TestWriteFileOnFullDisk(t *testing.T) {
	if dir := os.Getenv("SAFETENSORS_TEST_FULL"); dir != "" {
		writeOnFullDisk(t, dir)
		return
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "m"), []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestWriteFileOnFullDisk$")
	cmd.Env = append(os.Environ(), "SAFETENSORS_TEST_FULL="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "m")); string(b) != "before" {
		t.Errorf("file holds %q, want its old content", b)
	}
	wantOnly(t, dir, "m")
}

func writeOnFullDisk(t *testing.T, dir string) {
	limit := syscall.Rlimit{Cur: 100_000, Max: 100_000}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	list := []safetensors.Tensor{{Name: "a", Shape: []int{1 << 20}, Data: make([]float32, 1<<20)}}
	err := safetensors.WriteFile(filepath.Join(dir, "m"), list, nil)
	if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), `tensor "a"`) {
		t.Errorf("error %v, want EFBIG at tensor a", err)
	}
}

func TestWriteFileInReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "m")
	root := os.Getuid() == 0 // may write everywhere: this thread acts as nobody
	if root {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
	}
	err := safetensors.WriteFile(path, nil, nil)
	if root {
		if err := syscall.Setfsuid(0); err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want permission denied naming %s", err, path)
	}
	wantOnly(t, dir)
}
