// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// TestJacobians compares for every op the Jacobian by each operand, and its product with a vector, with
// central differences of the output, and the Hessian of a cost with central differences of its gradient.
func TestJacobians(t *testing.T) {
	t.Parallel()
	for _, o := range chainOps() {
		rank := rune(o.ranks[0])
		ops := []unary{o}
		if o.takesP {
			ops = []unary{{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}, o}
		}
		c, err := newChain(Float64, small[rank], ops...)
		if err != nil {
			t.Fatal(err)
		}
		cost, err := costOf(c.out)
		if err != nil {
			t.Fatal(err)
		}
		for k, x := range c.in {
			v := constant(x, []float64{0.6, -1.3, 0.9, -0.4, 1.1}, x.Shape()...)
			var try Try
			jacobian, hessian := try.Do(Jacobian(c.out, x)), try.Do(Hessian(cost, x))
			forward := try.Do(JacobianVector(c.out, x, v))
			product, err := HessianVector(cost, Nodes{x}, Nodes{v})
			if err != nil || try.Err() != nil {
				t.Fatalf("%s by %d: %v, %v", o.name, k, try.Err(), err)
			}
			what := fmt.Sprintf("%s by %d: ", o.name, k)
			checkMatrix(t, what+"Jacobian", c.out, x, jacobian, forward, v)
			grads, err := costGradient("gradient", cost, Nodes{x})
			if err != nil {
				t.Fatal(err)
			}
			checkMatrix(t, what+"Hessian", grads[0], x, hessian, product[0], v)
		}
	}
}

// costOf returns Σ r·(y + y²/2), which is curved where y is not.
func costOf(y *Node) (*Node, error) {
	var try Try
	do := try.Do
	r := constant(y, []float64{0.7, -1.2, 1.4, -0.6, 0.9}, y.Shape()...)
	return do(Sum(do(Mul(r, do(Add(y, do(Scale(do(Square(y)), 0.5)))))))), try.Err()
}

// checkMatrix compares the derivatives of y by x, and their product with v, with differences of y.
func checkMatrix(t *testing.T, what string, y, x, matrix, product, v *Node) {
	t.Helper()
	if want := slices.Concat(y.Shape(), x.Shape()); !equal(matrix.Shape(), want) || !equal(product.Shape(), y.Shape()) {
		t.Fatalf("%s: shapes %v and %v, want %v and %v", what, matrix.Shape(), product.Shape(), want, y.Shape())
	}
	analytic, values := program(t, matrix, product), program(t, y)
	m, p := analytic(0), analytic(1)
	const h = 1e-5
	at, direction := data[float64](x.Value()), data[float64](v.Value())
	largest, cols := 1.0, len(at)
	for _, e := range m {
		largest = max(largest, math.Abs(e))
	}
	dot := make([]float64, len(p))
	for j := range at {
		old := at[j]
		at[j] = old + h
		up := values(0)
		at[j] = old - h
		down := values(0)
		at[j] = old
		for i := range up {
			e := (up[i] - down[i]) / (2 * h)
			dot[i] += m[i*cols+j] * direction[j]
			if off := math.Abs(m[i*cols+j] - e); !(off <= 1e-6*largest) {
				t.Errorf("%s at %d, %d: %v, difference %v", what, i, j, m[i*cols+j], e)
				return
			}
		}
	}
	for i := range p {
		if off := math.Abs(p[i] - dot[i]); !(off <= 1e-10*largest) {
			t.Errorf("%s times v at %d: %v, want %v", what, i, p[i], dot[i])
			return
		}
	}
}

// program returns a function that runs the nodes and returns a copy of the values of one of them.
func program(t *testing.T, nodes ...*Node) func(k int) []float64 {
	t.Helper()
	p, err := Compile(nodes...)
	if err != nil {
		t.Fatal(err)
	}
	return func(k int) []float64 {
		if err := p.RunAll(); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(data[float64](nodes[k].Value()))
	}
}

