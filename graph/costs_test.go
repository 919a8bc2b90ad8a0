// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"testing"
)

// TestGradientsOfTwoCosts computes the gradients of two costs of every op in one Program, as a second derivative
// does, too, and compares them with those of a Program for each: ops that keep something for their gradient keep it
// for several.
func TestGradientsOfTwoCosts(t *testing.T) {
	t.Parallel()
	values := func(what string, roots Nodes) (list [][]float64) {
		p, err := Compile(roots...)
		for range 2 {
			if err == nil {
				err = p.RunAll()
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, n := range roots {
			list = append(list, elementsOf(n))
		}
		return list
	}
	for _, o := range chainOps() {
		if o.takesP {
			continue
		}
		for _, rank := range o.ranks {
			what := fmt.Sprintf("%s of rank %c", o.name, rank)
			c, err := newChain(Float32, small[rank], o)
			if err == nil {
				err = c.differentiate()
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			var try Try
			squares := try.Do(Sum(try.Do(Square(c.out))))
			if try.Err() != nil {
				t.Fatalf("%s: %v", what, try.Err())
			}
			others, err := Grad(squares, c.in...)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			want := append(values(what, c.gradients), values(what, others)...)
			for k, got := range values(what, append(append(Nodes{}, c.gradients...), others...)) {
				for i, w := range want[k] {
					if math.Abs(got[i]-w) > 1e-4*(1+math.Abs(w)) || math.IsNaN(got[i]) != math.IsNaN(w) {
						t.Errorf("%s: gradient %d, element %d is %v beside that of another cost, %v alone", what, k, i, got[i], w)
						break
					}
				}
			}
		}
	}
}

// elementsOf returns the elements of the value of a root; those of a sparse one are the rows that it has.
func elementsOf(n *Node) (list []float64) {
	if rows, ok := n.Value().(*RowSparse); ok {
		for _, v := range rows.Values() {
			list = append(list, float64(v))
		}
		return list
	}
	return valuesOf(n.Value())
}
