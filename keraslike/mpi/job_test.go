// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/keraslike/distributed"
)

// The trained weights have the same bytes in one process, in goroutines, and under every MPI.
func TestSameBytes(t *testing.T) {
	list := launchers(t)
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
			r := l.job(t, n, "train").ok(t)
			for rank := range n {
				if line := fmt.Sprintf("hash of rank %d of %d: %s\n", rank, n, want); !strings.Contains(r.output, line) {
					t.Errorf("%s with %d ranks: got\n%swant %s", l.name, n, r.output, line)
				}
			}
		}
	}
}

func TestMessages(t *testing.T) {
	eachLauncher(t, func(t *testing.T, l mpirun) {
		for n, program := range map[int]string{2: "message", 3: "small", 4: "small"} {
			r := l.job(t, n, program).ok(t)
			if got := strings.Count(r.output, fmt.Sprintf("of %d has all messages by %s", n, l.name)); got != n {
				t.Errorf("%d of %d ranks have all messages of %s:\n%s", got, n, program, r.output)
			}
		}
	})
}

func TestExchangeAllocatesNothing(t *testing.T) {
	eachLauncher(t, func(t *testing.T, l mpirun) { l.job(t, 2, "allocs").ok(t) })
}

func TestGoHasItsSignals(t *testing.T) {
	eachLauncher(t, func(t *testing.T, l mpirun) {
		if r := l.job(t, 2, "signals").ok(t); strings.Count(r.output, "has recovered") != 2 {
			t.Errorf("got %s", r.output)
		}
	})
}

// A rank that ends in whatever way ends the job, with a status and a message if Main can see it.
func TestARankEnds(t *testing.T) {
	for _, c := range []struct {
		program string
		status  int // 0 for any that is not 0, -1 for any
		message string
	}{
		{"error", 1, "rank 1 of 3: no room for the reef"},
		{"coded", 7, "rank 1 of 3: has a status"},
		{"panic", 2, "rank 1 of 3: panic: sharks"},
		{"nil", 2, "rank 1 of 3: panic: runtime error: invalid memory address"},
		{"goexit", 1, "rank 1 of 3: ended its goroutine"},
		{"busy", 1, "rank 1 of 3: while another goroutine exchanges"},
		{"kill", 0, ""},
		{"exit", 0, ""},
		{"exit0", -1, ""}, // MPICH ends the job, sometimes with a status of 0
		{"hang", 1, "rank 1 has sent nothing for 1s"},
	} {
		t.Run(c.program, func(t *testing.T) {
			t.Parallel() // most of the time is that in which the launcher waits for processes to end
			eachLauncher(t, func(t *testing.T, l mpirun) {
				r := l.job(t, 3, c.program)
				if c.status >= 0 && r.status == 0 || c.status > 0 && r.status != c.status {
					t.Errorf("the status is %d, want %d", r.status, c.status)
				}
				if !strings.Contains(r.output, c.message) || r.took > 20*time.Second {
					t.Errorf("after %v: got\n%s\nwant %q", r.took, r.output, c.message)
				}
			})
		})
	}
}

func TestARankReturns(t *testing.T) {
	eachLauncher(t, func(t *testing.T, l mpirun) {
		r := l.job(t, 2, "return")
		if r.status != 1 || !strings.Contains(r.output, "rank 0 of 2: rank 1 has sent nothing for 1s: it hangs, has returned") {
			t.Errorf("rank 1 returns early: status %d\n%s", r.status, r.output)
		}
		r = l.job(t, 4, "late").ok(t)
		if strings.Count(r.output, "returns") != 4 {
			t.Errorf("rank 3 returns late:\n%s", r.output)
		}
	})
}

func TestUnequalMessages(t *testing.T) {
	eachLauncher(t, func(t *testing.T, l mpirun) {
		r := l.job(t, 2, "unequal", "REEF_MPI_TEST_HOW=less")
		if r.status != 1 || !strings.Contains(r.output, "rank 0 of 2: rank 1 sent 3 bytes, rank 0 expects 4") {
			t.Errorf("too few bytes: status %d\n%s", r.status, r.output)
		}
		r = l.job(t, 2, "unequal", "REEF_MPI_TEST_HOW=more")
		if r.status != 1 || !strings.Contains(strings.ToLower(r.output), "truncate") {
			t.Errorf("too many bytes: status %d\n%s", r.status, r.output)
		}
	})
}

func TestTermStopsAllRanks(t *testing.T) {
	eachLauncher(t, func(t *testing.T, l mpirun) {
		r := l.job(t, 3, "term").ok(t)
		i := strings.Index(r.output, "rank 0 stopped after ")
		if i < 0 {
			t.Fatal(r.output)
		}
		steps, _, _ := strings.Cut(r.output[i+len("rank 0 "):], "\n")
		if strings.Count(r.output, steps) != 3 {
			t.Errorf("got %s", r.output)
		}
	})
}

// The library of another MPI makes a job of its own of each process.
func TestWrongLibrary(t *testing.T) {
	list := launchers(t)
	if len(list) < 2 {
		t.Skip("only one MPI is installed")
	}
	for i, l := range list {
		r := l.job(t, 2, "message", "REEF_MPI="+l.library)
		other := list[1-i].name
		if strings.Contains(r.output, "no MPI library was found") {
			t.Skipf("the library of %s is not named %s", other, l.library)
		}
		if r.status == 0 || !strings.Contains(r.output, "started 2 processes, but "+other) || !strings.Contains(r.output, "("+l.library+") sees a job of 1") {
			t.Errorf("%s with %s: status %d\n%s", l.name, l.library, r.status, r.output)
		}
	}
}
