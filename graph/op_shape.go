// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Reshape returns the elements of x, in the same order, in another shape. In a Program the
// result is a view: nothing is copied, and the memory stays allocated as long as either is
// needed. Gorgonia's machines copy.
func Reshape(x *Node, shape ...int) (*Node, error) {
	return apply(reshapeOp(rankOf(x), shape), x)
}

func reshapeOp(rank int, shape []int) *op {
	to := tensor.Shape(append([]int(nil), shape...))
	return &op{
		name: "reshape" + attrs("to", to),
		in:   []int{rank}, out: len(to),
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if size(in[0]) != size(to) {
				return nil, fmt.Errorf("%d elements do not fit shape %v of %d", size(in[0]), to, size(to))
			}
			return to.Clone(), nil
		},
		run:  forDtypes(runCopy[float32], runCopy[float64]),
		diff: []bool{true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			dx, err := Reshape(dy, in[0].Shape()...)
			return Nodes{dx}, err
		},
		view: true,
	}
}

// Flatten joins all axes but the first: (batch, ...) becomes (batch, size).
func Flatten(x *Node) (*Node, error) {
	if rankOf(x) == 0 {
		return apply(&op{name: "flatten", in: []int{2}, out: 2, shape: sameShape}, x)
	}
	n, each := batch(x.Shape())
	return Reshape(x, n, each)
}

func runCopy[T kernel.Float](c *call[T]) error {
	copy(c.out, c.in[0])
	return nil
}

// maxPermuted is the largest number of axes that Permute supports.
const maxPermuted = 6

// Permute reorders the axes of x: axis i of the result is axis axes[i] of x.
func Permute(x *Node, axes ...int) (*Node, error) {
	return apply(permuteOp(slices.Clone(axes)), x)
}

// permuted identifies Permute to simplify.
type permuted struct{ axes []int }

func permuteOp(axes []int) *op {
	rank := len(axes)
	return &op{
		kind: permuted{axes},
		name: "permute" + attrs("axes", axes),
		in:   []int{rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			to, seen := make(tensor.Shape, rank), make([]bool, rank)
			for i, a := range axes {
				if a < 0 || a >= rank || seen[a] {
					return nil, fmt.Errorf("axes are %v, want each of 0 to %d once", axes, rank-1)
				}
				to[i], seen[a] = in[0][a], true
			}
			if rank == 0 || rank > maxPermuted {
				return nil, fmt.Errorf("input has %d axes, want 1 to %d", rank, maxPermuted)
			}
			return to, nil
		},
		run:  forDtypes(runPermute[float32](axes), runPermute[float64](axes)),
		diff: []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			back := make([]int, rank)
			for i, a := range axes {
				back[a] = i
			}
			dx, err := Permute(dy, back...)
			return Nodes{dx}, err
		},
	}
}

func runPermute[T kernel.Float](axes []int) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Permute(c.out, c.in[0], c.inShape[0], axes)
		return nil
	}
}

// Concat joins tensors along an axis. All other axes must agree.
func Concat(axis int, parts ...*Node) (*Node, error) {
	if len(parts) == 0 {
		return nil, &OpError{Op: "concat", Err: fmt.Errorf("got no tensors to join")}
	}
	rank := rankOf(parts[0])
	o := &op{
		name: "concat" + attrs("axis", axis, "parts", len(parts)),
		out:  rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if err := checkAxis(in[0], axis); err != nil {
				return nil, err
			}
			to := in[0].Clone()
			for i, s := range in[1:] {
				want := in[0].Clone()
				want[axis] = s[axis]
				if !equal(s, want) {
					return nil, fmt.Errorf("input %d has shape %v, which differs from %v in more than axis %d", i+1, s, in[0], axis)
				}
				to[axis] += s[axis]
			}
			return to, nil
		},
		run: forDtypes(runConcat[float32](axis), runConcat[float64](axis)),
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			grads := make(Nodes, len(in))
			at := 0
			for i, n := range in {
				var err error
				if grads[i], err = Slice(dy, axis, at, n.Shape()[axis]); err != nil {
					return nil, err
				}
				at += n.Shape()[axis]
			}
			return grads, nil
		},
	}
	for range parts {
		o.in, o.diff = append(o.in, rank), append(o.diff, true)
	}
	return apply(o, parts...)
}

