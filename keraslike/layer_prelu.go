// SPDX-License-Identifier: Apache-2.0

package keraslike

import "github.com/reef-dl/reef/graph"

// PReLU is LeakyReLU with slopes that are learned (He et al. 2015,
// https://arxiv.org/abs/1502.01852): y = max(x, 0) - α·max(-x, 0).
//
//	input, output  (batch, ...), the same shape
//	weights        alpha, one for each element of a sample, by Zeros
//
// Options: SharedAxes, along which one slope counts for all: SharedAxes(1, 2)
// gives an image one slope for each channel; AlphaInit; Name.
// See https://keras.io/api/layers/activation_layers/prelu/.
func PReLU(opts ...PReLUOption) Layer {
	d := &preLU{Init: Zeros()}
	for _, o := range given(opts, &d.mistake) {
		o.applyPReLU(d)
	}
	return &layer{name: d.name, def: d}
}

// PReLUOption is an option of PReLU.
type PReLUOption interface{ applyPReLU(*preLU) }

// SharedAxes are axes, counted as Axis is, whose elements share a slope of PReLU.
func SharedAxes(axes ...int) SharedAxesOption { return append([]int{}, axes...) }

// SharedAxesOption is made by SharedAxes.
type SharedAxesOption []int

// AlphaInit sets the initialiser of PReLU's slopes; the default is Zeros.
func AlphaInit(i Initializer) AlphaInitOption { return AlphaInitOption{i} }

// AlphaInitOption is made by AlphaInit.
type AlphaInitOption struct{ init Initializer }

func (a SharedAxesOption) applyPReLU(d *preLU) { d.Shared = a }
func (o AlphaInitOption) applyPReLU(d *preLU)  { d.Init = o.init }
func (n Name) applyPReLU(d *preLU)             { d.name = string(n) }

type preLU struct {
	common
	passesMask
	Shared []int       `json:"shared_axes,omitempty"`
	Init   Initializer `json:"alpha_initializer"`
}

func (d *preLU) Kind() string { return "PReLU" }

func (d *preLU) Build(b *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	shape := append(Shape{}, in[0]...)
	for _, a := range d.Shared {
		axis, err := axisOf(a, in[0])
		if err != nil {
			return nil, err
		}
		shape[axis] = 1
	}
	b.Weight("alpha", d.Init, Regularizer{}, shape...)
	return in[0], nil
}

// Forward sees x as rows of the axes behind the leading shared ones, to which
// alpha is one row.
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
			alpha = s.Do(graph.RepeatElements(alpha, axis, x[axis+1]))
		}
	}
	rows, row := Shape(x[:lead+1]).Size(), Shape(x[lead+1:]).Size()
	alpha = s.Do(graph.Reshape(alpha, row))
	above := s.Do(graph.Activate(in[0], graph.Act(graph.ReLU)))
	below := s.Do(graph.Activate(s.Do(graph.Scale(in[0], -1)), graph.Act(graph.ReLU)))
	below = s.Do(graph.MulRow(s.Do(graph.Reshape(below, rows, row)), alpha))
	return s.Do(graph.Sub(above, s.Do(graph.Reshape(below, x...))))
}
