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

// small has shapes for chains of ops, by rank.
var small = map[rune][]int{'1': {3}, '2': {2, 3}, '3': {2, 3, 2}, '4': {1, 3, 2, 2}, '5': {1, 3, 2, 2, 2}}

// TestSecondGradient takes the gradient of every op with respect to each operand, makes a cost
// of it, alone and together with the output, and differentiates that with respect to every
// operand and to the direction of the first gradient: the result must agree with central differences.
// There is no op for which it does not exist.
func TestSecondGradient(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, o := range chainOps() {
		for _, rank := range o.ranks {
			ops := []unary{o}
			if o.takesP {
				ops = []unary{{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}, o}
			}
			for _, withOutput := range []bool{false, true} {
				checked += checkSecond(t, small[rank], withOutput, ops...)
			}
		}
	}
	if checked < 2000 {
		t.Errorf("only %d second gradients", checked)
	}
}

// TestSecondGradientOfEachPair takes the gradient of every ordered pair of ops that can be chained with respect
// to all operands, makes a cost of it and of the output, and compares the derivative of that cost in one
// direction, in which all operands move, with a central difference. Where they disagree, the elements are
// compared. It takes one pair in five, and all of them with REEF_FULL=1.
func TestSecondGradientOfEachPair(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("some thousand pairs")
	}
	softmax := unary{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}
	all, pairs, fit := chainOps(), 0, 0
	stride := pairStride()
	for _, a := range all {
		done := make([]bool, len(all)) // at one rank
		for _, rank := range a.ranks {
			before := []unary{a}
			if a.takesP {
				before = []unary{softmax, a}
			}
			c, err := newChain(Float64, small[rank], before...)
			if err != nil {
				t.Fatal(err)
			}
			between := fmt.Sprint(len(c.out.Shape()))
			for k, b := range all {
				if done[k] || !strings.Contains(b.ranks, between) || b.takesP && !a.givesP {
					continue
				}
				done[k] = true
				if a.name == "causal softmax" && b.name == "binary focal" {
					continue // (1 - p)^1.5 has no second derivative at the p = 1 of the first row
				}
				if fit++; fit%stride != 0 {
					continue
				}
				pairs++
				checkSecondAlong(t, small[rank], slices.Concat(before, []unary{b})...)
			}
		}
	}
	if t.Logf("%d of %d pairs", pairs, fit); fit < 25000 {
		t.Errorf("only %d pairs fit", fit)
	}
}

// checkSecondAlong compares the derivative of a cost of gradients in one direction.
func checkSecondAlong(t *testing.T, input []int, ops ...unary) {
	t.Helper()
	c, err := newSecond(input, allOperands, true, ops...)
	if err == nil {
		c.gradients, err = costGradient("second", c.cost, c.in)
	}
	var p *Program
	if err == nil {
		p, err = Compile(c.roots()...)
	}
	name := fmt.Sprintf("%s, %s: ", ops[0].name, ops[len(ops)-1].name)
	if err != nil {
		t.Errorf("%s%v", name, err)
		return
	}
	run := func() float64 {
		if err := p.RunAll(); err != nil {
			t.Fatalf("%s%v", name, err)
		}
		return data[float64](c.cost.Value())[0]
	}
	cost, slope, size := run(), 0.0, 0.0
	directions, rng := make([][]float64, len(c.in)), rand.New(rand.NewPCG(8, 9))
	for k := range c.in {
		for _, g := range data[float64](c.gradients[k].Value()) {
			v := math.Copysign(0.5+rng.Float64(), rng.Float64()-0.5)
			slope, size = slope+v*g, size+math.Abs(v*g)
			directions[k] = append(directions[k], v)
		}
	}
	const h = 1e-5
	move := func(by float64) {
		for k, n := range c.in {
			for j, v := range directions[k] {
				data[float64](n.Value())[j] += by * v
			}
		}
	}
	move(h)
	up := run()
	move(-2 * h)
	down := run()
	numeric := (up - down) / (2 * h)
	if off := math.Abs(slope - numeric); !(off <= 1e-6*size+1e-9*(1+math.Abs(cost))) {
		t.Logf("%sslope %v, difference %v", name, slope, numeric)
		checkSecond(t, input, true, ops...)
	}
}

