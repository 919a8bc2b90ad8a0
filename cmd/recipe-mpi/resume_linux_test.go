// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// launcher is an mpirun of this machine with its arguments.
type launcher []string

// launchers returns those of this machine: Open MPI's and MPICH's, which may both be installed.
func launchers(t *testing.T) (list []launcher) {
	t.Helper()
	found := map[bool]bool{}
	for _, name := range []string{"mpirun.openmpi", "mpirun.mpich", "mpirun"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		version, err := exec.Command(path, "--version").CombinedOutput()
		open := !strings.Contains(string(version), "HYDRA") // which is MPICH's
		if err != nil || found[open] {
			continue
		}
		found[open] = true
		l := launcher{path}
		if open {
			l = append(l, "--oversubscribe")
		}
		list = append(list, l)
	}
	if len(list) == 0 || testing.Short() {
		t.Skip("no mpirun, or -short")
	}
	return list
}

// command returns the command on n processes, which have the mark in their environment.
func (l launcher) command(t *testing.T, mark string, n int, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), l[0], append(append(l[1:len(l):len(l)], "-n", fmt.Sprint(n), self), args...)...)
	cmd.Env = append(os.Environ(), "REEF_RECIPE_MPI="+mark, "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// killRank kills a process of the job with the mark.
func killRank(mark string, rank int) error {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return err
	}
	for _, file := range files {
		env, _ := os.ReadFile(file) // those of other users cannot be read
		has := func(v string) bool { return bytes.Contains(append([]byte{0}, env...), []byte("\x00"+v+"\x00")) }
		if !has("REEF_RECIPE_MPI="+mark) || !has(fmt.Sprint("OMPI_COMM_WORLD_RANK=", rank)) && !has(fmt.Sprint("PMI_RANK=", rank)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return err
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			return err
		}
		return p.Kill()
	}
	return fmt.Errorf("there is no process of rank %d", rank)
}

// A run of which one process is killed ends with an error. Resumed on other numbers of processes it ends with the
// files of a run that was never interrupted.
func TestResume(t *testing.T) {
	list := launchers(t)
	args := []string{"-name", "mnist", "-data", "sample", "-epochs", "10", "-batch", "24", "-q", "-leaves", "6"}
	want, out := t.TempDir(), t.TempDir()
	var stdout, stderr bytes.Buffer
	if status := run(append(args, "-out", want), &stdout, &stderr); status != 0 {
		t.Fatalf("status %d\n%s%s", status, &stdout, &stderr)
	}
	journal := filepath.Join(out, "resume", "journal.json")
	for i, l := range list {
		mark := fmt.Sprintf("%d-%d", os.Getpid(), i)
		cmd := l.command(t, mark, 3+i, append(args, "-out", out)...)
		if i > 0 {
			cmd = l.command(t, mark, 2, "-resume", "-data", "sample", "-out", out)
		}
		var shown bytes.Buffer
		cmd.Stdout, cmd.Stderr = &shown, &shown
		before, _ := os.Stat(journal)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		written := func() bool {
			now, err := os.Stat(journal)
			return err == nil && (before == nil || now.ModTime().After(before.ModTime()))
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		var err error
		for ended := false; !ended; {
			select {
			case err = <-done:
				ended = true
			case <-time.After(5 * time.Millisecond):
				if written() {
					if err := killRank(mark, 1); err != nil {
						t.Error(err)
					}
					err, ended = <-done, true
				}
			}
		}
		if err == nil || !written() {
			t.Fatalf("%v ends with %v, journal written: %v\n%s", l, err, written(), &shown)
		}
	}
	one := func(more ...string) (int, string) {
		var stdout, stderr bytes.Buffer
		status := run(append([]string{"-resume", "-data", "sample", "-out", out}, more...), &stdout, &stderr)
		return status, stdout.String() + stderr.String()
	}
	if status, text := one("-leaves", "5"); status != 1 || !strings.Contains(text, "has leaves 6, this one 5") {
		t.Errorf("other leaves: status %d\n%s", status, text)
	}
	last := list[len(list)-1]
	text, err := last.command(t, "last", 4, "-resume", "-data", "sample", "-out", out).CombinedOutput()
	if err != nil || !strings.Contains(string(text), "resumed, after ") {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, name := range []string{"model.safetensors", "history.csv"} {
		a, err := os.ReadFile(filepath.Join(want, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(out, name))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs from that of an unbroken run (%v)", name, err)
		}
	}
	if status, text := one(); status != 2 || !strings.Contains(text, "holds no interrupted run") {
		t.Errorf("a run that is complete: status %d\n%s", status, text)
	}
}

// What one process cannot do, and what the processes do differently, is an error of all.
func TestTogether(t *testing.T) {
	for _, l := range launchers(t) {
		out, err := l.command(t, "x", 3, "-resume", "-out", filepath.Join(t.TempDir(), "nothing")).CombinedOutput()
		if err == nil || strings.Count(string(out), "holds no interrupted run") != 1 {
			t.Errorf("%v: nothing to resume: %v\n%s", l, err, out)
		}
		self, _ := os.Executable()
		again := append(l[1:len(l):len(l)], "-n", "1", self, "-name", "mnist", "-q", "-out", t.TempDir(), ":", "-n", "1", self, "-name", "mnist", "-q", "-batch", "32", "-out", t.TempDir())
		cmd := exec.CommandContext(t.Context(), l[0], again...)
		cmd.Env = l.command(t, "x", 1).Env
		out, err = cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), `rank 1 has "batch: 32", rank 0 has "batch: 0"`) {
			t.Errorf("%v: other flags: %v\n%s", l, err, out)
		}
	}
}
