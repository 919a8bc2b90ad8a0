// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reef-dl/reef/graph"
)

// cacheModel is a small model with convolutions, for which batches differ in memory.
func cacheModel(t testing.TB) *Model {
	t.Helper()
	m := Sequential("cached", Input(12, 12, 3), Conv2D(8, 3, ReLU), BatchNormalization(), Conv2D(8, 3, ReLU), Flatten(), Dense(4, Softmax))
	if err := m.Compile(Adam(0.01), SparseCategoricalCrossentropy); err != nil {
		t.Fatal(err)
	}
	return m
}

// cacheSamples is data for n samples of cacheModel.
func cacheSamples(t testing.TB, n int) (x, y *Array) {
	t.Helper()
	x = &Array{values: make([]float32, n*12*12*3), shape: []int{n, 12, 12, 3}}
	y = &Array{values: make([]float32, n), shape: []int{n}}
	for i := range x.values {
		x.values[i] = float32(i*31%67)/67 - 0.5
	}
	for i := range y.values {
		y.values[i] = float32(i % 4)
	}
	return x, y
}

// predictN predicts n samples.
func predictN(t testing.TB, m *Model, n int) []float32 {
	t.Helper()
	x, _ := cacheSamples(t, n)
	y, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	return y.values
}

// idleBatches lists the batches of the graphs that the cache keeps, sorted.
func (c *graphCache) idleBatches(mode mode) (list []int) {
	for key, e := range c.entries {
		for range e.idle {
			if key.mode == mode {
				list = append(list, key.batch)
			}
		}
	}
	slices.Sort(list)
	return list
}

// check compares the cache's sum with what it holds while nothing is in use.
func (c *graphCache) check(t testing.TB) {
	t.Helper()
	var sum int64
	for _, e := range c.entries {
		for _, g := range e.idle {
			sum += g.bytes
		}
		if e.err != nil {
			sum += errorBytes
		}
	}
	for _, a := range c.arenas {
		sum += int64(a.Bytes())
	}
	if sum != c.bytes || sum > c.limit && sum > 0 {
		t.Errorf("the cache counts %d bytes, it holds %d, the limit is %d", c.bytes, sum, c.limit)
	}
	if c.recent.Len() != len(c.entries) {
		t.Errorf("%d entries in order of use, there are %d", c.recent.Len(), len(c.entries))
	}
}

// Graphs of all batch sizes and purposes share one arena, of the size of the largest.
func TestGraphsShareArena(t *testing.T) {
	m := cacheModel(t)
	want := map[int][]float32{}
	for _, n := range []int{3, 16, 1, 7, 128, 2} {
		want[n] = predictN(t, m, n)
	}
	x, y := cacheSamples(t, 40)
	data, err := Data(x, y)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Evaluate(t.Context(), data, BatchSize(7)); err != nil {
		t.Fatal(err)
	}
	c := &m.graphs
	c.check(t)
	if got := c.idleBatches(modePredict); !slices.Equal(got, []int{1, 2, 3, 7, 16, 128}) {
		t.Errorf("keeps graphs for %v", got)
	}
	if got := c.idleBatches(modeEvaluate); !slices.Equal(got, []int{5, 7}) {
		t.Errorf("keeps graphs of evaluation for %v", got)
	}
	largest := 0
	for _, e := range c.entries {
		largest = max(largest, e.first.planned())
	}
	if len(c.arenas) != 1 || c.arenas[0].Bytes() < largest || c.arenas[0].Bytes() > largest+largest/arenaGrowth {
		t.Errorf("%d arenas, the first of %d bytes, want one of about %d", len(c.arenas), c.arenas[0].Bytes(), largest)
	}
	if _, err := m.Fit(t.Context(), data, BatchSize(16)); err != nil { // batches of 16 and 8
		t.Fatal(err)
	}
	if got := c.idleBatches(modeTrain); !slices.Equal(got, []int{8, 16}) || len(c.arenas) != 1 || m.training != nil {
		t.Errorf("after training graphs for %v and %d arenas", got, len(c.arenas))
	}
	c.check(t)
	fresh := cacheModel(t)
	for n, values := range want { // in another order, in arenas that hold other values
		if !slices.Equal(predictN(t, fresh, n), values) {
			t.Errorf("batch %d: another order of batches gives other predictions", n)
		}
	}
}

