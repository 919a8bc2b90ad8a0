// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
)

// TestRecurrentKnownValues compares outputs and all gradients of sum(y·r) in float32 with
// PyTorch's (testdata/golden/layers_recurrent.py): every cell, with and without bias, masks,
// initial states, and in both directions.
func TestRecurrentKnownValues(t *testing.T) {
	seen := 0
	for _, c := range golden.Load(t, "layers_recurrent") {
		spec, ok := recurrentSpec(c)
		if !ok {
			continue
		}
		seen++
		t.Run(c.Name, func(t *testing.T) {
			g := New()
			node := func(name string) *Node {
				a, ok := c.Inputs[name]
				if !ok {
					return nil
				}
				n, err := Input(g, Float32, name, a.Shape...)
				if err != nil {
					t.Fatal(err)
				}
				bindTo(t, n, a.Float32())
				return n
			}
			in := RecurrentInputs{
				X: node("x"), W: node("kernel"), U: node("recurrent_kernel"), Bias: node("bias"),
				Mask: node("mask"), H0: node("h0"), C0: node("c0"),
				DropX: dropMask(t, g, c, spec.Cell, "input_mask"), DropH: dropMask(t, g, c, spec.Cell, "recurrent_mask"),
			}
			y, err := Recurrent(spec, in)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Mul(y, node("r"))
			if err != nil {
				t.Fatal(err)
			}
			cost, err := Sum(p)
			if err != nil {
				t.Fatal(err)
			}
			var wrt Nodes
			var names []string
			for name, n := range map[string]*Node{"dx": in.X, "dkernel": in.W, "drecurrent_kernel": in.U, "dbias": in.Bias, "dh0": in.H0, "dc0": in.C0} {
				if n != nil {
					wrt, names = append(wrt, n), append(names, name)
				}
			}
			grads, err := Grad(cost, wrt...)
			if err != nil {
				t.Fatal(err)
			}
			program, err := Compile(append(Nodes{y}, grads...)...)
			if err != nil {
				t.Fatal(err)
			}
			if err := program.RunAll(); err != nil {
				t.Fatal(err)
			}
			golden.Close(t, "y", Floats(y.Value()), c.Want["y"], 1e-5, 1e-6)
			for i, name := range names {
				golden.Close(t, name, Floats(grads[i].Value()), c.Want[name], 1e-5, 2e-6)
			}
		})
	}
	if seen != 73 {
		t.Errorf("%d cases were compared, want 73", seen)
	}
}

// dropMask returns the dropout mask of a case for each gate; a mask given for all gates is
// repeated.
func dropMask(t *testing.T, g *Graph, c golden.Case, cell Cell, name string) *Node {
	a, ok := c.Inputs[name]
	if !ok {
		return nil
	}
	values, shape := a.Float32(), a.Shape
	if len(shape) == 2 {
		shape = append([]int{cell.Gates()}, shape...)
		values = slices.Repeat(values, cell.Gates())
	}
	n, err := Input(g, Float32, name, shape...)
	if err != nil {
		t.Fatal(err)
	}
	bindTo(t, n, values)
	return n
}

// recurrentSpec reads the arguments of a case; ok is false for cases that need several ops
// (returned states, bidirectional).
func recurrentSpec(c golden.Case) (spec RecurrentSpec, ok bool) {
	for _, name := range []string{"r_h", "r_c"} {
		if _, several := c.Inputs[name]; several {
			return spec, false
		}
	}
	if zero, is := c.Args["zero_output_for_mask"].(bool); is && zero || len(c.Inputs) == 0 {
		return spec, false
	}
	act := func(arg string) Activation {
		kind, err := ParseActivation(c.Args.String(arg))
		ok = ok && err == nil
		return Act(kind)
	}
	ok = true
	switch c.Args["layer"] {
	case "SimpleRNN":
		spec.Cell, spec.Act = SimpleCell, act("activation")
	case "GRU":
		spec.Cell = GRUCell
		if c.Args["reset_after"] == true {
			spec.Cell = GRUResetAfterCell
		}
	case "LSTM":
		spec.Cell = LSTMCell
	default:
		return spec, false
	}
	if spec.Cell != SimpleCell {
		spec.Gated = &CellActivations{act("recurrent_activation"), act("activation")}
	}
	spec.Reverse = c.Args["go_backwards"] == true
	if c.Args["return_sequences"] == true {
		spec.Output = AllStates
	}
	return spec, ok
}
