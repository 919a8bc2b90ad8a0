// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
)

// RandomUniform returns numbers that are uniformly distributed in [0, 1). Each run draws those of
// rng.Step: two runs at the same step draw the same ones. All random ops of a graph share one Random; each
// needs its own stream.
func RandomUniform(g *Graph, dt Dtype, rng *Random, stream uint64, shape ...int) (*Node, error) {
	return sample("random_uniform", g, dt, rng, stream, shape, forDtypes(runSample(kernel.Uniform[float32], rng, stream), runSample(kernel.Uniform[float64], rng, stream)))
}

// RandomNormal returns normally distributed numbers of mean 0 and standard deviation 1; see
// RandomUniform.
func RandomNormal(g *Graph, dt Dtype, rng *Random, stream uint64, shape ...int) (*Node, error) {
	return sample("random_normal", g, dt, rng, stream, shape, forDtypes(runSample(kernel.Normal[float32], rng, stream), runSample(kernel.Normal[float64], rng, stream)))
}

// Bernoulli is true with the probability p, for each element of p independently; see RandomUniform. It
// has no gradient.
func Bernoulli(p *Node, rng *Random, stream uint64) (*Node, error) {
	if p == nil {
		return nil, &OpError{Op: "bernoulli", Err: fmt.Errorf("input 0 is nil: an earlier expression failed")}
	}
	u, err := RandomUniform(p.Graph(), p.Dtype(), rng, stream, p.Shape()...)
	if err != nil {
		return nil, err
	}
	return Less(u, p)
}

// Categorical draws the number of a class for each row of logits, along the last axis: int64, the shape that
// of logits without this axis. Class i has the probability exp(logits[i]) / Σ exp(logits): it is the one with
// the largest logits[i] - log(-log u[i]), u uniform (Gumbel 1954). A class of logit -Inf is never drawn if
// there is another one. See RandomUniform; it has no gradient.
func Categorical(logits *Node, rng *Random, stream uint64) (*Node, error) {
	fail := func(format string, args ...any) (*Node, error) {
		return nil, &OpError{Op: "categorical", Err: fmt.Errorf(format, args...)}
	}
	switch {
	case logits == nil:
		return fail("input 0 is nil: an earlier expression failed")
	case logits.Dims() == 0:
		return fail("logits are a scalar, want an axis of classes")
	case logits.Shape()[logits.Dims()-1] == 0:
		return fail("logits have shape %v: there is no class", logits.Shape())
	}
	var try Try
	do := try.Do
	u := do(RandomUniform(logits.Graph(), logits.Dtype(), rng, stream, logits.Shape()...))
	u = do(Clip(u, leastUniform, 1)) // the logarithm of 0 would compare equal to a logit of -Inf
	noise := do(Log(do(Neg(do(Log(u))))))
	class := do(ArgMax(do(Sub(logits, noise)), Axes(-1)))
	return class, try.Err()
}

// leastUniform is smaller than all uniform numbers of float32 but 0.
const leastUniform = 1.0 / (1 << 25)

// sample applies an op that draws numbers. Its input, which it does not read, is a constant: an op needs
// one to be part of a graph.
func sample(name string, g *Graph, dt Dtype, rng *Random, stream uint64, shape []int, run runner) (*Node, error) {
	name += attrs("shape", Shape(shape), "stream", stream)
	fail := func(format string, args ...any) (*Node, error) {
		return nil, &OpError{Op: name, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case rng == nil:
		return fail("has no source of random numbers")
	case !isFloat(dt):
		return fail("element type is %v, want float32 or float64", dt)
	case checkCountable(shape) != nil:
		return fail("%w", checkCountable(shape))
	}
	for _, d := range shape {
		if d < 0 {
			return fail("shape %v has a negative axis", Shape(shape))
		}
	}
	var zero any = float32(0)
	if dt == Float64 {
		zero = 0.0
	}
	from, err := Constant(g, zero)
	if err != nil {
		return nil, err
	}
	return apply(&op{
		name: name, in: []int{0}, out: len(shape), shape: fixed(Shape(shape)), run: run,
		zeroDiff: []bool{true}, orderOnly: true, rng: rng,
	}, from)
}

func runSample[T kernel.Float](draw func(dst []T, key, stream, step uint64), rng *Random, stream uint64) func(*call[T]) error {
	return func(c *call[T]) error {
		draw(c.out, rng.Key, stream, rng.Step)
		return nil
	}
}
