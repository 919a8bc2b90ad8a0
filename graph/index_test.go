// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"gorgonia.org/gorgonia"
)

// TestPositionsAreKnown: Gorgonia still has the record that index fills, and finds every node in
// it, those that its own functions add included. Without it graphs take quadratic time.
func TestPositionsAreKnown(t *testing.T) {
	g := New()
	if positionsOf(g) == nil {
		t.Fatal("gorgonia.ExprGraph has no byID of type map[int64]int")
	}
	x, _ := Input(g, Float32, "x", 2)
	y := x
	for i := range 500 {
		w, err := Input(g, Float32, fmt.Sprint("w", i), 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := (*positionsOf(g))[int64(len(g.AllNodes()))]; !ok {
			t.Fatalf("gorgonia will scan %d nodes for the next one", len(g.AllNodes()))
		}
		y = gorgonia.Must(gorgonia.Add(y, w)) // an op of Gorgonia, which index sees only later
		if y, err = Scale(y, 0.5); err != nil {
			t.Fatal(err)
		}
	}
	for at, n := range g.AllNodes() {
		if got, ok := (*positionsOf(g))[n.ID()]; !ok || got != at {
			t.Fatalf("node %d, %v, is at %d, %v; want %d", n.ID(), n, got, ok, at)
		}
	}
	// After a removal the record holds for what is added then.
	g.RemoveNode(g.AllNodes()[len(g.AllNodes())-1])
	g.RemoveNode(x)
	z, err := Input(g, Float32, "z")
	if err != nil {
		t.Fatal(err)
	}
	if z, err = Scale(z, 3); err != nil {
		t.Fatal(err)
	}
	indexOf(g)
	for at, n := range g.AllNodes() {
		if got, ok := (*positionsOf(g))[n.ID()]; !ok || got != at {
			t.Fatalf("after a removal: node %d, %v, is at %d, %v; want %d", n.ID(), n, got, ok, at)
		}
	}
	if it := g.From(z.ID()); it.Len() != 1 {
		t.Errorf("%v has %d inputs, want 1", z, it.Len())
	}
}

// TestIndexAfterCompile: Compile frees the index, and what is added afterward has one again.
func TestIndexAfterCompile(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2)
	y, err := Scale(x, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(y); err != nil {
		t.Fatal(err)
	}
	if _, kept := indexes.Load(weak.Make(g)); kept || len(*positionsOf(g)) > 0 {
		t.Error("the index is kept")
	}
	if _, err := Input(g, Float32, "x", 2); err == nil {
		t.Error("a second variable x was accepted")
	}
	if y, err = Scale(y, 4); err != nil {
		t.Fatal(err)
	}
	for at, n := range g.AllNodes() {
		if got, ok := (*positionsOf(g))[n.ID()]; !ok || got != at {
			t.Errorf("node %d, %v, is at %d, %v; want %d", n.ID(), n, got, ok, at)
		}
	}
	if it := g.From(y.ID()); it.Len() != 1 {
		t.Errorf("%v has %d inputs, want 1", y, it.Len())
	}
}

func TestUnusedName(t *testing.T) {
	g := New()
	for _, want := range []string{"x", "x (2)", "x (3)", "x (4)"} {
		if got := UnusedName(g, "x"); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		if _, err := Input(g, Float32, UnusedName(g, "x")); err != nil {
			t.Fatal(err)
		}
	}
	gorgonia.NewScalar(g, Float32, gorgonia.WithName("y"))
	gorgonia.NewScalar(g, Float32, gorgonia.WithName("y (2)"))
	if got := UnusedName(g, "y"); got != "y (3)" {
		t.Errorf("got %q, want the number that Gorgonia's variables leave free", got)
	}
	if _, err := Input(g, Float32, "y"); err == nil {
		t.Error("a second variable y was accepted")
	}
}

// TestIndexesAreDropped: an index lives no longer than its graph.
func TestIndexesAreDropped(t *testing.T) {
	key := func() weak.Pointer[Graph] {
		g := New()
		x, err := Input(g, Float32, "x")
		if err != nil {
			t.Fatal(err)
		}
		y, err := Add(x, gorgonia.NewConstant(float32(2)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Input(g, Float32, "w"); err != nil { // now the index has all of these
			t.Fatal(err)
		}
		if _, err := Grad(y, x); err != nil {
			t.Fatal(err)
		}
		indexOf(g)
		return weak.Make(g)
	}()
	for range 100 {
		runtime.GC()
		if _, kept := indexes.Load(key); !kept {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the index of a graph that nobody has is kept")
}
