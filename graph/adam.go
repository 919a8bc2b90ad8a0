// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
)

// AdamOption is an option of Adam.
type AdamOption func(*adam)

// Beta1 is the decay of the average of the gradients, from 0 to less than 1. The default is 0.9.
func Beta1(beta float64) AdamOption { return func(a *adam) { a.beta1 = beta } }

// Beta2 is the decay of the average of the squared gradients, from 0 to less than 1. The default is
// 0.999.
func Beta2(beta float64) AdamOption { return func(a *adam) { a.beta2 = beta } }

// Epsilon is the positive constant added to the root of the average of the squared gradients. The
// default is 1e-7.
func Epsilon(epsilon float64) AdamOption { return func(a *adam) { a.epsilon = epsilon } }

type adam struct{ beta1, beta2, epsilon float64 }

func (a adam) check() error {
	switch {
	case !(a.beta1 >= 0 && a.beta1 < 1):
		return fmt.Errorf("beta1 is %v, want 0 to less than 1", a.beta1)
	case !(a.beta2 >= 0 && a.beta2 < 1):
		return fmt.Errorf("beta2 is %v, want 0 to less than 1", a.beta2)
	case !(a.epsilon > 0) || math.IsInf(a.epsilon, 1):
		return fmt.Errorf("epsilon is %v, want a positive number", a.epsilon)
	}
	return nil
}

// Adam returns the updates of Adam (Kingma, Ba 2015, "Adam: A Method for Stochastic Optimization", in the form
// before its section 2.1, as Keras's). With g = ∂cost/∂w, the run t = 1, 2, … makes of each weight w
//
//	m ← β₁·m + (1-β₁)·g
//	v ← β₂·v + (1-β₂)·g²
//	w ← w - rate·√(1-β₂ᵗ)/(1-β₁ᵗ)·m/(√v + ε)
//
// The averages m and v begin with zeros. They and t are variables of the graph, one set for each call. The rate
// is a scalar of the weights' element type: a constant, a variable whose value the program changes between runs, or
// any other expression. The updates can be changed before they are compiled, for example to keep weights in a
// range:
//
//	updates, err := graph.Adam(cost, rate, graph.Nodes{w})
//	...
//	updates[0].Value = try.Do(graph.Clip(updates[0].Value, 0, 1))
//	program, err := graph.CompileOptions{Updates: updates}.Compile(cost)
//
// Those of the weights come first, in the order of weights.
//
// Options and their defaults:
//
//	Beta1    0.9
//	Beta2    0.999
//	Epsilon  1e-7
//
// A rate that is no scalar or of another type, a cost that is no scalar, a weight on which the cost does not depend and
// an option out of its range are errors. See https://keras.io/api/optimizers/adam/.
func Adam(cost, rate *Node, weights Nodes, options ...AdamOption) ([]Update, error) {
	a := adam{0.9, 0.999, 1e-7}
	applyAll(&a, options)
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("adam: %w", err)
	}
	if rate == nil {
		return nil, fmt.Errorf("adam: the rate is nil: an earlier expression failed")
	}
	if !rate.Shape().IsScalar() {
		return nil, fmt.Errorf("adam: the rate has shape %v, want a scalar", rate.Shape())
	}
	grads, err := Grad(cost, weights...)
	if err != nil {
		return nil, fmt.Errorf("adam: %w", err)
	}
	for _, w := range weights {
		if w.Dtype() != rate.Dtype() {
			return nil, fmt.Errorf("adam: the rate is of %v, weight %q of %v", rate.Dtype(), w.Name(), w.Dtype())
		}
	}
	if len(weights) == 0 {
		return nil, nil
	}

	var try Try
	do, state := try.Do, &adamState{g: cost.Graph(), dt: rate.Dtype()}
	before := do(state.variable("adam step"))
	t := do(Affine(before, 1, 1))
	correction1, correction2 := do(rest(t, a.beta1)), do(rest(t, a.beta2))
	scale := do(Mul(rate, do(Div(do(Sqrt(correction2)), correction1))))
	averages := []Update{{before, t}}
	updates := make([]Update, len(weights))
	for i, w := range weights {
		average := func(of string, x *Node, beta float64) *Node {
			old := do(state.variable(fmt.Sprintf("adam %s of %s", of, w.Name()), w.Shape()...))
			mixed := do(Add(do(Scale(old, beta)), do(Scale(x, 1-beta))))
			averages = append(averages, Update{old, mixed})
			return mixed
		}
		m, v := average("m", grads[i], a.beta1), average("v", do(Square(grads[i])), a.beta2)
		step := do(Div(m, do(Affine(do(Sqrt(v)), 1, a.epsilon))))
		updates[i] = Update{w, do(Sub(w, do(Mul(step, scale))))}
	}
	if try.Err() != nil {
		return nil, fmt.Errorf("adam: %w", try.Err())
	}
	return append(updates, averages...), nil
}

// rest returns 1 - βᵗ, exactly where it is small.
func rest(t *Node, beta float64) (*Node, error) {
	if beta == 0 {
		return Scalar(t, 1)
	}
	var try Try
	return try.Do(Neg(try.Do(Expm1(try.Do(Scale(t, math.Log(beta))))))), try.Err()
}

// adamState makes variables of zeros.
type adamState struct {
	g  *Graph
	dt Dtype
}

func (s *adamState) variable(name string, shape ...int) (*Node, error) {
	name = UnusedName(s.g, name)
	if s.dt == Float64 {
		return Variable(s.g, name, make([]float64, size(shape)), shape...)
	}
	return Variable(s.g, name, make([]float32, size(shape)), shape...)
}
