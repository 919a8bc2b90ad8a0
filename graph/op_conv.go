// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// ConvSpec describes how a convolution's window moves, with an element for each spatial axis. The zero
// value is stride 1, no dilation and no padding.
type ConvSpec struct {
	Stride   [3]int
	Dilation [3]int
	Padding  Padding
	Groups   int // of channels that are convolved by themselves; 0 means 1
}

// String returns the padding and what is not its default.
func (s ConvSpec) String() string {
	text := settingText(s.Padding.String(), "stride", s.Stride, 1)
	text = settingText(text, "dilation", s.Dilation, 1)
	if s.Groups > 1 {
		text += fmt.Sprint(" groups ", s.Groups)
	}
	return text
}

// Conv returns y = act(x * w + b), a cross-correlation over one to three spatial axes, channels last:
//
//	x (batch, steps, in)                  w (k, in, out)          b (out) or nil   y (batch, steps', out)
//	x (batch, height, width, in)          w (kh, kw, in, out)                      y (batch, oh, ow, out)
//	x (batch, depth, height, width, in)   w (kd, kh, kw, in, out)                  y (batch, od, oh, ow, out)
//
// An axis of length n gets length ⌊(n - d·(k-1) - 1)/s⌋ + 1, or ⌈n/s⌉ with Same or Causal
// padding. With g groups w has in/g input channels, and the channels of x and of y are g runs of equal
// length that belong to each other. There is no im2col copy; of volumes, the kd frames of a window are copied side by
// side if Winograd's algorithm, a product of matrices or a gradient reads them.
func Conv(x, w, b *Node, spec ConvSpec, act Activation) (*Node, error) {
	if spec.Groups != 0 && spec.Groups != 1 {
		return convGroups(x, w, b, spec, act)
	}
	if rankOf(x) == 5 && rankOf(w) == 5 {
		return convVolume(x, w, b, spec, act)
	}
	return applyActivated(x, w, b, act, func(act Activation, bias bool) *op { return convOp(rankOf(x), spec, act, bias) })
}

// ConvTranspose returns the transpose of Conv as a linear map (without bias): it maps
// x, shaped like an output of Conv, to an image of the given spatial size.
//
//	x (batch, oh, ow, out)   w (kh, kw, in, out)   y (batch, size..., in)
//
// With one and three spatial axes, the shapes are as in Conv.
func ConvTranspose(x, w *Node, spec ConvSpec, size ...int) (*Node, error) {
	if x == nil || w == nil || len(w.Shape()) < 2 || len(size) != len(w.Shape())-2 {
		return nil, &OpError{Op: "conv_transpose", Err: fmt.Errorf("got size %v, want one number for each spatial axis of the kernel", size)}
	}
	if spec.Groups != 0 && spec.Groups != 1 {
		return convTransposeGroups(x, w, spec, size)
	}
	if rankOf(x) == 5 && rankOf(w) == 5 {
		return convTransposeVolume(x, w, spec, size)
	}
	image := append(append(tensor.Shape{x.Shape()[0]}, size...), w.Shape()[len(w.Shape())-2])
	return convBackData(image, x, w, spec)
}

func convOp(rank int, spec ConvSpec, act Activation, bias bool) *op {
	o := &op{
		name: "conv" + attrs("spec", spec, "act", act, "bias", bias),
		in:   []int{rank, rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			g, err := convGeometry(in[0], in[1], spec)
			if err != nil {
				return nil, err
			}
			if bias && in[2][0] != g.K {
				return nil, fmt.Errorf("bias has %d values, kernel has %d output channels", in[2][0], g.K)
			}
			return convShape(rank, g), nil
		},
		run:  forDtypes(runConv[float32](spec, act), runConv[float64](spec, act)),
		each: runConvEach(spec, act),
		diff: []bool{true, true},
		kind: convolution{spec, act},
	}
	if bias {
		o.in, o.diff = append(o.in, 1), append(o.diff, true)
	}
	o.grad = func(in Nodes, y, dy *Node) (Nodes, error) {
		dz, err := activateGrad(act, y, dy)
		if err != nil {
			return nil, err
		}
		dx, err := convBackData(in[0].Shape(), dz, in[1], spec)
		if err != nil {
			return nil, err
		}
		dw, err := convBackWeights(in[1].Shape(), in[0], dz, spec)
		if err != nil || !bias {
			return Nodes{dx, dw}, err
		}
		db, err := ColumnSum(dz)
		return Nodes{dx, dw, db}, err
	}
	return o
}