// TestDerivativesOfKnownFunctions has derivatives that are known in closed form.
func TestDerivativesOfKnownFunctions(t *testing.T) {
	x := let64(t, 3, -2)
	var try Try
	do := try.Do
	a, b := do(Slice(x, At(0, 0, 1))), do(Slice(x, At(0, 1, 2)))
	// Rosenbrock's function (1 - a)² + 100·(b - a²)² and its derivatives at (3, -2).
	valley := do(Sum(do(Add(do(Square(do(Affine(a, -1, 1)))), do(Scale(do(Square(do(Sub(b, do(Square(a)))))), 100))))))
	y := do(Concat(0, do(Mul(a, b)), a, do(Exp(b))))
	direction := let64In(t, x.Graph(), "v", 1, 10)
	products, err := HessianVector(valley, Nodes{x}, Nodes{direction})
	if err != nil {
		t.Fatal(err)
	}
	floor, err := Floor(x)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		got  *Node
		want []float64
	}{
		{"gradient", do(one(Grad(valley, x))), []float64{2*(3-1) - 400*3*(-2-9), 200 * (-2 - 9)}},
		{"Hessian", do(Hessian(valley, x)), []float64{2 - 400*(-2-9) + 800*9, -1200, -1200, 200}},
		{"Hessian times (1, 10)", products[0], []float64{2 + 4400 + 7200 - 12000, -1200 + 2000}},
		{"Jacobian", do(Jacobian(y, x)), []float64{-2, 3, 1, 0, 0, math.Exp(-2)}},
		{"Jacobian times (1, 10)", do(JacobianVector(y, x, direction)), []float64{28, 1, 10 * math.Exp(-2)}},
		{"of itself", do(Jacobian(x, x)), []float64{1, 0, 0, 1}},
		{"of what does not depend on it", do(Jacobian(direction, x)), []float64{0, 0, 0, 0}},
		{"times a vector", do(JacobianVector(direction, x, direction)), []float64{0, 0}},
		{"of a step", do(Jacobian(floor, x)), []float64{0, 0, 0, 0}},
		{"Hessian of a sum", do(Hessian(do(Sum(x)), x)), []float64{0, 0, 0, 0}},
		{"third", do(Hessian(do(Sum(do(one(Grad(do(Sum(do(Power(x, 4)))), x))))), x)), []float64{72, 0, 0, -48}},
		{"stopped", do(one(Grad(do(Sum(do(Mul(x, do(StopGradient(x)))))), x))), []float64{3, -2}},
		{"straight through", do(one(Grad(do(Sum(do(Square(do(StraightThrough(do(Round(do(Scale(x, 0.3)))), x)))))), x))), []float64{2, -2}},
	} {
		if try.Err() != nil {
			t.Fatalf("%s: %v", test.name, try.Err())
		}
		got := program(t, test.got)(0)
		for i := range test.want {
			if len(got) != len(test.want) || math.Abs(got[i]-test.want[i]) > 1e-12*(1+math.Abs(test.want[i])) {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
				break
			}
		}
	}
}

