// SPDX-License-Identifier: Apache-2.0

// Package parallel divides a kernel's work into units and distributes them over persistent
// workers. The division never depends on the number of workers, so neither do results. Nothing
// is allocated once everything has run.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/reef-dl/reef/internal/kernel/simd"
)

// pool hands units to the calling goroutine and to helpers. The caller processes units itself
// from the start and at the end waits only for helpers that have joined the job: a helper that
// never gets a core costs nothing.
//
// Each worker has a portion of consecutive units, the same from job to job, and takes units
// from the others' portions only when its own is done: what one kernel wrote is then in the
// cache of the core whose next kernel reads it. Between cores that share no cache, this gains
// as much as the second core does.
type pool struct {
	mu      sync.Mutex // held by the caller that uses the helpers
	workers atomic.Int32
	helpers []*helper // guarded by mu; may be more than workers-1

	task     Task
	portions []portion // the job's units: one portion per worker, or per unit if there are fewer units
	spare    []portion // the memory of portions, one per worker

	_      [64]byte // all workers write the counters below: a cache line for each
	epoch  atomic.Uint64
	_      [56]byte
	open   atomic.Bool
	_      [60]byte
	active atomic.Int32
	_      [60]byte
}

// portion is a range of units; next is the first one not yet taken.
type portion struct {
	next atomic.Int64
	end  int64
	_    [112]byte // processors fetch cache lines in pairs
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

// Number of spins before a helper parks (50 to 150 µs) and before a waiting caller yields its
// core. Waking a parked helper costs the next caller about 10 µs, so helpers spin between the
// many short jobs of a training step.
const (
	helperSpins = 1000
	callerSpins = 100
)

// Workers returns the number of goroutines that share a kernel's work, including the caller:
// GOMAXPROCS at first use, unless SetWorkers has changed it. Results do not depend on it.
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

// resize waits until the helpers are idle, then starts the missing ones.
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

// Run runs units 0..units-1 of t and returns when all are done. If another goroutine uses the
// helpers, or the caller is itself running a unit, it runs alone.
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

// RunAlone runs all units on the calling goroutine, for jobs that are done before a helper
// could join.
func RunAlone(t Task, units int) {
	w := Borrow()
	defer w.Return()
	for u := range units {
		t.Unit(u, w)
	}
	w.Tile = simd.TileArgs{} // so that the worker does not keep matrices alive
}

// wake wakes two parked helpers for which the open job has units. Each of them wakes two more,
// so no caller pays for waking all.
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

// work takes units until none are left, first those of the given portion.
func (p *pool) work(w *Worker, own int) {
	for i := range p.portions {
		from := &p.portions[(own+i)%len(p.portions)]
		for u := from.next.Add(1) - 1; u < from.end; u = from.next.Add(1) - 1 {
			p.task.Unit(int(u), w)
		}
	}
	w.Tile = simd.TileArgs{}
}

// serve is the main loop of a helper: wait for an epoch, join the job if it is still open.
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
				break // a job arrived while this helper was parking, unnoticed by its caller
			}
			<-h.wake
			n = 0
		}
		seen = p.epoch.Load()
		// active first, then open: a caller that closes the job after that waits for us.
		p.active.Add(1)
		if p.open.Load() && h.index < int(p.workers.Load())-1 {
			p.wake()
			p.work(&h.w, h.index+1)
		}
		p.active.Add(-1)
	}
}
