// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"runtime"
	"sync"
)

// decodingMemory is shared by all images that are being decoded, whoever reads them.
var decodingMemory = newMemory(96 << 20)

// memory is a weighted semaphore of bytes that serves its callers in order.
type memory struct {
	turn  sync.Mutex
	mu    sync.Mutex
	freed sync.Cond
	free  int64
	total int64
	stale int64 // granted to large images since the last collection
}

func newMemory(n int64) *memory {
	m := &memory{free: n, total: n}
	m.freed.L = &m.mu
	return m
}

// acquire waits for n bytes, or for the total if n is more, and returns the function that
// releases them. Garbage of large images is collected before it doubles the memory.
func (m *memory) acquire(n int64) (release func()) {
	const large = 16 << 20
	n = min(n, m.total)
	m.turn.Lock()
	m.mu.Lock()
	for m.free < n {
		m.freed.Wait()
	}
	m.free -= n
	if n >= large {
		m.stale += n
	}
	collect := m.stale > m.total
	if collect {
		m.stale = n
	}
	m.mu.Unlock()
	m.turn.Unlock()
	if collect {
		runtime.GC()
	}
	return func() {
		m.mu.Lock()
		m.free += n
		m.mu.Unlock()
		m.freed.Signal()
	}
}
