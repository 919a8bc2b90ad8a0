// SPDX-License-Identifier: Apache-2.0

// Package mpi connects the processes of a job that MPI has started, for keraslike.Distributed:
//
//	func main() {
//		err := mpi.Main(func(ctx context.Context, c *mpi.Comm) error {
//			model, data := ...
//			_, err := model.Fit(ctx, data, k.Distributed(c, k.Leaves(8)))
//			return err
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// The program is an ordinary one, compiled without a C compiler, and is started by
//
//	mpirun -n 4 ./program            Open MPI, MPICH and their kin
//	srun -n 4 --mpi=pmix ./program   Slurm
//	./program                        one process, without MPI
//
// # Libraries
//
// The MPI library is opened when the program runs, and only if a launcher started it. Open MPI, MPICH (and
// what has its ABI: Intel MPI, MVAPICH, Cray MPICH) and libraries of the standard ABI of MPI-5 are
// supported. Which one is opened depends on the launcher's environment variables:
//
//	OMPI_COMM_WORLD_SIZE   Open MPI's mpirun: libmpi.so.40, libmpi.so, libmpi_abi.so.1
//	PMI_SIZE               MPICH's mpiexec, Slurm's PMI: libmpi.so.12, libmpich.so.12, libmpi_abi.so.1,
//	                       libmpi.so, libmpi.so.40
//	SLURM_STEP_NUM_TASKS   Slurm's srun, if it is more than 1, or PMIX_RANK: those of Open MPI, then
//	                       those of MPICH
//	REEF_MPI               the name or path of the library, before all others; a program that a launcher
//	                       without any of the other variables has started needs it
//
// On macOS the names end in .dylib. The number of processes that the launcher tells and that of the library
// must be equal; they differ if the library is not that of the launcher, which would otherwise make a job
// of N processes N jobs of one process.
//
// # What it costs a program
//
// A program that imports this package is linked dynamically to the C library, though no cgo is used, as
// github.com/ebitengine/purego must be. It needs glibc on Linux. The build tag nompi leaves this out, and
// so do platforms on which libraries cannot be opened in this way, such as Windows and js/wasm: there the
// program is a group of one rank, and an error if a launcher started it.
//
// # Cores
//
// A process of a training uses all cores that it may use. Open MPI binds each process to one core if there are
// at most two of them; "mpirun --bind-to none" prevents that. Several processes on one machine need a share
// each: "--map-by slot:PE=4", or the environment variable GOMAXPROCS.
//
// # Signals
//
// Some libraries install signal handlers of their own when they start (UCX, which MPICH uses, takes SIGSEGV,
// SIGBUS, SIGFPE, SIGILL, SIGHUP and SIGUSR1), after which a nil dereference would not be a Go panic any
// more. Main gives these signals back to Go.
package mpi
