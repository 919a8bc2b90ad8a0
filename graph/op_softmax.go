// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// SoftmaxOption is an option of Softmax and LogSoftmax.
type SoftmaxOption func(*softmaxing)

type softmaxing struct {
	axis int
	mask *Node
	err  error
}

// SoftmaxAxis selects another axis than the last one, -1.
func SoftmaxAxis(axis int) SoftmaxOption { return func(s *softmaxing) { s.axis = axis } }

// SoftmaxMask leaves out the elements where a condition, which broadcasts with x, is false: their
// probability is 0, also where all elements are left out. Their logarithm is -Inf, with the gradient 0.
func SoftmaxMask(condition *Node) SoftmaxOption {
	return func(s *softmaxing) {
		if s.mask = condition; condition == nil {
			s.err = fmt.Errorf("the mask is nil: an earlier expression failed")
		}
	}
}

// softmaxWith applies Softmax or LogSoftmax with options. rows is the op along the last axis.
func softmaxWith(name string, x *Node, options []SoftmaxOption, log bool, rows func(*Node) (*Node, error)) (*Node, error) {
	s := softmaxing{axis: -1}
	applyAll(&s, options)
	if x == nil || len(options) == 0 {
		return rows(x)
	}
	axes, err := normalizeAxes(x.Shape(), []int{s.axis})
	if err == nil {
		err = s.err
	}
	if err != nil {
		return nil, &OpError{Op: name, Shapes: []Shape{x.Shape()}, Err: err}
	}
	var try Try
	if s.mask != nil {
		x = try.Do(Where(s.mask, x, try.Do(Scalar(x, -math.MaxFloat32))))
	}
	if x == nil {
		return nil, try.Err()
	}
	var y *Node
	if shape, axis := x.Shape(), axes[0]; axis == len(shape)-1 {
		y = try.Do(rows(x))
	} else {
		y = try.Do(apply(softmaxAxisOp(name, log, shape, axis), x))
	}
	if s.mask != nil {
		outside := 0.0
		if log {
			outside = math.Inf(-1)
		}
		y = try.Do(Where(s.mask, y, try.Do(Scalar(y, outside))))
	}
	return y, try.Err()
}

// softmaxAxisOp is the op along any axis.
func softmaxAxisOp(name string, log bool, shape Shape, axis int) *op {
	run := overAxis(kernel.SoftmaxAxis[float32], kernel.SoftmaxAxis[float64])
	if log {
		run = overAxis(kernel.LogSoftmaxAxis[float32], kernel.LogSoftmaxAxis[float64])
	}
	return &op{
		name: name + attrs("axis", axis), in: []int{len(shape)}, out: len(shape),
		shape: func(in []tensor.Shape) (tensor.Shape, error) { return in[0].Clone(), nil },
		run:   run(middleOf(shape, []int{axis})), inPlaceOf: 1,
		diff: []bool{true},
		grad: func(_ Nodes, y, dy *Node) (Nodes, error) {
			var try Try
			if log {
				total := try.Do(Sum(dy, Axes(axis), KeepDims()))
				return Nodes{try.Do(Sub(dy, try.Do(Mul(try.Do(Exp(y)), total))))}, try.Err()
			}
			total := try.Do(Sum(try.Do(Mul(y, dy)), Axes(axis), KeepDims()))
			return Nodes{try.Do(Mul(y, try.Do(Sub(dy, total))))}, try.Err()
		},
	}
}