func runConv[T kernel.Float](spec ConvSpec, act Activation) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := convGeometry(c.inShape[0], c.inShape[1], spec)
		if err != nil {
			return err
		}
		var b []T
		if len(c.in) > 2 {
			b = c.in[2]
		}
		kernel.Conv2D(c.out, c.in[0], c.in[1], b, &g, act.kind, T(act.alpha))
		return nil
	}
}

func runConvEach(spec ConvSpec, act Activation) func(*call[float32]) error {
	return func(c *call[float32]) error {
		g, err := convGeometry(c.inShape[0], c.inShape[1], spec)
		if err != nil {
			return err
		}
		var b []float32
		if len(c.in) > 2 {
			b = c.in[2]
		}
		kernel.Conv2DEach(c.out, c.in[0], c.in[1], b, &g, nil, act.kind, float32(act.alpha), c.kept[1])
		return nil
	}
}

// convBackData returns the gradient of an image of shape x, given the output's gradient.
func convBackData(x tensor.Shape, dy, w *Node, spec ConvSpec) (*Node, error) {
	x = x.Clone()
	rank := len(x)
	return apply(&op{
		name: "conv_transpose" + attrs("spec", spec, "to", x),
		in:   []int{rank, rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			g, err := convGeometry(x, in[1], spec)
			if err != nil {
				return nil, err
			}
			if want := convShape(rank, g); !equal(in[0], want) {
				return nil, fmt.Errorf("input has shape %v, a convolution of %v gives %v", in[0], x, want)
			}
			return x.Clone(), nil
		},
		run:  forDtypes(runConvBackData[float32](x, spec), runConvBackData[float64](x, spec)),
		each: runConvBackDataEach(x, spec),
		diff: []bool{true, true},
		kind: convData{spec},
		// The map is linear in both inputs. Its transposes are the convolution and the
		// convolution's weight gradient, with the roles of image and output exchanged.
		grad: func(in Nodes, _, g *Node) (Nodes, error) {
			dIn, err := Conv(g, in[1], nil, spec, Act(Linear))
			if err != nil {
				return nil, err
			}
			dw, err := convBackWeights(in[1].Shape(), g, in[0], spec)
			return Nodes{dIn, dw}, err
		},
	}, dy, w)
}

func runConvBackData[T kernel.Float](x tensor.Shape, spec ConvSpec) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := convGeometry(x, c.inShape[1], spec)
		if err != nil {
			return err
		}
		kernel.Conv2DBackData(c.out, c.in[0], c.in[1], &g)
		return nil
	}
}

func runConvBackDataEach(x tensor.Shape, spec ConvSpec) func(*call[float32]) error {
	return func(c *call[float32]) error {
		g, err := convGeometry(x, c.inShape[1], spec)
		if err != nil {
			return err
		}
		kernel.Conv2DBackDataEach(c.out, c.in[0], c.in[1], &g)
		return nil
	}
}

// convBackWeights returns the gradient of weights of shape w.
func convBackWeights(w tensor.Shape, x, dy *Node, spec ConvSpec) (*Node, error) {
	w = w.Clone()
	rank := len(w)
	return apply(&op{
		name: "conv_weights" + attrs("spec", spec, "to", w),
		in:   []int{rank, rank}, out: rank,
		shape: func([]tensor.Shape) (tensor.Shape, error) { return w.Clone(), nil },
		run:   forDtypes(runConvBackWeights[float32](w, spec), runConvBackWeights[float64](w, spec)),
		kind:  convWeights{spec},
		diff:  []bool{true, true},
		// Linear in both inputs, too, with weights as the gradient of the result.
		grad: func(in Nodes, _, g *Node) (Nodes, error) {
			var try Try
			return Nodes{
				try.Do(convBackData(in[0].Shape(), in[1], g, spec)),
				try.Do(Conv(in[0], g, nil, spec, Act(Linear))),
			}, try.Err()
		},
	}, x, dy)
}

func runConvBackWeights[T kernel.Float](w tensor.Shape, spec ConvSpec) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := convGeometry(c.inShape[0], w, spec)
		if err != nil {
			return err
		}
		kernel.Conv2DBackWeights(c.out, c.in[0], c.in[1], &g)
		return nil
	}
}

