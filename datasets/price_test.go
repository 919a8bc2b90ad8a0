// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// TestRoom: what is inside at the same time is never more than the room has, and who asks
// for more than that has it alone.
func TestRoom(t *testing.T) {
	const all = 100
	r := newRoom(all)
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	for k := range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(k)))
			for range 200 {
				n := rng.Int64N(all + 50)
				leave := r.enter(n)
				now := inside.Add(min(n, all))
				for {
					before := most.Load()
					if now <= before || most.CompareAndSwap(before, now) {
						break
					}
				}
				inside.Add(-min(n, all))
				leave()
			}
		})
	}
	wg.Wait()
	if most.Load() > all || most.Load() < all/2 || r.free != all {
		t.Errorf("up to %d of %d inside, %d free at the end", most.Load(), all, r.free)
	}
}
