// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
)

// twoLayers is the training of a dense network, with the roots loss and gradients.
func twoLayers(t *testing.T) graph.Nodes {
	t.Helper()
	g := graph.New()
	input := func(name string, shape ...int) *graph.Node {
		n, err := graph.Input(g, graph.Float32, name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	node := func(n *graph.Node, err error) *graph.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	x, y := input("x", 16, 20), input("y", 16, 3)
	w1, w2 := input("w1", 20, 8), input("w2", 8, 3)
	h := node(graph.Dense(x, w1, nil, graph.Act(graph.ReLU)))
	out := node(graph.Dense(h, w2, nil, graph.Act(graph.Linear)))
	cost := node(graph.Mean(node(graph.MeanSquaredError(out, y))))
	grads, err := graph.Grad(cost, w1, w2)
	if err != nil {
		t.Fatal(err)
	}
	return append(graph.Nodes{cost}, grads...)
}

// TestSteps: the steps are those of the program, forward and backward, and no two buffers
// have the same byte at the same step.
func TestSteps(t *testing.T) {
	roots := twoLayers(t)
	s, err := graph.StepsOf(nil, roots...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := graph.Compile(roots...)
	if err != nil {
		t.Fatal(err)
	}
	if s.Memory != p.Memory() {
		t.Errorf("the memory is %+v, that of the program %+v", s.Memory, p.Memory())
	}
	var names []string
	for i, step := range s.List {
		name, _, _ := strings.Cut(step.Op, "{")
		names = append(names, name)
		if want := strings.HasSuffix(name, "_grad") || name == "matmul"; step.Gradient != want {
			t.Errorf("step %d, %s: gradient is %v, want %v", i, step.Op, step.Gradient, want)
		}
	}
	if want := []string{"dense", "dense"}; !slices.Equal(names[:2], want) {
		t.Errorf("the program begins with %v, want %v", names[:2], want)
	}
	if last := names[len(names)-1]; last != "matmul" || s.List[len(names)-1].Shape.TotalSize() != 20*8 {
		t.Errorf("the last step is %s of shape %v, want the gradient of w1", last, s.List[len(names)-1].Shape)
	}
	results := 0
	for i, a := range s.Buffers {
		if a.Last == len(s.List) {
			results++
		}
		if a.Offset < 0 || a.Offset+a.Bytes > s.Memory.Planned || a.First > a.Last || a.Last > len(s.List) {
			t.Errorf("buffer %+v is outside of %d bytes and %d steps", a, s.Memory.Planned, len(s.List))
		}
		for _, b := range s.Buffers[i+1:] {
			if a.Offset < b.Offset+b.Bytes && b.Offset < a.Offset+a.Bytes && a.First <= b.Last && b.First <= a.Last {
				t.Errorf("buffers %+v and %+v share bytes at the same time", a, b)
			}
		}
	}
	if results != 2 {
		t.Errorf("%d buffers are results, want those of two gradients", results)
	}
}

// TestStepsOfInference: ops that are fused are one step, and memory of the caller is no buffer.
func TestStepsOfInference(t *testing.T) {
	g := graph.New()
	x, err := graph.Input(g, graph.Float32, "x", 4, 6)
	if err != nil {
		t.Fatal(err)
	}
	w, err := graph.Input(g, graph.Float32, "w", 6, 5)
	if err != nil {
		t.Fatal(err)
	}
	product, err := graph.Dense(x, w, nil, graph.Act(graph.Linear))
	if err != nil {
		t.Fatal(err)
	}
	y, err := graph.Activate(product, graph.Act(graph.Tanh))
	if err != nil {
		t.Fatal(err)
	}
	s, err := graph.CompileOptions{Inference: &graph.Inference{Outside: 1}}.StepsOf(nil, y)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.List) != 1 || s.List[0].Op != "dense{act=linear,bias=false} + tanh" || s.List[0].Buffer != -1 || len(s.Buffers) != 0 {
		t.Errorf("the steps are %+v with buffers %+v, want one step without a buffer", s.List, s.Buffers)
	}
	if s, err = graph.StepsOf(nil, y); err != nil || len(s.List) != 2 {
		t.Errorf("the steps of training are %+v (%v), want two", s, err)
	}
	if _, err := graph.StepsOf(nil, nil); err == nil || err.Error() != "steps: root 0 is nil: an earlier expression failed" {
		t.Errorf("the error is %v", err)
	}
}
