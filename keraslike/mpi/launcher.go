// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"fmt"
	"strconv"
)

// launcher is what a process knows of the program that started it.
type launcher struct {
	name     string // empty if it was not started by MPI
	variable string // the environment variable that tells, with its value
	size     int    // of the job; 0 if that is not known
	families []family
	file     string // REEF_MPI
}

// family is a group of libraries that have the same file names.
type family int

const (
	openMPI family = iota
	mpich
)

// launcherOf looks at the environment. The first variable that is set tells: processes of an mpirun
// in a job of Slurm have Slurm's variables, too.
func launcherOf(getenv func(string) string) launcher {
	l := launcher{file: getenv("REEF_MPI")}
	for _, known := range []struct {
		variable, name string
		least          int // smaller values do not mean that MPI has started the process
		isSize         bool
		families       []family
	}{
		{"OMPI_COMM_WORLD_SIZE", "Open MPI's mpirun", 1, true, []family{openMPI}},
		{"PMI_SIZE", "mpiexec of MPICH's kind", 1, true, []family{mpich, openMPI}},
		// A batch script that is not started by srun has this variable with a value of 1.
		{"SLURM_STEP_NUM_TASKS", "Slurm's srun", 2, true, []family{openMPI, mpich}},
		{"PMIX_RANK", "a launcher with PMIx", 0, false, []family{openMPI, mpich}},
	} {
		n, err := strconv.Atoi(getenv(known.variable))
		if err != nil || n < known.least {
			continue
		}
		l.name, l.variable, l.families = known.name, fmt.Sprintf("%s=%d", known.variable, n), known.families
		if known.isSize {
			l.size = n
		}
		break
	}
	return l
}

// started returns whether the process is one of a job of MPI.
func (l launcher) started() bool { return l.name != "" || l.file != "" }

func (l launcher) String() string {
	if l.name == "" {
		return "REEF_MPI=" + l.file
	}
	return fmt.Sprintf("%s (%s)", l.name, l.variable)
}

// check compares the size of the job with that which the launcher has told.
func (l launcher) check(library string, size int) error {
	if l.size == 0 || l.size == size {
		return nil
	}
	hint := ""
	if l.name == "Slurm's srun" {
		hint = "; srun needs --mpi=pmix or --mpi=pmi2"
	}
	return fmt.Errorf("mpi: %s started %d processes, but %s sees a job of %d: the library is not that of the launcher; "+
		"start the program with the mpirun of this library, or set REEF_MPI to the file of the launcher's library%s", l, l.size, library, size, hint)
}
