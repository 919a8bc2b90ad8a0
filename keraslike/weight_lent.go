// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
	"sync"
	"weak"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// lentMemory belongs to the array of a weight that lies in memory of somebody else, such as a
// file that is embedded in the program. Before the first write the weight gets memory of its own,
// to which the nodes are bound then.
type lentMemory struct {
	mu    sync.Mutex // with the weight's lock held for reading
	nodes []weak.Pointer[graph.Node]
}

// Share makes values, row-major, the array of the weight without copying them, for weights that
// several models have in common, or that lie in memory which may not be written: values must not
// change. The weight gets memory of its own before it is trained or set. It must not have values
// yet: Share comes before Build.
func (w *Weight) Share(values []float32) error {
	if len(values) != w.size() {
		return fmt.Errorf("weight %q: got %d values, want %d for shape %v", w.path, len(values), w.size(), w.shape)
	}
	list := locksOf([]*Weight{w})
	list.lock()
	defer list.unlock()
	if w.value != nil {
		return fmt.Errorf("weight %q: has values, want Share before Build", w.path)
	}
	if len(w.shape) == 0 {
		w.value = w.zeros()
		copy(w.floats(), values)
		return nil
	}
	w.lend(values)
	return nil
}

// lend makes values the array of a weight that has none.
func (w *Weight) lend(values []float32) {
	w.value, w.lent = tensor.New(tensor.WithShape(w.shape...), tensor.WithBacking(values)), &lentMemory{}
}

// bind binds the array to a node.
func (w *Weight) bind(n *graph.Node) error {
	list := locksOf([]*Weight{w})
	list.rLock()
	defer list.rUnlock()
	if w.lent != nil {
		w.lent.add(n)
	}
	return graph.Let(n, w.value)
}

func (l *lentMemory) add(n *graph.Node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.nodes) == cap(l.nodes) {
		l.nodes = slices.DeleteFunc(l.nodes, func(p weak.Pointer[graph.Node]) bool { return p.Value() == nil })
	}
	l.nodes = append(l.nodes, weak.Make(n))
}

// own copies a lent array before it is written. The caller holds the lock, so that no program
// reads the nodes.
func (w *Weight) own() error {
	if w.lent == nil {
		return nil
	}
	values := w.floats()
	w.value = w.zeros()
	copy(w.floats(), values)
	for _, p := range w.lent.nodes {
		if n := p.Value(); n != nil {
			if err := graph.Let(n, w.value); err != nil {
				return err
			}
		}
	}
	w.lent = nil
	return nil
}