// checkSecond returns the number of second gradients that it has checked.
func checkSecond(t *testing.T, input []int, withOutput bool, ops ...unary) (checked int) {
	t.Helper()
	var name string
	for _, o := range ops {
		name += o.name + " "
	}
	operands := 1
	for first := 0; first < operands; first++ {
		c, err := newSecond(input, first, withOutput, ops...)
		if err != nil {
			t.Errorf("%s%v by %d: %v", name, input, first, err)
			return checked
		}
		operands = len(c.in) - 1 // the last operand is the direction of the first gradient
		if c.gradients, err = costGradient("second", c.cost, c.in); err != nil {
			t.Errorf("%s%v by %d: %v", name, input, first, err)
			continue
		}
		checked += compareSecond(t, fmt.Sprint(name, input, " by ", first, " output ", withOutput), c, c.in)
	}
	return checked
}

// allOperands as the operand of newSecond stands for all of them.
const allOperands = -1

// newSecond builds Σ r·g² from the gradient g of a chain with respect to one operand, plus Σ y²
// if withOutput is set. Its direction is the last operand.
func newSecond(input []int, by int, withOutput bool, ops ...unary) (*chain, error) {
	c, err := newChain(Float64, input, ops...)
	if err != nil {
		return nil, err
	}
	direction := constant(c.out, []float64{0.8, -1.1, 0.6}, c.out.Shape()...)
	wrt := c.in
	if by != allOperands {
		wrt = Nodes{c.in[by]}
	}
	parts, err := Backpropagate(Nodes{c.out}, Nodes{direction}, wrt)
	if c.in = append(c.in, direction); err != nil {
		return c, err
	}
	if withOutput {
		parts = append(parts, c.out)
	}
	c.cost, err = sumOfSquares(parts)
	return c, err
}

// sumOfSquares returns Σ r·n² over all nodes, with fixed numbers r of both signs.
func sumOfSquares(nodes Nodes) (sum *Node, err error) {
	var try Try
	for _, n := range nodes {
		square := try.Do(Mul(try.Do(Square(n)), constant(n, []float64{0.7, -1.2, 1.4, -0.6}, n.Shape()...)))
		part := try.Do(Sum(square))
		if sum == nil {
			sum = part
		} else {
			sum = try.Do(Add(sum, part))
		}
	}
	return sum, try.Err()
}

// compareSecond compares the gradients of a chain's cost with central differences.
func compareSecond(t *testing.T, what string, c *chain, by Nodes) (checked int) {
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
	cost := data[float64](c.cost.Value())[0]
	for k, n := range by {
		analytic := slices.Clone(data[float64](c.gradients[k].Value()))
		numeric, err := (&checker{step: 1e-5}).differences(forward, c.cost, data[float64](n.Value()))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var r GradientReport
		r.compare(k, n.Shape(), analytic, numeric)
		if off := math.Abs(r.Analytic - r.Numeric); r.Error > 1e-6 && !(off <= 1e-9*(1+math.Abs(cost))) {
			t.Errorf("%s: %v", what, &r)
		}
		checked++
	}
	return checked
}

// TestThirdGradient differentiates the second gradient of some ops once more.
func TestThirdGradient(t *testing.T) {
	t.Parallel()
	checked := 0
	for i, o := range chainOps() {
		if o.takesP || i%3 != 0 {
			continue
		}
		rank := rune(o.ranks[0])
		c, err := newSecond(small[rank], 0, true, o)
		if err != nil {
			t.Fatal(err)
		}
		second, err := costGradient("second", c.cost, c.in)
		if err == nil {
			c.cost, err = sumOfSquares(second)
		}
		if err == nil {
			c.gradients, err = costGradient("third", c.cost, c.in)
		}
		if err != nil {
			t.Errorf("%s: %v", o.name, err)
			continue
		}
		checked += compareSecond(t, fmt.Sprint(o.name, " third"), c, c.in)
	}
	if t.Log(checked); checked < 100 {
		t.Errorf("only %d third gradients", checked)
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
		compareSecond(t, fmt.Sprint("by ", by), c, Nodes{c.in[by]})
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
		compareSecond(t, fmt.Sprint("by ", test[0], ", then ", test[1]), c, Nodes{c.in[test[1]]})
	}
}
