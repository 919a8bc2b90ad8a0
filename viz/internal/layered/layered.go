// SPDX-License-Identifier: Apache-2.0

// Package layered places the nodes of a directed graph without cycles in
// layers, so that every edge runs downward, few edges cross and long edges are
// straight (Sugiyama, Tagawa and Toda, "Methods for visual understanding of
// hierarchical system structures", 1981).
package layered

import (
	"fmt"
	"math"
)

// A Node has a size and belongs to a cluster; -1 means none.
type Node struct {
	Width, Height float64
	Cluster       int
}

// An Edge joins two nodes, given by their index.
type Edge struct{ From, To int }

// A Point is a position on the page; y increases downward.
type Point struct{ X, Y float64 }

// Spacing holds the distances of a layout.
type Spacing struct {
	Column  float64 // between neighbors in a layer
	Layer   float64 // between layers
	Cluster float64 // added between neighbors of different clusters
}

// A Layout is the positions of everything, from (0, 0) to (Width, Height).
type Layout struct {
	Width, Height float64
	Centers       []Point   // of the nodes
	Routes        [][]Point // of the edges: from the bottom of From to the top of To, through gaps
}

// vertex is a node or a bend of a long edge.
type vertex struct {
	node     int // -1 for a bend
	width    float64
	cluster  int
	rank     int
	x        float64
	in, out  []int
	position int // in its rank
}

type layout struct {
	vertices []vertex
	ranks    [][]int
	chains   [][]int // the vertices of each edge
	spacing  Spacing
}

// Place lays the graph out. A cycle, or an edge to a missing node, is an error.
func Place(nodes []Node, edges []Edge, s Spacing) (*Layout, error) {
	l := &layout{spacing: s}
	for i, n := range nodes {
		l.vertices = append(l.vertices, vertex{node: i, width: n.Width, cluster: n.Cluster})
	}
	for i, e := range edges {
		if e.From < 0 || e.From >= len(nodes) || e.To < 0 || e.To >= len(nodes) {
			return nil, fmt.Errorf("edge %d joins nodes %d and %d of %d", i, e.From, e.To, len(nodes))
		}
		l.join(e.From, e.To)
	}
	if err := l.rank(); err != nil {
		return nil, err
	}
	if err := l.bend(edges); err != nil {
		return nil, err
	}
	l.order()
	l.align()
	return l.result(nodes), nil
}

func (l *layout) join(from, to int) {
	l.vertices[from].out = append(l.vertices[from].out, to)
	l.vertices[to].in = append(l.vertices[to].in, from)
}

// rank assigns each vertex the length of the longest path to it, then moves vertices
// without inputs down to just above what they feed.
func (l *layout) rank() error {
	waiting := make([]int, len(l.vertices))
	var ready []int
	for i, v := range l.vertices {
		waiting[i] = len(v.in)
		if len(v.in) == 0 {
			ready = append(ready, i)
		}
	}
	done := 0
	for ; done < len(ready); done++ {
		i := ready[done]
		for _, j := range l.vertices[i].out {
			l.vertices[j].rank = max(l.vertices[j].rank, l.vertices[i].rank+1)
			if waiting[j]--; waiting[j] == 0 {
				ready = append(ready, j)
			}
		}
	}
	if done < len(l.vertices) {
		for i := range waiting {
			if waiting[i] > 0 {
				return fmt.Errorf("node %d is on a cycle or after one", i)
			}
		}
	}
	for i := range l.vertices {
		v := &l.vertices[i]
		if len(v.in) == 0 && len(v.out) > 0 {
			nearest := math.MaxInt
			for _, j := range v.out {
				nearest = min(nearest, l.vertices[j].rank)
			}
			v.rank = nearest - 1
		}
	}
	return nil
}

// mostBends is the number of ranks that all edges together may cross, which bounds time
// and memory.
const mostBends = 200_000

// sweeps limits the number of passes over a large layout.
func (l *layout) sweeps(most int) int { return min(most, 2+400_000/max(1, len(l.vertices))) }

// bend adds a vertex without a node in every rank that an edge crosses.
func (l *layout) bend(edges []Edge) error {
	bends := 0
	for i, e := range edges {
		if bends += max(0, l.vertices[e.To].rank-l.vertices[e.From].rank-1); bends > mostBends {
			return fmt.Errorf("the first %d of %d edges cross more than %d ranks, too many to draw", i+1, len(edges), mostBends)
		}
	}
	for i := range l.vertices {
		l.vertices[i].in, l.vertices[i].out = nil, nil
	}
	for _, e := range edges {
		chain := []int{e.From}
		cluster := -1
		if c := l.vertices[e.From].cluster; c == l.vertices[e.To].cluster {
			cluster = c
		}
		for r := l.vertices[e.From].rank + 1; r < l.vertices[e.To].rank; r++ {
			l.vertices = append(l.vertices, vertex{node: -1, width: 4, cluster: cluster, rank: r})
			chain = append(chain, len(l.vertices)-1)
		}
		chain = append(chain, e.To)
		for i := range len(chain) - 1 {
			l.join(chain[i], chain[i+1])
		}
		l.chains = append(l.chains, chain)
	}
	for i, v := range l.vertices {
		for len(l.ranks) <= v.rank {
			l.ranks = append(l.ranks, nil)
		}
		l.vertices[i].position = len(l.ranks[v.rank])
		l.ranks[v.rank] = append(l.ranks[v.rank], i)
	}
	return nil
}

// result moves everything to the corner of the page and writes the routes.
func (l *layout) result(nodes []Node) *Layout {
	out := &Layout{Centers: make([]Point, len(nodes))}
	left, right := math.Inf(1), math.Inf(-1)
	for _, v := range l.vertices {
		left, right = math.Min(left, v.x-v.width/2), math.Max(right, v.x+v.width/2)
	}
	if len(l.vertices) > 0 {
		out.Width = right - left
	}
	top, bottom := make([]float64, len(l.ranks)), make([]float64, len(l.ranks))
	y := 0.0
	for r, rank := range l.ranks {
		tallest := 0.0
		for _, i := range rank {
			if n := l.vertices[i].node; n >= 0 {
				tallest = math.Max(tallest, nodes[n].Height)
			}
		}
		top[r], bottom[r] = y, y+tallest
		for _, i := range rank {
			if n := l.vertices[i].node; n >= 0 {
				out.Centers[n] = Point{l.vertices[i].x - left, y + tallest/2}
			}
		}
		out.Height = bottom[r]
		y = bottom[r] + l.spacing.Layer
	}
	for _, chain := range l.chains {
		first, last := l.vertices[chain[0]], l.vertices[chain[len(chain)-1]]
		route := []Point{{first.x - left, out.Centers[first.node].Y + nodes[first.node].Height/2}}
		for _, i := range chain[1 : len(chain)-1] {
			v := l.vertices[i]
			route = append(route, Point{v.x - left, top[v.rank]}, Point{v.x - left, bottom[v.rank]})
		}
		route = append(route, Point{last.x - left, out.Centers[last.node].Y - nodes[last.node].Height/2})
		out.Routes = append(out.Routes, route)
	}
	return out
}