// The limit drops what was idle for longest; with 0 nothing is kept, and results stay the same.
func TestCacheLimit(t *testing.T) {
	m := cacheModel(t)
	want := predictN(t, m, 2)
	for _, n := range []int{3, 4, 5, 2} {
		predictN(t, m, n)
	}
	c := &m.graphs
	one := c.entries[cacheKey{modePredict, graphKey{batch: 5}, m.memoryLimit(modePredict, 1)}].first.bytes
	m.SetCacheLimit(c.bytes - 1)
	c.check(t)
	if got := c.idleBatches(modePredict); !slices.Equal(got, []int{2, 4, 5}) {
		t.Errorf("keeps %v, want 2, 4 and 5, as 3 was not used for longest", got)
	}
	predictN(t, m, 4)
	m.SetCacheLimit(c.bytes - 1)
	if got := c.idleBatches(modePredict); !slices.Equal(got, []int{2, 4}) {
		t.Errorf("keeps %v, want 2 and 4", got)
	}
	m.SetCacheLimit(2*one + 100) // which is less than an arena
	if predictN(t, m, 7); len(c.arenas) != 0 || len(c.idleBatches(modePredict)) == 0 {
		t.Errorf("keeps %d arenas and the graphs %v, want no arena and some graph", len(c.arenas), c.idleBatches(modePredict))
	}
	c.check(t)
	m.SetCacheLimit(0)
	for range 2 {
		if !slices.Equal(predictN(t, m, 2), want) {
			t.Error("without a cache predictions differ")
		}
		if c.bytes != 0 || len(c.entries) != 0 || len(c.arenas) != 0 {
			t.Errorf("keeps %d bytes, %d graphs and %d arenas with a limit of 0", c.bytes, len(c.entries), len(c.arenas))
		}
	}
	x, y := cacheSamples(t, 6)
	for range 2 { // the graph of the last batch stays
		if _, err := m.TrainOnBatch(x.Tensor(), y.Tensor()); err != nil {
			t.Fatal(err)
		}
	}
}

// However many goroutines ask for a graph, one builds it.
func TestGraphIsBuiltOnce(t *testing.T) {
	m := cacheModel(t)
	var builds atomic.Int32
	key := cacheKey{modePredict, graphKey{batch: 3}, 1 << 40}
	release := make(chan struct{})
	graphs := make(chan *modelGraph, 64)
	var wg sync.WaitGroup
	for range cap(graphs) {
		wg.Go(func() {
			g, err := m.graphs.acquire(key, func() (*modelGraph, error) {
				builds.Add(1)
				<-release
				return m.newGraph(key.memory, key.mode, key.graphKey, m.compiled, nil)
			})
			if err != nil {
				t.Error(err)
			}
			graphs <- g
		})
	}
	for builds.Load() == 0 {
		runtime.Gosched()
	}
	predictN(t, m, 1) // another graph is built and used meanwhile
	close(release)
	wg.Wait()
	close(graphs)
	seen := map[*modelGraph]bool{}
	for g := range graphs {
		seen[g] = true
		m.graphs.release(g)
	}
	if builds.Load() != 1 || len(seen) != cap(graphs) {
		t.Errorf("%d builds, %d graphs, want 1 and %d", builds.Load(), len(seen), cap(graphs))
	}
	m.graphs.check(t)

	// An error goes to all who wait, and is forgotten unless it is about memory.
	for _, c := range []struct {
		err    error
		builds int32
	}{{errors.New("no"), 2}, {&graph.MemoryError{Need: 2, Limit: 1}, 1}} {
		builds.Store(0)
		key.batch++
		for range 2 {
			_, err := m.graphs.acquire(key, func() (*modelGraph, error) {
				builds.Add(1)
				return nil, fmt.Errorf("build: %w", c.err)
			})
			if !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
		}
		if builds.Load() != c.builds {
			t.Errorf("%v: %d builds, want %d", c.err, builds.Load(), c.builds)
		}
	}
	m.graphs.check(t)
}

