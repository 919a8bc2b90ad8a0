// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gorgonia.org/tensor"
)

// GradientReport is the result of CheckGradient: the element with the largest error.
type GradientReport struct {
	Input    int   // index of the input
	Index    []int // the element within it
	Analytic float64
	Numeric  float64
	// Error is |Analytic - Numeric| divided by the input's largest gradient, or by 1e-5
	// if that gradient is smaller, the limit of what finite differences resolve.
	Error   float64
	Checked int // number of elements compared
}

// String returns a one-line summary for a test log.
func (r *GradientReport) String() string {
	return fmt.Sprintf("worst of %d: input %d at %v: analytic %.10g, numeric %.10g, relative error %.3g",
		r.Checked, r.Input, r.Index, r.Analytic, r.Numeric, r.Error)
}

// CheckOption is an option of CheckGradient.
type CheckOption func(*checker)

// Fixed marks inputs that have no gradient, such as class labels.
func Fixed(inputs ...int) CheckOption {
	return func(c *checker) {
		for _, i := range inputs {
			c.fixed[i] = true
		}
	}
}

// StepSize sets the step size h of the finite differences; the default is 1e-5.
func StepSize(h float64) CheckOption { return func(c *checker) { c.step = h } }

// Order sets which derivatives are checked: 1, the default, for the gradient, 2 for the second derivatives,
// and so on. Above 1, the expression is replaced order-1 times by a sum of all elements of its gradient with
// fixed random weights, so that all mixed derivatives take part.
func Order(order int) CheckOption { return func(c *checker) { c.order = order } }

type checker struct {
	fixed map[int]bool
	step  float64
	order int
}

// CheckGradient compares the symbolic gradient of an expression with central
// differences,
//
//	(f(x + h) - f(x - h)) / 2h,
//
// element by element and in float64, for which every op of this package uses its plain
// reference implementation. build makes the expression from one variable per input; if
// it is not a scalar, it is reduced to one by a sum with fixed random weights. The inputs
// are float64 tensors; the check modifies them and restores their values.
//
// A correct gradient has an Error of 1e-6 or less, unless an input is so close to a kink
// (the 0 of ReLU, a tie in a maximum) that the differences straddle it.
func CheckGradient(build func(in Nodes) (*Node, error), inputs []*tensor.Dense, options ...CheckOption) (*GradientReport, error) {
	c := &checker{fixed: map[int]bool{}, step: 1e-5, order: 1}
	applyAll(c, options)
	switch {
	case build == nil:
		return nil, errors.New("check gradient: there is no function that makes the expression")
	case c.order < 1:
		return nil, fmt.Errorf("check gradient: order %d, want at least 1", c.order)
	case !(c.step > 0) || math.IsInf(c.step, 1):
		return nil, fmt.Errorf("check gradient: step size %g, want a positive number", c.step)
	}
	for i := range c.fixed {
		if i < 0 || i >= len(inputs) {
			return nil, fmt.Errorf("check gradient: input %d is fixed, there are %d inputs", i, len(inputs))
		}
	}
	g := New()
	var vars, differentiated Nodes
	for i, v := range inputs {
		if v == nil {
			return nil, fmt.Errorf("check gradient: input %d is nil, want a float64 tensor", i)
		}
		if v.Dtype() != Float64 {
			return nil, fmt.Errorf("check gradient: input %d is %v, want float64", i, v.Dtype())
		}
		n, err := Input(g, Float64, fmt.Sprintf("input%d", i), v.Shape()...)
		if err != nil {
			return nil, err
		}
		if err := Let(n, v); err != nil {
			return nil, err
		}
		if vars = append(vars, n); !c.fixed[i] {
			differentiated = append(differentiated, n)
		}
	}
	var cost *Node
	err, panicked := called("the function that makes the expression", func() (err error) {
		cost, err = build(vars)
		return err
	})
	if panicked != nil {
		return nil, fmt.Errorf("check gradient: %w", panicked)
	}
	if err != nil {
		return nil, err
	}
	if cost == nil {
		return nil, errors.New("check gradient: the expression is nil")
	}
	if cost, err = weightedSum(cost); err != nil {
		return nil, err
	}
	grads, err := Grad(cost, differentiated...)
	if err != nil {
		return nil, err
	}
	for range c.order - 1 {
		if cost, err = weightedSums(grads); err != nil {
			return nil, err
		}
		if grads, err = costGradient("check_gradient", cost, differentiated); err != nil {
			return nil, err
		}
	}
	forward, err := Compile(cost)
	if err != nil {
		return nil, err
	}
	backward, err := Compile(grads...)
	if err != nil {
		return nil, err
	}
	if err := backward.RunAll(); err != nil {
		return nil, err
	}
	report := &GradientReport{}
	k := 0
	for i, v := range inputs {
		if c.fixed[i] {
			continue
		}
		analytic := append([]float64(nil), data[float64](grads[k].Value())...)
		k++
		numeric, err := c.differences(forward, cost, data[float64](v))
		if err != nil {
			return nil, err
		}
		report.compare(i, v.Shape(), analytic, numeric)
	}
	return report, nil
}

