// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel"
)

// Random is the source of the masks of a graph. Masks come from a counter-based
// generator (Philox4x32-10, Salmon et al. 2011): a mask is a function of Key,
// the op's stream, Step and the element's place, and of nothing else. Whoever
// trains adds one to Step for each training step; saving Key and Step is saving
// the state.
type Random struct{ Key, Step uint64 }

// Dropout sets each element to zero with probability rate and multiplies the
// others by 1/(1-rate), so that the expected value stays (Srivastava et al.
// 2014). It belongs into training graphs only. Streams tell the dropouts of a
// graph apart; a graph has one Random.
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
		shape:  sameShape,
		run:    both(runDropout[float32](rate, rng, stream), runDropout[float64](rate, rng, stream)),
		diff:   []bool{true},
		over:   1,
		source: rng,
	}
	// The mask is a linear map, and its transpose is itself: the gradient is the
	// same op on dy, which makes the same mask again instead of storing it.
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