func runConcat[T kernel.Float](axis int) func(*call[T]) error {
	return func(c *call[T]) error {
		outer, length, inner := splitAtAxis(c.outShape, axis)
		at := 0
		for i, x := range c.in {
			part := c.inShape[i][axis]
			kernel.Concat(c.out, x, outer, length, at, part, inner)
			at += part
		}
		return nil
	}
}

// Slice returns x[first : first+n] along an axis.
func Slice(x *Node, axis, first, n int) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "slice" + attrs("axis", axis, "first", first, "n", n),
		in:   []int{rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if err := checkAxis(in[0], axis); err != nil {
				return nil, err
			}
			if first < 0 || n < 1 || first+n > in[0][axis] {
				return nil, fmt.Errorf("elements %d to %d are out of range for an axis of length %d", first, first+n-1, in[0][axis])
			}
			to := in[0].Clone()
			to[axis] = n
			return to, nil
		},
		run:  forDtypes(runSlice[float32](axis, first), runSlice[float64](axis, first)),
		diff: []bool{true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			to := in[0].Shape()
			dx, err := apply(&op{
				name: "slice_grad" + attrs("axis", axis, "first", first, "to", to),
				in:   []int{rank}, out: rank,
				shape: fixed(to),
				run:   forDtypes(runSliceGrad[float32](axis, first), runSliceGrad[float64](axis, first)),
			}, dy)
			return Nodes{dx}, err
		},
	}, x)
}

func runSlice[T kernel.Float](axis, first int) func(*call[T]) error {
	return func(c *call[T]) error {
		outer, length, inner := splitAtAxis(c.inShape[0], axis)
		kernel.Split(c.out, c.in[0], outer, length, first, c.outShape[axis], inner)
		return nil
	}
}

func runSliceGrad[T kernel.Float](axis, first int) func(*call[T]) error {
	return func(c *call[T]) error {
		outer, length, inner := splitAtAxis(c.outShape, axis)
		kernel.Fill(c.out, 0)
		kernel.Concat(c.out, c.in[0], outer, length, first, c.inShape[0][axis], inner)
		return nil
	}
}

// PadWidths are the numbers of cells to add to or remove from the borders of an image. A sequence
// has only Left, before its first step, and Right, after its last.
type PadWidths struct{ Top, Bottom, Left, Right int }

// of applies the widths to a shape: it grows for sign 1 and shrinks for -1.
func (m PadWidths) of(s tensor.Shape, sign int) (tensor.Shape, error) {
	if min(m.Top, m.Bottom, m.Left, m.Right) < 0 || len(s) == 3 && m.Top+m.Bottom > 0 {
		return nil, fmt.Errorf("pad widths are %+v, want no negative values, and no top or bottom for a sequence", m)
	}
	_, h, w, _, err := spatial(s)
	if err != nil {
		return nil, err
	}
	h, w = h+sign*(m.Top+m.Bottom), w+sign*(m.Left+m.Right)
	if h < 1 || w < 1 {
		return nil, fmt.Errorf("nothing is left of shape %v after removing %+v", s, m)
	}
	to := s.Clone()
	to[len(s)-2] = w
	if len(s) == 4 {
		to[1] = h
	}
	return to, nil
}

// Pad adds zeros around x (batch, height, width, channels) or
// (batch, steps, channels).
func Pad(x *Node, m PadWidths) (*Node, error) {
	return padOrCrop("pad", x, m, 1, forDtypes(runPad[float32](m), runPad[float64](m)), Crop)
}

// Crop removes the borders of x (batch, height, width, channels) or (batch, steps, channels).
func Crop(x *Node, m PadWidths) (*Node, error) {
	return padOrCrop("crop", x, m, -1, forDtypes(runCrop[float32](m), runCrop[float64](m)), Pad)
}

// padOrCrop applies Pad or Crop; each is the transpose of the other, back.
func padOrCrop(name string, x *Node, m PadWidths, sign int, run runner, back func(*Node, PadWidths) (*Node, error)) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: name + attrs("widths", m),
		in:   []int{rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) { return m.of(in[0], sign) },
		run:   run,
		diff:  []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := back(dy, m)
			return Nodes{dx}, err
		},
	}, x)
}

func runPad[T kernel.Float](m PadWidths) func(*call[T]) error {
	return func(c *call[T]) error {
		n, h, w, ch, err := spatial(c.inShape[0])
		if err != nil {
			return err
		}
		kernel.Pad2D(c.out, c.in[0], n, h, w, ch, m.Top, m.Bottom, m.Left, m.Right)
		return nil
	}
}

