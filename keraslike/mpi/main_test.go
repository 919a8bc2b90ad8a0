// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test binary the program of a job of MPI if a test has started it as such.
func TestMain(m *testing.M) {
	name := os.Getenv("REEF_MPI_TEST")
	if name == "" {
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

// mpirun is a launcher on this machine.
type mpirun struct {
	name    string
	path    string
	args    []string
	library string // one that belongs to another launcher
}

// launchers returns the launchers of this machine: Open MPI's and MPICH's, of which Debian's have a suffix
// since both can be installed.
func launchers(t testing.TB) (list []mpirun) {
	t.Helper()
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		t.Skip("there is no MPI for this platform")
	}
	if testing.Short() {
		t.Skip("starts many processes")
	}
	found := map[string]bool{}
	for _, name := range []string{"mpirun.openmpi", "mpirun.mpich", "mpirun", "mpiexec.hydra"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		version, err := exec.Command(path, "--version").CombinedOutput()
		if err != nil {
			continue
		}
		l := mpirun{name: "MPICH", path: path, library: "libmpi.so.40"}
		if strings.Contains(string(version), "Open MPI") || strings.Contains(string(version), "OpenRTE") {
			l = mpirun{name: "Open MPI", path: path, args: []string{"--oversubscribe"}, library: "libmpich.so.12"}
		} else if !strings.Contains(string(version), "HYDRA") {
			continue
		}
		if !found[l.name] {
			list = append(list, l)
		}
		found[l.name] = true
	}
	if len(list) == 0 {
		t.Skip("neither Open MPI nor MPICH is installed (Debian: apt-get install openmpi-bin mpich)")
	}
	return list
}

// eachLauncher runs a test under each launcher.
func eachLauncher(t *testing.T, f func(t *testing.T, l mpirun)) {
	for _, l := range launchers(t) {
		t.Run(l.name, func(t *testing.T) { f(t, l) })
	}
}

// result is what a job has left.
type result struct {
	output string
	status int
	took   time.Duration
}

// job starts a program with n ranks and waits for its end.
func (l mpirun) job(t testing.TB, n int, program string, env ...string) result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := append(append([]string{}, l.args...), "-n", fmt.Sprint(n), self)
	cmd := exec.CommandContext(ctx, l.path, args...)
	cmd.Env = append(clean(os.Environ()), "REEF_MPI_TEST="+program, "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
	cmd.Env = append(cmd.Env, env...)
	cmd.Dir = t.TempDir()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	start := time.Now()
	out, err := cmd.CombinedOutput()
	r := result{string(out), cmd.ProcessState.ExitCode(), time.Since(start)}
	if ctx.Err() != nil {
		t.Fatalf("%s -n %d %s does not end (%v):\n%s", filepath.Base(l.path), n, program, err, out)
	}
	return r
}

// clean returns the environment without the variables of this package and of launchers.
func clean(env []string) (list []string) {
	for _, v := range env {
		mine := false
		for _, prefix := range []string{"REEF_MPI", "OMPI_", "PMI", "SLURM_", "HYDRA", "MPI"} {
			mine = mine || strings.HasPrefix(v, prefix)
		}
		if !mine {
			list = append(list, v)
		}
	}
	return list
}

// ok fails the test if a job has failed.
func (r result) ok(t testing.TB) result {
	t.Helper()
	if r.status != 0 {
		t.Fatalf("the status is %d:\n%s", r.status, r.output)
	}
	return r
}

// alone runs the test binary as a program that no launcher has started.
func alone(t testing.TB, program string, env ...string) result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(append(clean(os.Environ()), "REEF_MPI_TEST="+program), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Skip(err) // a platform without processes
	}
	return result{output: string(out), status: cmd.ProcessState.ExitCode()}
}
