// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/cli"
	"github.com/reef-dl/reef/keraslike"
)

// childEnv makes the test binary run the command.
const childEnv = "RECIPE_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		limitFiles(os.Getenv(limitEnv))
		main()
	}
	os.Exit(m.Run())
}

// child returns the command as a separate process.
func child(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	return cmd
}

// TestInterrupt sends SIGINT during training: the process finishes the batch, saves a
// model and exits with status 130.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGINT between processes")
	}
	dir := emptyFolder(t)
	stdout, stderr := interrupt(t, "-name", "mnist", "-epochs", "100000", "-data", "sample", "-out", "o", "-json", "-")
	wantText(t, "stderr", stderr, "  stopped after step ", "recipe: mnist: fit: epoch ", "interrupted: context canceled", " of 100,000 epochs of 2,000 samples", "Stopped early: epoch ")
	wantText(t, "stdout", stdout, `"planned_epochs": 100000`, `"stopped": "epoch `)
	wantText(t, "stderr", stderr, "recipe: to continue: go run ./cmd/recipe -resume -out o\n")
	kept, err := filepath.Glob(filepath.Join(dir, "o", "resume", "001.interrupted*.safetensors"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %q (%v), want one file", kept, err)
	}
	wantFiles(t, filepath.Join(dir, "o"), append([]string{"resume/" + filepath.Base(kept[0]), "resume/journal.json"}, modelFiles...)...)
	if _, err := keraslike.Load(filepath.Join("o", "model.safetensors")); err != nil {
		t.Error(err)
	}
}

// interrupt sends SIGINT to the command in its second epoch and returns what it wrote.
func interrupt(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := child(t, args...)
	var out, text strings.Builder
	cmd.Stdout = &out
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(pipe)
	for !strings.Contains(text.String(), "epoch 2/") { // training is under way
		line, err := lines.ReadString('\n')
		text.WriteString(line)
		if err != nil {
			t.Fatalf("%v after:\n%s", err, text.String())
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines)
	text.Write(rest)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != cli.Interrupted {
		t.Errorf("exit status %d (%v), want %d", cmd.ProcessState.ExitCode(), err, cli.Interrupted)
	}
	return out.String(), text.String()
}

// TestResume: a run that was interrupted is continued with its own settings, and leaves what a
// run without a break leaves.
func TestResume(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGINT between processes")
	}
	dir := emptyFolder(t)
	settings := []string{"-name", "mnist", "-epochs", "60", "-batch", "40", "-seed", "5", "-data", "sample"}
	if status, _, stderr := command(t, append(settings, "-q", "-out", "whole")...); status != 0 {
		t.Fatal(stderr)
	}
	interrupt(t, append(settings, "-out", "o")...)
	for want, args := range map[string][]string{
		"the interrupted run in o has seed 5, this one 6":              {"-seed", "6"},
		"the interrupted run in o has recipe mnist, this one mnistcnn": {"-name", "mnistcnn"},
	} {
		status, _, stderr := command(t, append([]string{"-resume", "-out", "o"}, args...)...)
		if status != cli.Failed {
			t.Errorf("%q: status %d, want %d", args, status, cli.Failed)
		}
		wantText(t, "stderr", stderr, want)
	}
	status, stdout, stderr := command(t, "-resume", "-out", "o", "-seed", "5")
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	wantText(t, "stderr", stderr, "resumed, after ", " of this one\n", "epoch 60/60  loss ")
	wantText(t, "stdout", stdout, "60 of 60 epochs of 2,000 samples")
	wantFiles(t, filepath.Join(dir, "o"), mnistFiles...)
	for _, name := range []string{"model.safetensors", "history.csv", "curves.svg"} {
		got, err := os.ReadFile(filepath.Join("o", name))
		want, _ := os.ReadFile(filepath.Join("whole", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs from that of the run without a break (%v)", name, err)
		}
	}
	status, _, stderr = command(t, "-resume", "-out", "o")
	if status != cli.Misused {
		t.Errorf("a complete run: status %d, want %d", status, cli.Misused)
	}
	wantText(t, "stderr", stderr, "recipe: -resume: o holds no interrupted run; one that is complete has nothing to resume")
}

// sampleFolder copies the embedded sample into a folder, as a user's own data, uncompressed so
// that tests can corrupt single bytes.
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

// TestSpoiledData corrupts one file of a good folder at a time. Nothing is trained and no
// file is written.
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
			if status != cli.Failed || stdout != "" {
				t.Errorf("status %d, want %d; stdout %q", status, cli.Failed, stdout)
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
		"smaple":  `-data "smaple": want sample, full or a folder with the published files (did you mean "sample"?); stat smaple`,
		"fulll":   `(did you mean "full"?)`,
		"nowhere": "; stat nowhere", empty: filepath.Join(empty, "train-images-idx3-ubyte.gz") + ": file does not exist",
		os.Args[0]: "this is a file",
	} {
		status, _, stderr := command(t, "-name", "mnist", "-data", path)
		wanted := cli.Misused
		if path == empty { // a folder, which is what -data takes
			wanted = cli.Failed
		}
		if status != wanted {
			t.Errorf("-data %s: status %d, want %d", path, status, wanted)
		}
		wantText(t, "stderr", stderr, want)
	}
	wantFiles(t, dir)
}

// A file in the cache with a wrong checksum is not used: without -data full the sample is
// used, which the output states.
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
