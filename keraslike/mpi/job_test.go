// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/internal/mpitest"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// The trained weights have the same bytes in one process, in goroutines, and under every MPI.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	list := mpitest.Launchers(t)
	want, err := train(t.Context(), distributed.Single())
	if err != nil {
		t.Fatal(err)
	}
	err = distributed.Local(t.Context(), 3, func(ctx context.Context, c distributed.Comm) error {
		got, err := train(ctx, c)
		if err == nil && got != want {
			err = fmt.Errorf("got %s, one rank %s", got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		for _, n := range []int{2, 3, 4} {
			t.Run(fmt.Sprintf("%s %d", l.Name, n), func(t *testing.T) {
				t.Parallel()
				r := job(t, l, n, "train").OK(t)
				for rank := range n {
					if line := fmt.Sprintf("hash of rank %d of %d: %s\n", rank, n, want); !strings.Contains(r.Output, line) {
						t.Errorf("got\n%swant %s", r.Output, line)
					}
				}
			})
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		for n, program := range map[int]string{2: "message", 3: "small", 4: "small"} {
			r := job(t, l, n, program).OK(t)
			if got := strings.Count(r.Output, fmt.Sprintf("of %d has all messages by %s", n, l.Name)); got != n {
				t.Errorf("%d of %d ranks have all messages of %s:\n%s", got, n, program, r.Output)
			}
		}
	})
}

func TestExchangeAllocatesNothing(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) { job(t, l, 2, "allocs").OK(t) })
}

func TestGoHasItsSignals(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		if r := job(t, l, 2, "signals").OK(t); strings.Count(r.Output, "has recovered") != 2 {
			t.Errorf("got %s", r.Output)
		}
	})
}

// A rank that ends in whatever way ends the job, with a status and a message if Main can see it.
func TestARankEnds(t *testing.T) {
	for _, c := range []struct {
		program string
		ranks   int
		status  int // 0 for any that is not 0, -1 for any
		message string
	}{
		{"error", 3, 1, "rank 1 of 3: no room for the reef"},
		{"coded", 3, 7, "rank 1 of 3: has a status"},
		{"panic", 3, 2, "rank 1 of 3: panic: sharks"},
		{"nil", 3, 2, "rank 1 of 3: panic: runtime error: invalid memory address"},
		{"goexit", 3, 1, "rank 1 of 3: ended its goroutine"},
		{"busy", 3, 1, "rank 1 of 3: while another goroutine exchanges"},
		{"kill", 3, 0, ""},
		{"exit", 3, 0, ""},
		{"exit0", 3, -1, ""}, // MPICH ends the job, sometimes with a status of 0
		{"hang", 2, 1, "rank 0 of 2: rank 1 has sent nothing for 1s"},
		{"disk", 3, 1, "file too large"},
		{"otherwise", 3, 1, "the ranks do different things"},
		{"model", 3, 1, "the ranks do different things"},
	} {
		t.Run(c.program, func(t *testing.T) {
			t.Parallel()
			mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
				r := job(t, l, c.ranks, c.program)
				if c.status >= 0 && r.Status == 0 || c.status > 0 && r.Status != c.status {
					t.Errorf("the status is %d, want %d", r.Status, c.status)
				}
				if !strings.Contains(r.Output, c.message) || r.Took > 30*time.Second {
					t.Errorf("after %v: got\n%s\nwant %q", r.Took, r.Output, c.message)
				}
			})
		})
	}
}

func TestARankReturns(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		r := job(t, l, 2, "return")
		if r.Status != 1 || !strings.Contains(r.Output, "rank 0 of 2: rank 1 has sent nothing for 1s: it hangs, has returned") {
			t.Errorf("rank 1 returns early: status %d\n%s", r.Status, r.Output)
		}
		r = job(t, l, 4, "late").OK(t)
		if strings.Count(r.Output, "returns") != 4 {
			t.Errorf("rank 3 returns late:\n%s", r.Output)
		}
	})
}

func TestUnequalMessages(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		r := job(t, l, 2, "unequal", "REEF_MPI_TEST_HOW=less")
		if r.Status != 1 || !strings.Contains(r.Output, "rank 0 of 2: rank 1 sent 3 bytes, rank 0 expects 4") {
			t.Errorf("too few bytes: status %d\n%s", r.Status, r.Output)
		}
		r = job(t, l, 2, "unequal", "REEF_MPI_TEST_HOW=more")
		if r.Status != 1 || !strings.Contains(strings.ToLower(r.Output), "truncate") {
			t.Errorf("too many bytes: status %d\n%s", r.Status, r.Output)
		}
	})
}

func TestTermStopsAllRanks(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		r := job(t, l, 3, "term").OK(t)
		i := strings.Index(r.Output, "rank 0 stopped after ")
		if i < 0 {
			t.Fatal(r.Output)
		}
		steps, _, _ := strings.Cut(r.Output[i+len("rank 0 "):], "\n")
		if strings.Count(r.Output, steps) != 3 {
			t.Errorf("got %s", r.Output)
		}
	})
}

// Files are written by the first rank only.
func TestFiles(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		folder := t.TempDir()
		job(t, l, 3, "files", "REEF_MPI_TEST_FILE="+folder).OK(t)
		for rank, want := range []int{3, 0, 0} {
			if files, err := filepath.Glob(filepath.Join(folder, fmt.Sprint(rank, "-*"))); err != nil || len(files) != want {
				t.Errorf("rank %d has written %v (%v), want %d files", rank, files, err, want)
			}
		}
	})
}

// A training that one rank was told to stop is resumed by another number of ranks under another launcher, with
// the bytes of one that was never stopped.
func TestResume(t *testing.T) {
	t.Parallel()
	list := mpitest.Launchers(t)
	whole := job(t, list[0], 2, "resume", "REEF_MPI_TEST_FILE="+filepath.Join(t.TempDir(), "whole")).OK(t).Output
	if !strings.Contains(whole, "ended with ") {
		t.Fatal(whole)
	}
	file := filepath.Join(t.TempDir(), "stopped")
	stopped := job(t, list[len(list)-1], 3, "resume", "REEF_MPI_TEST_FILE="+file, "REEF_MPI_TEST_STOP=4").OK(t).Output
	if strings.Contains(stopped, "ended with ") {
		t.Fatal(stopped)
	}
	if got := job(t, list[0], 4, "resume", "REEF_MPI_TEST_FILE="+file).OK(t).Output; got != whole {
		t.Errorf("resumed: %s\nnever stopped: %s", got, whole)
	}
}

// The library of another MPI makes a job of its own of each process.
func TestWrongLibrary(t *testing.T) {
	t.Parallel()
	list := mpitest.Launchers(t)
	if len(list) < 2 {
		t.Skip("only one MPI is installed")
	}
	for i, l := range list {
		r := job(t, l, 2, "message", "REEF_MPI="+l.Library)
		other := list[1-i].Name
		if strings.Contains(r.Output, "no MPI library was found") {
			t.Skipf("the library of %s is not named %s", other, l.Library)
		}
		if r.Status == 0 || !strings.Contains(r.Output, "started 2 processes, but "+other) || !strings.Contains(r.Output, "("+l.Library+") sees a job of 1") {
			t.Errorf("%s with %s: status %d\n%s", l.Name, l.Library, r.Status, r.Output)
		}
	}
}
