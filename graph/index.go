// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"unsafe"
	"weak"
)

// Gorgonia looks a node up by its name by scanning all nodes, and by its ID by scanning them
// the first time that the ID is asked for, which each new edge and each walk does. Building a
// graph of n nodes would take n² steps. An index takes those look-ups over. It refers to nodes by
// their positions, because pointers would keep the graph alive forever.
type index struct {
	nodes     int            // of the graph that are in the index
	last      int64          // the ID of the last one
	variables map[string]int // positions of variables and constants by name
	numbers   map[string]int // the least number that may be free, for each name
	positions map[int64]int  // where each ID is among all nodes: Gorgonia's own record, or nil
	reserved  int            // positions of nodes yet to come that are in it
}

// indexes has the index of each living graph.
var indexes sync.Map // of weak.Pointer[Graph] to *index

// indexOf returns the index of g, brought up to date.
func indexOf(g *Graph) *index {
	key := weak.Make(g)
	found, ok := indexes.Load(key)
	if !ok {
		found, _ = indexes.LoadOrStore(key, newIndex(g))
		runtime.AddCleanup(g, func(key weak.Pointer[Graph]) { indexes.Delete(key) }, key)
	}
	x := found.(*index)
	x.update(g.AllNodes())
	return x
}

func newIndex(g *Graph) *index {
	x := &index{}
	if positions := positionsOf(g); positions != nil {
		x.positions = *positions
	}
	return x
}

// update adds the nodes that are not in the index. It starts again if nodes were removed,
// after which Gorgonia's record of positions is wrong.
func (x *index) update(all Nodes) {
	if x.nodes > len(all) || x.nodes > 0 && all[x.nodes-1].ID() != x.last {
		*x = index{positions: x.positions}
	}
	if x.variables == nil {
		x.variables, x.numbers = map[string]int{}, map[string]int{}
	}
	for i, n := range all[x.nodes:] {
		i += x.nodes
		if _, constant := constantOf(n); constant || n.Op() == nil {
			if name := n.Name(); !x.isUsed(name) {
				x.variables[name] = i
			}
		}
		if i >= x.reserved || n.ID() != int64(i) {
			x.place(n.ID(), i)
		}
	}
	if x.nodes = len(all); len(all) > 0 {
		x.last = all[len(all)-1].ID()
	}
	x.reserve()
}

// reserve records where the next nodes will be, before Gorgonia scans for them: their IDs are
// consecutive, and equal to their positions if no node was ever removed.
func (x *index) reserve() {
	const least = 64
	if x.reserved > 3*x.nodes/2 || x.nodes > 0 && x.last != int64(x.nodes-1) {
		return
	}
	from := max(x.nodes, x.reserved)
	x.reserved = max(least, 2*x.nodes)
	for i := from; i < x.reserved; i++ {
		x.place(int64(i), i)
	}
}

func (x *index) place(id int64, at int) {
	if x.positions != nil {
		x.positions[id] = at
	}
}

// isUsed reports whether a variable or constant has the name.
func (x *index) isUsed(name string) bool {
	_, used := x.variables[name]
	return used
}

// unused returns the name, with a number appended if a variable already has it.
func (x *index) unused(name string) string {
	if !x.isUsed(name) {
		return name
	}
	for i := max(2, x.numbers[name]); ; i++ {
		if unused := fmt.Sprintf("%s (%d)", name, i); !x.isUsed(unused) {
			x.numbers[name] = i
			return unused
		}
	}
}

// dropIndex frees the index of a graph to which probably nothing is added anymore.
func dropIndex(g *Graph) {
	if found, ok := indexes.LoadAndDelete(weak.Make(g)); ok && found.(*index).positions != nil {
		*positionsOf(g) = map[int64]int{}
	}
}

// positionsOf returns the map in which g keeps the positions of IDs. It is not exported, so it is
// found by its name and type; without it everything works and takes longer.
func positionsOf(g *Graph) *map[int64]int {
	f := reflect.ValueOf(g).Elem().FieldByName("byID")
	if !f.IsValid() || f.Type() != reflect.TypeFor[map[int64]int]() {
		return nil
	}
	return (*map[int64]int)(unsafe.Pointer(f.UnsafeAddr()))
}

// subgraph returns the graph of what the roots depend on, with the positions of all nodes.
// Unlike the whole graph's, they cannot be stale.
func subgraph(roots Nodes) *Graph {
	g := roots[0].Graph().ExactSubgraphRoots(roots...)
	if positions := positionsOf(g); positions != nil {
		for i, n := range g.AllNodes() {
			(*positions)[n.ID()] = i
		}
	}
	return g
}
