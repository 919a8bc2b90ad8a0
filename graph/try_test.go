// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
)

// TestTry: an expression without checks computes, and keeps the first of its errors.
func TestTry(t *testing.T) {
	g := graph.New()
	var try graph.Try
	a := try.Do(graph.Input(g, graph.Float32, "a", 2, 3))
	b := try.Do(graph.Input(g, graph.Float32, "b", 3, 2))
	cost := try.Do(graph.Sum(try.Do(graph.MatMul(a, b))))
	if err := try.Err(); err != nil {
		t.Fatal(err)
	}
	p, err := graph.Compile(cost)
	if err != nil {
		t.Fatal(err)
	}
	for n, values := range map[*graph.Node][]float32{a: {1, 2, 3, 4, 5, 6}, b: {1, 1, 1, 1, 1, 1}} {
		if err := graph.LetFloats(n, values); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.RunAll(); err != nil || p.Floats(0)[0] != 42 {
		t.Errorf("cost %v, error %v, want 42", p.Floats(0), err)
	}
	wrong := try.Do(graph.MatMul(a, a))
	if last := try.Do(graph.Sum(try.Do(graph.Mul(wrong, b)))); wrong != nil || last != nil {
		t.Error("there are nodes after an error")
	}
	if b := try.Do(graph.Sum(b)); b != nil {
		t.Error("a node after an error")
	}
	if err := try.Err(); err == nil || !strings.Contains(err.Error(), "inner dimensions are 3 and 2") {
		t.Errorf("error %v, want that of the product", err)
	}
}
