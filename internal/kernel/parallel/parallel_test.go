// SPDX-License-Identifier: Apache-2.0

package parallel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// counting counts how often each unit runs.
type counting struct{ runs []atomic.Int32 }

func (c *counting) Unit(u int, w *Worker) {
	w.Floats(u % 50)
	c.runs[u].Add(1)
}

func TestEveryUnitRunsOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 5} {
		restore := SetWorkers(workers)
		for _, units := range []int{0, 1, 2, 3, 7, 1000} {
			c := &counting{make([]atomic.Int32, units)}
			Run(c, units)
			for u := range c.runs {
				if got := c.runs[u].Load(); got != 1 {
					t.Errorf("%d workers: unit %d of %d ran %d times", workers, u, units, got)
				}
			}
		}
		restore()
	}
}

// nested runs a task from within a unit, which must not wait for its own helpers.
type nested struct{ inner counting }

func (n *nested) Unit(_ int, _ *Worker) { Run(&n.inner, len(n.inner.runs)) }

func TestTasksNestAndMeet(t *testing.T) {
	defer SetWorkers(3)()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			n := &nested{counting{make([]atomic.Int32, 20)}}
			Run(n, 10)
			for u := range n.inner.runs {
				if got := n.inner.runs[u].Load(); got != 10 {
					t.Errorf("inner unit %d ran %d times, want 10", u, got)
				}
			}
		})
	}
	all.Wait()
}

func TestPiecesCoverEveryElementOnce(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 100} {
		for _, grain := range []int{1, 3, 10, 1000} {
			p, next := Cut(n, grain), 0
			for u := range p.Count() {
				lo, hi := p.Bounds(u)
				if lo != next || hi <= lo || hi > n || hi-lo > grain {
					t.Errorf("piece %d of %d by %d is [%d, %d), want it from %d", u, n, grain, lo, hi, next)
				}
				next = hi
			}
			if next != n {
				t.Errorf("%d by %d: pieces end at %d", n, grain, next)
			}
		}
	}
}

func FuzzShare(f *testing.F) {
	f.Add(uint16(128), uint8(10))
	f.Add(uint16(0), uint8(3))
	f.Fuzz(func(t *testing.T, total16 uint16, parts8 uint8) {
		total, parts, at := int(total16), 1+int(parts8), 0
		for i := range parts {
			lo, hi := Share(total, parts, i)
			if lo != at || hi-lo < total/parts || hi-lo > total/parts+1 {
				t.Fatalf("Share(%d, %d, %d) = %d, %d after %d", total, parts, i, lo, hi, at)
			}
			at = hi
		}
		if at != total {
			t.Fatalf("%d parts of %d end at %d", parts, total, at)
		}
	})
}

type addOne struct{ x []int }

func (j *addOne) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		j.x[i]++
	}
}

var addOnes Jobs[addOne, *addOne]

func TestJobsRunEveryElementAndAllocateNothing(t *testing.T) {
	for _, workers := range []int{1, 3} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			defer SetWorkers(workers)()
			x := make([]int, 1000)
			runs := 0
			allocs := testing.AllocsPerRun(20, func() { addOnes.Run(addOne{x}, len(x), 7); runs++ })
			if allocs != 0 {
				t.Errorf("%v allocations a run", allocs)
			}
			for i, v := range x {
				if v != runs {
					t.Fatalf("element %d was counted %d times in %d runs", i, v, runs)
				}
			}
		})
	}
}
