// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"testing"
)

// TestSecondProgram: a second Program of a graph does not affect the first, for any op and any
// roots, when it is compiled and run between two runs of the first.
func TestSecondProgram(t *testing.T) {
	for _, o := range chainOps() {
		for _, rank := range o.ranks {
			ops := []unary{o}
			if o.takesP {
				ops = []unary{{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}, o}
			}
			t.Run(fmt.Sprint(o.name, small[rank]), func(t *testing.T) {
				alone, p := compiledChain(t, small[rank], ops...)
				moved(alone)
				want := rootValues(t, p, alone)
				for k := range alone.in {
					c, first := compiledChain(t, small[rank], ops...)
					rootValues(t, first, c)
					second, err := Compile(c.cost, c.gradients[k])
					if err != nil {
						t.Fatal(err)
					}
					rootValues(t, second, c)
					moved(c)
					if got := rootValues(t, first, c); !slices.EqualFunc(got, want, slices.Equal) {
						t.Errorf("after a program of the cost and gradient %d the first one gave %v, want %v", k, got, want)
					}
				}
			})
		}
	}
}

func compiledChain(t *testing.T, input []int, ops ...unary) (*chain, *Program) {
	t.Helper()
	c, err := newChain(Float32, input, ops...)
	if err == nil {
		err = c.differentiate()
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(c.roots()...)
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

// moved changes the values of the input and the parameters.
func moved(c *chain) {
	for _, n := range c.in {
		for i, v := range Floats(n.Value()) {
			Floats(n.Value())[i] = 0.5*v + 0.1
		}
	}
}

// rootValues returns the cost and the gradients after a run.
func rootValues(t *testing.T, p *Program, c *chain) (list [][]float64) {
	t.Helper()
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.roots() {
		list = append(list, widened(n.Value()))
	}
	return list
}
