// SPDX-License-Identifier: Apache-2.0

// Package parallel cuts a kernel's work into units and shares them out over persistent
// workers. What is cut never depends on the number of workers, so that results do not either,
// and nothing is allocated once everything has run.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/reef-dl/reef/internal/kernel/simd"
)

// pool hands units to the calling goroutine and to helpers. The caller takes
// units itself from the start and at the end waits only for helpers that are
// inside the job: a helper that never gets a core costs nothing.
//
// Each worker has a portion of neighboring units, the same from job to job, and takes
// from the others' only when its own is done: what one kernel wrote is then in the caches
// of the core whose next kernel reads it. Between cores that share no cache this is worth
// as much as the second core.
type pool struct {
	mu      sync.Mutex // held by the caller that has the helpers
	workers atomic.Int32
	helpers []*helper // guarded by mu; may be more than workers-1

	task     Task
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

// portion is a run of units; next is the first that is not taken yet.
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
	w      Worker
}

var (
	workPool  pool
	startPool = sync.OnceFunc(func() { workPool.resize(runtime.GOMAXPROCS(0)) })
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

// Run runs units 0..units-1 of t and returns when all are done. If another
// goroutine has the helpers, or t itself is such a goroutine, it runs alone.
func Run(t Task, units int) {
	if units <= 0 {
		return
	}
	p := &workPool
	if units == 1 || Workers() == 1 || !p.mu.TryLock() {
		RunAlone(t, units)
		return
	}
	defer p.mu.Unlock()
	w := Borrow()
	defer w.Return()
	p.task, p.portions = t, p.spare[:min(len(p.spare), units)]
	for i := range p.portions {
		lo, hi := Share(units, len(p.portions), i)
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

// RunAlone runs all units on the calling goroutine: for jobs that are over
// before a helper could join.
func RunAlone(t Task, units int) {
	w := Borrow()
	defer w.Return()
	for u := range units {
		t.Unit(u, w)
	}
	w.Tile = simd.TileArgs{} // so that the worker keeps no matrices alive
}

// wake wakes two parked helpers that the open job has units for. Each of them
// wakes two more, so that no caller pays for waking all.
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
func (p *pool) work(w *Worker, own int) {
	for i := range p.portions {
		from := &p.portions[(own+i)%len(p.portions)]
		for u := from.next.Add(1) - 1; u < from.end; u = from.next.Add(1) - 1 {
			p.task.Unit(int(u), w)
		}
	}
	w.Tile = simd.TileArgs{}
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
				break // a job arrived while this helper was parking, unseen by its caller
			}
			<-h.wake
			n = 0
		}
		seen = p.epoch.Load()
		// active first, then open: a caller that closes the job afterward waits for us.
		p.active.Add(1)
		if p.open.Load() && h.index < int(p.workers.Load())-1 {
			p.wake()
			p.work(&h.w, h.index+1)
		}
		p.active.Add(-1)
	}
}
