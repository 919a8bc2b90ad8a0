// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/reef-dl/reef/internal/cli"
)

// limitEnv is the size in bytes beyond which the child's files cannot grow.
const limitEnv = "RECIPE_TEST_LIMIT"

// limitFiles makes writes beyond a size fail, as on a full disk.
func limitFiles(bytes string) {
	n, err := strconv.ParseUint(bytes, 10, 64)
	if err != nil {
		return
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		panic(err)
	}
}

// TestFullDisk has no space at all, which is an error before training, and space for less
// than the model, which is an error after it. Neither leaves a partial file, and the
// previous file stays intact.
func TestFullDisk(t *testing.T) {
	for name, c := range map[string]struct{ limit, want string }{
		"no space": {"100", "recipe: output folder: write "}, "less than the model": {"200000", `recipe: save model "mnist": `},
	} {
		t.Run(name, func(t *testing.T) {
			dir := emptyFolder(t)
			if err := os.Mkdir("o", 0o755); err != nil {
				t.Fatal(err)
			}
			model := filepath.Join("o", "model.safetensors")
			if err := os.WriteFile(model, []byte("the last run's"), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := child(t, "-name", "mnist", "-epochs", "1", "-data", "sample", "-out", "o")
			cmd.Env = append(cmd.Env, limitEnv+"="+c.limit)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != cli.Failed {
				t.Errorf("exit status %d (%v), want %d", cmd.ProcessState.ExitCode(), err, cli.Failed)
			}
			wantText(t, "output", string(out), c.want, "file too large")
			wantFiles(t, dir, "o/model.safetensors")
			if b, _ := os.ReadFile(model); string(b) != "the last run's" {
				t.Errorf("the file that was there now holds %d other bytes", len(b))
			}
		})
	}
}

// TestFullDevice writes the report to a device that is always full.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	emptyFolder(t)
	cmd := child(t, "-name", "mnist", "-epochs", "1", "-data", "sample", "-out", "o", "-q", "-json", "-")
	cmd.Stdout = full
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != cli.Failed {
		t.Errorf("exit status %d (%v), want %d", cmd.ProcessState.ExitCode(), err, cli.Failed)
	}
	wantFiles(t, "o", mnistFiles...)
}

// TestReadOnlyFolder uses a folder that cannot be made: in a read-only one, or for root, who
// ignores permissions, in /proc.
func TestReadOnlyFolder(t *testing.T) {
	dir := emptyFolder(t)
	parent := "/proc"
	if os.Geteuid() != 0 {
		parent = filepath.Join(dir, "locked")
		if err := os.Mkdir(parent, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(parent, "o")
	status, stdout, stderr := command(t, "-name", "mnist", "-out", out)
	if status != cli.Failed || stdout != "" {
		t.Errorf("status %d, want %d; stdout %q: nothing must be trained", status, cli.Failed, stdout)
	}
	wantText(t, "stderr", stderr, "recipe: output folder: mkdir "+out)
	wantFiles(t, dir)
}
