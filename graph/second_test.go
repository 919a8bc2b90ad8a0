// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// small has shapes for chains of ops, by rank.
var small = map[rune][]int{'1': {3}, '2': {2, 3}, '3': {2, 3, 2}, '4': {1, 3, 2, 2}, '5': {1, 3, 2, 2, 2}}

// TestSecondGradient takes the gradient of every op with respect to each operand, makes a cost
// of it, alone and together with the output, and differentiates that with respect to every
// other operand: the result must agree with central differences, or the error must name the op.
func TestSecondGradient(t *testing.T) {
	right, refused := 0, 0
	for _, o := range chainOps() {
		for _, rank := range o.ranks {
			ops := []unary{o}
			if o.takesP {
				ops = []unary{{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}, o}
			}
			r, n := checkSecond(t, small[rank], ops...)
			right, refused = right+r, refused+n
		}
	}
	t.Logf("%d right, %d refused", right, refused)
	if right < 200 || refused < 500 {
		t.Errorf("%d second gradients are let through and %d refused", right, refused)
	}
}

// TestSecondGradientOfPairs does the same for pairs of ops.
func TestSecondGradientOfPairs(t *testing.T) {
	if testing.Short() {
		t.Skip("some thousand pairs")
	}
	right, pairs := 0, 0
	for i, a := range chainOps() {
		if a.takesP || strings.Contains(a.ranks, "1") {
			continue
		}
		rank := rune(a.ranks[0])
		c, err := newChain(Float64, small[rank], a)
		if err != nil {
			t.Fatal(err)
		}
		between := string('0' + rune(len(c.out.Shape())))
		for k, b := range chainOps() {
			if pairs++; !strings.Contains(b.ranks, between) || b.takesP || (i+k)%secondStride != 0 {
				continue
			}
			r, _ := checkSecond(t, small[rank], a, b)
			right += r
		}
	}
	if right < 500 {
		t.Errorf("%d second gradients of pairs are let through", right)
	}
}

// secondStride: one in this many pairs is tested in a run.
const secondStride = 7

func checkSecond(t *testing.T, input []int, ops ...unary) (right, refused int) {
	t.Helper()
	operands := 1
	for first := 0; first < operands; first++ {
		for _, withOutput := range []bool{false, true} {
			for second := 0; second <= operands; second++ { // the last operand is the direction of the first gradient
				if second == first {
					continue
				}
				c, err := newSecond(input, first, withOutput, ops...)
				if err == nil {
					operands = len(c.in) - 1
					if second > operands {
						break
					}
					c.gradients, err = Grad(c.cost, c.in[second])
				}
				var e *OpError
				var name string
				for _, o := range ops {
					name += o.name + " "
				}
				switch {
				case err == nil:
					compareSecond(t, fmt.Sprint(name, input, " by ", first, " and ", second, " output ", withOutput), c, second)
					right++
				case errors.As(err, &e) && e.Op != "" && e.Node != nil || strings.Contains(err.Error(), "no output depends on it"):
					refused++
				default:
					t.Errorf("%s%v by %d and %d: %v, which names no op", name, input, first, second, err)
				}
			}
		}
	}
	return right, refused
}

// newSecond builds Σ r·g² from the gradient g of a chain with respect to one operand, plus Σ y²
// if withOutput is set. Its direction is the last operand.
func newSecond(input []int, by int, withOutput bool, ops ...unary) (*chain, error) {
	c, err := newChain(Float64, input, ops...)
	if err != nil {
		return nil, err
	}
	direction := constant(c.out, []float64{0.8, -1.1, 0.6}, c.out.Shape()...)
	c.in = append(c.in, direction)
	g, err := Backpropagate(Nodes{c.out}, Nodes{direction}, Nodes{c.in[by]})
	if err != nil {
		return c, err
	}
	parts := Nodes{g[0]}
	if withOutput {
		parts = append(parts, c.out)
	}
	c.cost = nil
	for _, n := range parts {
		square, err := Mul(n, n)
		if err == nil {
			square, err = Mul(square, constant(n, []float64{0.7, -1.2, 1.4, -0.6}, n.Shape()...))
		}
		if err == nil {
			square, err = Sum(square)
		}
		if err == nil && c.cost != nil {
			square, err = Add(c.cost, square)
		}
		if err != nil {
			return nil, err
		}
		c.cost = square
	}
	return c, nil
}

