// SPDX-License-Identifier: Apache-2.0

package parallel

import "sync"

// FreeList keeps values for reuse, so that jobs and scratch memory are allocated only once.
type FreeList[E any] struct {
	mu   sync.Mutex
	free []*E
}

// Get returns a value that is not in use, in the state in which it was put back; a new one is zero.
func (l *FreeList[E]) Get() *E {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		e := l.free[n-1]
		l.free = l.free[:n-1]
		return e
	}
	return new(E)
}

// Put returns a value obtained from Get.
func (l *FreeList[E]) Put(e *E) {
	l.mu.Lock()
	l.free = append(l.free, e)
	l.mu.Unlock()
}

// Job is work over elements 0..n-1, or over rows: Piece processes elements lo to hi-1. Its
// fields are its operands. It needs no scratch memory of a worker; a job that does is a Task
// instead.
type Job[J any] interface {
	*J
	Piece(lo, hi int)
}

// Jobs runs jobs of one type. It reuses the values that this requires: a job would be allocated
// each time if it were passed as a Task.
type Jobs[J any, P Job[J]] struct {
	free FreeList[cutJob[J, P]]
}

// Run runs job over 0..n-1 in pieces of grain elements.
func (s *Jobs[J, P]) Run(job J, n, grain int) {
	c := s.free.Get()
	c.job = job
	if n > grain {
		c.Pieces = Cut(n, grain)
		c.Pieces.Run(c)
	} else if n > 0 {
		P(&c.job).Piece(0, n)
	}
	var none J
	c.job = none // so that the free list does not keep operands alive
	s.free.Put(c)
}

type cutJob[J any, P Job[J]] struct {
	Pieces
	job J
}

func (c *cutJob[J, P]) Unit(u int, _ *Worker) {
	lo, hi := c.Bounds(u)
	P(&c.job).Piece(lo, hi)
}
