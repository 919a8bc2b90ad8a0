// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain makes the test binary the command if a launcher has started it for a test.
func TestMain(m *testing.M) {
	if os.Getenv("REEF_RECIPE_MPI") == "" {
		os.Exit(m.Run())
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func args(out string, more ...string) []string {
	return append([]string{"-name", "mnist", "-data", "sample", "-epochs", "1", "-q", "-leaves", "6", "-out", out}, more...)
}

// Processes write the model that one process writes.
func TestProcesses(t *testing.T) {
	one := t.TempDir()
	var stdout, stderr bytes.Buffer
	if status := run(args(one), &stdout, &stderr); status != 0 || !strings.Contains(stdout.String(), "Processes: 1 (no MPI)") {
		t.Fatalf("status %d\n%s%s", status, &stdout, &stderr)
	}
	want, err := os.ReadFile(filepath.Join(one, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	mpirun, err := exec.LookPath("mpirun")
	if err != nil || testing.Short() {
		t.Skip("no mpirun, or -short")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	several := t.TempDir()
	launch := []string{"-n", "3", self}
	if version, err := exec.Command(mpirun, "--version").Output(); err == nil && strings.Contains(string(version), "Open MPI") {
		launch = append([]string{"--oversubscribe"}, launch...)
	}
	cmd := exec.CommandContext(t.Context(), mpirun, append(launch, args(several)...)...)
	cmd.Env = append(os.Environ(), "REEF_RECIPE_MPI=1", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "Processes: 3 (") != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(several, "model.safetensors"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("3 processes write another model than one (%v)", err)
	}
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "no -name given"},
		{[]string{"-name", "mnits"}, `did you mean "mnist"?`},
		{[]string{"-name", "mnist", "-variant", "x"}, `-variant "x"`},
		{[]string{"-name", "mnist", "more"}, `argument "more"`},
		{[]string{"-name", "mnist", "-leaves", "-1"}, "-leaves -1"},
		{[]string{"-leafs", "4"}, "did you mean -leaves?"},
	} {
		var stdout, stderr bytes.Buffer
		if status := run(test.args, &stdout, &stderr); status != 2 || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%q: status %d, %s, want %s", test.args, status, &stderr, test.want)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-help"}, &stdout, &stderr); status != 0 || !strings.Contains(stdout.String(), "-leaves") {
		t.Errorf("-help: status %d, %s%s", status, &stdout, &stderr)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stderr.Reset()
	if status := run([]string{"-name", "mnist", "-data", "sample", "-out", file}, &stdout, &stderr); status != 1 {
		t.Errorf("a file as -out: status %d, %s", status, &stderr)
	}
}
