// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// A mask selects the valid time steps of a sequence: zeros and ones, shaped like the
// leading axes of the sequence, (batch, steps). Masks have no gradient.

// MaskOf is 1 where x differs from value and 0 elsewhere. With value 0 it is the mask of
// ids that are padded with 0.
func MaskOf(x *Node, value float64) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "not_equal" + attrs("to", value),
		in:   []int{rank}, out: rank,
		shape:    sameShape,
		run:      forDtypes(runNotEqual[float32](value), runNotEqual[float64](value)),
		zeroDiff: []bool{true},
	}, x)
}

// MaskOfRows is 1 for each row of the last axis that has an element different from value,
// and 0 for the others: (batch, steps, n) becomes (batch, steps).
func MaskOfRows(x *Node, value float64) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "any_not_equal" + attrs("to", value),
		in:   []int{rank}, out: rank - 1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) < 2 {
				return nil, fmt.Errorf("input has shape %v, want at least two axes", in[0])
			}
			return in[0][:len(in[0])-1].Clone(), nil
		},
		run:      forDtypes(runNotEqual[float32](value), runNotEqual[float64](value)),
		zeroDiff: []bool{true},
	}, x)
}

// Ones returns ones in the shape of the leading axes of x: a mask that keeps everything.
func Ones(x *Node, axes int) (*Node, error) {
	return apply(&op{
		name: "ones" + attrs("axes", axes),
		in:   []int{rankOf(x)}, out: axes,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if axes < 1 || axes > len(in[0]) {
				return nil, fmt.Errorf("want the first %d axes of shape %v", axes, in[0])
			}
			return in[0][:axes].Clone(), nil
		},
		run:       forDtypes(runOnes[float32], runOnes[float64]),
		zeroDiff:  []bool{true},
		orderOnly: true,
	}, x)
}

// MaskSteps returns x where mask is nonzero and 0 elsewhere.
//
//	x (batch, steps, ...)   mask, shaped like the leading axes of x
func MaskSteps(x, mask *Node) (*Node, error) {
	rank := rankOf(x)
	o := &op{
		name: "mask_steps",
		in:   []int{rank, rankOf(mask)}, out: rank,
		shape:     func(in []tensor.Shape) (tensor.Shape, error) { return in[0].Clone(), checkMask(in) },
		run:       forDtypes(runMaskSteps[float32], runMaskSteps[float64]),
		diff:      []bool{true, false},
		zeroDiff:  []bool{false, true},
		inPlaceOf: 1,
	}
	o.grad = func(in Nodes, _, dy *Node) (Nodes, error) {
		dx, err := apply(o, dy, in[1])
		return Nodes{dx, nil}, err
	}
	return apply(o, x, mask)
}

// MaskedMean returns the mean of the elements of x whose mask is nonzero, a scalar; 0 if
// there are none.
//
//	x (batch, steps, ...)   mask, shaped like x or like its leading axes
func MaskedMean(x, mask *Node) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "masked_mean",
		in:   []int{rank, rankOf(mask)}, out: 0,
		shape:    func(in []tensor.Shape) (tensor.Shape, error) { return tensor.ScalarShape(), checkMask(in) },
		run:      forDtypes(runMaskedMean[float32], runMaskedMean[float64]),
		diff:     []bool{true, false},
		zeroDiff: []bool{false, true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			to := in[0].Shape()
			dx, err := apply((&op{
				name: "masked_mean_grad" + attrs("to", to),
				in:   []int{rankOf(in[1]), 0}, out: rank,
				shape: fixed(to),
				run:   forDtypes(runMaskedMeanGrad[float32], runMaskedMeanGrad[float64]),
			}).linear(1, func(in Nodes, g *Node) (*Node, error) { return MaskedMean(g, in[0]) }), in[1], dy)
			return Nodes{dx, nil}, err
		},
	}, x, mask)
}

// MaskedAvgPool returns the mean of each channel over the steps whose mask is nonzero; 0
// for a sample that has none.
//
//	x (batch, steps, channels)   mask (batch, steps)   y (batch, channels)
func MaskedAvgPool(x, mask *Node) (*Node, error) {
	return apply(&op{
		name: "masked_avg_pool",
		in:   []int{3, 2}, out: 2,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			return tensor.Shape{in[0][0], in[0][2]}, checkMask(in)
		},
		run:      forDtypes(runMaskedAvgPool[float32], runMaskedAvgPool[float64]),
		diff:     []bool{true, false},
		zeroDiff: []bool{false, true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			to := in[0].Shape()
			dx, err := apply((&op{
				name: "masked_avg_pool_grad" + attrs("to", to),
				in:   []int{2, 2}, out: 3,
				shape: fixed(to),
				run:   forDtypes(runMaskedAvgPoolGrad[float32], runMaskedAvgPoolGrad[float64]),
			}).linear(1, func(in Nodes, g *Node) (*Node, error) { return MaskedAvgPool(g, in[0]) }), in[1], dy)
			return Nodes{dx, nil}, err
		},
	}, x, mask)
}

