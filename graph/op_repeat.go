// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elements"
)

// Repeat repeats each element along an axis `times` times: (a, b, c) becomes (a, b·times, c) for axis 1,
// element by element, whereas Tile repeats all of them. An axis of length 1 is broadcast. The gradient
// is the sum over the copies.
func Repeat(x *Node, times, axis int) (*Node, error) {
	name := "repeat" + attrs("times", times, "axis", axis)
	return upsample(name, x, func(s tensor.Shape) (upsampling, error) {
		axis, err := axisOf(s, axis)
		if err != nil {
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
	o := moveOp(name, x, rank, func(m memory) error {
		var w elements.Walk
		row := u.w * u.fw * u.c
		w.Axis(u.n*u.h, u.fh*row, u.w*u.c)
		w.Axis(u.fh, row, 0)
		w.Axis(u.w, u.fw*u.c, u.c)
		w.Axis(u.fw, u.c, 0)
		w.Axis(u.c, 1, 1)
		move(m, 0, w)
		return nil
	})
	o.shape = fixed(u.to)
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) {
		return apply(&op{
			name: name + "_grad" + attrs("to", from),
			in:   []int{rank}, out: rank,
			shape: fixed(from),
			run:   forDtypes(runUpsampleGrad[float32](u), runUpsampleGrad[float64](u)),
			diff:  []bool{true},
			grad: oneGrad(func(_, ddx *Node) (*Node, error) {
				return upsample(name, ddx, func(tensor.Shape) (upsampling, error) { return u, nil })
			}),
		}, dy)
	})
	return apply(o, x)
}

func runUpsampleGrad[T kernel.Float](u upsampling) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Upsample2DGrad(c.out, c.in[0], u.n, u.h, u.w, u.c, u.fh, u.fw)
		return nil
	}
}
