// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"github.com/reef-dl/reef/internal/kernel/simd"
	"runtime"
	"sync"
	"sync/atomic"
)

// task is work cut into units 0..n-1 that may run in any order, on any worker.
// What a unit computes must not depend on the worker that runs it.
type task interface {
	unit(u int, w *worker)
}

// worker is what one goroutine needs for itself while it runs units.
type worker struct {
	tile    simd.TileArgs
	scratch []float32
	list    []int32
	offsets []int
}

// floats returns n floats of w's scratch; their content is undefined and they
// are good until the unit returns.
func (w *worker) floats(n int) []float32 {
	if cap(w.scratch) < n {
		w.scratch = Floats(n)
	}
	return w.scratch[:n]
}

// ints is the same as floats, of integers.
func (w *worker) ints(n int) []int32 {
	w.list = resized(w.list, n)
	return w.list
}

// pool hands units to the calling goroutine and to helpers. The caller takes
// units itself from the start and at the end waits only for helpers that are
// inside the job: a helper that never gets a core costs nothing.
//
// Each worker has a portion of neighbouring units, the same from job to job, and takes
// from the others' only when its own is done: what one kernel wrote is then in the caches
// of the core whose next kernel reads it. Between cores that share no cache this is worth
// as much as the second core.
type pool struct {
	mu      sync.Mutex // held by the caller that has the helpers
	workers atomic.Int32
	helpers []*helper // guarded by mu; may be more than workers-1

	task     task
	portions []portion // of the job's units: one for each worker, or unit if these are fewer
	spare    []portion // the memory of portions, one for each worker

	_      [64]byte // the counters below are written by all: a cache line for each
	epoch  atomic.Uint64
	_      [56]byte
	open   atomic.Bool
	_      [60]byte
	active atomic.Int32
	_      [60]byte
}

// portion is a run of units, of which next is the first that nobody has taken.
type portion struct {
	next atomic.Int64
	end  int64
	_    [112]byte // processors fetch lines in pairs
}

// helper is one persistent goroutine of the pool.
type helper struct {
	index  int
	parked atomic.Bool
	wake   chan struct{}
	w      worker
}

var (
	workPool  pool
	startPool = sync.OnceFunc(func() { workPool.resize(runtime.GOMAXPROCS(0)) })
	callers   freeList[worker]
)

// spins before a helper parks (50 to 150 µs) and before a waiting caller yields
// its core. A parked helper costs the next caller about 10 µs to wake, so
// helpers spin between the many short jobs of one training step.
const (
	helperSpins = 1000
	callerSpins = 100
)

// Workers returns how many goroutines share one kernel, the caller among them:
// GOMAXPROCS at first use unless SetWorkers said otherwise. Results do not depend on it.
func Workers() int {
	startPool()
	return int(workPool.workers.Load())
}

// SetWorkers changes the number of workers until restore is called.
func SetWorkers(n int) (restore func()) {
	old := Workers()
	workPool.resize(max(n, 1))
	return func() { workPool.resize(old) }
}

// resize waits until the helpers are free, then starts the missing ones.
func (p *pool) resize(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.helpers) < n-1 {
		h := &helper{index: len(p.helpers), wake: make(chan struct{}, 1)}
		p.helpers = append(p.helpers, h)
		go p.serve(h)
	}
	p.spare = make([]portion, n)
	p.workers.Store(int32(n))
}

// run runs units 0..units-1 of t and returns when all are done. If another
// goroutine has the helpers, or t itself is such a goroutine, it runs alone.
func run(t task, units int) {
	if units <= 0 {
		return
	}
	p := &workPool
	if units == 1 || Workers() == 1 || !p.mu.TryLock() {
		runAlone(t, units)
		return
	}
	defer p.mu.Unlock()
	w := callers.get()
	defer callers.put(w)
	p.task, p.portions = t, p.spare[:min(len(p.spare), units)]
	for i := range p.portions {
		lo, hi := share(units, len(p.portions), i)
		p.portions[i].next.Store(int64(lo))
		p.portions[i].end = int64(hi)
	}
	p.open.Store(true)
	p.epoch.Add(1)
	p.wake()
	p.work(w, 0)
	p.open.Store(false)
	for n := 0; p.active.Load() != 0; n++ {
		simd.Pause()
		if n > callerSpins {
			yield()
		}
	}
	p.task = nil
}

// runAlone runs all units on the calling goroutine: for jobs that are over
// before a helper could join.
func runAlone(t task, units int) {
	w := callers.get()
	defer callers.put(w)
	for u := range units {
		t.unit(u, w)
	}
	w.tile = simd.TileArgs{} // keeps nobody's matrices alive
}

// wake wakes two parked helpers that the open job has units for. Each of them
// wakes two more, so that nobody pays for waking all.
func (p *pool) wake() {
	woken := 0
	for _, h := range p.helpers[:len(p.portions)-1] {
		if h.parked.Load() && h.parked.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
			if woken++; woken == 2 {
				return
			}
		}
	}
}

// work takes units until none are left, those of the given portion first.
func (p *pool) work(w *worker, own int) {
	for i := range p.portions {
		from := &p.portions[(own+i)%len(p.portions)]
		for u := from.next.Add(1) - 1; u < from.end; u = from.next.Add(1) - 1 {
			p.task.unit(int(u), w)
		}
	}
	w.tile = simd.TileArgs{}
}

// serve is a helper's life: wait for an epoch, join the job if it is still open.
func (p *pool) serve(h *helper) {
	var seen uint64
	for {
		for n := 0; p.epoch.Load() == seen; n++ {
			if n < helperSpins {
				simd.Pause()
				continue
			}
			h.parked.Store(true)
			if p.epoch.Load() != seen && h.parked.CompareAndSwap(true, false) {
				break // a job came while we lay down, and its caller did not see us do so
			}
			<-h.wake
			n = 0
		}
		seen = p.epoch.Load()
		// active first, then open: a caller that closes the job afterwards waits for us.
		p.active.Add(1)
		if p.open.Load() && h.index < int(p.workers.Load())-1 {
			p.wake()
			p.work(&h.w, h.index+1)
		}
		p.active.Add(-1)
	}
}

// freeList keeps values for reuse, so that jobs and scratch are allocated once.
type freeList[E any] struct {
	mu   sync.Mutex
	free []*E
}

func (l *freeList[E]) get() *E {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		e := l.free[n-1]
		l.free = l.free[:n-1]
		return e
	}
	return new(E)
}

func (l *freeList[E]) put(e *E) {
	l.mu.Lock()
	l.free = append(l.free, e)
	l.mu.Unlock()
}

// share returns the bounds of part i when total is cut evenly into parts.
func share(total, parts, i int) (lo, hi int) {
	return total * i / parts, total * (i + 1) / parts
}

// ceilDiv returns n/d rounded up.
func ceilDiv(n, d int) int { return (n + d - 1) / d }
