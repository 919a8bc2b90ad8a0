// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
)

// MatMulOption is an option of MatMul.
type MatMulOption func(*matMul)

// matMul says which operands are transposed.
type matMul struct{ transA, transB bool }

// Transposed multiplies the transposes of the matrices in a, in b or in both. They are not copied.
func Transposed(a, b bool) MatMulOption { return func(p *matMul) { p.transA, p.transB = a, b } }

// MatMul returns the products of the matrices of the last two axes:
//
//	a (..., m, k)   b (..., k, n)   result (..., m, n)
//
// The other axes broadcast, as NumPy's matmul has it. A vector is a row in a and a column in b, and its axis
// is not in the result: MatMul of two vectors is their scalar product.
func MatMul(a, b *Node, options ...MatMulOption) (*Node, error) {
	var p matMul
	applyAll(&p, options)
	if rankOf(a) == 2 && rankOf(b) == 2 {
		return matrixProduct(a, b, p.transA, p.transB)
	}
	if err := nilError(p.name(), a, b); err != nil {
		return nil, err
	}
	if rankOf(a) == 0 || rankOf(b) == 0 {
		return nil, shapeError(p.name(), fmt.Errorf("an input is a scalar: see Mul"), a, b)
	}
	if rankOf(a) > 2 && rankOf(a) == rankOf(b) && equal(a.Shape()[:rankOf(a)-2], b.Shape()[:rankOf(b)-2]) {
		return batchProduct(a, b, p.transA, p.transB)
	}
	return p.broadcast(a, b)
}

func (p matMul) name() string { return "matmul" + attrs("ta", p.transA, "tb", p.transB) }

// broadcast multiplies operands of other ranks or batches.
func (p matMul) broadcast(a, b *Node) (*Node, error) {
	var try Try
	x, y := a, b
	row, column := rankOf(a) == 1, rankOf(b) == 1
	if row {
		x, p.transA = try.Do(ExpandDims(a, 0)), false
	}
	if column {
		y, p.transB = try.Do(ExpandDims(b, 1)), false
	}
	if try.Err() != nil {
		return nil, try.Err()
	}
	s, t := x.Shape(), y.Shape()
	m, k := dims(s[len(s)-2:], p.transA)
	l, n := dims(t[len(t)-2:], p.transB)
	if k != l {
		return nil, shapeError(p.name(), fmt.Errorf("inner dimensions are %d and %d", k, l), a, b)
	}
	batch, err := broadcastShapes([]tensor.Shape{s[:len(s)-2], t[:len(t)-2]})
	if err != nil {
		return nil, shapeError(p.name(), err, a, b)
	}
	var z *Node
	if len(t) == 2 && !p.transA { // one matrix for all rows
		z = try.Do(matrixProduct(try.Do(Reshape(x, size(batch)*m, k)), y, false, p.transB))
	} else {
		if !equal(s[:len(s)-2], batch) {
			x = try.Do(BroadcastTo(x, append(slices.Clone(batch), s[len(s)-2:]...)...))
		}
		if !equal(t[:len(t)-2], batch) {
			y = try.Do(BroadcastTo(y, append(slices.Clone(batch), t[len(t)-2:]...)...))
		}
		if len(batch) > 0 {
			z = try.Do(batchProduct(x, y, p.transA, p.transB))
		} else {
			z = try.Do(matrixProduct(x, y, p.transA, p.transB))
		}
	}
	to := slices.Clone(batch)
	if !row {
		to = append(to, m)
	}
	if !column {
		to = append(to, n)
	}
	return try.Do(Reshape(z, to...)), try.Err()
}

// matrixProduct returns op(a)·op(b) for matrices, where op is the transpose if requested.
func matrixProduct(a, b *Node, transA, transB bool) (*Node, error) {
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
			da, err := pick(transA, func() (*Node, error) { return matrixProduct(b, dc, transB, true) },
				func() (*Node, error) { return matrixProduct(dc, b, false, !transB) })
			if err != nil {
				return nil, err
			}
			db, err := pick(transB, func() (*Node, error) { return matrixProduct(dc, a, true, transA) },
				func() (*Node, error) { return matrixProduct(a, dc, !transA, false) })
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

// batchProduct returns op(a_i)·op(b_i) for each pair of matrices in two batches of the same shape.
func batchProduct(a, b *Node, transA, transB bool) (*Node, error) {
	rank := rankOf(a)
	return apply(&op{
		name: "batch_matmul" + attrs("ta", transA, "tb", transB),
		in:   []int{rank, rank}, out: rank,
		shape: func(in []tensor.Shape) (tensor.Shape, error) {
			last := len(in[0]) - 2
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
			da, err := pick(transA, func() (*Node, error) { return batchProduct(b, dc, transB, true) },
				func() (*Node, error) { return batchProduct(dc, b, false, !transB) })
			if err != nil {
				return nil, err
			}
			db, err := pick(transB, func() (*Node, error) { return batchProduct(dc, a, true, transA) },
				func() (*Node, error) { return batchProduct(a, dc, !transA, false) })
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