func one(nodes Nodes, err error) (*Node, error) {
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

func let64(t *testing.T, values ...float64) *Node { return let64In(t, New(), "x", values...) }

func let64In(t *testing.T, g *Graph, name string, values ...float64) *Node {
	t.Helper()
	n, err := Input(g, Float64, name, len(values))
	if err == nil {
		err = Let(n, tensor.New(tensor.WithBacking(values)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHessianVectorOfSeveral compares the product for all operands of a network at once, between which
// there are mixed derivatives, with central differences.
func TestHessianVectorOfSeveral(t *testing.T) {
	c, err := newChain(Float64, []int{2, 3}, unary{build: func(x node, p param) (node, error) {
		var try Try
		h := try.Do(Dense(x, p(3, 4), p(4), Act(Tanh)))
		return try.Do(SoftmaxCrossEntropy(try.Do(Dense(h, p(4, 3), p(3), Act(Linear))), constant(x, []float64{0, 1, 0, 1, 0, 0}, 2, 3))), try.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var v Nodes
	for _, n := range c.in {
		direction := make([]float64, size(n.Shape()))
		for i := range direction {
			direction[i] = rng.NormFloat64()
		}
		v = append(v, constant(n, direction, n.Shape()...))
	}
	products, err := HessianVector(c.cost, c.in, v)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := costGradient("gradient", c.cost, c.in)
	if err != nil {
		t.Fatal(err)
	}
	const h = 1e-5
	gradient := program(t, grads...)
	move := func(by float64) {
		for k, n := range c.in {
			for i, d := range data[float64](v[k].Value()) {
				data[float64](n.Value())[i] += by * d
			}
		}
	}
	product := program(t, products...)
	for k := range c.in {
		want, got := make([]float64, size(c.in[k].Shape())), product(k)
		for _, s := range []float64{1, -1} {
			move(s * h)
			for i, g := range gradient(k) {
				want[i] += s * g / (2 * h)
			}
			move(-s * h)
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-6 {
				t.Errorf("operand %d: %v, want %v", k, got, want)
				break
			}
		}
	}
}

// TestJacobianOfNothing: shapes without elements.
func TestJacobianOfNothing(t *testing.T) {
	g := New()
	x, err := Input(g, Float64, "x", 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Let(x, newValue(Float64, Shape{2, 0})); err != nil {
		t.Fatal(err)
	}
	var try Try
	j := try.Do(Jacobian(try.Do(Exp(x)), x))
	rows := try.Do(Jacobian(try.Do(Sum(x, Axes(1))), x))
	if try.Err() != nil {
		t.Fatal(try.Err())
	}
	if !equal(j.Shape(), Shape{2, 0, 2, 0}) || !equal(rows.Shape(), Shape{2, 2, 0}) {
		t.Errorf("shapes %v and %v", j.Shape(), rows.Shape())
	}
	if got := program(t, j, rows)(0); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestJacobianErrors(t *testing.T) {
	x, other := let64(t, 1, 2), let64(t, 1, 2)
	single, err := Input(x.Graph(), Float32, "single", 2)
	if err != nil {
		t.Fatal(err)
	}
	three := let64In(t, x.Graph(), "three", 1, 2, 3)
	double := func(c *Call[float64]) error { copy(c.Out, c.In[0]); return nil }
	float := func(c *Call[float32]) error { copy(c.Out, c.In[0]); return nil }
	plain, err := NewOp("plain", float, double).Of(x)
	if err != nil {
		t.Fatal(err)
	}
	once, err := NewOp("once", float, double, Backward(float, double)).Of(x)
	if err != nil {
		t.Fatal(err)
	}
	cost, err := Sum(once)
	if err != nil {
		t.Fatal(err)
	}
	for want, call := range map[string]func() (*Node, error){
		"jacobian: a node is nil":                                          func() (*Node, error) { return Jacobian(nil, x) },
		"belongs to another graph":                                         func() (*Node, error) { return Jacobian(x, other) },
		"is float32, want all of one float type: see Cast":                 func() (*Node, error) { return Jacobian(x, single) },
		"the direction is float64 of shape (3), want float64 of shape (2)": func() (*Node, error) { return JacobianVector(x, x, three) },
		"jacobian_vector: the direction is nil":                            func() (*Node, error) { return JacobianVector(x, x, nil) },
		"hessian of (2): the cost has shape (2), want a scalar":            func() (*Node, error) { return Hessian(x, x) },
		"hessian_vector: got 0 directions for 1 nodes":                     func() (*Node, error) { return one(HessianVector(cost, Nodes{x}, nil)) },
		"hessian_vector: no nodes to differentiate with respect to":        func() (*Node, error) { return one(HessianVector(cost, nil, nil)) },
		"plain: has no gradient with respect to its input 0 of shape (2)":  func() (*Node, error) { return Jacobian(plain, x) },
		"once_grad0: has no gradient with respect to its input 0 of shape": func() (*Node, error) { return Hessian(cost, x) },
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
