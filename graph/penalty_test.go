// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"
)

// TestGradientOfQuadraticPenalty takes y = x·w1·w2, its gradient g by x, and then the gradient of
// Σ g² + Σ y² by x and both matrices: g depends on the matrices, and y on x through them.
func TestGradientOfQuadraticPenalty(t *testing.T) {
	c, err := newChain(Float64, []int{2, 3}, unary{build: func(x node, p param) (node, error) {
		var try Try
		return try.Do(MatMul(try.Do(MatMul(x, p(3, 4))), p(4, 5))), try.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	var try Try
	do := try.Do
	g, err := Grad(do(Sum(c.out)), c.in[0])
	if err != nil {
		t.Fatal(err)
	}
	c.cost = do(Add(do(Sum(do(Square(g[0])))), do(Sum(do(Square(c.out))))))
	if c.gradients, err = Grad(c.cost, c.in...); err != nil || try.Err() != nil {
		t.Fatal(err, try.Err())
	}
	if n := compareSecond(t, "penalty", c, c.in); n != 3 {
		t.Errorf("%d gradients, want 3", n)
	}
}

// TestGradientOfGradientPenalty takes the penalty of WGAN-GP, the mean of (‖∂D/∂x‖ - 1)² over the samples x,
// for critics D of dense and convolutional layers, and compares its gradient by x and by all weights with
// central differences.
func TestGradientOfGradientPenalty(t *testing.T) {
	dense := func(act Activation) unary {
		return unary{name: "dense " + act.String(), build: func(x node, p param) (node, error) {
			var try Try
			h := try.Do(Dense(x, p(3, 5), p(5), act))
			h = try.Do(Dense(h, p(5, 4), p(4), act))
			return try.Do(Dense(h, p(4, 1), p(1), Act(Linear))), try.Err()
		}}
	}
	convolutional := func(act Activation) unary {
		return unary{name: "conv " + act.String(), build: func(x node, p param) (node, error) {
			var try Try
			h := try.Do(Conv(x, p(3, 3, 2, 3), p(3), ConvSpec{Stride: [3]int{2, 2}, Padding: Same}, act))
			h = try.Do(LayerNorm(h, p(3), p(3), 0.1))
			h = try.Do(Conv(h, p(2, 2, 3, 2), p(2), ConvSpec{Padding: Same}, act))
			h = try.Do(Reshape(h, x.Shape()[0], 8))
			return try.Do(Dense(h, p(8, 1), p(1), Act(Linear))), try.Err()
		}}
	}
	for _, act := range []Activation{Act(Tanh), Act(LeakyReLU), Act(SiLU)} {
		for _, test := range []struct {
			critic unary
			shape  []int
		}{{dense(act), []int{4, 3}}, {convolutional(act), []int{3, 4, 4, 2}}} {
			c, err := newChain(Float64, test.shape, test.critic)
			if err != nil {
				t.Fatal(err)
			}
			var try Try
			do := try.Do
			g, err := Grad(do(Sum(c.out)), c.in[0])
			if err != nil {
				t.Fatal(err)
			}
			rows := do(Reshape(g[0], test.shape[0], size(test.shape)/test.shape[0]))
			norms := do(Sqrt(do(Sum(do(Square(rows)), Axes(1)))))
			c.cost = do(Mean(do(Square(do(Affine(norms, 1, -1))))))
			if try.Err() != nil {
				t.Fatal(try.Err())
			}
			if c.gradients, err = costGradient("penalty", c.cost, c.in); err != nil {
				t.Fatal(err)
			}
			compareSecond(t, fmt.Sprint("penalty of ", test.critic.name), c, c.in)
		}
	}
}

// TestCheckGradientOfHigherOrder: a correct expression has correct derivatives of second and third order; an
// op whose gradient is right and whose second derivative is wrong is found out by Order(2) alone.
func TestCheckGradientOfHigherOrder(t *testing.T) {
	build := func(in Nodes) (*Node, error) {
		var try Try
		return try.Do(Activate(try.Do(MatMul(in[0], in[1])), Act(Tanh))), try.Err()
	}
	rng := rand.New(rand.NewPCG(1, 2))
	inputs := func() []*tensor.Dense { return []*tensor.Dense{random(rng, 2, 3), random(rng, 3, 2)} }
	for order := 1; order <= 3; order++ {
		r, err := CheckGradient(build, inputs(), Order(order))
		if err != nil || !(r.Error < 1e-6) || r.Checked != 12 {
			t.Errorf("order %d: %v, %v", order, r, err)
		}
	}
	// The gradient is 3·x·stop(x), of which only one factor is differentiated again.
	cube := NewOp("cube", cubes[float32], cubes[float64], Gradient(func(in Nodes, _, dy *Node) (Nodes, error) {
		var try Try
		return Nodes{try.Do(Mul(dy, try.Do(Scale(try.Do(Mul(in[0], try.Do(StopGradient(in[0])))), 3))))}, try.Err()
	}))
	for order, right := range map[int]bool{1: true, 2: false} {
		r, err := CheckGradient(func(in Nodes) (*Node, error) { return cube.Of(in[0]) }, inputs()[:1], Order(order))
		if err != nil || r.Error < 1e-6 != right {
			t.Errorf("order %d of a wrong second derivative: %v, %v", order, r, err)
		}
	}
	if _, err := CheckGradient(build, inputs(), Order(0)); err == nil || err.Error() != "check gradient: order 0, want at least 1" {
		t.Errorf("order 0: %v", err)
	}
}

func cubes[T Float](c *Call[T]) error {
	for i, v := range c.In[0] {
		c.Out[i] = v * v * v
	}
	return nil
}
