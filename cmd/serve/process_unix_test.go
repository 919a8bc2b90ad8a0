// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain runs the command in place of the tests if it is asked to.
func TestMain(m *testing.M) {
	if os.Getenv("REEF_TEST_SERVE") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// TestSignals: SIGHUP loads the file again, SIGTERM ends the process with exit status 0.
func TestSignals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "m.safetensors")
	save(t, file, 2)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "-model", file, "-addr", "127.0.0.1:0", "-log", "text")
	c.Env = append(os.Environ(), "REEF_TEST_SERVE=1")
	stdout, err := c.StdoutPipe()
	if err == nil {
		c.Stderr = &buffer{}
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill() }()
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("the command has ended: %v", c.Stderr)
	}
	s := &started{url: strings.TrimPrefix(lines.Text(), "listening on ")}
	save(t, file, 7)
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !strings.Contains(s.post(t, "/v1/models/m:predict", "[2]"), `"predictions":[[14]]`); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the file was not loaded again")
		}
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := c.Wait(); err != nil {
		t.Errorf("%v: %v", err, c.Stderr)
	}
}
