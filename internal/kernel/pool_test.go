// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/parallel"
)

type countTask struct{ hits []atomic.Int32 }

func (t *countTask) Unit(u int, _ *parallel.Worker) { t.hits[u].Add(1) }

func TestRunDoesEachUnitOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		restore := parallel.SetWorkers(workers)
		if got := parallel.Workers(); got != workers {
			t.Errorf("parallel.Workers() = %d after parallel.SetWorkers(%d)", got, workers)
		}
		for _, units := range []int{0, 1, 2, 7, 1000} {
			task := &countTask{hits: make([]atomic.Int32, units)}
			for range 20 {
				parallel.Run(task, units)
			}
			for u := range task.hits {
				if n := task.hits[u].Load(); n != 20 {
					t.Fatalf("%d workers, %d units: unit %d ran %d times, want 20", workers, units, u, n)
				}
			}
		}
		restore()
	}
}

func TestRunFromManyGoroutines(t *testing.T) {
	defer parallel.SetWorkers(4)()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			task := &countTask{hits: make([]atomic.Int32, 50)}
			for range 200 {
				parallel.Run(task, len(task.hits))
			}
			for u := range task.hits {
				if n := task.hits[u].Load(); n != 200 {
					t.Errorf("unit %d ran %d times, want 200", u, n)
				}
			}
		})
	}
	wg.Wait()
}

func TestRunDoesNotAllocate(t *testing.T) {
	defer parallel.SetWorkers(2)()
	task := &countTask{hits: make([]atomic.Int32, 100)}
	if n := testing.AllocsPerRun(100, func() { parallel.Run(task, 100) }); n != 0 {
		t.Errorf("run allocates %v times", n)
	}
}

func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	task := &countTask{hits: make([]atomic.Int32, 4)}
	for b.Loop() {
		parallel.Run(task, 4)
	}
}

func TestKernelsFromManyGoroutines(t *testing.T) {
	defer parallel.SetWorkers(3)()
	const m, n, k = 70, 90, 60
	rng := rand.New(rand.NewPCG(51, 52))
	s := samePadding(square(2, 16, 32, 32, 3))
	a, b := randomFloats(rng, m*k), randomFloats(rng, k*n)
	x, w := randomFloats(rng, s.N*s.H*s.W*s.C), randomFloats(rng, s.KH*s.KW*s.C*s.K)
	wantC, wantY := make([]float32, m*n), make([]float32, s.N*s.OH*s.OW*s.K)
	Gemm(false, false, m, n, k, a, k, b, n, 0, wantC, n)
	Conv2D(wantY, x, w, nil, &s, Linear, 0)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c, y := make([]float32, m*n), make([]float32, len(wantY))
			for range 20 {
				Gemm(false, false, m, n, k, a, k, b, n, 0, c, n)
				Conv2D(y, x, w, nil, &s, Linear, 0)
				if !slices.Equal(c, wantC) || !slices.Equal(y, wantY) {
					t.Error("a kernel's result depends on other goroutines")
					return
				}
			}
		})
	}
	wg.Wait()
}
