// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

type reductionCase struct {
	Op            string
	Axes          []int
	Keep          bool
	P             number
	Shape, YShape []int
	X, Y, R, DX   []number
}

// apply returns the op of the case.
func (c *reductionCase) apply(x node) (node, error) {
	options := []ReduceOption{Axes(c.Axes...)}
	if c.Keep {
		options = append(options, KeepDims())
	}
	switch c.Op {
	case "norm":
		return Norm(x, float64(c.P), options...)
	case "variance":
		return Variance(x, int(c.P), options...)
	case "std":
		return Std(x, int(c.P), options...)
	case "softmax":
		return Softmax(x, SoftmaxAxis(c.Axes[0]))
	case "log_softmax":
		return LogSoftmax(x, SoftmaxAxis(c.Axes[0]))
	}
	return map[string]func(*Node, ...ReduceOption) (*Node, error){
		"sum": Sum, "mean": Mean, "max": Max, "min": Min, "prod": Prod, "log_sum_exp": LogSumExp, "any": Any, "all": All,
		"count_nonzero": CountNonzero, "arg_max": ArgMax, "arg_min": ArgMin,
	}[c.Op](x, options...)
}

// TestKnownReductions compares with PyTorch and NumPy, in float32 and float64.
func TestKnownReductions(t *testing.T) {
	var cases []reductionCase
	if loadKnown(t, "reductions", &cases); len(cases) < 200 {
		t.Fatal(len(cases))
	}
	for _, c := range cases {
		for dt, tol := range map[Dtype]float64{Float32: 2e-6, Float64: 1e-13} {
			what := fmt.Sprintf("%s of %v along %v keep=%v p=%v %v", c.Op, c.Shape, c.Axes, c.Keep, c.P, dt)
			fill := func(list []number, shape ...int) *tensor.Dense {
				d := tensor.New(tensor.Of(dt), tensor.WithShape(shape...))
				for i, v := range list {
					if dt == Float32 {
						d.Float32s()[i] = float32(v)
					} else {
						d.Float64s()[i] = float64(v)
					}
				}
				return d
			}
			g := New()
			x, err := Input(g, dt, "x", c.Shape...)
			if err != nil {
				t.Fatal(err)
			}
			if err := Let(x, fill(c.X, c.Shape...)); err != nil {
				t.Fatal(err)
			}
			y, err := c.apply(x)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if !slices.Equal([]int(y.Shape()), c.YShape) && len(y.Shape())+len(c.YShape) > 0 {
				t.Fatalf("%s: shape %v, want %v", what, y.Shape(), c.YShape)
			}
			roots := Nodes{y}
			if c.DX != nil {
				var try Try
				r := try.Do(Reshape(try.Do(Constant(g, fill(c.R, len(c.R)))), c.YShape...))
				grads, err := Grad(try.Do(Sum(try.Do(Mul(y, r)))), x)
				if err != nil || try.Err() != nil {
					t.Fatal(what, err, try.Err())
				}
				roots = append(roots, grads...)
			}
			p, err := Compile(roots...)
			if err != nil {
				t.Fatal(what, err)
			}
			if err := p.RunAll(); err != nil {
				t.Fatal(what, err)
			}
			compareNumbers(t, what, valuesOf(y.Value()), c.Y, tol)
			if c.DX != nil {
				compareNumbers(t, what+" gradient", valuesOf(roots[1].Value()), c.DX, 10*tol)
			}
		}
	}
}