// checkMask checks that the shape of the mask, the second input, matches the first input.
func checkMask(in []tensor.Shape) error {
	if n := len(in[1]); n > len(in[0]) || !equal(in[0][:n], in[1]) {
		return fmt.Errorf("mask has shape %v, which does not fit values of shape %v", in[1], in[0])
	}
	return nil
}

// runNotEqual reduces len(in)/len(out) consecutive elements to each element of the output.
func runNotEqual[T kernel.Float](value float64) func(*call[T]) error {
	return func(c *call[T]) error {
		v, each := T(value), len(c.in[0])/len(c.out)
		for i := range c.out {
			c.out[i] = 0
			for _, x := range c.in[0][i*each : (i+1)*each] {
				if x != v {
					c.out[i] = 1
					break
				}
			}
		}
		return nil
	}
}

func runOnes[T kernel.Float](c *call[T]) error {
	kernel.Fill(c.out, 1)
	return nil
}

func runMaskSteps[T kernel.Float](c *call[T]) error {
	each := len(c.in[0]) / len(c.in[1])
	for i, m := range c.in[1] {
		if to := c.out[i*each : (i+1)*each]; m == 0 {
			clear(to)
		} else {
			copy(to, c.in[0][i*each:])
		}
	}
	return nil
}

// countNonzero returns the number of nonzero elements of a mask.
func countNonzero[T kernel.Float](mask []T) (n int) {
	for _, m := range mask {
		if m != 0 {
			n++
		}
	}
	return n
}

func runMaskedMean[T kernel.Float](c *call[T]) error {
	x, mask := c.in[0], c.in[1]
	each := len(x) / len(mask)
	var sum float64
	for i, m := range mask {
		if m != 0 {
			sum += float64(kernel.Sum(x[i*each : (i+1)*each]))
		}
	}
	c.out[0] = T(sum / float64(max(1, each*countNonzero(mask))))
	return nil
}

func runMaskedMeanGrad[T kernel.Float](c *call[T]) error {
	mask, each := c.in[0], len(c.out)/len(c.in[0])
	share := c.in[1][0] / T(max(1, each*countNonzero(mask)))
	for i, m := range mask {
		if to := c.out[i*each : (i+1)*each]; m == 0 {
			clear(to)
		} else {
			kernel.Fill(to, share)
		}
	}
	return nil
}

func runMaskedAvgPool[T kernel.Float](c *call[T]) error {
	steps, ch := c.inShape[0][1], c.inShape[0][2]
	kernel.Fill(c.out, 0)
	for b := range c.inShape[0][0] {
		mask, to := c.in[1][b*steps:(b+1)*steps], c.out[b*ch:(b+1)*ch]
		for t, m := range mask {
			if m != 0 {
				kernel.Add(to, to, c.in[0][(b*steps+t)*ch:(b*steps+t+1)*ch])
			}
		}
		kernel.Scale(to, to, 1/T(max(1, countNonzero(mask))))
	}
	return nil
}

func runMaskedAvgPoolGrad[T kernel.Float](c *call[T]) error {
	steps, ch := c.outShape[1], c.outShape[2]
	for b := range c.outShape[0] {
		mask, dy := c.in[0][b*steps:(b+1)*steps], c.in[1][b*ch:(b+1)*ch]
		share := 1 / T(max(1, countNonzero(mask)))
		for t, m := range mask {
			if to := c.out[(b*steps+t)*ch : (b*steps+t+1)*ch]; m == 0 {
				clear(to)
			} else {
				kernel.Scale(to, dy, share)
			}
		}
	}
	return nil
}

// MaskedScore is added to masked attention scores before softmax, as in Keras.
const MaskedScore = kernel.MaskedScore

// CausalMask adds MaskedScore to the scores (..., queries, keys) of all keys that come after
// their query: after softmax, step i attends only to steps 0 to i.
func CausalMask(scores *Node) (*Node, error) {
	rank := rankOf(scores)
	return apply(&op{
		name: "causal_mask",
		in:   []int{rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) < 2 {
				return nil, fmt.Errorf("input has shape %v, want (..., queries, keys)", in[0])
			}
			return in[0].Clone(), nil
		},
		run:       forDtypes(runCausalMask[float32](), runCausalMask[float64]()),
		lean:      func() runner { return forDtypes(runCausalMask[float32](), runCausalMask[float64]()) },
		diff:      []bool{true},
		grad:      func(_ Nodes, _, dy *Node) (Nodes, error) { return Nodes{dy}, nil },
		inPlaceOf: 1,
	}, scores)
}

func runCausalMask[T kernel.Float]() func(*call[T]) error {
	var mask []T
	return func(c *call[T]) error {
		last := len(c.outShape) - 2
		t, s := c.outShape[last], c.outShape[last+1]
		if len(mask) != t*s {
			mask = make([]T, t*s)
			for i := range mask {
				if i%s > i/s {
					mask[i] = MaskedScore
				}
			}
		}
		kernel.AddRow(c.out, c.in[0], mask, size(c.outShape[:last]), t*s)
		return nil
	}
}
