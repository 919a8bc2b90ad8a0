// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
	"sync"

	"github.com/reef-dl/reef/internal/text"
)

// sizesFor computes the sizes of the graph of the network with these shapes of its edges, as many as
// the network has.
func (n *network) sizesFor(in []Shape, s *sizing) (*sizes, error) {
	return n.sizesFrom(n.edges, n.rest, in, s)
}

// sizesFrom computes the sizes of calls that begin with tensors of these shapes: the edges, or the
// inputs of the network.
func (n *network) sizesFrom(start, calls []*Tensor, in []Shape, s *sizing) (*sizes, error) {
	if z := s.find(n, in); z != nil {
		return z, nil
	}
	z := &sizes{of: map[*Tensor]Shape{}, sizing: s}
	for i, t := range start {
		if len(in[i]) != len(t.shape) {
			return nil, fmt.Errorf("input %d has shape %v, want %v", i, in[i], t.shape)
		}
		z.record(t, in[i])
	}
	for _, t := range calls {
		if err := z.evaluate(t); err != nil {
			return nil, t.shapeError(z, err)
		}
	}
	z.cost = n.count(z, start, calls)
	s.done[sizingKey{n, fmt.Sprint(in)}] = z
	return z, nil
}

// evaluate computes the shapes of the outputs of a call.
func (z *sizes) evaluate(t *Tensor) error {
	isOwn := func(x *Tensor) bool { _, other := z.of[x]; return !other }
	if t.layer.network() == nil && !slices.ContainsFunc(t.in, func(x *Tensor) bool { return !isOwn(x) }) {
		return nil
	}
	out, err := t.layer.outputs(z.shapes(t.in), z.sizing)
	if err != nil {
		return err
	}
	own := t.outputs()
	if len(out) != len(own) {
		return fmt.Errorf("has %s at these shapes, want %d", text.Count(len(out), "output"), len(own))
	}
	for k, x := range own {
		z.record(x, out[k])
	}
	return nil
}

// recentSizes are the sizes of the last lengths, which every prediction asks for.
type recentSizes struct {
	mu sync.Mutex
	of map[lengths]*sizes
}

// mostRecentSizes is how many lengths are kept at most.
const mostRecentSizes = 128

func (r *recentSizes) find(l lengths) *sizes {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[l]
}

func (r *recentSizes) add(l lengths, z *sizes) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.of) >= mostRecentSizes || r.of == nil {
		r.of = map[lengths]*sizes{}
	}
	r.of[l] = z
}

// sizesAt computes the sizes for a batch whose free axes have these lengths.
func (n *network) sizesAt(l lengths) (*sizes, error) {
	if z := n.recent.find(l); z != nil {
		return z, nil
	}
	evaluating.Lock()
	defer evaluating.Unlock()
	z, err := n.sizesFor(n.inputsAt(l), newSizing())
	if err != nil {
		return nil, err
	}
	for k, t := range n.outputs {
		if got := z.shape(t); !t.shape.takes(got) {
			return nil, fmt.Errorf("output %q would have shape %v, want %v", n.outputNames()[k], got, t.shape)
		}
	}
	n.recent.add(l, z)
	return z, nil
}

// evaluating serializes the calls of Build where several goroutines predict, because a
// definition need not be safe for concurrent use.
var evaluating sync.Mutex

// sizesForCheck returns the sizes of a graph that is built to find mistakes and does not run.
func (n *network) sizesForCheck() (l lengths, z *sizes, err error) {
	if n.isFree() {
		return n.trialSizes()
	}
	z, err = n.affordable(modeTrain, 1, l)
	return l, z, err
}

// trialSizes returns lengths of the free axes that the network bears, for a graph that is
// built to find mistakes, and the sizes at them.
func (n *network) trialSizes() (l lengths, z *sizes, err error) {
	if n.uses > float64(n.layersLimit()) {
		return l, nil, n.tooManyLayers()
	}
	evaluating.Lock()
	defer evaluating.Unlock()
	for _, pair := range trialPairs {
		l = lengths{}
		for i := range n.freeAxes() {
			l = l.with(i, pair[0])
		}
		if z, err = n.sizesFor(n.inputsAt(l), newTrialSizing()); err == nil {
			return l, z, nil
		}
	}
	return l, nil, err
}

// freeAxes returns the number of free axes of the edges.
func (n *network) freeAxes() (count int) {
	for _, t := range n.edges {
		for _, d := range t.shape {
			if d == Any {
				count++
			}
		}
	}
	return count
}

// isFree reports whether an edge has a free axis.
func (n *network) isFree() bool { return n.freeAxes() > 0 }

// inputsAt returns the shapes of the edges for lengths of the free axes.
func (n *network) inputsAt(l lengths) []Shape {
	free := l.all(n.freeAxes())
	shapes := make([]Shape, len(n.edges))
	for k, t := range n.edges {
		shapes[k] = slices.Clone(t.shape)
		for axis, d := range t.shape {
			if d == Any {
				shapes[k][axis], free = free[0], free[1:]
			}
		}
	}
	return shapes
}

// lengthsOf returns the lengths of the free axes; length returns that of an axis of an edge.
func (n *network) lengthsOf(length func(edge, axis int) int) (l lengths) {
	i := 0
	for k, t := range n.edges {
		for axis, d := range t.shape {
			if d == Any {
				l = l.with(i, length(k, axis))
				i++
			}
		}
	}
	return l
}