// While a graph is being built, predictions with other graphs go on.
func TestBuildingBlocksNobody(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	wait := false
	m := Sequential("slow", Input(2), Dense(3), Lambda(func(in ...*graph.Node) (*graph.Node, error) {
		if in[0].Shape()[0] == 7 && wait {
			close(reached)
			<-release
		}
		return graph.Mul(in[0], in[0])
	}))
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	predict := func(n int) error {
		_, err := m.Predict(&Array{values: make([]float32, 2*n), shape: []int{n, 2}})
		return err
	}
	if err := predict(4); err != nil {
		t.Fatal(err)
	}
	wait = true
	done := make(chan error)
	go func() { done <- predict(7) }()
	<-reached
	for range 3 {
		if err := predict(4); err != nil { // would wait forever
			t.Error(err)
		}
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Compile while a graph is in use drops it when it is released.
func TestClearedGraphsInUse(t *testing.T) {
	m := cacheModel(t)
	g, err := m.graphInArena(modePredict, graphKey{batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	predictN(t, m, 3)
	m.graphs.clear()
	m.graphs.release(g)
	if len(m.graphs.entries) != 0 || len(m.graphs.idleBatches(modePredict)) != 0 {
		t.Error("a graph from before Compile is kept")
	}
	m.graphs.check(t)
}

// heapAfterGC returns the bytes in use.
func heapAfterGC() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// The size that the cache counts for a graph is about what it takes.
func TestSizeOfGraphs(t *testing.T) {
	m := cacheModel(t)
	for _, mode := range []mode{modePredict, modeEvaluate, modeTrain} {
		const n = 40
		var counted int64
		var list []*modelGraph
		before := heapAfterGC()
		for i := range n {
			g, err := m.newGraph(1<<40, mode, graphKey{batch: 1 + i}, m.compiled, m.trained())
			if err != nil {
				t.Fatal(err)
			}
			list, counted = append(list, g), counted+g.size()
		}
		if took := heapAfterGC() - before; counted < took/2 || counted > 2*took {
			t.Errorf("mode %d: counts %d bytes for each graph, it takes %d", mode, counted/n, took/n)
		}
		runtime.KeepAlive(list)
	}
}

// Models that nobody uses anymore leave nothing.
func TestDroppedModelsLeaveNothing(t *testing.T) {
	var collected atomic.Int32
	use := func() {
		m := cacheModel(t)
		for n := range 4 {
			predictN(t, m, 1+40*n)
		}
		x, y := cacheSamples(t, 20)
		if _, err := m.TrainOnBatch(x.Tensor(), y.Tensor()); err != nil {
			t.Fatal(err)
		}
		runtime.AddCleanup(m, func(struct{}) { collected.Add(1) }, struct{}{})
	}
	use()
	before := heapAfterGC()
	const models = 20
	for range models {
		use()
	}
	for wait := 0; collected.Load() < models && wait < 100; wait++ { // cleanups run on a goroutine of their own
		time.Sleep(10 * time.Millisecond)
		runtime.GC()
	}
	if got := collected.Load(); got < models {
		t.Errorf("%d of %d models were collected", got, models+1)
	}
	if grown := heapAfterGC() - before; grown > 1<<20 {
		t.Errorf("the heap has %d bytes more after %d models", grown, models)
	}
}

// Random batch sizes from many goroutines need no more memory after a while: for a few seconds, or as
// long as the variable REEF_SOAK says ("1m").
func TestMemoryStaysFlat(t *testing.T) {
	m := cacheModel(t)
	m.SetCacheLimit(8 << 20)
	x, y := cacheSamples(t, 300)
	data, err := Data(x, y)
	if err != nil {
		t.Fatal(err)
	}
	round := func(seed uint64, d time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(seed, uint64(i)))
				for ctx.Err() == nil {
					n := 1 + rng.IntN(300)
					part := &Array{values: x.values[:n*x.sampleSize()], shape: []int{n, 12, 12, 3}}
					var err error
					if rng.IntN(20) == 0 {
						_, err = m.Evaluate(context.Background(), data, BatchSize(n))
					} else {
						_, err = m.Predict(part)
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		m.graphs.check(t)
	}
	d := 3 * time.Second
	if s := os.Getenv("REEF_SOAK"); s != "" {
		if d, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	round(1, d/4)
	before := heapAfterGC()
	round(2, d)
	if grown := heapAfterGC() - before; grown > 4<<20 {
		t.Errorf("the heap has %d bytes more than before", grown)
	}
}
