// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"errors"
	"fmt"
	"log"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
)

// swish returns x/(1 + e⁻ˣ).
func swish[T graph.Float](c *graph.Call[T]) error {
	for i, v := range c.In[0] {
		c.Out[i] = v / (1 + T(math.Exp(-float64(v))))
	}
	return nil
}

// An op of one's own and its gradient, as an expression.
func ExampleNewOp() {
	op := graph.NewOp("swish", swish[float32], swish[float64],
		graph.Gradient(func(in graph.Nodes, y, dy *graph.Node) (graph.Nodes, error) { // y + σ(x)·(1 - y)
			var try graph.Try
			do := try.Do
			s := do(graph.Activate(in[0], graph.Act(graph.Sigmoid)))
			slope := do(graph.Add(y, do(graph.Mul(s, do(graph.Affine(y, -1, 1))))))
			return graph.Nodes{do(graph.Mul(dy, slope))}, try.Err()
		}))
	x := tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{-1, 0.5, 2}))
	report, err := graph.CheckGradient(func(in graph.Nodes) (*graph.Node, error) { return op.Of(in[0]) }, []*tensor.Dense{x})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("correct:", report.Error < 1e-6)
	// Output: correct: true
}

// norm returns √(a² + b²) for a of the op's float type and b of Int64.
func norm[T graph.Float](c *graph.Call[T]) error {
	for i, a := range c.In[0] {
		c.Out[i] = T(math.Hypot(float64(a), float64(c.Ints[1][i])))
	}
	return nil
}

// normBack returns a/√(a² + b²)·dy.
func normBack[T graph.Float](c *graph.Call[T]) error {
	if c.Input != 0 {
		return fmt.Errorf("asked for the gradient of input %d", c.Input)
	}
	for i, a := range c.In[0] {
		c.Out[i] = a / c.In[2][i] * c.In[3][i]
	}
	return nil
}

func TestNewOpWithIntegers(t *testing.T) {
	op := graph.NewOp("norm", norm[float32], norm[float64], graph.Types(graph.Dtype{}, graph.Dtype{}, graph.Int64),
		graph.Backward(normBack[float32], normBack[float64]))
	x := tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{-1, 0.5, 2}))
	report, err := graph.CheckGradient(func(in graph.Nodes) (*graph.Node, error) {
		b, err := graph.Constant(in[0].Graph(), tensor.New(tensor.WithBacking([]int64{3, -1, 2})))
		if err != nil {
			return nil, err
		}
		return op.Of(in[0], b)
	}, []*tensor.Dense{x})
	if err != nil || report.Error > 1e-6 {
		t.Error(report, err)
	}
}

func TestNewOpShapes(t *testing.T) {
	pairs := func(in []graph.Shape) (graph.Shape, error) {
		if len(in[0]) != 1 || in[0][0]%2 != 0 {
			return nil, fmt.Errorf("input has shape %v, want an even number of elements", in[0])
		}
		return graph.Shape{in[0][0] / 2}, nil
	}
	f := func(c *graph.Call[float32]) error {
		for i := range c.Out {
			c.Out[i] = c.In[0][2*i] + c.In[0][2*i+1]
		}
		return nil
	}
	op := graph.NewOp("pairs", f, nil, graph.Shapes(pairs), graph.Attributes("by", 2))
	g := graph.New()
	var try graph.Try
	x := try.Do(graph.Input(g, graph.Float32, "x", 4))
	y := try.Do(op.Of(x))
	if again := try.Do(op.Of(x)); again != y {
		t.Error("the same op of the same input is another node")
	}
	if other := try.Do(graph.NewOp("pairs", f, nil, graph.Shapes(pairs), graph.Attributes("by", 2)).Of(x)); other == y {
		t.Error("another op of the same name is the same node")
	}
	if try.Err() != nil {
		t.Fatal(try.Err())
	}
	if err := graph.LetFloats(x, []float32{1, 2, 3, 4}); err != nil {
		t.Fatal(err)
	}
	p, err := graph.Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil || !slices.Equal(p.Floats(0), []float32{3, 7}) {
		t.Error(p.Floats(0), err)
	}
	if allocs := testing.AllocsPerRun(10, func() { err = p.RunAll() }); allocs > 0 || err != nil {
		t.Errorf("a run allocates %v times: %v", allocs, err)
	}
	cost, err := graph.Sum(y)
	if err != nil {
		t.Fatal(err)
	}
	var e *graph.OpError
	if _, err := graph.Grad(cost, x); !errors.As(err, &e) || e.Op != "pairs{by=2}" {
		t.Errorf("a gradient of an op without one: %v", err)
	}
}

