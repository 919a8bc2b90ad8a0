// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"errors"
	"fmt"
	"log"
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// The Fibonacci numbers, and the gradient of the last one by the first two.
func ExampleScan() {
	g := graph.New()
	var try graph.Try
	do := try.Do
	a, b := do(graph.Input(g, graph.Float32, "a")), do(graph.Input(g, graph.Float32, "b"))
	last, kept, err := graph.Scan(graph.Loop{Steps: 8, Init: graph.Nodes{a, b}},
		func(f, _ graph.Nodes) (next, keep graph.Nodes, err error) {
			sum := do(graph.Add(f[0], f[1]))
			return graph.Nodes{f[1], sum}, graph.Nodes{sum}, try.Err()
		})
	if err != nil {
		log.Fatal(err)
	}
	grads, err := graph.Grad(last[1], a, b)
	if err != nil {
		log.Fatal(err)
	}
	p, err := graph.Compile(kept[0], grads[0], grads[1])
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range (graph.Nodes{a, b}) {
		if err := graph.LetFloats(n, []float32{1}); err != nil {
			log.Fatal(err)
		}
	}
	if err := p.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Floats(0), p.Floats(1), p.Floats(2))
	// Output: [2 3 5 8 13 21 34 55] [21] [34]
}

// Only the chosen expression is computed: √x of a negative number would be NaN, and so would be the
// gradient through graph.Where.
func ExampleIf() {
	g := graph.New()
	var try graph.Try
	do := try.Do
	x := do(graph.Input(g, graph.Float32, "x"))
	positive := do(graph.Less(do(graph.Scalar(x, 0)), x))
	y, err := graph.If(positive,
		func() (graph.Nodes, error) { return graph.Nodes{do(graph.Sqrt(x))}, try.Err() },
		func() (graph.Nodes, error) { return graph.Nodes{do(graph.Scale(x, 3))}, try.Err() })
	if err != nil {
		log.Fatal(err)
	}
	grads, err := graph.Grad(y[0], x)
	if err != nil {
		log.Fatal(err)
	}
	p, err := graph.Compile(y[0], grads[0])
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range []float32{4, -2} {
		if err := graph.LetFloats(x, []float32{v}); err != nil {
			log.Fatal(err)
		}
		if err := p.RunAll(); err != nil {
			log.Fatal(err)
		}
		fmt.Println(p.Floats(0), p.Floats(1))
	}
	// Output:
	// [2] [0.25]
	// [-6] [3]
}

