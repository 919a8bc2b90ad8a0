// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/mpitest"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// flat trains for 10,000 steps and checks that the last 9,000 add neither goroutines nor memory.
func flat(ctx context.Context, c distributed.Comm) error {
	const steps = 10_000
	x := make([]float32, 8*steps/10)
	for i := range x {
		x[i] = float32(i%17) / 17
	}
	in, err := k.Column(x)
	if err != nil {
		return err
	}
	samples, err := k.Data(in, in)
	if err != nil {
		return err
	}
	m := k.Sequential("m", k.Input(1), k.Dense(4, k.Tanh), k.Dense(1))
	if err := m.Compile(k.Adam(0.001), k.MSE, k.Seed(3), k.MAE); err != nil {
		return err
	}
	var before, after usage
	step := 0
	_, err = m.Fit(ctx, samples, k.Epochs(10), k.BatchSize(8), k.Distributed(c, k.Leaves(4)), k.Callbacks(k.CallbackFunc(func(e k.Event, t *k.Training) error {
		if e != k.BatchEnd {
			return nil
		}
		switch step++; step {
		case steps / 10:
			before = usageNow()
		case steps:
			after = usageNow()
		}
		return nil
	})))
	if err != nil {
		return err
	}
	if _, ok := c.(*Comm); ok {
		fmt.Printf("rank %d: after 1,000 steps %v, after %d %v\n", c.Rank(), before, step, after)
	}
	if step != steps || after.goroutines > before.goroutines || after.heap > before.heap+1<<20 || after.resident > before.resident+8<<20 {
		return fmt.Errorf("rank %d: %v after 1,000 steps, %v after %d", c.Rank(), before, after, step)
	}
	return nil
}

// usage is what a process uses.
type usage struct {
	goroutines     int
	heap, resident uint64 // bytes; resident is 0 if the system does not tell
}

func (u usage) String() string {
	return fmt.Sprintf("%d goroutines, %.1f MB in the heap, %.1f MB resident", u.goroutines, float64(u.heap)/1e6, float64(u.resident)/1e6)
}

func usageNow() usage {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	u := usage{goroutines: runtime.NumGoroutine(), heap: s.HeapAlloc}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var pages uint64
		_, _ = fmt.Sscan(string(text), &u.resident, &pages)
		u.resident = pages * uint64(os.Getpagesize())
	}
	return u
}

// Goroutines and memory stay as they are for 10,000 steps.
func TestStaysFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for 10,000 steps")
	}
	if err := distributed.Local(t.Context(), 2, flat); err != nil {
		t.Error(err)
	}
}

func TestProcessesStayFlat(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) { t.Log(job(t, l, 2, "flat").OK(t).Output) })
}

// 64 ranks, many times more than there are cores, end with the bytes of one. Processes take some time to start,
// MPICH's, which wait busily for each other, a minute on two cores:
//
//	REEF_MPI_MANY=1 go test -v -run ManyRanks ./keraslike/mpi
func TestManyRanks(t *testing.T) {
	const ranks = 64
	want, err := many(t.Context(), distributed.Single())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("goroutines", func(t *testing.T) {
		err := distributed.Local(t.Context(), ranks, func(ctx context.Context, c distributed.Comm) error {
			got, err := many(ctx, c)
			if err == nil && got != want {
				err = fmt.Errorf("got %s, one rank %s", got, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	if os.Getenv("REEF_MPI_MANY") == "" {
		return
	}
	for _, l := range mpitest.Launchers(t) {
		t.Run(l.Name, func(t *testing.T) {
			r := job(t, l, ranks, "many", "GOMAXPROCS=1").OK(t)
			if n := strings.Count(r.Output, want); n != ranks {
				t.Errorf("%d of %d ranks have the bytes of one rank:\n%s", n, ranks, r.Output)
			}
			first, _, _ := strings.Cut(r.Output, "\n")
			t.Logf("%d ranks in %v; %s", ranks, r.Took, first)
		})
	}
}

// many trains with a leaf for each of 64 ranks.
func many(ctx context.Context, c distributed.Comm) (string, error) {
	m, err := model(0.01)
	if err != nil {
		return "", err
	}
	samples, err := data()
	if err != nil {
		return "", err
	}
	if _, err := m.Fit(ctx, repeated{samples}, k.Epochs(3), k.BatchSize(128), k.Distributed(c, k.Leaves(64))); err != nil {
		return "", err
	}
	return hash(m)
}

// repeated is a source of ten times its samples.
type repeated struct{ k.Source }

func (r repeated) Len() int { return 10 * r.Source.Len() }

func (r repeated) Read(indices []int, inputs, targets [][]float32) error {
	own := make([]int, len(indices))
	for i, index := range indices {
		own[i] = index % r.Source.Len()
	}
	return r.Source.Read(own, inputs, targets)
}

func printMany(ctx context.Context, c *Comm) error {
	h, err := many(ctx, c)
	fmt.Printf("rank %d: %v, hash %s\n", c.rank, usageNow(), h)
	return err
}
