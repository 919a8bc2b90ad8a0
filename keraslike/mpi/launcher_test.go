// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestLauncher(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		want string // empty for none
		size int
	}{
		{nil, "", 0},
		{map[string]string{"OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "2"}, "Open MPI's mpirun (OMPI_COMM_WORLD_SIZE=4)", 4},
		{map[string]string{"OMPI_COMM_WORLD_SIZE": "1"}, "Open MPI's mpirun (OMPI_COMM_WORLD_SIZE=1)", 1},
		{map[string]string{"PMI_SIZE": "3", "PMI_RANK": "0"}, "mpiexec of MPICH's kind (PMI_SIZE=3)", 3},
		{map[string]string{"SLURM_STEP_NUM_TASKS": "8", "PMIX_RANK": "1"}, "Slurm's srun (SLURM_STEP_NUM_TASKS=8)", 8},
		{map[string]string{"SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "8"}, "", 0}, // the batch script
		{map[string]string{"PMIX_RANK": "0"}, "a launcher with PMIx (PMIX_RANK=0)", 0},
		{map[string]string{"PMI_SIZE": "many"}, "", 0},
		{map[string]string{"REEF_MPI": "libfoo.so"}, "REEF_MPI=libfoo.so", 0},
	} {
		l := launcherOf(func(name string) string { return test.env[name] })
		if l.started() != (test.want != "") || l.size != test.size || l.started() && l.String() != test.want {
			t.Errorf("%v: got %+v, want %q of %d", test.env, l, test.want, test.size)
		}
	}
	l := launcherOf(func(name string) string { return map[string]string{"SLURM_STEP_NUM_TASKS": "4"}[name] })
	err := l.check("MPICH 4.0.2 (libmpich.so.12)", 1)
	if err == nil || !strings.Contains(err.Error(), "Slurm's srun (SLURM_STEP_NUM_TASKS=4) started 4 processes, but MPICH 4.0.2 (libmpich.so.12) sees a job of 1") ||
		!strings.Contains(err.Error(), "--mpi=pmix") {
		t.Errorf("got %v", err)
	}
	if err := l.check("", 4); err != nil {
		t.Error(err)
	}
}

func TestCandidates(t *testing.T) {
	for _, families := range [][]family{{openMPI}, {mpich, openMPI}, {openMPI, mpich}} {
		files := candidates(families)
		if len(files) == 0 || len(slices.Compact(slices.Sorted(slices.Values(files)))) != len(files) {
			t.Errorf("%v: %v", families, files)
		}
	}
	if first := candidates([]family{mpich, openMPI})[0]; !strings.Contains(first, "12") {
		t.Errorf("MPICH's launcher tries %s first", first)
	}
}

func TestOptions(t *testing.T) {
	never := func(context.Context, *Comm) error { return errors.New("is called") }
	for _, test := range []struct {
		err  error
		want string
	}{
		{Main(nil), "mpi: Main has no function to call"},
		{Main(never, nil), "mpi: an option is nil"},
		{Main(never, Timeout(0)), "mpi: a timeout of 0s, want a positive duration"},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("got %v, want %s", test.err, test.want)
		}
	}
}

// A program that no launcher has started is a group of one rank.
func TestOneProcess(t *testing.T) {
	if r := alone(t, "train").OK(t); !strings.Contains(r.Output, "hash of rank 0 of 1: ") {
		t.Errorf("got %s", r.Output)
	}
	if r := alone(t, "error"); r.Status != 1 || !strings.Contains(r.Output, "the only rank exchanges data with ranks 1 and 1") {
		t.Errorf("status %d: %s", r.Status, r.Output)
	}
	if r := alone(t, "panic-alone"); r.Status != 2 || !strings.Contains(r.Output, "panic: sharks") {
		t.Errorf("status %d: %s", r.Status, r.Output)
	}
}

// Where a launcher's library cannot be opened, the error tells what was tried.
func TestNoLibrary(t *testing.T) {
	r := alone(t, "train", "OMPI_COMM_WORLD_SIZE=2", "REEF_MPI=libreef-none.so.7")
	wants := []string{"Main: mpi: started by Open MPI's mpirun (OMPI_COMM_WORLD_SIZE=2)", "libreef-none.so.7", "apt-get install"}
	if strings.Contains(r.Output, "cannot open an MPI library") { // the platform or the build tag
		wants = wants[:1]
	}
	for _, want := range wants {
		if r.Status != 1 || !strings.Contains(r.Output, want) {
			t.Errorf("status %d, want %q in: %s", r.Status, want, r.Output)
		}
	}
}