// TestScanIsRecurrent compares a loop over a dense layer with SimpleRNN's op, forward and backward, and
// runs it twice without allocations.
func TestScanIsRecurrent(t *testing.T) {
	const steps, batch, in, units = 5, 3, 4, 6
	g := graph.New()
	var try graph.Try
	do := try.Do
	var values [][]float32
	variable := func(name string, shape ...int) *graph.Node {
		n := do(graph.Input(g, graph.Float32, name, shape...))
		size := 1
		for _, d := range shape {
			size *= d
		}
		v := make([]float32, size)
		for i := range v {
			v[i] = float32(math.Sin(float64(3*i + len(values))))
		}
		values = append(values, v)
		if err := graph.LetFloats(n, v); err != nil {
			t.Fatal(err)
		}
		return n
	}
	x := variable("x", steps, batch, in)
	w, u, h := variable("w", in, units), variable("u", units, units), variable("h", batch, units)
	body := func(h, x *graph.Node) *graph.Node {
		return do(graph.Activate(do(graph.Add(do(graph.MatMul(x, w)), do(graph.MatMul(h, u)))), graph.Act(graph.Tanh)))
	}
	_, kept, err := graph.Scan(graph.Loop{Init: graph.Nodes{h}, Over: graph.Nodes{x}}, func(h, x graph.Nodes) (next, keep graph.Nodes, err error) {
		y := body(h[0], x[0])
		return graph.Nodes{y}, graph.Nodes{y}, try.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	state := h
	var rows graph.Nodes
	for i := range steps {
		entry := do(graph.Reshape(do(graph.Slice(x, graph.At(0, i, i+1))), batch, in))
		state = body(state, entry)
		rows = append(rows, do(graph.Reshape(state, 1, batch, units)))
	}
	unrolled := do(graph.Concat(0, rows...))
	var programs []*graph.Program
	for _, y := range (graph.Nodes{kept[0], unrolled}) {
		cost := do(graph.Sum(do(graph.Mul(y, do(graph.Sin(y))))))
		if try.Err() != nil {
			t.Fatal(try.Err())
		}
		grads, err := graph.Grad(cost, x, w, u, h)
		if err != nil {
			t.Fatal(err)
		}
		p, err := graph.Compile(append(graph.Nodes{y}, grads...)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, p)
	}
	for k := range 5 {
		want := programs[1].Floats(k)
		for i, got := range programs[0].Floats(k) {
			if math.Abs(float64(got-want[i])) > 1e-4 {
				t.Fatalf("root %d, element %d: the loop has %v, the unrolled one %v", k, i, got, want[i])
			}
		}
	}
	if allocs := testing.AllocsPerRun(10, func() { err = programs[0].RunAll() }); allocs > 0 || err != nil {
		t.Errorf("a run allocates %v times: %v", allocs, err)
	}
	if c := programs[0].Clone(); c == nil {
		t.Error("a loop cannot be cloned")
	}
}

func TestScanErrors(t *testing.T) {
	g := graph.New()
	var try graph.Try
	do := try.Do
	x, h, id := do(graph.Input(g, graph.Float32, "x", 4, 3)), do(graph.Input(g, graph.Float32, "h", 3)), do(graph.Input(g, graph.Int64, "id"))
	same := func(h, x graph.Nodes) (next, keep graph.Nodes, err error) { return h, x, nil }
	for name, test := range map[string]struct {
		loop graph.Loop
		step func(h, x graph.Nodes) (next, keep graph.Nodes, err error)
		want string
	}{
		"nothing":  {graph.Loop{}, same, "neither a carried value"},
		"no steps": {graph.Loop{Init: graph.Nodes{h}}, same, "0 steps, want at least 1"},
		"nil":      {graph.Loop{Init: graph.Nodes{nil}}, same, "carried value 0 is nil"},
		"nil over": {graph.Loop{Over: graph.Nodes{nil}}, same, "value 0 to go over is nil"},
		"integer":  {graph.Loop{Init: graph.Nodes{id}, Steps: 2}, same, "carried value 0 is int64"},
		"scalar":   {graph.Loop{Over: graph.Nodes{id}}, same, "is a scalar, want a first axis of steps"},
		"steps":    {graph.Loop{Over: graph.Nodes{x}, Steps: 5}, same, "has shape (4, 3), want 5 steps"},
		"lengths":  {graph.Loop{Over: graph.Nodes{x, h}}, same, "value 1 to go over has shape (3), want 4 steps"},
		"count": {graph.Loop{Init: graph.Nodes{h}, Over: graph.Nodes{x}}, func(h, x graph.Nodes) (next, keep graph.Nodes, err error) { return nil, x, nil },
			"the step returned 0 next values for 1 carried ones"},
		"shape": {graph.Loop{Init: graph.Nodes{h}, Over: graph.Nodes{x}}, func(h, _ graph.Nodes) (next, keep graph.Nodes, err error) {
			y, err := graph.Sum(h[0])
			return graph.Nodes{y}, nil, err
		}, "next value 0 is float32 of shape (), the carried one is float32 of shape (3)"},
		"empty":  {graph.Loop{Over: graph.Nodes{x}}, func(_, _ graph.Nodes) (next, keep graph.Nodes, err error) { return nil, nil, nil }, "the step returned nothing"},
		"none":   {graph.Loop{Over: graph.Nodes{x}}, nil, "there is no function that makes a step"},
		"panic":  {graph.Loop{Over: graph.Nodes{x}}, func(h, _ graph.Nodes) (next, keep graph.Nodes, err error) { return h[:1], nil, nil }, "scan: panic in the step: runtime error: slice bounds"},
		"failed": {graph.Loop{Over: graph.Nodes{x}}, func(_, _ graph.Nodes) (next, keep graph.Nodes, err error) { return nil, nil, errors.New("oh") }, "oh"},
		"random": {graph.Loop{Over: graph.Nodes{x}}, func(_, x graph.Nodes) (next, keep graph.Nodes, err error) {
			y, err := graph.Dropout(x[0], 0.5, &graph.Random{}, 1)
			return nil, graph.Nodes{y}, err
		}, "whose random numbers would be the same in each step"},
	} {
		if _, _, err := graph.Scan(test.loop, test.step); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestIfErrors(t *testing.T) {
	g := graph.New()
	var try graph.Try
	do := try.Do
	x, yes := do(graph.Input(g, graph.Float32, "x", 3)), do(graph.Input(g, graph.Bool, "yes"))
	one := func() (graph.Nodes, error) { return graph.Nodes{x}, nil }
	for name, test := range map[string]struct {
		condition       *graph.Node
		then, otherwise func() (graph.Nodes, error)
		want            string
	}{
		"nil":    {nil, one, one, "the condition is nil"},
		"float":  {x, one, one, "the condition is float32 of shape (3), want a scalar of type bool"},
		"none":   {yes, nil, one, "if: there is no function then"},
		"panic":  {yes, one, func() (graph.Nodes, error) { panic("oh") }, "if: panic in otherwise: oh"},
		"failed": {yes, one, func() (graph.Nodes, error) { return nil, errors.New("oh") }, "oh"},
		"count":  {yes, one, func() (graph.Nodes, error) { return nil, nil }, "then returned 1 values, otherwise 0"},
		"shape": {yes, one, func() (graph.Nodes, error) {
			y, err := graph.Sum(x)
			return graph.Nodes{y}, err
		}, "value 0 is float32 of shape (3) from then and float32 of shape () from otherwise"},
		"type": {yes, func() (graph.Nodes, error) { return graph.Nodes{yes}, nil }, one, "value of then 0 is bool"},
	} {
		if _, err := graph.If(test.condition, test.then, test.otherwise); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	// Neither side reads anything: constants.
	y, err := graph.If(yes, func() (graph.Nodes, error) {
		c, err := graph.Constant(g, tensor.New(tensor.WithBacking([]float32{1, 2})))
		return graph.Nodes{c}, err
	}, func() (graph.Nodes, error) {
		c, err := graph.Constant(g, tensor.New(tensor.WithBacking([]float32{3, 4})))
		return graph.Nodes{c}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := graph.Compile(y[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range []bool{true, false} {
		if err := graph.Let(yes, tensor.New(tensor.FromScalar(is))); err != nil {
			t.Fatal(err)
		}
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		if got := p.Floats(0)[0]; got != map[bool]float32{true: 1, false: 3}[is] {
			t.Errorf("%v: got %v", is, got)
		}
	}
}
