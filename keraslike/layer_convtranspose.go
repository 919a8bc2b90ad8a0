// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Conv2DTranspose computes y = act(x *ᵀ W + b), where *ᵀ is the transpose of Conv2D as a
// linear map. With strides above 1 it makes images larger.
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', filters)
//	weights  kernel (kh, kw, filters, in), bias (filters)
//
// With a kernel that reaches over k = d·(kernel - 1) + 1 cells and strides s, an axis of length n grows to n·s + max(k - s, 0), or to
// n·s with SamePadding. With OutputPadding p it grows to (n - 1)·s + k + p, or to
// (n - 1)·s + k - 2·⌊k/2⌋ + p with SamePadding.
//
// Options:
//
//	ActivationFunc             Linear
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	OutputPadding              the size that Keras infers
//	Dilation                   1
//	KernelSize                 kernel
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	BiasInitializer            Zeros()
//	KernelRegularizer          none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	BiasConstraint             none
//	Name                       "conv2d_transpose", "conv2d_transpose_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/convolution_layers/convolution2d_transpose/.
func Conv2DTranspose(filters, kernel int, opts ...ConvOption) Layer {
	return newConvTranspose(2, filters, kernel, opts)
}

// Conv1DTranspose computes y = act(x *ᵀ W + b), where *ᵀ is the transpose of Conv1D as a
// linear map. With strides above 1 it makes series longer.
//
//	input    (batch, steps, in)
//	output   (batch, steps', filters), with steps' as in Conv2DTranspose
//	weights  kernel (k, filters, in), bias (filters)
//
// Options:
//
//	ActivationFunc             Linear
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	OutputPadding              the size that Keras infers
//	Dilation                   1
//	KernelSize                 kernel
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	BiasInitializer            Zeros()
//	KernelRegularizer          none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	BiasConstraint             none
//	Name                       "conv1d_transpose", "conv1d_transpose_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/convolution_layers/convolution1d_transpose/.
func Conv1DTranspose(filters, kernel int, opts ...ConvOption) Layer {
	return newConvTranspose(1, filters, kernel, opts)
}

// Conv3DTranspose computes y = act(x *ᵀ W + b), where *ᵀ is the transpose of Conv3D as a
// linear map. With strides above 1 it makes volumes larger.
//
//	input    (batch, depth, height, width, in)
//	output   (batch, depth', height', width', filters), with sizes as in Conv2DTranspose
//	weights  kernel (kd, kh, kw, filters, in), bias (filters)
//
// Options:
//
//	ActivationFunc             Linear
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	OutputPadding              the size that Keras infers
//	Dilation                   1
//	KernelSize                 kernel
//	NoBias                     off
//	KernelInitializer          GlorotUniform()
//	BiasInitializer            Zeros()
//	KernelRegularizer          none
//	BiasRegularizer            none
//	ActivityRegularizer        none
//	KernelConstraint           none
//	BiasConstraint             none
//	Name                       "conv3d_transpose", "conv3d_transpose_1" and so on
//	Trainable                  true
//
// See https://keras.io/api/layers/convolution_layers/convolution3d_transpose/.
func Conv3DTranspose(filters, kernel int, opts ...ConvOption) Layer {
	return newConvTranspose(3, filters, kernel, opts)
}

// OutputPadding is the number of cells that a transposed convolution adds to each axis
// of its output, each less than the stride, with numbers as in Strides. It resolves the
// ambiguity that several image sizes are reduced to the same size by a strided convolution.
// By default the size is the one that Keras infers.
func OutputPadding(n ...int) ConvOption {
	return convOption{setting: setPerAxis("OutputPadding", n)}
}

func newConvTranspose(axes, filters, kernel int, opts []ConvOption) Layer {
	return newLayer(&convTranspose{window: newWindow(axes, kernel), Filters: filters, activated: newActivated()}, opts)
}

type convTranspose struct {
	regularized
	window
	Filters       int     `json:"filters"`
	OutputPadding perAxis `json:"output_padding,omitempty" option:"OutputPadding"`
	activated
}

var _ = register[convTranspose]("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")

func (d *convTranspose) Kind() string      { return fmt.Sprintf("Conv%dDTranspose", d.Axes) }
func (d *convTranspose) refuses() []string { return []string{"CausalPadding", "Groups"} }

func (d *convTranspose) check() error {
	if d.Filters < 1 {
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	}
	if d.Padding == graph.Causal {
		return fmt.Errorf("padding is causal, want valid or same")
	}
	if err := checkConv(&d.window, 3, &d.regularized, d.Activation); err != nil {
		return err
	}
	p := d.OutputPadding
	if p == nil {
		return nil
	}
	if err := p.checkLength("output padding", d.Axes); err != nil {
		return err
	}
	for i := range d.Axes {
		if p.at(i) < 0 || p.at(i) >= d.Strides.at(i) {
			return fmt.Errorf("output padding is %v, want at least 0 and less than the strides %v", p, d.Strides)
		}
	}
	return nil
}

// size returns the sizes of the output for an input of shape x.
func (d *convTranspose) size(x Shape) []int {
	out := make([]int, d.Axes)
	for i := range out {
		n, k, s := x[i], (d.KernelSize.at(i)-1)*d.Dilation.at(i)+1, d.Strides.at(i)
		switch {
		case d.OutputPadding != nil && d.Padding == graph.Same:
			out[i] = (n-1)*s + k - k/2*2 + d.OutputPadding.at(i)
		case d.OutputPadding != nil:
			out[i] = (n-1)*s + k + d.OutputPadding.at(i)
		case d.Padding == graph.Same:
			out[i] = n * s
		default:
			out[i] = n*s + max(k-s, 0)
		}
	}
	return out
}

func (d *convTranspose) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	size := d.size(x)
	for i := range size {
		back, err := graph.OutputSize(size[i], d.KernelSize.at(i), d.Strides.at(i), d.Dilation.at(i), d.Padding)
		if err == nil && back != x[i] {
			err = fmt.Errorf("a convolution of %d cells has %d", size[i], back)
		}
		if err != nil {
			return nil, fmt.Errorf("input has shape %v, output would be %v: %w", x, size, err)
		}
	}
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, append(d.KernelSize.sizes(d.Axes), d.Filters, x[d.Axes])...)
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, d.Filters)
	}
	d.constrain(b)
	return append(Shape(size), d.Filters), nil
}

func (d *convTranspose) Forward(s *Scope, in []*graph.Node) *graph.Node {
	size := d.size(Shape(in[0].Shape()[1:]))
	y := s.Do(graph.ConvTranspose(in[0], s.Weight("kernel"), d.spec(), size...))
	if !d.NoBias {
		y = s.Do(graph.AddRow(y, s.Weight("bias")))
	}
	return d.penalizeActivity(s, s.Activate(y, d.Activation))
}
