// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"container/list"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/reef-dl/reef/graph"
)

// graphCache keeps the compiled graphs of a model by purpose, batch size and lengths, and the arenas in
// which they run. A graph in use has one user, and an arena one graph. All graphs share the arenas,
// so that they need as much memory as the largest of those that run at once. While everything
// together exceeds the limit, what was idle for longest is dropped.
type graphCache struct {
	mu      sync.Mutex
	limit   int64
	bytes   int64                     // of all graphs and arenas, idle or in use
	entries map[cacheKey]*cachedGraph // nil before the first use
	recent  list.List                 // of entries, the last used first
	arenas  []*graph.Arena            // idle, the last used last
	turns   chan struct{}             // held by predictions that compute
}

// defaultCache is the limit of a model's cache in bytes.
const defaultCache = keptShare * defaultKept

// turnsPerProcessor is how many predictions of a model compute at once for each processor. More
// would need more memory and no less time; this many let a short prediction pass a long one.
const turnsPerProcessor = 2

// cacheKey identifies a graph. The limit on its memory is a part: what exceeds one may fit another.
type cacheKey struct {
	mode mode
	graphKey
	memory int64
}

// cachedGraph is a graph and its clones, for users that run it at the same time.
type cachedGraph struct {
	key     cacheKey
	at      *list.Element
	built   chan struct{} // closed when one goroutine has built the graph, or err is set
	err     error
	first   *modelGraph
	idle    []*modelGraph
	dropped bool
}

// errorBytes is the size of an entry for a graph that does not fit in memory.
const errorBytes = 512

// start makes the empty cache.
func (c *graphCache) start() {
	if c.entries == nil {
		c.limit, c.entries = defaultCache, map[cacheKey]*cachedGraph{}
		c.turns = make(chan struct{}, turnsPerProcessor*runtime.GOMAXPROCS(0))
	}
}

// setLimit changes the limit; 0 keeps nothing.
func (c *graphCache) setLimit(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start()
	c.limit = bytes
	c.trim()
}

// clear drops all graphs after a change that invalidates them; those in use are dropped by release.
func (c *graphCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		c.drop(e)
	}
	for len(c.arenas) > 0 {
		c.dropArena(0)
	}
}

// acquire returns an idle graph, or one made by build if there is none. However many goroutines ask
// for a new graph, one of them builds it, and nobody else waits.
func (c *graphCache) acquire(key cacheKey, build func() (*modelGraph, error)) (*modelGraph, error) {
	c.mu.Lock()
	c.start()
	e := c.entries[key]
	if e == nil {
		e = &cachedGraph{key: key, built: make(chan struct{})}
		e.at = c.recent.PushFront(e)
		c.entries[key] = e
		c.mu.Unlock()
		return c.build(e, build)
	}
	c.recent.MoveToFront(e.at)
	if n := len(e.idle); n > 0 {
		g := e.idle[n-1]
		e.idle = e.idle[:n-1]
		c.mu.Unlock()
		return g, nil
	}
	c.mu.Unlock()
	<-e.built
	if e.err != nil {
		return nil, e.err
	}
	g := e.first.clone()
	if g == nil {
		var err error
		if g, err = build(); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(e, g)
	return g, nil
}

// build builds the first graph of an entry.
func (c *graphCache) build(e *cachedGraph, build func() (*modelGraph, error)) (g *modelGraph, err error) {
	err = errGoexit // unless build returns
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		e.first, e.err = g, err
		close(e.built)
		switch {
		case err == nil:
			c.add(e, g)
		case isTooLarge(err) && !e.dropped: // found out once
			c.bytes += errorBytes
			c.trim()
		default:
			c.forget(e)
		}
	}()
	return build()
}

// add counts a new graph of an entry.
func (c *graphCache) add(e *cachedGraph, g *modelGraph) {
	g.entry, g.bytes = e, g.size()
	c.bytes += g.bytes
	c.trim()
}

