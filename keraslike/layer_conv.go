// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Conv2D computes y = act(x * W + b), where * is the cross-correlation over height and width
// with a square kernel of kernel x kernel cells; KernelSize sets another size.
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', filters)
//	weights  kernel (kh, kw, in/groups, filters), bias (filters)
//
// With kernel size k, strides s and dilation d, an axis of length n is reduced to
// ⌊(n - d·(k-1) - 1)/s⌋ + 1, or to ⌈n/s⌉ with SamePadding.
//
// Options:
//
//	ActivationFunc             Linear
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	Dilation                   1
//	KernelSize                 kernel
//	Groups                     1
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	BiasInitializer            Zeros()
//	KernelRegularizer          none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	BiasConstraint             none
//	Name                       "conv2d", "conv2d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/convolution_layers/convolution2d/.
func Conv2D(filters, kernel int, opts ...ConvOption) Layer { return newConv(2, filters, kernel, opts) }

// Conv1D computes y = act(x * W + b), where * is the cross-correlation over time.
//
//	input    (batch, steps, in)
//	output   (batch, steps', filters), with steps' as in Conv2D
//	weights  kernel (k, in/groups, filters), bias (filters)
//
// With CausalPadding output step t depends only on input steps up to t.
//
// Options:
//
//	ActivationFunc                            Linear
//	Strides                                   1
//	ValidPadding, SamePadding, CausalPadding  ValidPadding
//	Dilation                                  1
//	KernelSize                                kernel
//	Groups                                    1
//	NoBias                                    off
//	KernelInitializer                         GlorotUniform()
//	BiasInitializer                           Zeros()
//	KernelRegularizer                         none
//	BiasRegularizer                           none
//	ActivityRegularizer                       none
//	KernelConstraint                          none
//	BiasConstraint                            none
//	Name                                      "conv1d", "conv1d_1" and so on
//	Trainable                                 true
//
// See https://keras.io/api/layers/convolution_layers/convolution1d/.
func Conv1D(filters, kernel int, opts ...ConvOption) Layer { return newConv(1, filters, kernel, opts) }

// Conv3D computes y = act(x * W + b), where * is the cross-correlation over depth, height and width
// with a kernel of kernel cells along each; KernelSize sets another size.
//
//	input    (batch, depth, height, width, in)
//	output   (batch, depth', height', width', filters), with sizes as in Conv2D
//	weights  kernel (kd, kh, kw, in/groups, filters), bias (filters)
//
// Options:
//
//	ActivationFunc             Linear
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	Dilation                   1
//	KernelSize                 kernel
//	Groups                     1
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	BiasInitializer            Zeros()
//	KernelRegularizer          none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	BiasConstraint             none
//	Name                       "conv3d", "conv3d_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/convolution_layers/convolution3d/.
func Conv3D(filters, kernel int, opts ...ConvOption) Layer { return newConv(3, filters, kernel, opts) }

func newConv(axes, filters, kernel int, opts []ConvOption) Layer {
	return newLayer(&conv{Filters: filters, Groups: 1, window: newWindow(axes, kernel), activated: newActivated()}, opts)
}

// Groups is the number of groups into which a layer divides the channels.
//
// Conv1D, Conv2D and Conv3D convolve each group by itself; it must divide the channels of the input and the
// filters. The default is 1.
//
// GroupNormalization normalizes each group by itself; it must divide the features, and -1 means one group for
// each feature. The default is 32.
func Groups(n int) GroupsOption { return groupsOption{setting: set("Groups", n)} }

type conv struct {
	regularized
	Filters int `json:"filters"`
	Groups  int `json:"groups" option:"Groups"`
	window
	activated
}

var _ = register[conv]("Conv1D", "Conv2D", "Conv3D")

func (d *conv) Kind() string { return fmt.Sprintf("Conv%dD", d.Axes) }

func (d *conv) refuses() []string {
	if d.Axes == 1 {
		return nil
	}
	return []string{"CausalPadding"}
}

func (d *conv) check() error {
	switch {
	case d.Filters <= 0:
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	case d.Groups < 1 || d.Filters%d.Groups != 0:
		return fmt.Errorf("groups is %d, want a positive number that divides the %d filters", d.Groups, d.Filters)
	}
	return checkConv(&d.window, 3, &d.regularized, d.Activation)
}

func (d *conv) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	channels := x[d.Axes]
	if channels%d.Groups != 0 {
		return nil, fmt.Errorf("input has shape %v: its %d channels are not a multiple of %d groups", x, channels, d.Groups)
	}
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, append(d.KernelSize.sizes(d.Axes), channels/d.Groups, d.Filters)...)
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, d.Filters)
	}
	d.constrain(b)
	return d.output(x, d.Filters)
}

func (d *conv) Forward(s *Scope, in []*graph.Node) *graph.Node {
	bias := d.bias(s)
	act, after := d.Activation.fused()
	spec := d.spec()
	spec.Groups = d.Groups
	return d.penalizeActivity(s, s.Activate(s.Do(graph.Conv(in[0], s.Weight("kernel"), bias, spec, act)), after))
}
