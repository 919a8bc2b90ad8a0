// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// ConvSpec says how a convolution's window moves. The zero value is stride 1,
// no dilation and no padding. For one spatial axis the second number counts.
type ConvSpec struct {
	Stride   [2]int
	Dilation [2]int
	Padding  Padding
}

// Conv is y = act(x * w + b), a cross-correlation over one or two spatial axes
// with the channels last:
//
//	x (batch, height, width, in)   w (kh, kw, in, out)   b (out) or nil   y (batch, oh, ow, out)
//	x (batch, steps, in)           w (k, in, out)                         y (batch, steps', out)
//
// An axis of n cells becomes ⌊(n - d·(k-1) - 1)/s⌋ + 1 long, or ⌈n/s⌉ with Same
// or Causal padding. Nothing is unrolled into columns.
func Conv(x, w, b *Node, spec ConvSpec, act Activation) (*Node, error) {
	fused := act
	if !act.FromOutput() {
		fused = Act(Linear)
	}
	inputs := Nodes{x, w}
	if b != nil {
		inputs = append(inputs, b)
	}
	y, err := apply(convOp(rankOf(x), spec, fused, b != nil), inputs...)
	if err != nil || fused == act {
		return y, err
	}
	return Activate(y, act)
}

// ConvTranspose is the transpose of Conv as a linear map (without bias): it
// spreads x (batch, h, w, out of Conv) into an image of the given spatial size.
//
//	x (batch, oh, ow, out)   w (kh, kw, in, out)   y (batch, size..., in)
func ConvTranspose(x, w *Node, spec ConvSpec, size ...int) (*Node, error) {
	if x == nil || w == nil || len(w.Shape()) < 2 || len(size) != len(w.Shape())-2 {
		return nil, &OpError{Op: "conv_transpose", Err: fmt.Errorf("got size %v, want one number for each spatial axis of the kernel", size)}
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
				return nil, fmt.Errorf("bias has %d values, kernel has %d channels out", in[2][0], g.K)
			}
			return convShape(rank, g), nil
		},
		run:  both(runConv[float32](spec, act), runConv[float64](spec, act)),
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

// convBackData is the gradient of an image x from that of the output.
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
		run:  both(runConvBackData[float32](x, spec), runConvBackData[float64](x, spec)),
		diff: []bool{true, true},
		kind: convData{spec},
		// The map is linear in both inputs: its transposes are the convolution and
		// the convolution's gradient of weights, with image and output exchanged.
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

// convBackWeights is the gradient of weights of shape w.
func convBackWeights(w tensor.Shape, x, dy *Node, spec ConvSpec) (*Node, error) {
	w = w.Clone()
	rank := len(w)
	return apply(&op{
		name: "conv_weights" + attrs("spec", spec, "to", w),
		in:   []int{rank, rank}, out: rank,
		shape: func([]tensor.Shape) (tensor.Shape, error) { return w.Clone(), nil },
		run:   both(runConvBackWeights[float32](w, spec), runConvBackWeights[float64](w, spec)),
		kind:  convWeights{spec},
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
