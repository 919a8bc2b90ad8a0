// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// Mean returns the mean of all elements, a scalar, or the means along axes.
func Mean(x *Node, options ...ReduceOption) (*Node, error) {
	if len(options) > 0 {
		return meanAxes(x, options)
	}
	return reduceOp("mean", x, forDtypes(runMean[float32], runMean[float64]),
		func(in Nodes, dy *Node) (*Node, error) {
			return apply(meanGradOp(rankOf(in[0])), in[0], dy)
		})
}

// meanGrad identifies the gradient of Mean, which reads only the shape of its first input.
type meanGrad struct{}

func meanGradOp(rank int) *op {
	return (&op{
		name: "mean_grad",
		in:   []int{rank, 0}, out: rank,
		shape: sameShape,
		run:   forDtypes(runBroadcastMean[float32], runBroadcastMean[float64]),
		kind:  meanGrad{},
	}).linear(1, func(_ Nodes, g *Node) (*Node, error) { return Mean(g) })
}

// WeightedMean returns (1/n)·Σ_i w_i·x_i, a scalar. As in Keras, the weighted sum is divided
// by the number of samples, not by the sum of the weights. The weights have x's shape.
func WeightedMean(x, weights *Node) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "weighted_mean",
		in:   []int{rank, rank}, out: 0,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if _, err := allSame(in); err != nil {
				return nil, err
			}
			return tensor.ScalarShape(), nil
		},
		run:  forDtypes(runWeightedMean[float32], runWeightedMean[float64]),
		diff: []bool{true, true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			back := forDtypes(runBroadcastWeights[float32], runBroadcastWeights[float64])
			formula := func(in Nodes) (*Node, error) {
				var try Try
				share := try.Do(Scale(in[1], 1/float64(size(in[0].Shape()))))
				return try.Do(Mul(in[0], share)), try.Err()
			}
			dx, err := broadcastLike("weighted_mean_grad", in[1], dy, back, formula)
			if err != nil {
				return nil, err
			}
			dw, err := broadcastLike("weighted_mean_grad", in[0], dy, back, formula)
			return Nodes{dx, dw}, err
		},
	}, x, weights)
}

// Sum returns the sum of all elements, a scalar, or the sums along axes, of floats or integers.
func Sum(x *Node, options ...ReduceOption) (*Node, error) {
	if len(options) > 0 || elementOf(x) == elementwise.Int {
		return sumAxes(x, options)
	}
	return reduceOp("sum", x, forDtypes(runSum[float32], runSum[float64]),
		func(in Nodes, dy *Node) (*Node, error) {
			return broadcastLike("sum_grad", in[0], dy, forDtypes(runBroadcast[float32], runBroadcast[float64]),
				func(in Nodes) (*Node, error) { return BroadcastTo(in[1], in[0].Shape()...) })
		})
}

// L2 returns the penalty factor·Σ_i w_i², a scalar; as in Keras, without a factor of 1/2.
func L2(w *Node, factor float64) (*Node, error) {
	return reduceOp("l2"+attrs("factor", factor), w, forDtypes(runL2[float32](factor), runL2[float64](factor)),
		func(in Nodes, dy *Node) (*Node, error) {
			return broadcastLike("l2_grad"+attrs("factor", factor), in[0], dy, forDtypes(runL2Grad[float32](factor), runL2Grad[float64](factor)),
				func(in Nodes) (*Node, error) {
					var try Try
					return try.Do(Mul(in[0], try.Do(Scale(in[1], 2*factor)))), try.Err()
				})
		})
}

// L1 returns the penalty factor·Σ_i |w_i|, a scalar; the derivative of |w| at 0 is 0.
func L1(w *Node, factor float64) (*Node, error) {
	return reduceOp("l1"+attrs("factor", factor), w, forDtypes(runL1[float32](factor), runL1[float64](factor)),
		func(in Nodes, dy *Node) (*Node, error) {
			return broadcastLike("l1_grad"+attrs("factor", factor), in[0], dy, forDtypes(runL1Grad[float32](factor), runL1Grad[float64](factor)),
				func(in Nodes) (*Node, error) {
					var try Try
					return try.Do(Mul(try.Do(Sign(in[0])), try.Do(Scale(in[1], factor)))), try.Err()
				})
		})
}

// ColumnSum sums over all axes but the last: (..., n) becomes (n). It is the gradient of a
// bias.
func ColumnSum(x *Node) (*Node, error) {
	return apply(&op{
		name: "column_sum",
		in:   []int{rankOf(x)}, out: 1,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("input is a scalar")
			}
			_, cols := asMatrix(in[0])
			return tensor.Shape{cols}, nil
		},
		run:  forDtypes(runColumnSum[float32], runColumnSum[float64]),
		diff: []bool{true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			dx, err := BroadcastTo(dy, in[0].Shape()...)
			return Nodes{dx}, err
		},
	}, x)
}

// reduceOp applies an op that reduces x to a scalar; back builds the gradient of x.
func reduceOp(name string, x *Node, run runner, back func(in Nodes, dy *Node) (*Node, error)) (*Node, error) {
	return apply(&op{
		name: name,
		in:   []int{rankOf(x)}, out: 0,
		shape: func([]tensor.Shape) (tensor.Shape, error) { return tensor.ScalarShape(), nil },
		run:   run,
		diff:  []bool{true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			dx, err := back(in, dy)
			return Nodes{dx}, err
		},
	}, x)
}

