// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// DepthwiseConv2D convolves every channel with its own kernels and does not mix channels.
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', in·multiplier), with height' and width' as in Conv2D
//	weights  kernel (kh, kw, in, multiplier), bias (in·multiplier)
//
// Options:
//
//	ActivationFunc             Linear
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	Dilation                   1
//	KernelSize                 kernel
//	DepthMultiplier            1
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	BiasInitializer            Zeros()
//	KernelRegularizer          none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	BiasConstraint             none
//	Name                       "depthwise_conv2d", "depthwise_conv2d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/.
func DepthwiseConv2D(kernel int, opts ...ConvOption) Layer { return newDepthwise(2, kernel, opts) }

// DepthwiseConv1D convolves every channel over time with its own kernels and does not mix channels.
//
//	input    (batch, steps, in)
//	output   (batch, steps', in·multiplier), with steps' as in Conv1D
//	weights  kernel (k, in, multiplier), bias (in·multiplier)
//
// Options:
//
//	ActivationFunc                            Linear
//	Strides                                   1
//	ValidPadding, SamePadding, CausalPadding  ValidPadding
//	Dilation                                  1
//	KernelSize                                kernel
//	DepthMultiplier                           1
//	NoBias                                    off
//	KernelInitializer                         GlorotUniform()
//	BiasInitializer                           Zeros()
//	KernelRegularizer                         none
//	BiasRegularizer                           none
//	ActivityRegularizer                       none
//	KernelConstraint                          none
//	BiasConstraint                            none
//	Name                                      "depthwise_conv1d", "depthwise_conv1d_1" and so on
//	Trainable                                 true
//
// See https://keras.io/api/layers/convolution_layers/depthwise_convolution1d/.
func DepthwiseConv1D(kernel int, opts ...ConvOption) Layer { return newDepthwise(1, kernel, opts) }

// SeparableConv2D is a depthwise convolution followed by one of 1 x 1 that mixes
// the channels (Chollet 2017, https://arxiv.org/abs/1610.02357):
// y = act((x * D) * P + b).
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', filters), with height' and width' as in Conv2D
//	weights  depthwise_kernel (kh, kw, in, multiplier),
//	         pointwise_kernel (1, 1, in·multiplier, filters), bias (filters)
//
// The kernel's options apply to both kernels.
//
// Options:
//
//	ActivationFunc             Linear
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	Dilation                   1
//	KernelSize                 kernel
//	DepthMultiplier            1
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	BiasInitializer            Zeros()
//	KernelRegularizer          none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	BiasConstraint             none
//	Name                       "separable_conv2d", "separable_conv2d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/convolution_layers/separable_convolution2d/.
func SeparableConv2D(filters, kernel int, opts ...ConvOption) Layer {
	return newSeparable(2, filters, kernel, opts)
}

// SeparableConv1D is a depthwise convolution over time followed by one of a single step that mixes
// the channels (Chollet 2017, https://arxiv.org/abs/1610.02357):
// y = act((x * D) * P + b).
//
//	input    (batch, steps, in)
//	output   (batch, steps', filters), with steps' as in Conv1D
//	weights  depthwise_kernel (k, in, multiplier),
//	         pointwise_kernel (1, in·multiplier, filters), bias (filters)
//
// The kernel's options apply to both kernels.
//
// Options:
//
//	ActivationFunc                            Linear
//	Strides                                   1
//	ValidPadding, SamePadding, CausalPadding  ValidPadding
//	Dilation                                  1
//	KernelSize                                kernel
//	DepthMultiplier                           1
//	NoBias                                    off
//	KernelInitializer                         GlorotUniform()
//	BiasInitializer                           Zeros()
//	KernelRegularizer                         none
//	BiasRegularizer                           none
//	ActivityRegularizer                       none
//	KernelConstraint                          none
//	BiasConstraint                            none
//	Name                                      "separable_conv1d", "separable_conv1d_1" and so on
//	Trainable                                 true
//
// See https://keras.io/api/layers/convolution_layers/separable_convolution1d/.
func SeparableConv1D(filters, kernel int, opts ...ConvOption) Layer {
	return newSeparable(1, filters, kernel, opts)
}