// DepthwiseConv convolves each channel of an image with its own m kernels:
// y[..., c·m + j] = act((x_c * w_cj) + b[c·m + j]).
//
//	x (batch, height, width, c)   w (kh, kw, c, m)   b (c·m) or nil   y (batch, oh, ow, c·m)
//	x (batch, steps, c)           w (k, c, m)                         y (batch, steps', c·m)
func DepthwiseConv(x, w, b *Node, spec ConvSpec, act Activation) (*Node, error) {
	if rankOf(x) == 3 && rankOf(w) == 3 {
		return depthwiseSteps(x, w, b, spec, act)
	}
	return applyActivated(x, w, b, act, func(act Activation, bias bool) *op { return depthwiseOp(spec, act, bias) })
}

// depthwiseSteps is DepthwiseConv of images of one row.
func depthwiseSteps(x, w, b *Node, spec ConvSpec, act Activation) (*Node, error) {
	var try Try
	k := w.Shape()
	if spec.Padding == Causal {
		spec.Padding = Valid
		x = try.Do(PadValue(x, 0, PadWidth{Axis: 1, Before: (k[0] - 1) * orOne(spec.Dilation[0])}))
	}
	if try.Err() != nil {
		return nil, try.Err()
	}
	s := x.Shape()
	spec.Stride, spec.Dilation = [3]int{1, spec.Stride[0]}, [3]int{1, spec.Dilation[0]}
	image := try.Do(Reshape(x, s[0], 1, s[1], s[2]))
	y := try.Do(DepthwiseConv(image, try.Do(Reshape(w, 1, k[0], k[1], k[2])), b, spec, act))
	if try.Err() != nil {
		return nil, try.Err()
	}
	return Reshape(y, s[0], y.Shape()[2], y.Shape()[3])
}

// depthwiseGeometry is convGeometry with c·m output channels.
func depthwiseGeometry(x, w tensor.Shape, spec ConvSpec) (kernel.Conv, error) {
	g, err := convGeometry(x, w, spec)
	g.K *= g.C
	return g, err
}

func depthwiseOp(spec ConvSpec, act Activation, bias bool) *op {
	o := &op{
		name: "depthwise" + attrs("spec", spec, "act", act, "bias", bias),
		in:   []int{4, 4}, out: 4,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			g, err := depthwiseGeometry(in[0], in[1], spec)
			if err != nil {
				return nil, err
			}
			if bias && in[2][0] != g.K {
				return nil, fmt.Errorf("bias has %d values, kernel has %d output channels", in[2][0], g.K)
			}
			return convShape(4, g), nil
		},
		run:  forDtypes(runDepthwise[float32](spec, act), runDepthwise[float64](spec, act)),
		diff: []bool{true, true},
	}
	if bias {
		o.in, o.diff = append(o.in, 1), append(o.diff, true)
	}
	o.grad = func(in Nodes, y, dy *Node) (Nodes, error) {
		dz, err := activateGrad(act, y, dy)
		if err != nil {
			return nil, err
		}
		dx, err := depthwiseBackData(in[0].Shape(), dz, in[1], spec)
		if err != nil {
			return nil, err
		}
		dw, err := depthwiseBackWeights(in[1].Shape(), in[0], dz, spec)
		if err != nil || !bias {
			return Nodes{dx, dw}, err
		}
		db, err := ColumnSum(dz)
		return Nodes{dx, dw, db}, err
	}
	return o
}

// depthwiseBackData returns the gradient of an image of shape x. Like the op and depthwiseBackWeights, it
// is linear in both inputs, and the derivatives of each of the three are the two others.
func depthwiseBackData(x tensor.Shape, dy, w *Node, spec ConvSpec) (*Node, error) {
	x = x.Clone()
	return apply(&op{
		name: "depthwise_data" + attrs("spec", spec, "to", x),
		in:   []int{4, 4}, out: 4,
		shape: fixed(x),
		run:   forDtypes(runDepthwiseBackData[float32](x, spec), runDepthwiseBackData[float64](x, spec)),
		diff:  []bool{true, true},
		grad: func(in Nodes, _, g *Node) (Nodes, error) {
			var try Try
			return Nodes{
				try.Do(DepthwiseConv(g, in[1], nil, spec, Act(Linear))),
				try.Do(depthwiseBackWeights(in[1].Shape(), g, in[0], spec)),
			}, try.Err()
		},
	}, dy, w)
}

