// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/mpitest"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
	"github.com/reef-dl/reef/keraslike/mpi"
)

// Each case gives the same history and weights on three processes under every MPI as on one rank.
func TestDistributedUnderMPI(t *testing.T) {
	const variable = "REEF_MPI_TEST_CASES"
	hash := func(ctx context.Context, i int, comm distributed.Comm) (string, error) {
		text, _, err := distributedCases[i].fit(t, ctx, k.Distributed(comm, k.Leaves(6)))
		return fmt.Sprintf("%x", sha256.Sum256([]byte(text))), err
	}
	if list := os.Getenv(variable); list != "" { // this is a rank
		want := strings.Fields(list)
		err := mpi.Main(func(ctx context.Context, c *mpi.Comm) error {
			for i := range distributedCases {
				if got, err := hash(ctx, i, c); err != nil || got != want[i] {
					return fmt.Errorf("%s: %s, want %s (%v)", distributedCases[i].name, got, want[i], err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	mpitest.Launchers(t)
	var want []string
	for i := range distributedCases {
		h, err := hash(t.Context(), i, distributed.Single())
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, h)
	}
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		l.Job(t, 3, []string{"-test.run=^TestDistributedUnderMPI$"}, variable+"="+strings.Join(want, " ")).OK(t)
	})
}