// differences moves each element of x up and down by one step.
func (c *checker) differences(p *Program, cost *Node, x []float64) ([]float64, error) {
	d := make([]float64, len(x))
	for j, old := range x {
		var f [2]float64
		for s, h := range [2]float64{c.step, -c.step} {
			x[j] = old + h
			err := p.RunAll()
			x[j] = old
			if err != nil {
				return nil, err
			}
			f[s] = data[float64](cost.Value())[0]
		}
		d[j] = (f[0] - f[1]) / (2 * c.step)
	}
	return d, nil
}

func (r *GradientReport) compare(input int, shape Shape, analytic, numeric []float64) {
	largest := 1e-5
	for j := range numeric {
		largest = max(largest, math.Abs(numeric[j]), math.Abs(analytic[j]))
	}
	for j := range numeric {
		e := math.Abs(analytic[j]-numeric[j]) / largest
		if math.IsNaN(e) {
			e = math.Inf(1)
		}
		if r.Checked == 0 || e > r.Error {
			r.Input, r.Index, r.Analytic, r.Numeric, r.Error = input, unravel(j, shape), analytic[j], numeric[j], e
		}
		r.Checked++
	}
}

// weightedSums returns the sum of the weightedSum of all nodes.
func weightedSums(nodes Nodes) (*Node, error) {
	var try Try
	total := try.Do(weightedSum(nodes[0]))
	for _, n := range nodes[1:] {
		total = try.Do(Add(total, try.Do(weightedSum(n))))
	}
	return total, try.Err()
}

// weightedSum returns Σ r_i·y_i with random |r_i| in [1/2, 3/2) and random signs, and a scalar as it is.
func weightedSum(y *Node) (*Node, error) {
	if len(y.Shape()) == 0 {
		return y, nil
	}
	rng := rand.New(rand.NewPCG(1, 2))
	weights := make([]float64, size(y.Shape()))
	for i := range weights {
		weights[i] = math.Copysign(0.5+rng.Float64(), rng.Float64()-0.5)
	}
	r, err := Input(y.Graph(), Float64, UnusedName(y.Graph(), "weights of the sum"), y.Shape()...)
	if err != nil {
		return nil, err
	}
	if err := Let(r, tensor.New(tensor.WithShape(y.Shape()...), tensor.WithBacking(weights))); err != nil {
		return nil, err
	}
	p, err := Mul(y, r)
	if err != nil {
		return nil, err
	}
	return Sum(p)
}

func unravel(i int, shape Shape) []int {
	index := make([]int, len(shape))
	for k := len(shape) - 1; k >= 0; k-- {
		index[k] = i % shape[k]
		i /= shape[k]
	}
	return index
}
