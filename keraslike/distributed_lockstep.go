// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// lockstep computes the leaves of a model with synchronized layers, which need sums over all leaves of all ranks in
// the middle of their graphs. The leaves of a rank are in memory at once, each in an arena of its own. All run up to
// the first sum, the ranks add up what the leaves have, all run on to the second, and so on.
type lockstep struct {
	labels []string           // of the sums
	sums   []*distributed.Sum // each of one vector, and behind it the number of ranks that have failed
	leaves []leaf             // of this rank
	open   int                // the leaf whose batch is being read
	parts  [1][]float32
	flag   [1]float32
}

// leaf is a part of a batch in memory.
type leaf struct {
	graph   *modelGraph
	batch   batch // no samples: the batch has fewer than there are leaves
	indices []int
	weights []float32
}

// newLockstep returns nil for a model without synchronized layers. g is the graph of a leaf.
func newLockstep(d *distribution, m *Model, g *modelGraph) (*lockstep, error) {
	l := &lockstep{labels: g.program.AllSums(), leaves: make([]leaf, d.end-d.first)}
	if len(l.labels) == 0 {
		return nil, nil
	}
	n := len(l.leaves)
	need, limit := float64(n)*float64(g.planned()), m.memoryLimit(modeTrain, n*g.batch)
	if need > float64(limit) {
		return nil, fmt.Errorf("distributed: synchronized layers need all %d leaves of a rank in memory at once: %w (Limits.Memory); more ranks, or fewer leaves, need less", n, &graph.MemoryError{Need: need, Limit: limit})
	}
	return l, nil
}

// connect prepares the sums. g is the graph of a leaf.
func (l *lockstep) connect(d *distribution, g *modelGraph) error {
	for k := range l.labels {
		s, err := d.group.NewSum(d.leaves, g.program.SummandSize(k)+1)
		if err != nil {
			return err
		}
		l.sums = append(l.sums, s)
	}
	return nil
}

// graphOf returns the graph of the leaf that is being read.
func (l *lockstep) graphOf(m *Model, key graphKey) (*modelGraph, error) {
	leaf := &l.leaves[l.open]
	if leaf.graph != nil && leaf.graph.graphKey == key {
		return leaf.graph, nil
	}
	m.graphs.release(leaf.graph)
	leaf.graph = nil
	g, err := m.graphInArena(modeTrain, key)
	if err != nil {
		return nil, err
	}
	leaf.graph = g
	if labels := g.program.AllSums(); !slices.Equal(labels, l.labels) {
		return nil, fmt.Errorf("distributed: the graph of %d samples has the synchronized sums %v, that of others %v", key.batch, labels, l.labels)
	}
	return g, nil
}

// release returns the graphs to the cache.
func (l *lockstep) release(m *Model) {
	for i := range l.leaves {
		m.graphs.release(l.leaves[i].graph)
		l.leaves[i].graph = nil
	}
}

// release returns the graphs of leaves after a call that is distributed or not.
func (d *distribution) release(m *Model) {
	if d != nil && d.lockstep != nil {
		d.lockstep.release(m)
	}
}

// readLeaves reads the leaves of this rank of a batch of n samples.
func (f *fit) readLeaves(n int) error {
	d := f.dist
	l := d.lockstep
	for i := range l.leaves {
		l.leaves[i].batch.indices = nil
	}
	for i := range l.leaves {
		leaf := &l.leaves[i]
		l.open = i
		b, err := f.nextLeaf(d.first+i, n)
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		leaf.batch = *b // the reader uses its memory for the next leaf, but that of the targets belongs to the graph
		leaf.indices = append(leaf.indices[:0], b.indices...)
		leaf.batch.indices = leaf.indices
		if b.weights != nil {
			leaf.weights = append(leaf.weights[:0], b.weights...)
			leaf.batch.weights = leaf.weights
		}
	}
	return nil
}

// computeTogether computes the leaves of this rank, which have been read, in step with all others, and adds them to
// the sums of the batch. If another rank fails it returns early; the next agreement has the error.
func (f *fit) computeTogether() (err error) {
	d, m := f.dist, f.m
	l := d.lockstep
	defer func() { m.random.Key = d.key }()
	m.random.Step = uint64(m.trainer.steps)
	for k, sum := range l.sums {
		sum.Reset()
		for i := range l.leaves {
			leaf := &l.leaves[i]
			if l.flag[0] = 0; err == nil && len(leaf.batch.indices) > 0 {
				err = l.run(m, d, i, k)
			}
			l.parts[0] = nil
			switch {
			case err != nil:
				l.flag[0] = 1
			case len(leaf.batch.indices) > 0:
				l.parts[0] = leaf.graph.program.Summand(k)
			}
			sum.Add(1, l.parts[:], l.flag[:])
		}
		total, lost := sum.Total(1, 0)
		if lost != nil {
			return d.lost(lost)
		}
		last := len(total) - 1
		if total[last] > 0 {
			return err
		}
		for i := range l.leaves {
			if leaf := &l.leaves[i]; len(leaf.batch.indices) > 0 {
				copy(leaf.graph.program.Summand(k), total[:last])
			}
		}
	}
	for i := range l.leaves {
		leaf := &l.leaves[i]
		if len(leaf.batch.indices) == 0 {
			d.addNothing()
			continue
		}
		if err := l.run(m, d, i, len(l.sums)); err != nil {
			return err
		}
		d.add(m, leaf.graph, &leaf.batch, d.first+i)
	}
	return nil
}

// run runs a part of the graph of a leaf.
func (l *lockstep) run(m *Model, d *distribution, i, part int) error {
	leaf := &l.leaves[i]
	m.random.Key = d.leafKey(d.first + i)
	return nameSample(leaf.graph.runPart(part), leaf.batch.indices)
}
