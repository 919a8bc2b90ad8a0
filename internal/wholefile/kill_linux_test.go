// SPDX-License-Identifier: Apache-2.0

package wholefile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// writer starts a process that begins to write the target, reports it, and waits.
func writer(t *testing.T, path string) (cmd *exec.Cmd, finish func() error) {
	t.Helper()
	cmd = exec.Command(os.Args[0], "-test.run=^TestSlowWriter$")
	cmd.Env = append(os.Environ(), "WHOLEFILE_TEST="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the writer said %q: %v", line, err)
	}
	return cmd, func() error {
		_ = in.Close()
		return cmd.Wait()
	}
}

// TestSlowWriter is the child process; run directly, it does nothing.
func TestSlowWriter(t *testing.T) {
	path := os.Getenv("WHOLEFILE_TEST")
	if path == "" {
		t.Skip("runs as another process of the tests below")
	}
	err := Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "from afar")
		fmt.Println("writing")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Each killed writer leaves one file; the next writer removes them all, but not the one of a writer
// that is still alive.
func TestKilledWriters(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	live, finish := writer(t, path)
	defer func() { _ = live.Process.Kill() }()
	for range 20 {
		cmd, _ := writer(t, path)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		left, err := filepath.Glob(filepath.Join(dir, ".m.*.tmp"))
		if err != nil || len(left) != 2 {
			t.Fatalf("%d unfinished files (%v), want the one of the live writer and of the last killed", len(left), err)
		}
	}
	write(t, path, "from here")
	if left, _ := filepath.Glob(filepath.Join(dir, ".m.*.tmp")); len(left) != 1 {
		t.Errorf("%d unfinished files, want that of the live writer", len(left))
	}
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "from afar" {
		t.Errorf("file holds %q, want what the last writer wrote", got)
	}
	wantNames(t, dir, "m")
}
