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
		dx, err := MatMul(dz, in[1], false, true)
		if err != nil {
			return nil, err
		}
		dw, err := MatMul(in[0], dz, true, false)
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

// MatMul returns op(a)·op(b) for matrices, where op is the transpose if requested.
//
//	a (m, k)   b (k, n)   result (m, n)
func MatMul(a, b *Node, transA, transB bool) (*Node, error) {
	return apply(matMulOp(transA, transB), a, b)
}

func matMulOp(transA, transB bool) *op {
	o := &op{
		name: "matmul" + attrs("ta", transA, "tb", transB),
		in:   []int{2, 2}, out: 2,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			m, k := dims(in[0], transA)
			l, n := dims(in[1], transB)
			if k != l {
				return nil, fmt.Errorf("inner dimensions are %d and %d", k, l)
			}
			return tensor.Shape{m, n}, nil
		},
		run:  forDtypes(runMatMul[float32](transA, transB), runMatMul[float64](transA, transB)),
		diff: []bool{true, true},

		takesSparse: true,
		// With C = A·B: dA = dC·Bᵀ and dB = Aᵀ·dC; the gradient of a transposed operand is transposed.
		grad: func(in Nodes, _, dc *Node) (Nodes, error) {
			a, b := in[0], in[1]
			da, err := pick(transA, func() (*Node, error) { return MatMul(b, dc, transB, true) },
				func() (*Node, error) { return MatMul(dc, b, false, !transB) })
			if err != nil {
				return nil, err
			}
			db, err := pick(transB, func() (*Node, error) { return MatMul(dc, a, true, transA) },
				func() (*Node, error) { return MatMul(a, dc, !transA, false) })
			return Nodes{da, db}, err
		},
	}
	if !transA && !transB {
		o.each = runMatMulEach
	}
	return o
}

func runMatMulEach(c *call[float32]) error {
	if c.in[0] == nil {
		return runMatMul[float32](false, false)(c)
	}
	a, b := c.inShape[0], c.inShape[1]
	kernel.DenseEach(c.out, c.in[0], c.in[1], nil, a[0], a[1], b[1], nil, kernel.Linear, 0, c.kept[1])
	return nil
}

func runMatMul[T kernel.Float](transA, transB bool) func(*call[T]) error {
	return func(c *call[T]) error {
		a, b := c.inShape[0], c.inShape[1]
		m, k := dims(a, transA)
		_, n := dims(b, transB)
		if x, ok := c.values[0].(*CSR); ok {
			if !transA || transB {
				return fmt.Errorf("a sparse matrix can only be multiplied as aᵀ·b")
			}
			kernel.SparseDenseBackWeights(c.out, c.in[1], x.Indptr, x.Cols, sparseVals[T](x), k, m, n)
			return nil
		}
		kernel.Gemm(transA, transB, m, n, k, c.in[0], a[1], c.in[1], b[1], 0, c.out, n)
		return nil
	}
}

// sparseVals returns the values of m; float64 graphs do not support sparse matrices.
func sparseVals[T kernel.Float](m *CSR) []T {
	v, _ := any(m.Vals).([]T)
	return v
}

// dims returns the rows and columns of op(s).
func dims(s tensor.Shape, trans bool) (rows, cols int) {
	if trans {
		return s[1], s[0]
	}
	return s[0], s[1]
}

func pick(first bool, a, b func() (*Node, error)) (*Node, error) {
	if first {
		return a()
	}
	return b()
}

// BatchMatMul returns op(a_i)·op(b_i) for each pair of matrices in two batches, where op is
// the transpose if requested.
//
//	a (..., m, k)   b (..., k, n)   result (..., m, n)
//
// All axes but the last two must agree.
func BatchMatMul(a, b *Node, transA, transB bool) (*Node, error) {
	rank := rankOf(a)
	return apply(&op{
		name: "batch_matmul" + attrs("ta", transA, "tb", transB),
		in:   []int{rank, rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			last := len(in[0]) - 2
			if last < 1 {
				return nil, fmt.Errorf("inputs have shape %v, want (batch, ..., m, k)", in[0])
			}
			if !equal(in[0][:last], in[1][:last]) {
				return nil, fmt.Errorf("batch shapes are %v and %v", in[0][:last], in[1][:last])
			}
			m, k := dims(in[0][last:], transA)
			l, n := dims(in[1][last:], transB)
			if k != l {
				return nil, fmt.Errorf("inner dimensions are %d and %d", k, l)
			}
			return append(in[0][:last].Clone(), m, n), nil
		},
		run:  forDtypes(runBatchMatMul[float32](transA, transB), runBatchMatMul[float64](transA, transB)),
		diff: []bool{true, true},
		// As in matMulOp, for each pair.
		grad: func(in Nodes, _, dc *Node) (Nodes, error) {
			a, b := in[0], in[1]
			da, err := pick(transA, func() (*Node, error) { return BatchMatMul(b, dc, transB, true) },
				func() (*Node, error) { return BatchMatMul(dc, b, false, !transB) })
			if err != nil {
				return nil, err
			}
			db, err := pick(transB, func() (*Node, error) { return BatchMatMul(dc, a, true, transA) },
				func() (*Node, error) { return BatchMatMul(a, dc, !transA, false) })
			return Nodes{da, db}, err
		},
	}, a, b)
}

func runBatchMatMul[T kernel.Float](transA, transB bool) func(*call[T]) error {
	return func(c *call[T]) error {
		last := len(c.outShape) - 2
		m, k := dims(c.inShape[0][last:], transA)
		kernel.GemmBatch(transA, transB, size(c.outShape[:last]), m, c.outShape[last+1], k, c.in[0], c.in[1], c.out)
		return nil
	}
}