// An input that NoGradient names gets none, and Backward is not called for it.
func TestNewOpNoGradient(t *testing.T) {
	product := func(c *graph.Call[float64]) error {
		for i, v := range c.In[0] {
			c.Out[i] = v * c.In[1][i]
		}
		return nil
	}
	back := func(c *graph.Call[float64]) error {
		if c.Input != 0 {
			return fmt.Errorf("called for input %d", c.Input)
		}
		for i, dy := range c.In[3] {
			c.Out[i] = dy * c.In[1][i]
		}
		return nil
	}
	weigh := graph.NewOp("weigh", nil, product, graph.Backward(nil, back), graph.NoGradient(1))
	vector := func(v ...float64) *tensor.Dense { return tensor.New(tensor.WithBacking(v)) }
	inputs := []*tensor.Dense{vector(1, 2), vector(3, -4)}
	build := func(in graph.Nodes) (*graph.Node, error) { return weigh.Of(in...) }
	report, err := graph.CheckGradient(build, inputs, graph.Fixed(1))
	if err != nil || report.Error > 1e-6 {
		t.Error(report, err)
	}
	if _, err := graph.CheckGradient(build, inputs); err == nil || !strings.Contains(err.Error(), `with respect to "input1"`) {
		t.Errorf("a gradient of the input without one: %v", err)
	}
}

func TestNewOpErrors(t *testing.T) {
	ok := func(*graph.Call[float32]) error { return nil }
	g := graph.New()
	x, err := graph.Input(g, graph.Float32, "x", 4)
	if err != nil {
		t.Fatal(err)
	}
	double, err := graph.Input(g, graph.Float64, "d", 4)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		op   *graph.Op
		in   graph.Nodes
		want string // of Of, of the gradient or of the run
	}{
		"nothing":   {nil, graph.Nodes{x}, "has no function"},
		"no input":  {graph.NewOp("f", ok, nil), nil, "f: has no inputs"},
		"nil":       {graph.NewOp("f", ok, nil), graph.Nodes{nil}, "f: input 0 is nil"},
		"type":      {graph.NewOp("f", ok, nil, graph.Types(graph.Dtype{}, graph.Int64)), graph.Nodes{x}, "f of (4): input 0 is float32, want int64"},
		"shape":     {graph.NewOp("f", ok, nil, graph.Shapes(func([]graph.Shape) (graph.Shape, error) { return nil, errors.New("odd") })), graph.Nodes{x}, "f of (4): odd"},
		"panic":     {graph.NewOp("f", ok, nil, graph.Shapes(func(in []graph.Shape) (graph.Shape, error) { return in[1], nil })), graph.Nodes{x}, "f of (4): panic in the function of Shapes"},
		"float64":   {graph.NewOp("f", ok, nil), graph.Nodes{double}, "f of (4): has no function for float64"},
		"run":       {graph.NewOp("f", func(*graph.Call[float32]) error { return errors.New("too hot") }, nil), graph.Nodes{x}, "f of (4): too hot"},
		"run panic": {graph.NewOp("f", func(c *graph.Call[float32]) error { c.Out[4] = 1; return nil }, nil), graph.Nodes{x}, "f of (4): panic: runtime error: index out of range"},
		"gradients": {graph.NewOp("f", ok, nil, graph.Gradient(func(graph.Nodes, *graph.Node, *graph.Node) (graph.Nodes, error) { return nil, nil })), graph.Nodes{x}, "f: the function of Gradient returned 0 gradients for 1 inputs"},
		"no gradient": {graph.NewOp("f", ok, nil, graph.Gradient(func(graph.Nodes, *graph.Node, *graph.Node) (graph.Nodes, error) { return graph.Nodes{nil}, nil })), graph.Nodes{x},
			"want a node of shape (4)"},
	} {
		y, err := test.op.Of(test.in...)
		if err == nil && strings.HasPrefix(test.want, "f: the function") || strings.HasPrefix(test.want, "want a node") {
			cost, errSum := graph.Sum(y)
			if errSum != nil {
				t.Fatal(errSum)
			}
			_, err = graph.Grad(cost, test.in[0])
		} else if err == nil {
			var p *graph.Program
			if p, err = graph.Compile(y); err == nil {
				for _, n := range test.in {
					if err = graph.Let(n, tensor.New(tensor.Of(n.Dtype()), tensor.WithShape(4))); err != nil {
						t.Fatal(err)
					}
				}
				err = p.RunAll()
			}
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
