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
//	weights  kernel (kh, kw, in, filters), bias (filters)
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
func Conv2D(filters, kernel int, opts ...ConvOption) Layer {
	return newLayer(&conv{Axes: 2, Filters: filters, window: newWindow(kernel, kernel), activated: newActivated()}, opts)
}

// Conv1D computes y = act(x * W + b), where * is the cross-correlation over time.
//
//	input    (batch, steps, in)
//	output   (batch, steps', filters), with steps' as in Conv2D
//	weights  kernel (k, in, filters), bias (filters)
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
func Conv1D(filters, kernel int, opts ...ConvOption) Layer {
	return newLayer(&conv{Axes: 1, Filters: filters, window: newWindow(1, kernel), activated: newActivated()}, opts)
}

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
func DepthwiseConv2D(kernel int, opts ...ConvOption) Layer {
	return newLayer(&depthwise{window: newWindow(kernel, kernel), DepthMultiplier: 1, activated: newActivated()}, opts)
}

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
	return newLayer(&separable{window: newWindow(kernel, kernel), Filters: filters, DepthMultiplier: 1, activated: newActivated()}, opts)
}

// Conv2DTranspose computes y = act(x *ᵀ W + b), where *ᵀ is the transpose of Conv2D as a
// linear map. With strides above 1 it makes images larger.
//
//	input    (batch, height, width, in)
//	output   (batch, height', width', filters)
//	weights  kernel (kh, kw, filters, in), bias (filters)
//
// With kernel size k and strides s, an axis of length n grows to n·s + max(k - s, 0), or to
// n·s with SamePadding. With OutputPadding p it grows to (n - 1)·s + k + p, or to
// (n - 1)·s + k - 2·⌊k/2⌋ + p with SamePadding.
//
// Options:
//
//	ActivationFunc             Linear
//	Strides                    1
//	ValidPadding, SamePadding  ValidPadding
//	OutputPadding              the size that Keras infers
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
	return newLayer(&convTranspose{window: newWindow(kernel, kernel), Filters: filters, activated: newActivated()}, opts)
}

// Strides is the step size of the moving window: one number for both axes, or one for the
// height and one for the width. Layers with a time axis use the number for the width. The
// default is 1 for convolution layers and the pool size for pooling layers.
func Strides(n ...int) WindowOption { return windowOption{setting: setPair("Strides", n)} }

// Dilation is the distance between the cells of the kernel, with numbers as in Strides. The
// default is 1.
func Dilation(n ...int) ConvOption { return convOption{setting: setPair("Dilation", n)} }

// KernelSize sets a kernel of height x width cells, instead of the square one given to the
// layer's constructor. Conv1D uses the width only.
func KernelSize(height, width int) ConvOption {
	return convOption{setting: set("KernelSize", [2]int{height, width})}
}

// DepthMultiplier is the number of kernels for each input channel of DepthwiseConv2D and
// SeparableConv2D. The default is 1.
func DepthMultiplier(n int) ConvOption { return convOption{setting: set("DepthMultiplier", n)} }

// OutputPadding is the number of cells that Conv2DTranspose adds to the height and the width
// of its output, each less than the stride, with numbers as in Strides. It resolves the
// ambiguity that several image sizes are reduced to the same size by a strided convolution.
// By default the size is the one that Keras infers.
func OutputPadding(n ...int) ConvOption { return convOption{setting: setPair("OutputPadding", n)} }

// Padding is an option that selects how the edges of the input are padded with zeros for a
// moving window. Pooling layers ignore the padded cells. The default is ValidPadding.
type Padding int

// The paddings.
const (
	// ValidPadding means no padding: the window stays within the input.
	ValidPadding = Padding(graph.Valid)
	// SamePadding pads both ends of each axis so that an axis of length n is reduced to
	// ⌈n/s⌉. If the number of padded cells is odd, the end gets one more, as in TensorFlow.
	SamePadding = Padding(graph.Same)
	// CausalPadding pads the start only, so that no step depends on a later one. It fits
	// Conv1D only.
	CausalPadding = Padding(graph.Causal)
)

func (p Padding) sets() setting {
	names := map[Padding]string{ValidPadding: "ValidPadding", SamePadding: "SamePadding", CausalPadding: "CausalPadding"}
	if names[p] == "" {
		return setting{err: fmt.Errorf("Padding(%d): unknown", int(p))}
	}
	return setting{option: names[p], field: "Padding", value: graph.Padding(p)}
}

