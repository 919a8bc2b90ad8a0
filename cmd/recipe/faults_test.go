// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// childEnv makes the test binary the command itself.
const childEnv = "RECIPE_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		limitFiles(os.Getenv(limitEnv))
		main()
	}
	os.Exit(m.Run())
}

// child is the command in a process of its own.
func child(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	return cmd
}

// TestInterrupt sends the process SIGINT while it trains: it finishes the
// batch, saves a model that can be resumed, and exits with 130.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGINT between processes")
	}
	dir := emptyFolder(t)
	cmd := child(t, "-name", "mnist", "-epochs", "100000", "-data", "sample", "-out", "o", "-json", "-")
	var stdout strings.Builder
	cmd.Stdout = &stdout
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr := bufio.NewReader(pipe)
	var text strings.Builder
	for !strings.Contains(text.String(), "epoch 2/") { // training is under way
		line, err := stderr.ReadString('\n')
		text.WriteString(line)
		if err != nil {
			t.Fatalf("%v after:\n%s", err, text.String())
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stderr)
	text.Write(rest)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitInterrupted {
		t.Errorf("exit status %d (%v), want %d", cmd.ProcessState.ExitCode(), err, exitInterrupted)
	}
	wantText(t, "stderr", text.String(), "  stopped after step ", "recipe: mnist: fit: epoch ", "interrupted: context canceled", " of 100,000 epochs of 2,000 samples", "Stopped early: epoch ")
	wantText(t, "stdout", stdout.String(), `"planned_epochs": 100000`, `"stopped": "epoch `)
	wantFiles(t, filepath.Join(dir, "o"), modelFiles...)
	if _, err := keraslike.Load(filepath.Join("o", "model.safetensors")); err != nil {
		t.Error(err)
	}
}

// sampleFolder copies the embedded sample into a folder, as a user's own data,
// not compressed so that a test can spoil single bytes.
func sampleFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob(filepath.Join("..", "..", "datasets", "samples", "mnist", "*.gz"))
	if err != nil || len(files) != 4 {
		t.Fatalf("found %q (%v), want four files", files, err)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), ".gz")), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSpoiledData changes one file of a good folder at a time. Nothing is
// trained and no file is left.
func TestSpoiledData(t *testing.T) {
	const images, labels = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
	for name, c := range map[string]struct {
		file  string
		spoil func(content []byte) []byte
		want  string
	}{
		"nothing":   {labels, func(b []byte) []byte { return b }, ""},
		"truncated": {images, func(b []byte) []byte { return b[:len(b)/2] }, images},
		"empty":     {images, func([]byte) []byte { return nil }, images},
		"too long":  {labels, func(b []byte) []byte { return append(b, 1) }, labels},
		"magic":     {images, func(b []byte) []byte { b[2] = 0x0d; return b }, images + ": offset "},
		"count":     {labels, func(b []byte) []byte { b[7]--; return b[:len(b)-1] }, "499 labels, want 500"},
		"label":     {labels, func(b []byte) []byte { b[8+7] = 10; return b }, labels + ": offset 15: label 10, want 0 to 9"},
		"huge":      {images, func(b []byte) []byte { b[4] = 0x7f; return b }, images + ": offset "},
		"foreign":   {images, func([]byte) []byte { return []byte("<html>not found</html>") }, images + ": offset "},
	} {
		t.Run(name, func(t *testing.T) {
			data := sampleFolder(t)
			path := filepath.Join(data, c.file)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.spoil(content), 0o600); err != nil {
				t.Fatal(err)
			}
			dir := emptyFolder(t)
			status, stdout, stderr := command(t, "-name", "mnist", "-epochs", "1", "-data", data)
			if c.want == "" {
				if status != 0 {
					t.Fatalf("the good folder: status %d: %s", status, stderr)
				}
				wantText(t, "stdout", stdout, "Data: mnist: user's set in "+data)
				return
			}
			if status != exitError || stdout != "" {
				t.Errorf("status %d, want %d; stdout %q", status, exitError, stdout)
			}
			wantText(t, "stderr", stderr, "recipe: mnist: ", data, c.want)
			wantFiles(t, dir)
		})
	}
}

func TestMissingData(t *testing.T) {
	empty := t.TempDir()
	dir := emptyFolder(t)
	for path, want := range map[string]string{
		"smaple":  `-data "smaple": want sample, full or a folder with the published files (did you mean "sample"?); folder with the data set: stat smaple`,
		"fulll":   `(did you mean "full"?)`,
		"nowhere": "folder with the data set: stat nowhere", empty: filepath.Join(empty, "train-images-idx3-ubyte.gz") + ": file does not exist",
		os.Args[0]: "is not a folder",
	} {
		status, _, stderr := command(t, "-name", "mnist", "-data", path)
		if status != exitError {
			t.Errorf("-data %s: status %d", path, status)
		}
		wantText(t, "stderr", stderr, want)
	}
	wantFiles(t, dir)
}

// A file in the cache whose checksum is wrong is not used: without -data full
// the sample is used, and the output says so.
func TestWrongChecksum(t *testing.T) {
	emptyFolder(t)
	cache := filepath.Join(os.Getenv("REEF_CACHE"), "mnist")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"} {
		if err := os.WriteFile(filepath.Join(cache, f), []byte("not what was published"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, stdout, stderr := command(t, "-name", "mnist", "-epochs", "1")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	wantText(t, "stdout", stdout, "Data: mnist: embedded sample")
}
