// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"

	"github.com/reef-dl/reef/graph"
)

// Conv2D computes y = act(x * W + b), a cross-correlation over height and width
// with a square kernel; KernelSize sets another.
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', filters)
//	weights  kernel (kh, kw, in, filters) by GlorotUniform, bias (filters) by Zeros
//
// An axis of n cells becomes ⌊(n - d·(k-1) - 1)/s⌋ + 1 long, ⌈n/s⌉ with SamePadding.
//
// Options: an activation (default Linear), Strides, Strides2D, Dilation, Dilation2D,
// SamePadding, KernelSize, NoBias, KernelInit, BiasInit, KernelL2, Name, a
// RestraintOption.
// See https://keras.io/api/layers/convolution_layers/convolution2d/.
func Conv2D(filters, kernel int, opts ...ConvOption) Layer {
	return newConv(&conv{Axes: 2, Filters: filters, Kernel: [2]int{kernel, kernel}}, opts)
}

// Conv1D computes y = act(x * W + b), a cross-correlation over time.
//
//	input    (batch, steps, in)
//	output   (batch, steps', filters)
//	weights  kernel (k, in, filters) by GlorotUniform, bias (filters) by Zeros
//
// CausalPadding makes output t depend on inputs up to t alone. Options and
// lengths are Conv2D's.
// See https://keras.io/api/layers/convolution_layers/convolution1d/.
func Conv1D(filters, kernel int, opts ...ConvOption) Layer {
	return newConv(&conv{Axes: 1, Filters: filters, Kernel: [2]int{1, kernel}}, opts)
}

// ConvOption is an option of the convolutions.
type ConvOption interface{ applyConv(*conv) }

type conv struct {
	common
	restraints
	Axes       int            `json:"axes"`
	Filters    int            `json:"filters"`
	Kernel     [2]int         `json:"kernel"`
	Strides    [2]int         `json:"strides"`
	Dilation   [2]int         `json:"dilation"`
	Padding    graph.Padding  `json:"padding"`
	Activation ActivationFunc `json:"activation"`
	NoBias     bool           `json:"no_bias,omitempty"`
	KernelInit Initializer    `json:"kernel_initializer"`
	BiasInit   Initializer    `json:"bias_initializer"`
}

func newConv(d *conv, opts []ConvOption) Layer {
	d.Strides, d.Dilation = [2]int{1, 1}, [2]int{1, 1}
	d.Activation, d.KernelInit, d.BiasInit = Linear, GlorotUniform(), Zeros()
	for _, o := range given(opts, &d.mistake) {
		o.applyConv(d)
	}
	return &layer{name: d.name, def: d}
}

func (d *conv) Kind() string { return fmt.Sprintf("Conv%dD", d.Axes) }

func (d *conv) check() error {
	switch {
	case d.Axes != 1 && d.Axes != 2:
		return fmt.Errorf("%d spatial axes, want 1 or 2", d.Axes)
	case d.Filters <= 0:
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	case d.Padding == graph.Causal && d.Axes == 2:
		return fmt.Errorf("causal padding needs one spatial axis")
	}
	for _, v := range []struct {
		name string
		n    [2]int
	}{{"kernel size", d.Kernel}, {"strides", d.Strides}, {"dilation", d.Dilation}} {
		if v.n[0] < 1 || v.n[1] < 1 {
			return fmt.Errorf("%s is %v, want positive numbers", v.name, v.n)
		}
	}
	if err := d.restraints.check(); err != nil {
		return err
	}
	return d.Activation.check()
}

func (d *conv) spec() graph.ConvSpec {
	return graph.ConvSpec{Stride: d.Strides, Dilation: d.Dilation, Padding: d.Padding}
}

func (d *conv) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := image(in, d.Axes)
	if err != nil {
		return nil, err
	}
	channels := x[d.Axes]
	kernel := append(append([]int{}, d.Kernel[2-d.Axes:]...), channels, d.Filters)
	b.Weight("kernel", d.KernelInit, d.KernelRegularizer, kernel...)
	if !d.NoBias {
		b.Weight("bias", d.BiasInit, d.BiasRegularizer, d.Filters)
	}
	d.constrain(b)
	out := make(Shape, d.Axes+1)
	for i := range d.Axes {
		k := 2 - d.Axes + i
		n, err := graph.OutputSize(x[i], d.Kernel[k], d.Strides[k], d.Dilation[k], d.Padding)
		if err != nil {
			return nil, fmt.Errorf("input has shape %v: %w", x, err)
		}
		out[i] = n
	}
	out[d.Axes] = d.Filters
	return out, nil
}

func (d *conv) Forward(s *Scope, in []*graph.Node) *graph.Node {
	var bias *graph.Node
	if !d.NoBias {
		bias = s.Weight("bias")
	}
	act, after := d.Activation.fused()
	return d.watch(s, s.Activate(s.Do(graph.Conv(in[0], s.Weight("kernel"), bias, d.spec(), act)), after))
}

// image checks for one input with the given number of spatial axes.
func image(in []Shape, axes int) (Shape, error) {
	if err := one(in); err != nil {
		return nil, err
	}
	if len(in[0]) != axes+1 {
		want := map[int]string{1: "(batch, steps, channels)", 2: "(batch, height, width, channels)"}[axes]
		return nil, fmt.Errorf("input has shape %v, want %s", in[0], want)
	}
	return in[0], nil
}