// DepthMultiplier is the number of kernels for each input channel of the depthwise and the
// separable layers. The default is 1.
func DepthMultiplier(n int) ConvOption { return convOption{setting: set("DepthMultiplier", n)} }

func newDepthwise(axes, kernel int, opts []ConvOption) Layer {
	return newLayer(&depthwise{window: newWindow(axes, kernel), DepthMultiplier: 1, activated: newActivated()}, opts)
}

type depthwise struct {
	regularized
	window
	DepthMultiplier int `json:"depth_multiplier" option:"DepthMultiplier"`
	activated
}

var _ = register[depthwise]("DepthwiseConv1D", "DepthwiseConv2D")

func (d *depthwise) Kind() string { return fmt.Sprintf("DepthwiseConv%dD", d.Axes) }

func (d *depthwise) refuses() []string { return refusedOfDepthwise(d.Axes) }

func refusedOfDepthwise(axes int) []string {
	if axes == 1 {
		return []string{"Groups"}
	}
	return []string{"CausalPadding", "Groups"}
}

func (d *depthwise) check() error {
	if d.DepthMultiplier < 1 {
		return fmt.Errorf("depth multiplier is %d, want a positive number", d.DepthMultiplier)
	}
	return checkConv(&d.window, 2, &d.regularized, d.Activation)
}

func (d *depthwise) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	channels := x[d.Axes] * d.DepthMultiplier
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, append(d.KernelSize.sizes(d.Axes), x[d.Axes], d.DepthMultiplier)...)
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, channels)
	}
	d.constrain(b)
	return d.output(x, channels)
}

func (d *depthwise) Forward(s *Scope, in []*graph.Node) *graph.Node {
	bias := d.bias(s)
	act, after := d.Activation.fused()
	return d.penalizeActivity(s, s.Activate(s.Do(graph.DepthwiseConv(in[0], s.Weight("kernel"), bias, d.spec(), act)), after))
}

func newSeparable(axes, filters, kernel int, opts []ConvOption) Layer {
	return newLayer(&separable{window: newWindow(axes, kernel), Filters: filters, DepthMultiplier: 1, activated: newActivated()}, opts)
}

type separable struct {
	regularized
	window
	Filters         int `json:"filters"`
	DepthMultiplier int `json:"depth_multiplier" option:"DepthMultiplier"`
	activated
}

var _ = register[separable]("SeparableConv1D", "SeparableConv2D")

func (d *separable) Kind() string      { return fmt.Sprintf("SeparableConv%dD", d.Axes) }
func (d *separable) refuses() []string { return refusedOfDepthwise(d.Axes) }

func (d *separable) check() error {
	switch {
	case d.Filters < 1:
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	case d.DepthMultiplier < 1:
		return fmt.Errorf("depth multiplier is %d, want a positive number", d.DepthMultiplier)
	}
	return checkConv(&d.window, 2, &d.regularized, d.Activation)
}

func (d *separable) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	channels, one := x[d.Axes], perAxis{1}
	b.Weight("depthwise_kernel", d.KernelInitializer, d.KernelRegularizer, append(d.KernelSize.sizes(d.Axes), channels, d.DepthMultiplier)...)
	b.Weight("pointwise_kernel", d.KernelInitializer, d.KernelRegularizer, append(one.sizes(d.Axes), channels*d.DepthMultiplier, d.Filters)...)
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, d.Filters)
	}
	b.Constrain("depthwise_kernel", d.KernelConstraint)
	b.Constrain("pointwise_kernel", d.KernelConstraint)
	b.Constrain("bias", d.BiasConstraint)
	return d.output(x, d.Filters)
}

func (d *separable) Forward(s *Scope, in []*graph.Node) *graph.Node {
	bias := d.bias(s)
	act, after := d.Activation.fused()
	h := s.Do(graph.DepthwiseConv(in[0], s.Weight("depthwise_kernel"), nil, d.spec(), graph.Act(graph.Linear)))
	return d.penalizeActivity(s, s.Activate(s.Do(graph.Conv(h, s.Weight("pointwise_kernel"), bias, graph.ConvSpec{}, act)), after))
}
