// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Reverse turns an axis round: its last place becomes the first.
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
		run:  both(runReverse[float32](axis), runReverse[float64](axis)),
		diff: []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := Reverse(dy, axis)
			return Nodes{dx}, err
		},
	}, x)
}

func runReverse[T kernel.Float](axis int) func(*call[T]) error {
	return func(c *call[T]) error {
		outer, length, inner := around(c.inShape[0], axis)
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
