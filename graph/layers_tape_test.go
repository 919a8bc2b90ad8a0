// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"testing"

	"gorgonia.org/gorgonia"
)

// TestTapeMachineRunsEachOp runs tanh followed by each op on Gorgonia's machine and on a
// Program and compares cost and gradients.
func TestTapeMachineRunsEachOp(t *testing.T) {
	for _, o := range chainOps() {
		for _, rank := range o.ranks {
			t.Run(fmt.Sprint(o.name, small[rank]), func(t *testing.T) {
				first := unary{name: "tanh", build: func(x node, _ param) (node, error) { return Activate(x, Act(Tanh)) }}
				if o.takesP {
					first = unary{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}
				}
				ours, theirs := values(t, small[rank], first, o)
				for i, w := range theirs {
					if !(math.Abs(ours[i]-w) <= 1e-12*(1+math.Abs(w))) {
						t.Errorf("value %d is %v on a Program, %v on TapeMachine", i, ours[i], w)
					}
				}
			})
		}
	}
}

// values returns the cost and the gradients of a chain, computed by both machines.
func values(t *testing.T, input []int, ops ...unary) (ours, theirs []float64) {
	t.Helper()
	run := func(machine func(c *chain) gorgonia.VM) (all []float64) {
		c, err := newChain(Float64, input, ops...)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.differentiate(); err != nil {
			t.Fatal(err)
		}
		vm := machine(c)
		defer vm.Close()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		for _, n := range c.roots() {
			all = append(all, data[float64](n.Value())...)
		}
		return all
	}
	ours = run(func(c *chain) gorgonia.VM {
		p, err := Compile(c.roots()...)
		if err != nil {
			t.Fatal(err)
		}
		return p
	})
	theirs = run(func(c *chain) gorgonia.VM { return gorgonia.NewTapeMachine(c.cost.Graph()) })
	if len(ours) < 2 || len(ours) != len(theirs) {
		t.Fatalf("got %d and %d values", len(ours), len(theirs))
	}
	return ours, theirs
}