// release returns a graph; nil is ignored.
func (c *graphCache) release(g *modelGraph) {
	if g == nil {
		return
	}
	arena := g.leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	if arena != nil {
		c.arenas = append(c.arenas, arena)
	}
	c.bytes -= g.bytes
	if e := g.entry; !e.dropped {
		g.bytes = g.size() // it may have got buffers
		c.bytes += g.bytes
		e.idle = append(e.idle, g)
		c.recent.MoveToFront(e.at)
	}
	c.trim()
}

// trim drops idle memory until the rest is within the limit: the arenas that one more prediction
// does not need, then the graphs that were not used for longest, then the last arena.
func (c *graphCache) trim() {
	for c.bytes > c.limit && (len(c.arenas) > 1 || len(c.arenas) == 1 && int64(c.arenas[0].Bytes()) > c.limit) {
		c.dropArena(0)
	}
	for at := c.recent.Back(); at != nil && c.bytes > c.limit; {
		e := at.Value.(*cachedGraph)
		at = at.Prev()
		if len(e.idle) > 0 || e.err != nil {
			c.drop(e)
		}
	}
	if c.bytes > c.limit && len(c.arenas) > 0 {
		c.dropArena(0)
	}
}

// drop drops an entry with its idle graphs.
func (c *graphCache) drop(e *cachedGraph) {
	for _, g := range e.idle {
		c.bytes -= g.bytes
	}
	if e.err != nil {
		c.bytes -= errorBytes
	}
	e.idle = nil
	c.forget(e)
}

func (c *graphCache) forget(e *cachedGraph) {
	if !e.dropped {
		e.dropped = true
		delete(c.entries, e.key)
		c.recent.Remove(e.at)
	}
}

// borrowArena returns an arena of at least that many bytes: the smallest idle one that is large
// enough, or a new one in place of the largest that is not.
func (c *graphCache) borrowArena(bytes int) *graph.Arena {
	c.mu.Lock()
	best := -1
	for i, a := range slices.Backward(c.arenas) { // of equal ones the last used
		if best < 0 || betterArena(a.Bytes(), c.arenas[best].Bytes(), bytes) {
			best = i
		}
	}
	if best >= 0 && c.arenas[best].Bytes() >= bytes {
		a := c.arenas[best]
		c.arenas = slices.Delete(c.arenas, best, best+1)
		c.mu.Unlock()
		return a
	}
	replaced := 0
	if best >= 0 {
		replaced = c.arenas[best].Bytes()
		c.dropArena(best)
		bytes = max(bytes, replaced+replaced/arenaGrowth)
	}
	bytes = ceilDiv(bytes, 4) * 4 // as NewArena makes it
	c.bytes += int64(bytes)
	c.trim()
	c.mu.Unlock()
	if replaced >= collectedArena {
		debug.FreeOSMemory() // else both arenas would be in memory at once
	}
	return graph.NewArena(bytes)
}

const (
	arenaGrowth    = 8        // a larger arena is at least an eighth larger, so that it rarely grows
	collectedArena = 32 << 20 // the size in bytes from which a replaced arena is returned to the system at once
)

// betterArena reports whether an arena of size a suits a graph that needs that many bytes better
// than one of size b.
func betterArena(a, b, bytes int) bool {
	if a >= bytes && b >= bytes {
		return a < b
	}
	return a > b
}

// dropArena drops idle arena i.
func (c *graphCache) dropArena(i int) {
	c.bytes -= int64(c.arenas[i].Bytes())
	c.arenas = slices.Delete(c.arenas, i, i+1)
}

// predict runs a graph for prediction in its turn, in an arena borrowed for the run, after the states of the
// batch before.
func (c *graphCache) predict(g *modelGraph, states *carriedStates) error {
	return c.turn(g, func() error { return states.run(g) })
}

// turn calls a function that runs a graph in its turn, in an arena borrowed for the run.
func (c *graphCache) turn(g *modelGraph, run func() error) error {
	c.turns <- struct{}{}
	defer func() { <-c.turns }()
	g.arena = c.borrowArena(g.planned())
	defer c.returnArena(g)
	return run()
}

// returnArena returns the arena of a graph.
func (c *graphCache) returnArena(g *modelGraph) {
	a := g.leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arenas = append(c.arenas, a)
	c.trim()
}
