// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// Dense returns y = act(x·w + b), as one op if the gradient of act can be computed from y.
//
//	x (batch, in)   w (in, units)   b (units) or nil   y (batch, units)
//
// x may be bound to a CSR matrix; then only its nonzero elements are multiplied.
func Dense(x, w, b *Node, act Activation) (*Node, error) {
	return applyActivated(x, w, b, act, denseOp)
}

func denseOp(act Activation, bias bool) *op {
	o := &op{
		name: "dense" + attrs("act", act, "bias", bias),
		in:   []int{2, 2}, out: 2,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			x, w := in[0], in[1]
			if x[1] != w[0] {
				return nil, fmt.Errorf("input has %d features, kernel was made for %d", x[1], w[0])
			}
			if bias && in[2][0] != w[1] {
				return nil, fmt.Errorf("bias has %d values, kernel has %d units", in[2][0], w[1])
			}
			return tensor.Shape{x[0], w[1]}, nil
		},
		run:  forDtypes(runDense[float32](act), runDense[float64](act)),
		each: runDenseEach(act),
		diff: []bool{true, true},

		kind:        dense{act},
		takesSparse: true,
	}
	if bias {
		o.in, o.diff = append(o.in, 1), append(o.diff, true)
	}
	// dz = dy·act'(y);  dx = dz·wᵀ,  dw = xᵀ·dz,  db = Σ_batch dz
	o.grad = func(in Nodes, y, dy *Node) (Nodes, error) {
		dz, err := activateGrad(act, y, dy)
		if err != nil {
			return nil, err
		}
		dx, err := matrixProduct(dz, in[1], false, true)
		if err != nil {
			return nil, err
		}
		dw, err := matrixProduct(in[0], dz, true, false)
		if err != nil || !bias {
			return Nodes{dx, dw}, err
		}
		db, err := ColumnSum(dz)
		return Nodes{dx, dw, db}, err
	}
	return o
}

// dense identifies Dense to fuse.
type dense struct{ act Activation }

func runDense[T kernel.Float](act Activation) func(*call[T]) error {
	return func(c *call[T]) error {
		var b []T
		if len(c.in) > 2 {
			b = c.in[2]
		}
		x, w := c.inShape[0], c.inShape[1]
		if m, ok := c.values[0].(*CSR); ok {
			kernel.SparseDense(c.out, c.in[1], b, m.Indptr, m.Cols, sparseVals[T](m), x[0], x[1], w[1], act.kind, T(act.alpha))
			return nil
		}
		kernel.Dense(c.out, c.in[0], c.in[1], b, x[0], x[1], w[1], act.kind, T(act.alpha))
		return nil
	}
}

func runDenseEach(act Activation) func(*call[float32]) error {
	dense := runDense[float32](act)
	return func(c *call[float32]) error {
		if c.in[0] == nil {
			return dense(c) // a sparse matrix
		}
		var b []float32
		if len(c.in) > 2 {
			b = c.in[2]
		}
		x, w := c.inShape[0], c.inShape[1]
		kernel.DenseEach(c.out, c.in[0], c.in[1], b, x[0], x[1], w[1], nil, act.kind, float32(act.alpha), c.kept[1])
		return nil
	}
}
