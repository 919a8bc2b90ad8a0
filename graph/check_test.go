// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math/rand/v2"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

func TestCheckGradientErrors(t *testing.T) {
	square := func(in Nodes) (*Node, error) { return Square(in[0]) }
	x := []*tensor.Dense{tensor.New(tensor.WithBacking([]float64{1, 2}))}
	for _, test := range []struct {
		build   func(Nodes) (*Node, error)
		inputs  []*tensor.Dense
		options []CheckOption
		want    string
	}{
		{nil, x, nil, "there is no function"},
		{square, []*tensor.Dense{nil}, nil, "input 0 is nil"},
		{square, []*tensor.Dense{tensor.New(tensor.WithBacking([]float32{1}))}, nil, "input 0 is float32, want float64"},
		{square, nil, nil, "panic in the function that makes the expression: runtime error: index out of range"},
		{square, x, []CheckOption{Order(0)}, "order 0, want at least 1"},
		{square, x, []CheckOption{StepSize(0)}, "step size 0, want a positive number"},
		{square, x, []CheckOption{Fixed(1)}, "input 1 is fixed, there are 1 inputs"},
		{func(Nodes) (*Node, error) { return nil, nil }, x, nil, "the expression is nil"},
		{square, append(x, nil), nil, "input 1 is nil, want a float64"},
		{square, x, []CheckOption{Fixed(0)}, "no nodes to differentiate with respect to"},
		{func(Nodes) (*Node, error) { return Sum(nil) }, nil, nil, "input 0 is nil: an earlier"},
	} {
		if _, err := CheckGradient(test.build, test.inputs, test.options...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
}

// The difference of a cube is off by h² exactly.
func TestStepSize(t *testing.T) {
	x := []*tensor.Dense{tensor.New(tensor.WithBacking([]float64{1}))}
	report, err := CheckGradient(func(in Nodes) (*Node, error) { return Power(in[0], 3) }, x, StepSize(0.5), nil)
	if err != nil {
		t.Fatal(err)
	}
	if report.Analytic != 3 || report.Numeric != 3.25 {
		t.Errorf("the gradient is %v, the difference %v, want 3 and 3.25", report.Analytic, report.Numeric)
	}
}

// TestCheckGradientFinds plants a wrong gradient and a wrong value.
func TestCheckGradientFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	wrong := func(in Nodes) (*Node, error) {
		o := addOp(in[0], in[1])
		o.name = "add_wrong"
		o.grad = func(_ Nodes, _, dy *Node) (Nodes, error) {
			d, err := Scale(dy, 4)
			return Nodes{dy, d}, err
		}
		return apply(o, in...)
	}
	report, err := CheckGradient(wrong, []*tensor.Dense{random(rng, 2, 3), random(rng, 2, 3)})
	if err != nil {
		t.Fatal(err)
	}
	if report.Input != 1 || report.Error < 0.7 || report.Checked != 12 {
		t.Errorf("got %v, want an error of 0.75 in input 1", report)
	}
}
