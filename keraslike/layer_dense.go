// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Dense computes y = act(x·W + b).
//
//	input    (batch, ..., in)
//	output   (batch, ..., units)
//	weights  kernel (in, units), bias (units)
//
// Options:
//
//	ActivationFunc       Linear
//	NoBias               off
//	KernelInitializer    GlorotUniform()
//	BiasInitializer      Zeros()
//	KernelRegularizer    none
//	BiasRegularizer      none
//	ActivityRegularizer  none
//	KernelConstraint     none
//	BiasConstraint       none
//	Name                 "dense", "dense_1" and so on
//	Trainable            true
//
// See https://keras.io/api/layers/core_layers/dense/.
func Dense(units int, opts ...DenseOption) Layer {
	return newLayer(&dense{Units: units, activated: newActivated()}, opts)
}

type dense struct {
	passesMask
	regularized
	Units int `json:"units"`
	activated
}

var _ = register[dense]("Dense")

func (d *dense) Kind() string { return "Dense" }

func (d *dense) check() error {
	if d.Units <= 0 {
		return fmt.Errorf("units is %d, want a positive number", d.Units)
	}
	if err := d.regularized.check(); err != nil {
		return err
	}
	return d.Activation.check()
}

func (d *dense) Build(b *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) == 0 {
		return nil, fmt.Errorf("input is one number for each sample, want at least one axis of features")
	}
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, x[len(x)-1], d.Units)
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, d.Units)
	}
	d.constrain(b)
	return append(append(Shape{}, x[:len(x)-1]...), d.Units), nil
}

func (d *dense) Forward(s *Scope, in []*graph.Node) *graph.Node {
	x := in[0]
	if x == nil {
		return nil
	}
	shape := x.Shape()
	features := shape[len(shape)-1]
	if len(shape) > 2 {
		x = s.Do(graph.Reshape(x, Shape(shape[:len(shape)-1]).Size(), features))
	}
	bias := d.bias(s)
	act, after := d.Activation.fused()
	y := s.Do(graph.Dense(x, s.Weight("kernel"), bias, act))
	if len(shape) > 2 {
		y = s.Do(graph.Reshape(y, append(append([]int{}, shape[:len(shape)-1]...), d.Units)...))
	}
	return d.penalizeActivity(s, s.Activate(y, after))
}