func runCrop[T kernel.Float](m PadWidths) func(*call[T]) error {
	return func(c *call[T]) error {
		n, h, w, ch, err := spatial(c.inShape[0])
		if err != nil {
			return err
		}
		kernel.Crop2D(c.out, c.in[0], n, h, w, ch, m.Top, m.Bottom, m.Left, m.Right)
		return nil
	}
}

// RepeatElements repeats each element along an axis `times` times: (a, b, c) becomes (a, b·times, c)
// for axis 1, element by element rather than in blocks. An axis of length 1 is broadcast. The
// gradient is the sum over the copies.
func RepeatElements(x *Node, axis, times int) (*Node, error) {
	name := "repeat_elements" + attrs("axis", axis, "times", times)
	return upsample(name, x, func(s tensor.Shape) (upsampling, error) {
		if err := checkAxis(s, axis); err != nil {
			return upsampling{}, err
		}
		outer, length, inner := splitAtAxis(s, axis)
		to := s.Clone()
		to[axis] *= times
		return upsampling{to: to, n: 1, h: outer * length, w: 1, c: inner, fh: times, fw: 1}, nil
	})
}

// Upsample enlarges an image by integer factors with nearest-neighbor interpolation:
// (batch, h, w, channels) becomes (batch, h·height, w·width, channels).
func Upsample(x *Node, height, width int) (*Node, error) {
	name := "upsample" + attrs("height", height, "width", width)
	return upsample(name, x, func(s tensor.Shape) (upsampling, error) {
		if len(s) != 4 {
			return upsampling{}, fmt.Errorf("shape %v, want (batch, height, width, channels)", s)
		}
		to := tensor.Shape{s[0], s[1] * height, s[2] * width, s[3]}
		return upsampling{to: to, n: s[0], h: s[1], w: s[2], c: s[3], fh: height, fw: width}, nil
	})
}

// upsampling describes a tensor as n images of h x w pixels of c channels, each pixel of
// which is repeated fh x fw times.
type upsampling struct {
	to                 tensor.Shape
	n, h, w, c, fh, fw int
}

func upsample(name string, x *Node, geometry func(s tensor.Shape) (upsampling, error)) (*Node, error) {
	rank := rankOf(x)
	if x == nil {
		return nil, &OpError{Op: name, Err: fmt.Errorf("input 0 is nil: an earlier expression failed")}
	}
	from := x.Shape().Clone()
	u, err := geometry(from)
	if err == nil && (u.fh < 1 || u.fw < 1) {
		err = fmt.Errorf("factors are %d and %d, want positive numbers", u.fh, u.fw)
	}
	if err != nil {
		return nil, &OpError{Op: name, Shapes: []tensor.Shape{from}, Err: err}
	}
	return apply(&op{
		name: name,
		in:   []int{rank}, out: rank,
		shape: fixed(u.to),
		run:   forDtypes(runUpsample[float32](u), runUpsample[float64](u)),
		diff:  []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := apply(&op{
				name: name + "_grad" + attrs("to", from),
				in:   []int{rank}, out: rank,
				shape: fixed(from),
				run:   forDtypes(runUpsampleGrad[float32](u), runUpsampleGrad[float64](u)),
			}, dy)
			return Nodes{dx}, err
		},
	}, x)
}

func runUpsample[T kernel.Float](u upsampling) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Upsample2D(c.out, c.in[0], u.n, u.h, u.w, u.c, u.fh, u.fw)
		return nil
	}
}

func runUpsampleGrad[T kernel.Float](u upsampling) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Upsample2DGrad(c.out, c.in[0], u.n, u.h, u.w, u.c, u.fh, u.fw)
		return nil
	}
}

// Reverse reverses the order of the elements along an axis.
func Reverse(x *Node, axis int) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "reverse" + attrs("axis", axis),
		in:   []int{rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if err := checkAxis(in[0], axis); err != nil {
				return nil, err
			}
			return in[0].Clone(), nil
		},
		run:  forDtypes(runReverse[float32](axis), runReverse[float64](axis)),
		diff: []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := Reverse(dy, axis)
			return Nodes{dx}, err
		},
	}, x)
}

func runReverse[T kernel.Float](axis int) func(*call[T]) error {
	return func(c *call[T]) error {
		outer, length, inner := splitAtAxis(c.inShape[0], axis)
		for o := range outer {
			from := o * length
			for i := range length {
				to := (from + length - 1 - i) * inner
				copy(c.out[to:to+inner], c.in[0][(from+i)*inner:])
			}
		}
		return nil
	}
}
