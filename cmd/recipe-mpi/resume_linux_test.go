// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/internal/mpitest"
)

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
	list := mpitest.Launchers(t)
	args := []string{"-name", "mnist", "-data", "sample", "-epochs", "20", "-batch", "24", "-q", "-leaves", "6"}
	want, out := t.TempDir(), t.TempDir()
	var stdout, stderr bytes.Buffer
	if status := run(append(args, "-out", want), &stdout, &stderr); status != 0 {
		t.Fatalf("status %d\n%s%s", status, &stdout, &stderr)
	}
	resume := []string{"-resume", "-data", "sample", "-out", out}
	for i, l := range list {
		ranks, flags := 3, append(args, "-out", out)
		if i > 0 {
			ranks, flags = 2, resume
		}
		mark := fmt.Sprintf("%d-%d", os.Getpid(), i)
		killed := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { killed <- killAfterWrite(ctx, filepath.Join(out, "resume", "journal.json"), mark) }()
		r := l.Job(t, ranks, flags, "REEF_RECIPE_MPI="+mark)
		cancel()
		if err := <-killed; err != nil || r.Status == 0 {
			t.Fatalf("%s ends with status %d, want a process to be killed: %v\n%s", l.Name, r.Status, err, r.Output)
		}
	}
	one := func(more ...string) (int, string) {
		var stdout, stderr bytes.Buffer
		status := run(append(resume[:len(resume):len(resume)], more...), &stdout, &stderr)
		return status, stdout.String() + stderr.String()
	}
	if status, text := one("-leaves", "5"); status != 1 || !strings.Contains(text, "has leaves 6, this one 5") {
		t.Errorf("other leaves: status %d\n%s", status, text)
	}
	r := list[len(list)-1].Job(t, 4, resume, "REEF_RECIPE_MPI=last").OK(t)
	if !strings.Contains(r.Output, "resumed, after ") {
		t.Errorf("the resumed run shows\n%s", r.Output)
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

// killAfterWrite kills rank 1 of a job as soon as a file has been written.
func killAfterWrite(ctx context.Context, file, mark string) error {
	before, _ := os.Stat(file)
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the job has ended before it has written %s", file)
		case <-time.After(5 * time.Millisecond):
			if now, err := os.Stat(file); err == nil && (before == nil || now.ModTime().After(before.ModTime())) {
				return killRank(mark, 1)
			}
		}
	}
}

// What one process cannot do, and what the processes do differently, is an error of all.
func TestTogether(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		r := l.Job(t, 3, []string{"-resume", "-out", filepath.Join(t.TempDir(), "nothing")}, "REEF_RECIPE_MPI=x")
		if r.Status == 0 || strings.Count(r.Output, "holds no interrupted run") != 1 {
			t.Errorf("nothing to resume: status %d\n%s", r.Status, r.Output)
		}
		same := []string{self, "-name", "mnist", "-q", "-out", t.TempDir()}
		command := slices.Concat([]string{l.Path, "-n", "1"}, same, []string{":", "-n", "1"}, same, []string{"-batch", "32"})
		r = mpitest.Run(t, command, "REEF_RECIPE_MPI=x", "OMPI_MCA_rmaps_base_oversubscribe=1")
		if r.Status == 0 || !strings.Contains(r.Output, `rank 1 has "batch: 32", rank 0 has "batch: 0"`) {
			t.Errorf("other flags: status %d\n%s", r.Status, r.Output)
		}
	})
}
