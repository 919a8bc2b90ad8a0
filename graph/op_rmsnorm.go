// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// RMSNorm divides each row of the last axis by the root of the mean of its squares (Zhang & Sennrich 2019):
// y = γ·x/√(mean x² + ε).
//
//	x (..., n)   gamma (n) or nil   y (..., n)
//
// epsilon must be at least 0.
func RMSNorm(x, gamma *Node, epsilon float64) (*Node, error) {
	if err := checkEpsilon("rms_norm", epsilon, x); err != nil {
		return nil, err
	}
	rank := rankOf(x)
	inputs := Nodes{x}
	o := &op{
		name: "rms_norm" + attrs("epsilon", epsilon, "gamma", gamma != nil),
		in:   []int{rank}, out: rank,
		diff: []bool{true},
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("input is a scalar")
			}
			if _, cols := asMatrix(in[0]); len(in) > 1 && in[1][0] != cols {
				return nil, fmt.Errorf("gamma has %d values, the rows have %d", in[1][0], cols)
			}
			return in[0].Clone(), nil
		},
		run: forDtypes(runRMSNorm[float32](epsilon, gamma != nil), runRMSNorm[float64](epsilon, gamma != nil)),
		formula: func(in Nodes) (*Node, error) {
			var try Try
			mean := try.Do(Mean(try.Do(Square(in[0])), Axes(-1), KeepDims()))
			return try.scaled(try.Do(Mul(in[0], try.inverse(mean, epsilon))), gamma != nil, false, in[1:]), try.Err()
		},
	}
	if gamma != nil {
		inputs, o.in, o.diff = append(inputs, gamma), append(o.in, 1), append(o.diff, true)
	}
	return apply(o, inputs...)
}

func runRMSNorm[T kernel.Float](epsilon float64, gamma bool) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		kernel.RMSNormRows(c.out, c.in[0], optionalLast(gamma, c.in), T(epsilon), rows, cols)
		return nil
	}
}
