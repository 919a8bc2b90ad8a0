// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"math"

	"github.com/reef-dl/reef/graph"
)

// LeakyReLU computes y = x for x > 0, else slope·x.
//
// The output has the shape of the input, which may be any.
//
// Options:
//
//	NegativeSlope  0.3
//	Name           "leaky_re_lu", "leaky_re_lu_1" and so on
//	Trainable      true
//
// See https://keras.io/api/layers/activation_layers/leaky_relu/.
func LeakyReLU(opts ...ActivationOption) Layer {
	return newLayer(&leakyReLU{NegativeSlope: 0.3}, opts)
}

// NegativeSlope is the slope of LeakyReLU below 0; the default is 0.3.
func NegativeSlope(slope float64) ActivationOption {
	return activationOption{setting: set("NegativeSlope", slope)}
}

type leakyReLU struct {
	passesMask
	NegativeSlope float64 `json:"negative_slope" option:"NegativeSlope"`
}

var _ = register[leakyReLU]("LeakyReLU")

func (d *leakyReLU) Kind() string { return "LeakyReLU" }

func (d *leakyReLU) check() error {
	if !(d.NegativeSlope >= 0) || math.IsInf(d.NegativeSlope, 1) {
		return fmt.Errorf("negative slope is %g, want a finite number of at least 0", d.NegativeSlope)
	}
	return nil
}

func (d *leakyReLU) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return in[0], nil
}

func (d *leakyReLU) Forward(s *Scope, in []*graph.Node) *graph.Node {
	return s.Do(graph.Activate(in[0], graph.ActAlpha(graph.LeakyReLU, d.NegativeSlope)))
}

// PReLU is LeakyReLU with learned slopes (He et al. 2015, https://arxiv.org/abs/1502.01852):
// y = max(x, 0) - α·max(-x, 0).
//
//	input, output  (batch, ...), the same shape
//	weights        alpha, one for each element of a sample
//
// With SharedAxes all elements along these axes share one slope: SharedAxes(1, 2) learns one
// slope for each channel of an image.
//
// Options:
//
//	SharedAxes        none
//	AlphaInitializer  Zeros()
//	AlphaRegularizer  none
//	AlphaConstraint   none
//	Name              "p_re_lu", "p_re_lu_1" and so on
//	Trainable         true
//
// See https://keras.io/api/layers/activation_layers/prelu/.
func PReLU(opts ...ActivationOption) Layer {
	return newLayer(&preLU{AlphaInitializer: Zeros()}, opts)
}

// SharedAxes are the axes along which PReLU shares a slope, counted as in Axis. By default
// every element has its own slope.
func SharedAxes(axes ...int) ActivationOption {
	return activationOption{setting: set("SharedAxes", append([]int{}, axes...))}
}

// AlphaInitializer sets the initializer of PReLU's slopes; the default is Zeros().
func AlphaInitializer(i Initializer) ActivationOption {
	return activationOption{setting: set("AlphaInitializer", i)}
}

// AlphaRegularizer adds the penalty r of PReLU's slopes to the loss. By default there is no penalty.
func AlphaRegularizer(r Regularizer) ActivationOption {
	return activationOption{setting: set("AlphaRegularizer", r)}
}

// AlphaConstraint limits PReLU's slopes after each update. By default there is none.
func AlphaConstraint(c Constraint) ActivationOption {
	return activationOption{setting: set("AlphaConstraint", c)}
}

type preLU struct {
	noMultiplications
	passesMask
	SharedAxes       []int       `json:"shared_axes,omitempty" option:"SharedAxes"`
	AlphaInitializer Initializer `json:"alpha_initializer" option:"AlphaInitializer"`
	AlphaRegularizer Regularizer `json:"alpha_regularizer,omitzero" option:"AlphaRegularizer"`
	AlphaConstraint  Constraint  `json:"alpha_constraint,omitzero" option:"AlphaConstraint"`
}

var _ = register[preLU]("PReLU")

func (d *preLU) Kind() string { return "PReLU" }

func (d *preLU) check() error {
	return errors.Join(d.AlphaRegularizer.check(), d.AlphaConstraint.check())
}

func (d *preLU) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	shape := append(Shape{}, in[0]...)
	for _, a := range d.SharedAxes {
		axis, err := axisOf(a, in[0])
		if err != nil {
			return nil, err
		}
		shape[axis] = 1
	}
	b.Weight("alpha", d.AlphaInitializer, d.AlphaRegularizer, shape...)
	b.Constrain("alpha", d.AlphaConstraint)
	return in[0], nil
}

// Forward reshapes x to rows of the axes after the leading shared ones, so that alpha is one
// row.
func (d *preLU) Forward(s *Scope, in []*graph.Node) *graph.Node {
	alpha := s.Weight("alpha")
	if alpha == nil {
		return nil
	}
	x := in[0].Shape()
	lead := 0
	for lead < len(alpha.Shape()) && alpha.Shape()[lead] == 1 {
		lead++
	}
	for axis, n := range alpha.Shape() {
		if axis >= lead && n < x[axis+1] {
			alpha = s.Do(graph.Repeat(alpha, x[axis+1], axis))
		}
	}
	rows, row := Shape(x[:lead+1]).Size(), Shape(x[lead+1:]).Size()
	alpha = s.Do(graph.Reshape(alpha, row))
	above := s.Do(graph.Activate(in[0], graph.Act(graph.ReLU)))
	below := s.Do(graph.Activate(s.Do(graph.Scale(in[0], -1)), graph.Act(graph.ReLU)))
	below = s.Do(graph.MulRow(s.Do(graph.Reshape(below, rows, row)), alpha))
	return s.Do(graph.Sub(above, s.Do(graph.Reshape(below, x...))))
}
