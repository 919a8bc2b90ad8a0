// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestFormulas: an op that is computed in one step has the value of its formula, and so has each op of
// its gradient, whose formula is derived from the same. Both element types; the chains have all ops.
func TestFormulas(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range slices.Concat(chainOps(), recurrences()) {
		for _, rank := range o.ranks {
			ops := []unary{o}
			if o.takesP {
				ops = []unary{{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}, o}
			}
			for dt, tolerance := range map[Dtype]float64{Float64: 1e-11, Float32: 2e-4} {
				c, err := newChain(dt, small[rank], ops...)
				if err == nil {
					err = c.differentiate()
				}
				if err != nil {
					t.Fatal(err)
				}
				checkFormulas(t, fmt.Sprint(o.name, small[rank], " ", dt), c, tolerance, seen)
			}
		}
	}
	if len(seen) < 70 {
		t.Errorf("only %d ops have a formula", len(seen))
	}
}

// recurrences returns recurrent layers with all operands.
func recurrences() (ops []unary) {
	for cell, gates := range map[Cell]int{SimpleCell: 1, GRUCell: 3, GRUResetAfterCell: 3, LSTMCell: 4} {
		outputs := []RecurrentOutput{AllStates, LastState}
		if cell == LSTMCell {
			outputs = append(outputs, StatesAndCell, StateAndCell)
		}
		for _, output := range outputs {
			ops = append(ops, unary{name: fmt.Sprint(cellNames[cell], " ", output), ranks: "3", build: func(x node, p param) (node, error) {
				s, bias := x.Shape(), []int{2 * gates}
				if cell == GRUResetAfterCell {
					bias = []int{2, 2 * gates}
				}
				in := RecurrentInputs{
					X: x, W: p(s[2], 2*gates), U: p(2, 2*gates), Bias: p(bias...), Mask: constant(x, []float64{1, 0, 1}, s[0], s[1]), H0: p(s[0], 2),
					DropX: constant(x, []float64{2, 0, 2, 2}, gates, s[0], s[2]), DropH: constant(x, []float64{0, 2, 2}, gates, s[0], 2),
				}
				if cell == LSTMCell {
					in.C0 = p(s[0], 2)
				}
				return Recurrent(RecurrentSpec{Cell: cell, Act: Act(Tanh), Output: output, Reverse: output == LastState}, in)
			}})
		}
	}
	return ops
}

func checkFormulas(t *testing.T, what string, c *chain, tolerance float64, seen map[string]bool) {
	t.Helper()
	for _, n := range slices.Clone(c.out.Graph().AllNodes()) {
		o, ok := n.Op().(*op)
		if !ok || o.formula == nil {
			continue
		}
		name, _, _ := strings.Cut(o.name, "{")
		seen[name] = true
		f, err := o.formula(o.inputs)
		if err != nil {
			t.Errorf("%s: formula of %s: %v", what, o.name, err)
			continue
		}
		if f == n || !equal(f.Shape(), n.Shape()) {
			t.Errorf("%s: formula of %s has shape %v, want a new node of shape %v", what, o.name, f.Shape(), n.Shape())
			continue
		}
		p, err := Compile(n, f)
		if err == nil {
			err = p.RunAll()
		}
		if err != nil {
			t.Errorf("%s: formula of %s: %v", what, o.name, err)
			continue
		}
		got, want := doubles(f.Value()), doubles(n.Value())
		largest := 1.0
		for _, v := range want {
			largest = max(largest, math.Abs(v))
		}
		for i := range want {
			if e := math.Abs(got[i] - want[i]); !(e <= tolerance*largest) {
				t.Errorf("%s: element %d of %s is %v, of its formula %v", what, i, o.name, want[i], got[i])
				break
			}
		}
	}
}

// doubles returns the elements of a value of either float type.
func doubles(v Value) []float64 {
	if v.Dtype() == Float64 {
		return data[float64](v)
	}
	return widened(v)
}