func compareSecond(t *testing.T, what string, c *chain, by int) {
	t.Helper()
	forward, err := Compile(c.cost)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	backward, err := Compile(c.roots()...)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if err := backward.RunAll(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	analytic := slices.Clone(data[float64](c.gradients[0].Value()))
	cost := data[float64](c.cost.Value())[0]
	numeric, err := (&checker{step: 1e-5}).differences(forward, c.cost, data[float64](c.in[by].Value()))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var r GradientReport
	r.compare(by, c.in[by].Shape(), analytic, numeric)
	if off := r.Analytic - r.Numeric; r.Error > 1e-6 && max(off, -off) > 1e-9*(1+max(cost, -cost)) {
		t.Errorf("%s: %v", what, &r)
	}
}

// TestSecondGradientThroughTheFirst takes the gradient of Σ g² + Σ y² for y = x·w1·w2 and
// g = ∂Σy/∂x with respect to w1 and x: it reaches x·w1, which the first gradient passed through.
func TestSecondGradientThroughTheFirst(t *testing.T) {
	for by := range 2 {
		c, err := newChain(Float64, []int{2, 3}, unary{build: func(x node, p param) (node, error) {
			h, err := MatMul(x, p(3, 4))
			if err != nil {
				return nil, err
			}
			return MatMul(h, p(4, 5))
		}})
		if err != nil {
			t.Fatal(err)
		}
		var try Try
		ones := try.Do(Constant(c.out.Graph(), tensor.Ones(Float64, 2, 5)))
		grads, err := Backpropagate(Nodes{c.out}, Nodes{ones}, Nodes{c.in[0]})
		if err != nil {
			t.Fatal(err)
		}
		c.cost = try.Do(Add(try.Do(L2(grads[0], 1)), try.Do(L2(c.out, 1))))
		if c.gradients, err = Grad(c.cost, c.in[by]); err != nil || try.Err() != nil {
			t.Fatal(err, try.Err())
		}
		compareSecond(t, fmt.Sprint("by ", by), c, by)
	}
}

// TestTwoCosts differentiates two costs of a graph that share a layer.
func TestTwoCosts(t *testing.T) {
	for _, test := range [][2]int{{2, 3}, {3, 2}, {2, 1}, {1, 3}, {3, 0}, {1, 1}, {1, 0}, {0, 1}, {0, 0}} { // indices into x, w0, w1, w2
		c, err := newChain(Float64, []int{2, 3}, unary{build: func(x node, p param) (node, error) {
			h, err := MatMul(x, p(3, 4))
			if err != nil {
				return nil, err
			}
			p(4, 2)
			p(4, 3)
			return Activate(h, Act(Tanh))
		}})
		if err != nil {
			t.Fatal(err)
		}
		var costs Nodes
		for _, w := range c.in[2:4] {
			y, _ := MatMul(c.out, w)
			cost, err := L2(y, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			costs = append(costs, cost)
		}
		one, two := costs[0], costs[1]
		if test[0] == 3 {
			one, two = two, one
		}
		if _, err := Grad(one, c.in[test[0]]); err != nil {
			t.Fatal(err)
		}
		c.cost = two
		if c.gradients, err = Grad(two, c.in[test[1]]); err != nil {
			t.Fatalf("by %d, then %d: %v", test[0], test[1], err)
		}
		compareSecond(t, fmt.Sprint("by ", test[0], ", then ", test[1]), c, test[1])
	}
}