// TestReductionsOfIntegers: along neighbors and others, by hand.
func TestReductionsOfIntegers(t *testing.T) {
	g := New()
	x, err := Input(g, Int64, "x", 2, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := Let(x, tensor.New(tensor.WithShape(2, 2, 3), tensor.WithBacking([]int64{5, -2, 7, 1, 1, 0, -3, 4, 2, 6, -1, 1 << 40}))); err != nil {
		t.Fatal(err)
	}
	var try Try
	tests := []struct {
		y     node
		shape []int
		want  []number
	}{
		{try.Do(Sum(x)), []int{}, []number{1<<40 + 20}},
		{try.Do(Sum(x, Axes(0, 2))), []int{2}, []number{13, 1<<40 + 7}},
		{try.Do(Prod(x, Axes(1))), []int{2, 3}, []number{5, -2, 0, -18, -4, 1 << 41}},
		{try.Do(Max(x, Axes(0, 2), KeepDims())), []int{1, 2, 1}, []number{7, 1 << 40}},
		{try.Do(Min(x, Axes(-1))), []int{2, 2}, []number{-2, 0, -3, -1}},
		{try.Do(ArgMax(x, Axes(2))), []int{2, 2}, []number{2, 0, 1, 2}},
		{try.Do(ArgMin(x)), []int{}, []number{6}},
		{try.Do(CountNonzero(x, Axes(0, 2))), []int{2}, []number{6, 5}},
		{try.Do(All(x, Axes(0, 2))), []int{2}, []number{1, 0}},
	}
	roots := Nodes{}
	for _, test := range tests {
		roots = append(roots, test.y)
	}
	if try.Err() != nil {
		t.Fatal(try.Err())
	}
	p, err := Compile(roots...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	for i, test := range tests {
		if s := test.y.Shape(); !slices.Equal([]int(s), test.shape) && len(s)+len(test.shape) > 0 {
			t.Errorf("test %d: shape %v, want %v", i, s, test.shape)
		}
		compareNumbers(t, fmt.Sprint("test ", i), valuesOf(test.y.Value()), test.want, 0)
	}
}

// TestReductionsAtZero: where the formulas of the derivatives divide by 0, the gradient is 0.
func TestReductionsAtZero(t *testing.T) {
	for name, f := range map[string]func(node) (node, error){
		"norm 2":   func(x node) (node, error) { return Norm(x, 2, Axes(1)) },
		"norm 1":   func(x node) (node, error) { return Norm(x, 1, Axes(1)) },
		"norm 1.5": func(x node) (node, error) { return Norm(x, 1.5, Axes(1)) },
		"std":      func(x node) (node, error) { return Std(x, 0, Axes(1)) },
	} {
		g := New()
		x, _ := Input(g, Float64, "x", 2, 3)
		if err := Let(x, tensor.New(tensor.WithShape(2, 3), tensor.WithBacking(make([]float64, 6)))); err != nil {
			t.Fatal(err)
		}
		y, err := f(x)
		if err != nil {
			t.Fatal(name, err)
		}
		cost, _ := Sum(y)
		grads, err := Grad(cost, x)
		if err != nil {
			t.Fatal(name, err)
		}
		p, err := Compile(append(Nodes{y}, grads...)...)
		if err != nil {
			t.Fatal(name, err)
		}
		if err := p.RunAll(); err != nil {
			t.Fatal(name, err)
		}
		compareNumbers(t, name, valuesOf(y.Value()), make([]number, 2), 0)
		compareNumbers(t, name+" gradient", valuesOf(grads[0].Value()), make([]number, 6), 0)
	}
}

// TestMaskedSoftmax: what is left out has the probability 0, also in a row of which nothing is left.
func TestMaskedSoftmax(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 3)
	m, _ := Input(g, Bool, "m", 2, 3)
	if err := Let(x, tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6}))); err != nil {
		t.Fatal(err)
	}
	if err := Let(m, tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]bool{true, false, true, false, false, false}))); err != nil {
		t.Fatal(err)
	}
	var try Try
	y := try.Do(Softmax(x, SoftmaxMask(m)))
	l := try.Do(LogSoftmax(x, SoftmaxMask(m)))
	grads, err := Grad(try.Do(Sum(try.Do(Square(y)))), x)
	if err != nil || try.Err() != nil {
		t.Fatal(err, try.Err())
	}
	p, err := Compile(y, l, grads[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunAll(); err != nil {
		t.Fatal(err)
	}
	a := 1 / (1 + math.Exp(2))
	inf := number(math.Inf(-1))
	compareNumbers(t, "softmax", valuesOf(y.Value()), []number{number(a), 0, number(1 - a), 0, 0, 0}, 1e-6)
	compareNumbers(t, "log-softmax", valuesOf(l.Value()), []number{number(math.Log(a)), inf, number(math.Log(1 - a)), inf, inf, inf}, 1e-6)
	d := number(a * (1 - a) * 2 * (2*a - 1)) // of a² + (1-a)² by the difference of the two
	compareNumbers(t, "gradient", valuesOf(grads[0].Value()), []number{d, 0, -d, 0, 0, 0}, 1e-6)
}

// TestReductionErrors: messages say what was got and wanted.
func TestReductionErrors(t *testing.T) {
	g := New()
	x, _ := Input(g, Float32, "x", 2, 0, 3)
	b, _ := Input(g, Bool, "b", 2, 3)
	for want, f := range map[string]func() (node, error){
		"there are no elements along axes [1]":     func() (node, error) { return Max(x, Axes(1)) },
		"axis is 3, shape (2, 0, 3) has -3 to 2":   func() (node, error) { return Prod(x, Axes(3)) },
		"axis 2 is given twice":                    func() (node, error) { return LogSumExp(x, Axes(2, -1)) },
		"got 2 axes, want one":                     func() (node, error) { return ArgMax(x, Axes(0, 2)) },
		"input 0 is bool, want float32 or float64": func() (node, error) { return Max(b) },
		"ddof is -1, want at least 0":              func() (node, error) { return Variance(x, -1) },
		"the order is 0, want a number":            func() (node, error) { return Norm(x, 0) },
		"input 0 is nil: an earlier expression":    func() (node, error) { return Std(nil, 0) },
		"axis is -4":                               func() (node, error) { return Softmax(x, SoftmaxAxis(-4)) },
		"the mask is nil":                          func() (node, error) { return Softmax(x, SoftmaxMask(nil)) },
		"does not broadcast with":                  func() (node, error) { return Softmax(x, SoftmaxMask(b)) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}
