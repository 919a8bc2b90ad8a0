// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// DepthwiseConv2D convolves every channel with kernels of its own and mixes
// nothing between channels.
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', in·multiplier), lengths as of Conv2D
//	weights  kernel (kh, kw, in, multiplier) by GlorotUniform, bias (in·multiplier) by Zeros
//
// Options: an activation (default Linear), DepthMultiplier (default 1), Strides,
// Strides2D, Dilation, Dilation2D, SamePadding, KernelSize, NoBias, KernelInit, BiasInit,
// KernelL2, Name, a RestraintOption.
// See https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/.
func DepthwiseConv2D(kernel int, opts ...DepthwiseOption) Layer {
	d := &depthwise{window: newWindow(kernel), Multiplier: 1, Activation: Linear, KernelInit: GlorotUniform(), BiasInit: Zeros()}
	for _, o := range given(opts, &d.mistake) {
		o.applyDepthwise(d)
	}
	return &layer{name: d.name, def: d}
}

// DepthwiseOption is an option of DepthwiseConv2D.
type DepthwiseOption interface{ applyDepthwise(*depthwise) }

// DepthMultiplier is the number of kernels for each channel.
type DepthMultiplier int

func (n DepthMultiplier) applyDepthwise(d *depthwise)  { d.Multiplier = int(n) }
func (n Name) applyDepthwise(d *depthwise)             { d.name = string(n) }
func (f ActivationFunc) applyDepthwise(d *depthwise)   { d.Activation = f }
func (NoBias) applyDepthwise(d *depthwise)             { d.NoBias = true }
func (o KernelInitOption) applyDepthwise(d *depthwise) { d.KernelInit = o.init }
func (o BiasInitOption) applyDepthwise(d *depthwise)   { d.BiasInit = o.init }
func (f KernelL2) applyDepthwise(d *depthwise)         { d.setKernelL2(float64(f)) }
func (SamePadding) applyDepthwise(d *depthwise)        { d.Padding = graph.Same }
func (o KernelSizeOption) applyDepthwise(d *depthwise) { d.Kernel = [2]int{o.height, o.width} }

type depthwise struct {
	common
	restraints
	window
	Multiplier int            `json:"depth_multiplier"`
	Activation ActivationFunc `json:"activation"`
	NoBias     bool           `json:"no_bias,omitempty"`
	KernelInit Initializer    `json:"kernel_initializer"`
	BiasInit   Initializer    `json:"bias_initializer"`
}

func (d *depthwise) Kind() string { return "DepthwiseConv2D" }

func (d *depthwise) check() error {
	if d.Multiplier < 1 {
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

func (d *depthwise) Build(b *Builder, in []Shape) (Shape, error) {
	out, err := d.places(in)
	if err != nil {
		return nil, err
	}
	channels := in[0][2]
	b.Weight("kernel", d.KernelInit, d.KernelRegularizer, d.Kernel[0], d.Kernel[1], channels, d.Multiplier)
	if !d.NoBias {
		b.Weight("bias", d.BiasInit, d.BiasRegularizer, channels*d.Multiplier)
	}
	d.constrain(b)
	return append(out, channels*d.Multiplier), nil
}

func (d *depthwise) Forward(s *Scope, in []*graph.Node) *graph.Node {
	var bias *graph.Node
	if !d.NoBias {
		bias = s.Weight("bias")
	}
	act, after := d.Activation.fused()
	return d.watch(s, s.Activate(s.Do(graph.DepthwiseConv(in[0], s.Weight("kernel"), bias, d.spec(), act)), after))
}

// window is the moving window of a layer over images.
type window struct {
	Kernel   [2]int        `json:"kernel"`
	Strides  [2]int        `json:"strides"`
	Dilation [2]int        `json:"dilation"`
	Padding  graph.Padding `json:"padding"`
}

func newWindow(kernel int) window {
	return window{Kernel: [2]int{kernel, kernel}, Strides: [2]int{1, 1}, Dilation: [2]int{1, 1}}
}

func (w *window) check() error {
	if w.Padding == graph.Causal {
		return fmt.Errorf("padding is causal, want valid or same")
	}
	for _, v := range []struct {
		name string
		n    [2]int
	}{{"kernel size", w.Kernel}, {"strides", w.Strides}, {"dilation", w.Dilation}} {
		if v.n[0] < 1 || v.n[1] < 1 {
			return fmt.Errorf("%s is %v, want positive numbers", v.name, v.n)
		}
	}
	return nil
}

func (w *window) spec() graph.ConvSpec {
	return graph.ConvSpec{Stride: w.Strides, Dilation: w.Dilation, Padding: w.Padding}
}

// places are the height and width of what the window makes of one image.
func (w *window) places(in []Shape) (Shape, error) {
	x, err := image(in, 2)
	if err != nil {
		return nil, err
	}
	out := make(Shape, 2, 3)
	for i := range out {
		if out[i], err = graph.OutputSize(x[i], w.Kernel[i], w.Strides[i], w.Dilation[i], w.Padding); err != nil {
			return nil, fmt.Errorf("input has shape %v: %w", x, err)
		}
	}
	return out, nil
}
