// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"strings"
	"testing"
)

func TestLetFloats(t *testing.T) {
	g := New()
	input := func(name string, shape ...int) *Node {
		n, err := Input(g, Float32, name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	x, s := input("x", 2, 3), input("s")
	product, err := Mul(x, x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(product, s)
	if err != nil {
		t.Fatal(err)
	}
	values := []float32{1, 2, 3, 4, 5, 6}
	for _, err := range []error{LetFloats(x, values), LetFloats(s, []float32{7})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	values[5] = 8
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	if got := p.Floats(0); got[1] != 4 || got[5] != 64 {
		t.Errorf("x·x is %v after a change of x", got)
	}
	if got := p.Floats(1); got[0] != 7 {
		t.Errorf("the scalar is %v, want 7", got)
	}
	if err := LetFloats(x, values[:5]); err == nil || !strings.Contains(err.Error(), `"x": got 5 values, shape (2, 3) wants 6`) {
		t.Errorf("too few values: %v", err)
	}
	if err := LetFloats(nil, nil); err == nil {
		t.Error("no node is accepted")
	}
	if err := LetFloats(product, values); err == nil || !strings.Contains(err.Error(), "the node is computed, want an input or a variable") {
		t.Errorf("a value for what is computed: %v", err)
	}
	if got, before := p.Floats(2), p.Floats(-1); got != nil || before != nil {
		t.Errorf("roots that do not exist have the values %v and %v", got, before)
	}
	other, err := Input(New(), Float32, "x", 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Add(x, other); err == nil || !strings.HasSuffix(err.Error(), "input 1 is in another graph than input 0") {
		t.Errorf("a sum over two graphs: %v", err)
	}
}
