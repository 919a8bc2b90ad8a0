// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// SeparableConv2D is a depthwise convolution followed by one of 1 x 1 that mixes
// the channels (Chollet 2017, https://arxiv.org/abs/1610.02357):
// y = act((x * D) * P + b).
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', filters), lengths as of Conv2D
//	weights  depthwise_kernel (kh, kw, in, multiplier) and
//	         pointwise_kernel (1, 1, in·multiplier, filters) by GlorotUniform,
//	         bias (filters) by Zeros
//
// Options: an activation (default Linear), DepthMultiplier (default 1), Strides,
// Strides2D, Dilation, Dilation2D, SamePadding, KernelSize, NoBias, KernelInit, KernelL2 and
// the other restraints of the kernel (of both), BiasInit, Name.
// See https://keras.io/api/layers/convolution_layers/separable_convolution2d/.
func SeparableConv2D(filters, kernel int, opts ...SeparableOption) Layer {
	d := &separable{window: newWindow(kernel), Filters: filters, Multiplier: 1, Activation: Linear, KernelInit: GlorotUniform(), BiasInit: Zeros()}
	for _, o := range given(opts, &d.mistake) {
		o.applySeparable(d)
	}
	return &layer{name: d.name, def: d}
}

// SeparableOption is an option of SeparableConv2D.
type SeparableOption interface{ applySeparable(*separable) }

func (n DepthMultiplier) applySeparable(d *separable)  { d.Multiplier = int(n) }
func (n Name) applySeparable(d *separable)             { d.name = string(n) }
func (f ActivationFunc) applySeparable(d *separable)   { d.Activation = f }
func (NoBias) applySeparable(d *separable)             { d.NoBias = true }
func (o KernelInitOption) applySeparable(d *separable) { d.KernelInit = o.init }
func (o BiasInitOption) applySeparable(d *separable)   { d.BiasInit = o.init }
func (f KernelL2) applySeparable(d *separable)         { d.setKernelL2(float64(f)) }
func (SamePadding) applySeparable(d *separable)        { d.Padding = graph.Same }
func (o KernelSizeOption) applySeparable(d *separable) { d.Kernel = [2]int{o.height, o.width} }

type separable struct {
	common
	restraints
	window
	Filters    int            `json:"filters"`
	Multiplier int            `json:"depth_multiplier"`
	Activation ActivationFunc `json:"activation"`
	NoBias     bool           `json:"no_bias,omitempty"`
	KernelInit Initializer    `json:"kernel_initializer"`
	BiasInit   Initializer    `json:"bias_initializer"`
}

func (d *separable) Kind() string { return "SeparableConv2D" }

func (d *separable) check() error {
	switch {
	case d.Filters < 1:
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	case d.Multiplier < 1:
		return fmt.Errorf("depth multiplier is %d, want a positive number", d.Multiplier)
	}
	if err := d.window.check(); err != nil {
		return err
	}
	if err := d.restraints.check(); err != nil {
		return err
	}
	return d.Activation.check()
}

func (d *separable) Build(b *Builder, in []Shape) (Shape, error) {
	out, err := d.places(in)
	if err != nil {
		return nil, err
	}
	channels := in[0][2]
	b.Weight("depthwise_kernel", d.KernelInit, d.KernelRegularizer, d.Kernel[0], d.Kernel[1], channels, d.Multiplier)
	b.Weight("pointwise_kernel", d.KernelInit, d.KernelRegularizer, 1, 1, channels*d.Multiplier, d.Filters)
	if !d.NoBias {
		b.Weight("bias", d.BiasInit, d.BiasRegularizer, d.Filters)
	}
	b.Constrain("depthwise_kernel", d.KernelConstraint)
	b.Constrain("pointwise_kernel", d.KernelConstraint)
	b.Constrain("bias", d.BiasConstraint)
	return append(out, d.Filters), nil
}

func (d *separable) Forward(s *Scope, in []*graph.Node) *graph.Node {
	var bias *graph.Node
	if !d.NoBias {
		bias = s.Weight("bias")
	}
	act, after := d.Activation.fused()
	h := s.Do(graph.DepthwiseConv(in[0], s.Weight("depthwise_kernel"), nil, d.spec(), graph.Act(graph.Linear)))
	return d.watch(s, s.Activate(s.Do(graph.Conv(h, s.Weight("pointwise_kernel"), bias, graph.ConvSpec{}, act)), after))
}
