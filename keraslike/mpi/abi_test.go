// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/mpitest"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// A library of the standard ABI trains to the same bytes. It is made by the test, on top of MPICH, since few
// machines have one: this shows that its handles and thread levels are those of the standard, not that a
// library works.
func TestStandardABI(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("links a library for Linux")
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip(err)
	}
	for _, l := range mpitest.Launchers(t) {
		if l.Name != "MPICH" {
			continue
		}
		want, err := train(t.Context(), distributed.Single())
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "libmpi_abi.so.1")
		if text, err := exec.CommandContext(t.Context(), gcc, "-std=gnu99", "-shared", "-fPIC", "-o", file, "testdata/abi.c", "-ldl").CombinedOutput(); err != nil {
			t.Skipf("gcc: %v\n%s", err, text) // without the headers of the C library
		}
		r := job(t, l, 3, "train", "REEF_MPI="+file, "REEF_MPI_TEST_FILE=libmpich.so.12").OK(t)
		if n := strings.Count(r.Output, want); n != 3 {
			t.Errorf("%d of 3 ranks have the bytes of one rank, %s:\n%s", n, want, r.Output)
		}
		if r := job(t, l, 2, "error", "REEF_MPI="+file, "REEF_MPI_TEST_FILE=libmpich.so.12"); r.Status == 0 {
			t.Errorf("a failed job has the status 0:\n%s", r.Output)
		}
	}
}
