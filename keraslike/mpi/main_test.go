// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/reef-dl/reef/internal/mpitest"
)

// TestMain makes the test binary the program of a job of MPI if a test has started it as such.
func TestMain(m *testing.M) {
	name := os.Getenv("REEF_MPI_TEST")
	if name == "" {
		flag.Parse()
		if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
			_ = f.Value.Set("6") // jobs spend most of their time waiting for processes to start and to end
		}
		os.Exit(m.Run())
	}
	p, ok := programs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no program %q\n", name)
		os.Exit(64)
	}
	if err := Main(p.run, p.options...); err != nil {
		fmt.Fprintln(os.Stderr, "Main:", err)
		os.Exit(1)
	}
}

// program is what the ranks of a job do.
type program struct {
	run     func(context.Context, *Comm) error
	options []Option
}

// job starts a program with n ranks.
func job(t testing.TB, l mpitest.Launcher, n int, program string, env ...string) mpitest.Result {
	t.Helper()
	return l.Job(t, n, nil, append([]string{"REEF_MPI_TEST=" + program}, env...)...)
}

// alone runs the test binary as a program that no launcher has started.
func alone(t testing.TB, program string, env ...string) mpitest.Result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(append(mpitest.Env(), "REEF_MPI_TEST="+program), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Skip(err) // a platform without processes
	}
	return mpitest.Result{Output: string(out), Status: cmd.ProcessState.ExitCode()}
}