func (Padding) forConv() {}
func (Padding) forPool() {}

// window is the moving window of a convolution.
type window struct {
	KernelSize [2]int        `json:"kernel" option:"KernelSize"`
	Strides    [2]int        `json:"strides" option:"Strides"`
	Dilation   [2]int        `json:"dilation" option:"Dilation"`
	Padding    graph.Padding `json:"padding" option:"Padding"`
}

func newWindow(height, width int) window {
	return window{KernelSize: [2]int{height, width}, Strides: [2]int{1, 1}, Dilation: [2]int{1, 1}}
}

// check checks the settings for a number of axes.
func (w *window) check(axes int) error {
	if w.Padding == graph.Causal && axes != 1 {
		return fmt.Errorf("padding is causal, want valid or same")
	}
	for _, v := range []struct {
		name string
		n    [2]int
	}{{"kernel size", w.KernelSize}, {"strides", w.Strides}, {"dilation", w.Dilation}} {
		if v.n[0] < 1 || v.n[1] < 1 {
			return fmt.Errorf("%s is %v, want positive numbers", v.name, v.n)
		}
	}
	return nil
}

func (w *window) spec() graph.ConvSpec {
	return graph.ConvSpec{Stride: w.Strides, Dilation: w.Dilation, Padding: w.Padding}
}

// output returns the shape of the output with the given number of channels.
func (w *window) output(x Shape, axes, channels int) (Shape, error) {
	out := make(Shape, axes+1)
	for i := range axes {
		k := 2 - axes + i
		n, err := graph.OutputSize(x[i], w.KernelSize[k], w.Strides[k], w.Dilation[k], w.Padding)
		if err != nil {
			return nil, fmt.Errorf("input has shape %v: %w", x, err)
		}
		out[i] = n
	}
	out[axes] = channels
	return out, nil
}

// checkConv checks the settings that all convolution layers have.
func checkConv(w *window, axes int, r *regularized, f ActivationFunc) error {
	if err := w.check(axes); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	return f.check()
}

type conv struct {
	regularized
	Axes    int `json:"axes"`
	Filters int `json:"filters"`
	window
	activated
}

var _ = register[conv]("Conv1D", "Conv2D")

func (d *conv) Kind() string { return fmt.Sprintf("Conv%dD", d.Axes) }

func (d *conv) refuses() []string {
	if d.Axes == 1 {
		return nil
	}
	return []string{"CausalPadding"}
}

func (d *conv) check() error {
	switch {
	case d.Axes != 1 && d.Axes != 2:
		return fmt.Errorf("%d spatial axes, want 1 or 2", d.Axes)
	case d.Filters <= 0:
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	}
	return checkConv(&d.window, d.Axes, &d.regularized, d.Activation)
}

func (d *conv) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, d.Axes)
	if err != nil {
		return nil, err
	}
	kernel := append(append([]int{}, d.KernelSize[2-d.Axes:]...), x[d.Axes], d.Filters)
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, kernel...)
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, d.Filters)
	}
	d.constrain(b)
	return d.output(x, d.Axes, d.Filters)
}

func (d *conv) Forward(s *Scope, in []*graph.Node) *graph.Node {
	bias := d.bias(s)
	act, after := d.Activation.fused()
	return d.penalizeActivity(s, s.Activate(s.Do(graph.Conv(in[0], s.Weight("kernel"), bias, d.spec(), act)), after))
}

type depthwise struct {
	regularized
	window
	DepthMultiplier int `json:"depth_multiplier" option:"DepthMultiplier"`
	activated
}

var _ = register[depthwise]("DepthwiseConv2D")

func (d *depthwise) Kind() string      { return "DepthwiseConv2D" }
func (d *depthwise) refuses() []string { return []string{"CausalPadding"} }

func (d *depthwise) check() error {
	if d.DepthMultiplier < 1 {
		return fmt.Errorf("depth multiplier is %d, want a positive number", d.DepthMultiplier)
	}
	return checkConv(&d.window, 2, &d.regularized, d.Activation)
}

