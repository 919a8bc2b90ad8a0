// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Dense computes y = act(x·W + b).
//
//	input    (batch, ..., in); axes between batch and in are kept
//	output   (batch, ..., units)
//	weights  kernel (in, units) by GlorotUniform, bias (units) by Zeros
//
// Options: an activation (default Linear), NoBias, KernelInit, BiasInit,
// KernelL2, Name, a RestraintOption. See https://keras.io/api/layers/core_layers/dense/.
func Dense(units int, opts ...DenseOption) Layer {
	d := &dense{Units: units, Activation: Linear, KernelInit: GlorotUniform(), BiasInit: Zeros()}
	for _, o := range given(opts, &d.mistake) {
		o.applyDense(d)
	}
	return &layer{name: d.name, def: d}
}

// DenseOption is an option of Dense.
type DenseOption interface{ applyDense(*dense) }

type dense struct {
	common
	passesMask
	restraints
	Units      int            `json:"units"`
	Activation ActivationFunc `json:"activation"`
	NoBias     bool           `json:"no_bias,omitempty"`
	KernelInit Initializer    `json:"kernel_initializer"`
	BiasInit   Initializer    `json:"bias_initializer"`
}

func (d *dense) Kind() string { return "Dense" }

func (d *dense) check() error {
	if d.Units <= 0 {
		return fmt.Errorf("units is %d, want a positive number", d.Units)
	}
	if err := d.restraints.check(); err != nil {
		return err
	}
	return d.Activation.check()
}

func (d *dense) Build(b *Builder, in []Shape) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) == 0 {
		return nil, fmt.Errorf("input is one number for each sample, want at least one axis of features")
	}
	b.Weight("kernel", d.KernelInit, d.KernelRegularizer, x[len(x)-1], d.Units)
	if !d.NoBias {
		b.Weight("bias", d.BiasInit, d.BiasRegularizer, d.Units)
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
	var bias *graph.Node
	if !d.NoBias {
		bias = s.Weight("bias")
	}
	act, after := d.Activation.fused()
	y := s.Do(graph.Dense(x, s.Weight("kernel"), bias, act))
	if len(shape) > 2 {
		y = s.Do(graph.Reshape(y, append(append([]int{}, shape[:len(shape)-1]...), d.Units)...))
	}
	return d.watch(s, s.Activate(y, after))
}
