// SPDX-License-Identifier: Apache-2.0

package layered

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var spacing = Spacing{Column: 10, Layer: 20, Cluster: 5}

func boxes(n int) []Node {
	nodes := make([]Node, n)
	for i := range nodes {
		nodes[i] = Node{Width: 40, Height: 20, Cluster: -1}
	}
	return nodes
}

// TestChain: layers one above the other, 20 high and 20 apart.
func TestChain(t *testing.T) {
	l, err := Place(boxes(3), []Edge{{0, 1}, {1, 2}}, spacing)
	if err != nil {
		t.Fatal(err)
	}
	want := &Layout{
		Width: 40, Height: 100,
		Centers: []Point{{20, 10}, {20, 50}, {20, 90}},
		Routes:  [][]Point{{{20, 20}, {20, 40}}, {{20, 60}, {20, 80}}},
	}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("chain = %+v, want %+v", l, want)
	}
}

// TestSkip: a short cut past a layer bends around it, and the branch is straight.
func TestSkip(t *testing.T) {
	l, err := Place(boxes(4), []Edge{{0, 1}, {1, 2}, {2, 3}, {0, 3}}, spacing)
	if err != nil {
		t.Fatal(err)
	}
	route := l.Routes[3]
	if len(route) != 6 {
		t.Fatalf("short cut goes through %d points, want 6: %v", len(route), route)
	}
	if math.Abs(route[1].X-route[4].X) > 0.5 {
		t.Errorf("short cut is not straight: %v", route)
	}
	if gap := math.Abs(route[1].X - l.Centers[1].X); gap < 20+10 {
		t.Errorf("short cut passes %v from the center of a node 40 wide", gap)
	}
}

func TestErrors(t *testing.T) {
	if _, err := Place(boxes(3), []Edge{{0, 1}, {1, 2}, {2, 1}}, spacing); err == nil || !strings.Contains(err.Error(), "node 1 is on a cycle") {
		t.Errorf("cycle: %v", err)
	}
	if _, err := Place(boxes(1), []Edge{{0, 1}}, spacing); err == nil {
		t.Error("an edge to nowhere was accepted")
	}
	if l, err := Place(nil, nil, spacing); err != nil || l.Width != 0 {
		t.Errorf("empty graph: %+v, %v", l, err)
	}
}

// TestCrossings: two crossing edges are uncrossed.
func TestCrossings(t *testing.T) {
	l, err := Place(boxes(4), []Edge{{0, 3}, {1, 2}}, spacing)
	if err != nil {
		t.Fatal(err)
	}
	c := l.Centers
	if (c[0].X < c[1].X) != (c[3].X < c[2].X) {
		t.Errorf("edges cross: %v", c)
	}
}

// TestProperties: in any graph edges run downwards, nodes do not overlap, all
// lies on the page, and the same graph gives the same layout.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 14).Draw(t, "n")
		nodes := make([]Node, n)
		for i := range nodes {
			nodes[i] = Node{
				Width:   rapid.Float64Range(10, 80).Draw(t, "width"),
				Height:  rapid.Float64Range(10, 30).Draw(t, "height"),
				Cluster: rapid.IntRange(-1, 1).Draw(t, "cluster"),
			}
		}
		var edges []Edge
		for to := 1; to < n; to++ {
			for range rapid.IntRange(0, 3).Draw(t, "edges") {
				edges = append(edges, Edge{rapid.IntRange(0, to-1).Draw(t, "from"), to})
			}
		}
		l, err := Place(nodes, edges, spacing)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range edges {
			for k := range len(l.Routes[i]) - 1 {
				if l.Routes[i][k+1].Y < l.Routes[i][k].Y {
					t.Fatalf("edge %v runs upwards: %v", e, l.Routes[i])
				}
			}
		}
		const eps = 1e-6
		for i, a := range l.Centers {
			if a.X-nodes[i].Width/2 < -eps || a.X+nodes[i].Width/2 > l.Width+eps || a.Y < 0 || a.Y > l.Height {
				t.Fatalf("node %d at %v is off the page %v × %v", i, a, l.Width, l.Height)
			}
			for j := range i {
				b := l.Centers[j]
				apartX := math.Abs(a.X-b.X) - (nodes[i].Width+nodes[j].Width)/2
				apartY := math.Abs(a.Y-b.Y) - (nodes[i].Height+nodes[j].Height)/2
				if apartX < spacing.Column-eps && apartY < 0 {
					t.Fatalf("nodes %d and %d are %v apart", i, j, apartX)
				}
			}
		}
		again, err := Place(nodes, edges, spacing)
		if err != nil || !reflect.DeepEqual(l, again) {
			t.Fatal("the same graph gave another layout")
		}
	})
}
