// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"sync/atomic"
	"time"
)

// budget is the memory that all requests together may take.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take reserves bytes for a call until it releases them.
func (c *call) take(n int64) error {
	b := c.memory
	if n < 0 || n > b.limit {
		return fail(413, "the request would need %d bytes of memory, the most is %d", max(n, 0), b.limit)
	}
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return busy(time.Second, "all memory for requests is in use")
	}
	c.held += n
	return nil
}

// release returns what the call has reserved.
func (c *call) release() {
	c.memory.used.Add(-c.held)
	c.held = 0
}
