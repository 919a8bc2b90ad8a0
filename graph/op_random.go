// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"github.com/reef-dl/reef/internal/kernel"
)

// Dropout sets each element to zero with probability rate and scales the others by
// 1/(1-rate), which preserves the expected value (Srivastava et al. 2014). It belongs only
// in training graphs. All random ops of a graph share one Random; each needs its own stream.
func Dropout(x *Node, rate float64, rng *Random, stream uint64) (*Node, error) {
	name := "dropout" + attrs("rate", rate, "stream", stream)
	if !(rate >= 0 && rate < 1) {
		return nil, &OpError{Op: name, Err: fmt.Errorf("rate is %g, want 0 <= rate < 1", rate)}
	}
	if rng == nil {
		return nil, &OpError{Op: name, Err: fmt.Errorf("has no source of random numbers")}
	}
	if rate == 0 && x != nil {
		return x, nil
	}
	rank := rankOf(x)
	o := &op{
		name: name,
		in:   []int{rank}, out: rank,
		shape:     sameShape,
		run:       forDtypes(runDropout[float32](rate, rng, stream), runDropout[float64](rate, rng, stream)),
		diff:      []bool{true},
		inPlaceOf: 1,
		rng:       rng,
	}
	// Multiplication by the mask is linear and its own transpose: the gradient is the same op
	// applied to dy, which regenerates the mask instead of storing it.
	o.grad = func(_ Nodes, _, dy *Node) (Nodes, error) {
		dx, err := apply(o, dy)
		return Nodes{dx}, err
	}
	return apply(o, x)
}

func runDropout[T kernel.Float](rate float64, rng *Random, stream uint64) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Dropout(c.out, c.in[0], rate, rng.Key, stream, rng.Step)
		return nil
	}
}

// GaussianNoise returns y = x + stddev·n with standard normal n. Like Dropout it belongs
// only in training graphs.
func GaussianNoise(x *Node, stddev float64, rng *Random, stream uint64) (*Node, error) {
	o, err := randomOp("gaussian_noise"+attrs("stddev", stddev, "stream", stream), x, rng)
	if err != nil {
		return nil, err
	}
	if !(stddev >= 0) || math.IsInf(stddev, 1) {
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("standard deviation is %g, want at least 0", stddev)}
	}
	if stddev == 0 && x != nil {
		return x, nil
	}
	o.run = forDtypes(runGaussianNoise[float32](stddev, rng, stream), runGaussianNoise[float64](stddev, rng, stream))
	o.grad = func(_ Nodes, _, dy *Node) (Nodes, error) { return Nodes{dy}, nil }
	return apply(o, x)
}

// GaussianDropout returns y = x·(1 + n·√(rate/(1-rate))) with standard normal n:
// multiplicative noise with the variance of Dropout (Srivastava et al. 2014, section 10).
func GaussianDropout(x *Node, rate float64, rng *Random, stream uint64) (*Node, error) {
	o, err := randomOp("gaussian_dropout"+attrs("rate", rate, "stream", stream), x, rng)
	if err != nil {
		return nil, err
	}
	if !(rate >= 0 && rate < 1) {
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("rate is %g, want 0 <= rate < 1", rate)}
	}
	if rate == 0 && x != nil {
		return x, nil
	}
	stddev := math.Sqrt(rate / (1 - rate))
	o.run = forDtypes(runGaussianDropout[float32](stddev, rng, stream), runGaussianDropout[float64](stddev, rng, stream))
	o.grad = func(_ Nodes, _, dy *Node) (Nodes, error) { // as in Dropout
		dx, err := apply(o, dy)
		return Nodes{dx}, err
	}
	return apply(o, x)
}

// SpatialDropout drops whole channels: all cells of a channel of a sample are dropped or
// kept together (Tompson et al. 2015).
//
//	x (batch, ..., channels), with at least one axis in between
func SpatialDropout(x *Node, rate float64, rng *Random, stream uint64) (*Node, error) {
	o, err := randomOp("spatial_dropout"+attrs("rate", rate, "stream", stream), x, rng)
	if err != nil {
		return nil, err
	}
	if !(rate >= 0 && rate < 1) {
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("rate is %g, want 0 <= rate < 1", rate)}
	}
	if x != nil && len(x.Shape()) < 3 {
		return nil, &OpError{Op: o.name, Err: fmt.Errorf("input has shape %v, want (batch, ..., channels) with at least one axis in between", x.Shape())}
	}
	if rate == 0 && x != nil {
		return x, nil
	}
	o.run = forDtypes(runSpatialDropout[float32](rate, rng, stream), runSpatialDropout[float64](rate, rng, stream))
	o.grad = func(_ Nodes, _, dy *Node) (Nodes, error) { // as in Dropout
		dx, err := apply(o, dy)
		return Nodes{dx}, err
	}
	return apply(o, x)
}

// randomOp returns an op that preserves the shape of x, without run and grad.
func randomOp(name string, x *Node, rng *Random) (*op, error) {
	if rng == nil {
		return nil, &OpError{Op: name, Err: fmt.Errorf("has no source of random numbers")}
	}
	rank := rankOf(x)
	return &op{name: name, in: []int{rank}, out: rank, shape: sameShape, diff: []bool{true}, rng: rng}, nil
}

func runGaussianNoise[T kernel.Float](stddev float64, rng *Random, stream uint64) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Normal(c.out, rng.Key, stream, rng.Step)
		kernel.Scale(c.out, c.out, T(stddev))
		kernel.Add(c.out, c.out, c.in[0])
		return nil
	}
}

func runGaussianDropout[T kernel.Float](stddev float64, rng *Random, stream uint64) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Normal(c.out, rng.Key, stream, rng.Step)
		kernel.Scale(c.out, c.out, T(stddev))
		kernel.Mul(c.out, c.out, c.in[0])
		kernel.Add(c.out, c.out, c.in[0])
		return nil
	}
}

// runSpatialDropout reuses a mask of shape (batch, channels) between calls.
func runSpatialDropout[T kernel.Float](rate float64, rng *Random, stream uint64) func(*call[T]) error {
	var mask []T
	return func(c *call[T]) error {
		n, cells, channels := cells(c.inShape[0])
		if len(mask) != n*channels {
			mask = make([]T, n*channels)
		}
		kernel.DropoutMask(mask, rate, rng.Key, stream, rng.Step)
		each := cells * channels
		for i := range n {
			kernel.MulRow(c.out[i*each:(i+1)*each], c.in[0][i*each:(i+1)*each], mask[i*channels:(i+1)*channels], cells, channels)
		}
		return nil
	}
}