// broadcastLike computes a tensor of like's shape from the scalar dy and like's elements.
func broadcastLike(name string, like, dy *Node, run runner, f formula) (*Node, error) {
	rank := rankOf(like)
	return apply(&op{name: name, in: []int{rank, 0}, out: rank, shape: sameShape, run: run, formula: f}, like, dy)
}

func runMean[T kernel.Float](c *call[T]) error {
	c.out[0] = kernel.Sum(c.in[0]) / T(len(c.in[0]))
	return nil
}

func runSum[T kernel.Float](c *call[T]) error {
	c.out[0] = kernel.Sum(c.in[0])
	return nil
}

func runWeightedMean[T kernel.Float](c *call[T]) error {
	c.out[0] = kernel.Dot(c.in[0], c.in[1]) / T(len(c.in[0]))
	return nil
}

func runL2[T kernel.Float](factor float64) func(*call[T]) error {
	return func(c *call[T]) error {
		c.out[0] = T(factor) * kernel.SumSquares(c.in[0])
		return nil
	}
}

func runBroadcast[T kernel.Float](c *call[T]) error {
	kernel.Fill(c.out, c.in[1][0])
	return nil
}

func runBroadcastMean[T kernel.Float](c *call[T]) error {
	kernel.Fill(c.out, c.in[len(c.in)-1][0]/T(len(c.out)))
	return nil
}

func runBroadcastWeights[T kernel.Float](c *call[T]) error {
	kernel.Scale(c.out, c.in[0], c.in[1][0]/T(len(c.out)))
	return nil
}

func runL2Grad[T kernel.Float](factor float64) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Scale(c.out, c.in[0], 2*T(factor)*c.in[1][0])
		return nil
	}
}

func runL1[T kernel.Float](factor float64) func(*call[T]) error {
	return func(c *call[T]) error {
		c.out[0] = T(factor) * kernel.SumAbs(c.in[0])
		return nil
	}
}

func runL1Grad[T kernel.Float](factor float64) func(*call[T]) error {
	return func(c *call[T]) error {
		d := T(factor) * c.in[1][0]
		for i, v := range c.in[0] {
			switch {
			case v > 0:
				c.out[i] = d
			case v < 0:
				c.out[i] = -d
			default:
				c.out[i] = 0
			}
		}
		return nil
	}
}

func runColumnSum[T kernel.Float](c *call[T]) error {
	rows, cols := asMatrix(c.inShape[0])
	kernel.ColSum(c.out, c.in[0], rows, cols)
	return nil
}

// AddRow returns y = x + row, with the row added to every row of the last axis: a bias.
//
//	x (..., n)   row (n)   y (..., n)
func AddRow(x, row *Node) (*Node, error) {
	return rowOp("add_row", x, row, forDtypes(runRow(kernel.AddRow[float32]), runRow(kernel.AddRow[float64])),
		func(_ Nodes, dy *Node) (Nodes, error) {
			drow, err := ColumnSum(dy)
			return Nodes{dy, drow}, err
		})
}

// MulRow returns y = x·row, element-wise along the last axis: a scale for each feature.
//
//	x (..., n)   row (n)   y (..., n)
func MulRow(x, row *Node) (*Node, error) {
	return rowOp("mul_row", x, row, forDtypes(runRow(kernel.MulRow[float32]), runRow(kernel.MulRow[float64])),
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
		run:       run,
		diff:      []bool{true, true},
		grad:      func(in Nodes, _, dy *Node) (Nodes, error) { return back(in, dy) },
		inPlaceOf: 1,
	}, x, row)
}

func runRow[T kernel.Float](f func(dst, x, row []T, rows, cols int)) func(*call[T]) error {
	return func(c *call[T]) error {
		rows, cols := asMatrix(c.inShape[0])
		f(c.out, c.in[0], c.in[1], rows, cols)
		return nil
	}
}

// L2Normalize scales each row of the last axis to unit L2 norm, y = x/max(√Σ x², 1e-7), like
// Keras's normalize.
func L2Normalize(x *Node) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "l2_normalize",
		in:   []int{rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			if len(in[0]) == 0 {
				return nil, fmt.Errorf("input is a scalar, want at least one axis")
			}
			return in[0].Clone(), nil
		},
		run:  forDtypes(runRows(kernel.L2NormalizeRows[float32]), runRows(kernel.L2NormalizeRows[float64])),
		diff: []bool{true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			dx, err := apply(&op{
				name: "l2_normalize_grad",
				in:   []int{rank, rank}, out: rank,
				shape: allSame,
				run:   forDtypes(runRowsGrad(kernel.L2NormalizeRowsGrad[float32]), runRowsGrad(kernel.L2NormalizeRowsGrad[float64])),

				formula: formula(l2NormalizeFormula).backward(1, 0),
			}, in[0], dy)
			return Nodes{dx}, err
		},
	}, x)
}

func l2NormalizeFormula(in Nodes) (*Node, error) {
	const least = 1e-7 // of the norm
	var try Try
	squares := try.Do(Sum(try.Do(Square(in[0])), Axes(-1), KeepDims()))
	norm := try.Do(Sqrt(try.Do(Maximum(squares, try.Do(Scalar(squares, least*least))))))
	return try.Do(Div(in[0], norm)), try.Err()
}
