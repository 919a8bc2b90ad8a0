// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Conv2DTranspose is y = act(x *ᵀ W + b): the transpose of Conv2D as a linear map,
// which turns a small image into a large one.
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', filters)
//	weights  kernel (kh, kw, filters, in) by GlorotUniform, bias (filters) by Zeros
//
// An axis of n cells becomes n·s + max(k - s, 0) long, n·s with SamePadding; with
// OutputPadding p it becomes (n - 1)·s + k + p, or (n - 1)·s + k - 2·⌊k/2⌋ + p with
// SamePadding.
//
// Options: an activation (default Linear), Strides, Strides2D, SamePadding,
// OutputPadding, KernelSize, NoBias, KernelInit, BiasInit, KernelL2, Name, a RestraintOption.
// See https://keras.io/api/layers/convolution_layers/convolution2d_transpose/.
func Conv2DTranspose(filters, kernel int, opts ...ConvTransposeOption) Layer {
	d := &convTranspose{window: newWindow(kernel), Filters: filters, Activation: Linear, KernelInit: GlorotUniform(), BiasInit: Zeros()}
	for _, o := range given(opts, &d.mistake) {
		o.applyConvTranspose(d)
	}
	return &layer{name: d.name, def: d}
}

// ConvTransposeOption is an option of Conv2DTranspose.
type ConvTransposeOption interface{ applyConvTranspose(*convTranspose) }

// OutputPadding says which of the sizes that a convolution would make the input
// of is the output's: cells more along height and width, each less than the stride.
func OutputPadding(height, width int) OutputPaddingOption { return OutputPaddingOption{height, width} }

// OutputPaddingOption is made by OutputPadding.
type OutputPaddingOption struct{ height, width int }

func (o OutputPaddingOption) applyConvTranspose(d *convTranspose) {
	d.OutputPadding = &[2]int{o.height, o.width}
}

func (n Name) applyConvTranspose(d *convTranspose)             { d.name = string(n) }
func (f ActivationFunc) applyConvTranspose(d *convTranspose)   { d.Activation = f }
func (NoBias) applyConvTranspose(d *convTranspose)             { d.NoBias = true }
func (o KernelInitOption) applyConvTranspose(d *convTranspose) { d.KernelInit = o.init }
func (o BiasInitOption) applyConvTranspose(d *convTranspose)   { d.BiasInit = o.init }
func (f KernelL2) applyConvTranspose(d *convTranspose)         { d.setKernelL2(float64(f)) }
func (SamePadding) applyConvTranspose(d *convTranspose)        { d.Padding = graph.Same }

func (o KernelSizeOption) applyConvTranspose(d *convTranspose) { d.Kernel = [2]int{o.height, o.width} }

type convTranspose struct {
	common
	restraints
	window
	Filters       int            `json:"filters"`
	OutputPadding *[2]int        `json:"output_padding,omitempty"`
	Activation    ActivationFunc `json:"activation"`
	NoBias        bool           `json:"no_bias,omitempty"`
	KernelInit    Initializer    `json:"kernel_initializer"`
	BiasInit      Initializer    `json:"bias_initializer"`
}

func (d *convTranspose) Kind() string { return "Conv2DTranspose" }

func (d *convTranspose) check() error {
	if d.Filters < 1 {
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	}
	if err := d.window.check(); err != nil {
		return err
	}
	if p := d.OutputPadding; p != nil && (min(p[0], p[1]) < 0 || p[0] >= d.Strides[0] || p[1] >= d.Strides[1]) {
		return fmt.Errorf("output padding is %v, want numbers from 0 to below the strides %v", *p, d.Strides)
	}
	if err := d.restraints.check(); err != nil {
		return err
	}
	return d.Activation.check()
}

// size is the height and width of what an image of shape x becomes.
func (d *convTranspose) size(x Shape) (out [2]int) {
	for i := range out {
		n, k, s := x[i], d.Kernel[i], d.Strides[i]
		switch {
		case d.OutputPadding != nil && d.Padding == graph.Same:
			out[i] = (n-1)*s + k - k/2*2 + d.OutputPadding[i]
		case d.OutputPadding != nil:
			out[i] = (n-1)*s + k + d.OutputPadding[i]
		case d.Padding == graph.Same:
			out[i] = n * s
		default:
			out[i] = n*s + max(k-s, 0)
		}
	}
	return out
}

func (d *convTranspose) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := image(in, 2)
	if err != nil {
		return nil, err
	}
	size := d.size(x)
	for i := range size {
		back, err := graph.OutputSize(size[i], d.Kernel[i], d.Strides[i], 1, d.Padding)
		if err == nil && back != x[i] {
			err = fmt.Errorf("a convolution of %d cells gives %d", size[i], back)
		}
		if err != nil {
			return nil, fmt.Errorf("input has shape %v, output would be %d x %d: %w", x, size[0], size[1], err)
		}
	}
	b.Weight("kernel", d.KernelInit, d.KernelRegularizer, d.Kernel[0], d.Kernel[1], d.Filters, x[2])
	if !d.NoBias {
		b.Weight("bias", d.BiasInit, d.BiasRegularizer, d.Filters)
	}
	d.constrain(b)
	return Shape{size[0], size[1], d.Filters}, nil
}

func (d *convTranspose) Forward(s *Scope, in []*graph.Node) *graph.Node {
	size := d.size(Shape(in[0].Shape()[1:]))
	y := s.Do(graph.ConvTranspose(in[0], s.Weight("kernel"), d.spec(), size[0], size[1]))
	if !d.NoBias {
		y = s.Do(graph.AddRow(y, s.Weight("bias")))
	}
	return d.watch(s, s.Activate(y, d.Activation))
}
