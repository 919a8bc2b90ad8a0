// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// AddRow is y = x + row, the row being added to every row of the last axis: a bias.
//
//	x (..., n)   row (n)   y (..., n)
func AddRow(x, row *Node) (*Node, error) {
	return rowOp("add_row", x, row, both(runRow(kernel.AddRow[float32]), runRow(kernel.AddRow[float64])),
		func(_ Nodes, dy *Node) (Nodes, error) {
			drow, err := ColumnSum(dy)
			return Nodes{dy, drow}, err
		})
}

// MulRow is y = x·row, element by element along the last axis: a scale for each feature.
//
//	x (..., n)   row (n)   y (..., n)
func MulRow(x, row *Node) (*Node, error) {
	return rowOp("mul_row", x, row, both(runRow(kernel.MulRow[float32]), runRow(kernel.MulRow[float64])),
		func(in Nodes, dy *Node) (Nodes, error) {
			dx, err := MulRow(dy, in[1])
			if err != nil {
				return nil, err
			}
			product, err := Mul(dy, in[0])
			if err != nil {
				return nil, err
			}
			drow, err := ColumnSum(product)
			return Nodes{dx, drow}, err
		})
}

func rowOp(name string, x, row *Node, run runner, back func(in Nodes, dy *Node) (Nodes, error)) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: name,
		in:   []int{rank, 1}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 || in[0][len(in[0])-1] != in[1][0] {
				return nil, fmt.Errorf("row has %d values, input shape %v", in[1][0], in[0])
			}
			return in[0].Clone(), nil
		},
		run:  run,
		diff: []bool{true, true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) { return back(in, dy) },
		over: 1,
	}, x, row)
}

func runRow[T kernel.Float](f func(dst, x, row []T, rows, cols int)) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := split(c.inShape[0])
		f(c.out, c.in[0], c.in[1], rows, cols)
		return nil
	}
}

// UnitRows scales every row of the last axis to length 1: y = x/max(√Σ x², 1e-7),
// as Keras's normalize does.
func UnitRows(x *Node) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "unit_rows",
		in:   []int{rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("input is a scalar, want at least one axis")
			}
			return in[0].Clone(), nil
		},
		run:  both(runRows(kernel.UnitRows[float32]), runRows(kernel.UnitRows[float64])),
		diff: []bool{true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			dx, err := apply(&op{
				name: "unit_rows_grad",
				in:   []int{rank, rank}, out: rank,
				shape: allSame,
				run:   both(runRowsGrad(kernel.UnitRowsGrad[float32]), runRowsGrad(kernel.UnitRowsGrad[float64])),
			}, in[0], dy)
			return Nodes{dx}, err
		},
	}, x)
}
