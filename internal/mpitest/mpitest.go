// SPDX-License-Identifier: Apache-2.0

// Package mpitest starts jobs of MPI for tests, under the launchers that are on the machine: the test binary
// starts itself, and an environment variable tells it what to do.
package mpitest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Launcher is an mpirun.
type Launcher struct {
	Name    string // "Open MPI" or "MPICH"
	Library string // a file name of a library that is not that of this launcher
	Path    string
	args    []string
}

// Launchers returns the launchers of this machine: Open MPI's and MPICH's, of which Debian's have a suffix
// since both can be installed. It skips the test if there is none, or under -short.
func Launchers(t testing.TB) (list []Launcher) {
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
		l := Launcher{Name: "MPICH", Path: path, Library: "libmpi.so.40"}
		if strings.Contains(string(version), "Open MPI") || strings.Contains(string(version), "OpenRTE") {
			l = Launcher{Name: "Open MPI", Path: path, args: []string{"--oversubscribe"}, Library: "libmpich.so.12"}
		} else if !strings.Contains(string(version), "HYDRA") {
			continue
		}
		if !found[l.Name] {
			list = append(list, l)
		}
		found[l.Name] = true
	}
	if len(list) == 0 {
		t.Skip("neither Open MPI nor MPICH is installed (Debian: apt-get install openmpi-bin mpich)")
	}
	return list
}

// Each runs a test under each launcher, in parallel.
func Each(t *testing.T, f func(t *testing.T, l Launcher)) {
	for _, l := range Launchers(t) {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			f(t, l)
		})
	}
}

// Result is what a job has left.
type Result struct {
	Output string // of all ranks
	Status int
	Took   time.Duration
}

// OK fails the test if a job has failed.
func (r Result) OK(t testing.TB) Result {
	t.Helper()
	if r.Status != 0 {
		t.Fatalf("the status is %d:\n%s", r.Status, r.Output)
	}
	return r
}

// Job starts the test binary with n ranks in an empty folder and waits for its end, two minutes at most.
func (l Launcher) Job(t testing.TB, n int, args []string, env ...string) Result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Run(t, append(append(append([]string{l.Path}, l.args...), "-n", strconv.Itoa(n), self), args...), env...)
}

// Run starts a launcher with its arguments, as Job does.
func Run(t testing.TB, command []string, env ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(Env(), env...)
	cmd.Dir = t.TempDir()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s does not end (%v):\n%s", strings.Join(command, " "), err, out)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", filepath.Base(command[0]), err)
	}
	return Result{string(out), cmd.ProcessState.ExitCode(), time.Since(start)}
}

// Env returns the environment without the variables of package mpi and of launchers, and with what
// Open MPI needs to start jobs of root, and to end ranks at once after one of them has died.
func Env() (list []string) {
	for _, v := range os.Environ() {
		other := true
		for _, prefix := range []string{"REEF_MPI", "OMPI_", "PMI", "SLURM_", "HYDRA", "MPI"} {
			other = other && !strings.HasPrefix(v, prefix)
		}
		if other {
			list = append(list, v)
		}
	}
	return append(list, "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "OMPI_MCA_odls_base_sigkill_timeout=0")
}