// depthwiseBackWeights returns the gradient of weights of shape w.
func depthwiseBackWeights(w tensor.Shape, x, dy *Node, spec ConvSpec) (*Node, error) {
	w = w.Clone()
	return apply(&op{
		name: "depthwise_weights" + attrs("spec", spec, "to", w),
		in:   []int{4, 4}, out: 4,
		shape: fixed(w),
		run:   forDtypes(runDepthwiseBackWeights[float32](w, spec), runDepthwiseBackWeights[float64](w, spec)),
		diff:  []bool{true, true},
		grad: func(in Nodes, _, g *Node) (Nodes, error) {
			var try Try
			return Nodes{
				try.Do(depthwiseBackData(in[0].Shape(), in[1], g, spec)),
				try.Do(DepthwiseConv(in[0], g, nil, spec, Act(Linear))),
			}, try.Err()
		},
	}, x, dy)
}

func runDepthwise[T kernel.Float](spec ConvSpec, act Activation) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := depthwiseGeometry(c.inShape[0], c.inShape[1], spec)
		if err != nil {
			return err
		}
		var b []T
		if len(c.in) > 2 {
			b = c.in[2]
		}
		kernel.Depthwise2D(c.out, c.in[0], c.in[1], b, &g, act.kind, T(act.alpha))
		return nil
	}
}

func runDepthwiseBackData[T kernel.Float](x tensor.Shape, spec ConvSpec) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := depthwiseGeometry(x, c.inShape[1], spec)
		if err != nil {
			return err
		}
		kernel.Depthwise2DBackData(c.out, c.in[0], c.in[1], &g)
		return nil
	}
}

func runDepthwiseBackWeights[T kernel.Float](w tensor.Shape, spec ConvSpec) func(*call[T]) error {
	return func(c *call[T]) error {
		g, err := depthwiseGeometry(c.inShape[0], w, spec)
		if err != nil {
			return err
		}
		kernel.Depthwise2DBackWeights(c.out, c.in[0], c.in[1], &g)
		return nil
	}
}

// convGeometry returns the geometry of a convolution of an image of shape x with a kernel
// of shape w.
func convGeometry(x, w tensor.Shape, spec ConvSpec) (g kernel.Conv, err error) {
	if len(w) != len(x) {
		return g, fmt.Errorf("kernel has shape %v, input %v", w, x)
	}
	if spec.Padding == Causal && len(x) != 3 {
		return g, fmt.Errorf("causal padding needs one spatial axis, input has shape %v", x)
	}
	if g.N, g.H, g.W, g.C, err = spatial(x); err != nil {
		return g, err
	}
	g.KH, g.KW = 1, w[0]
	if len(w) == 4 {
		g.KH, g.KW = w[0], w[1]
	}
	if in := w[len(w)-2]; in != g.C {
		return g, fmt.Errorf("input has %d channels, kernel was made for %d", g.C, in)
	}
	g.K = w[len(w)-1]
	g.StrideH, g.StrideW = spatialPair(spec.Stride, len(x))
	g.DilH, g.DilW = spatialPair(spec.Dilation, len(x))
	rows := spec.Padding
	if len(x) == 3 {
		rows = Valid
	}
	if g.OH, g.PadTop, err = windowPositions(g.H, g.KH, g.StrideH, g.DilH, rows); err != nil {
		return g, fmt.Errorf("height: %w", err)
	}
	if g.OW, g.PadLeft, err = windowPositions(g.W, g.KW, g.StrideW, g.DilW, spec.Padding); err != nil {
		return g, fmt.Errorf("width: %w", err)
	}
	return g, nil
}

func convShape(rank int, g kernel.Conv) tensor.Shape {
	if rank == 3 {
		return tensor.Shape{g.N, g.OW, g.K}
	}
	return tensor.Shape{g.N, g.OH, g.OW, g.K}
}

// These identify the ops of a convolution to fuse.
type (
	convolution struct {
		spec ConvSpec
		act  Activation
	}
	convData    struct{ spec ConvSpec }
	convWeights struct{ spec ConvSpec }
)
