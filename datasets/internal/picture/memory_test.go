// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMemory: what is held at the same time never exceeds the total, and whoever asks for
// more than the total holds it alone.
func TestMemory(t *testing.T) {
	const all = 100
	m := newMemory(all)
	var held, most atomic.Int64
	var wg sync.WaitGroup
	for k := range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(k)))
			for range 200 {
				n := rng.Int64N(all + 50)
				release := m.acquire(n)
				now := held.Add(min(n, all))
				for {
					before := most.Load()
					if now <= before || most.CompareAndSwap(before, now) {
						break
					}
				}
				held.Add(-min(n, all))
				release()
			}
		})
	}
	wg.Wait()
	if most.Load() > all || most.Load() < all/2 || m.free != all {
		t.Errorf("up to %d of %d held, %d free at the end", most.Load(), all, m.free)
	}
}