func (d *depthwise) Build(b *Builder, in []Shape) (Shape, error) {
	x, err := spatialInput(in, 2)
	if err != nil {
		return nil, err
	}
	channels := x[2] * d.DepthMultiplier
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, d.KernelSize[0], d.KernelSize[1], x[2], d.DepthMultiplier)
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, channels)
	}
	d.constrain(b)
	return d.output(x, 2, channels)
}

func (d *depthwise) Forward(s *Scope, in []*graph.Node) *graph.Node {
	bias := d.bias(s)
	act, after := d.Activation.fused()
	return d.penalizeActivity(s, s.Activate(s.Do(graph.DepthwiseConv(in[0], s.Weight("kernel"), bias, d.spec(), act)), after))
}

type separable struct {
	regularized
	window
	Filters         int `json:"filters"`
	DepthMultiplier int `json:"depth_multiplier" option:"DepthMultiplier"`
	activated
}

var _ = register[separable]("SeparableConv2D")

func (d *separable) Kind() string      { return "SeparableConv2D" }
func (d *separable) refuses() []string { return []string{"CausalPadding"} }

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
	x, err := spatialInput(in, 2)
	if err != nil {
		return nil, err
	}
	b.Weight("depthwise_kernel", d.KernelInitializer, d.KernelRegularizer, d.KernelSize[0], d.KernelSize[1], x[2], d.DepthMultiplier)
	b.Weight("pointwise_kernel", d.KernelInitializer, d.KernelRegularizer, 1, 1, x[2]*d.DepthMultiplier, d.Filters)
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, d.Filters)
	}
	b.Constrain("depthwise_kernel", d.KernelConstraint)
	b.Constrain("pointwise_kernel", d.KernelConstraint)
	b.Constrain("bias", d.BiasConstraint)
	return d.output(x, 2, d.Filters)
}

func (d *separable) Forward(s *Scope, in []*graph.Node) *graph.Node {
	bias := d.bias(s)
	act, after := d.Activation.fused()
	h := s.Do(graph.DepthwiseConv(in[0], s.Weight("depthwise_kernel"), nil, d.spec(), graph.Act(graph.Linear)))
	return d.penalizeActivity(s, s.Activate(s.Do(graph.Conv(h, s.Weight("pointwise_kernel"), bias, graph.ConvSpec{}, act)), after))
}

type convTranspose struct {
	regularized
	window
	Filters       int     `json:"filters"`
	OutputPadding *[2]int `json:"output_padding,omitempty" option:"OutputPadding"`
	activated
}

var _ = register[convTranspose]("Conv2DTranspose")

func (d *convTranspose) Kind() string      { return "Conv2DTranspose" }
func (d *convTranspose) refuses() []string { return []string{"CausalPadding", "Dilation"} }

func (d *convTranspose) check() error {
	if d.Filters < 1 {
		return fmt.Errorf("filters is %d, want a positive number", d.Filters)
	}
	if err := checkConv(&d.window, 2, &d.regularized, d.Activation); err != nil {
		return err
	}
	if p := d.OutputPadding; p != nil && (min(p[0], p[1]) < 0 || p[0] >= d.Strides[0] || p[1] >= d.Strides[1]) {
		return fmt.Errorf("output padding is %v, want at least 0 and less than the strides %v", *p, d.Strides)
	}
	return nil
}

// size returns the height and width of the output for an image of shape x.
func (d *convTranspose) size(x Shape) (out [2]int) {
	for i := range out {
		n, k, s := x[i], d.KernelSize[i], d.Strides[i]
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
	x, err := spatialInput(in, 2)
	if err != nil {
		return nil, err
	}
	size := d.size(x)
	for i := range size {
		back, err := graph.OutputSize(size[i], d.KernelSize[i], d.Strides[i], 1, d.Padding)
		if err == nil && back != x[i] {
			err = fmt.Errorf("a convolution of %d cells has %d", size[i], back)
		}
		if err != nil {
			return nil, fmt.Errorf("input has shape %v, output would be %d x %d: %w", x, size[0], size[1], err)
		}
	}
	b.Weight("kernel", d.KernelInitializer, d.KernelRegularizer, d.KernelSize[0], d.KernelSize[1], d.Filters, x[2])
	if !d.NoBias {
		b.Weight("bias", d.BiasInitializer, d.BiasRegularizer, d.Filters)
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
	return d.penalizeActivity(s, s.Activate(y, d.Activation))
}
