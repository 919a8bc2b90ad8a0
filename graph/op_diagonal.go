// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel/elements"
)

// Ops on the matrices of the last two axes. Diagonal k is the k-th to the right of the main diagonal, 0.

// Triu returns matrices with zeros below diagonal k.
func Triu(x *Node, k int) (*Node, error) { return triangle("triu", x, k, true) }

// Tril returns matrices with zeros above diagonal k.
func Tril(x *Node, k int) (*Node, error) { return triangle("tril", x, k, false) }

func triangle(name string, x *Node, k int, upper bool) (*Node, error) {
	o := moveOp(name+attrs("k", k), x, rankOf(x), func(m memory) error {
		dst, width := m.bytes(output)
		from, _ := m.bytes(0)
		n, rows, cols := matricesOf(m.shapeOf(0))
		elements.Triangle(dst, from, n, rows, cols, width, k, upper)
		return nil
	})
	o.shape = func(in []tensor.Shape) (tensor.Shape, error) {
		if len(in[0]) < 2 {
			return nil, fmt.Errorf("input has shape %v, want (..., rows, cols)", in[0])
		}
		return in[0].Clone(), nil
	}
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) { return triangle(name, dy, k, upper) })
	return apply(o, x)
}

// matricesOf views a shape as n matrices.
func matricesOf(s tensor.Shape) (n, rows, cols int) {
	last := len(s) - 2
	return size(s[:last]), s[last], s[last+1]
}

// DiagPart returns diagonal k of matrices: (..., rows, cols) becomes (..., length of the diagonal).
func DiagPart(x *Node, k int) (*Node, error) {
	if err := nilError("diag_part", x); err != nil {
		return nil, err
	}
	if rankOf(x) < 2 {
		return nil, shapeError("diag_part", fmt.Errorf("input has shape %v, want (..., rows, cols)", x.Shape()), x)
	}
	from := x.Shape().Clone()
	n, rows, cols := matricesOf(from)
	length := max(0, min(rows+min(k, 0), cols-max(k, 0)))
	o := moveOp("diag_part"+attrs("k", k), x, len(from)-1, func(m memory) error {
		w := elements.Walk{SrcAt: max(0, -k)*cols + max(0, k)}
		w.Axis(n, length, rows*cols)
		w.Axis(length, 1, cols+1)
		move(m, 0, w)
		return nil
	})
	o.shape = fixed(append(from[:len(from)-2].Clone(), length))
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) { return diagonal(dy, k, rows, cols) })
	return apply(o, x)
}

// Diag returns square matrices with x in diagonal k and zeros elsewhere: (..., n) becomes (..., n+|k|, n+|k|).
func Diag(x *Node, k int) (*Node, error) {
	if err := nilError("diag", x); err != nil {
		return nil, err
	}
	if rankOf(x) < 1 {
		return nil, shapeError("diag", fmt.Errorf("input is a scalar, want at least one axis"), x)
	}
	n := x.Shape()[rankOf(x)-1] + max(k, -k)
	return diagonal(x, k, n, n)
}

// diagonal returns matrices with x in diagonal k.
func diagonal(x *Node, k, rows, cols int) (*Node, error) {
	outer, length := asMatrix(x.Shape())
	o := moveOp("diag"+attrs("k", k, "rows", rows, "cols", cols), x, rankOf(x)+1, func(m memory) error {
		dst, _ := m.bytes(output)
		elements.Clear(dst)
		w := elements.Walk{DstAt: max(0, -k)*cols + max(0, k)}
		w.Axis(outer, rows*cols, length)
		w.Axis(length, cols+1, 1)
		move(m, 0, w)
		return nil
	})
	o.shape = fixed(append(x.Shape()[:rankOf(x)-1].Clone(), rows, cols))
	o.grad = oneGrad(func(_, dy *Node) (*Node, error) { return DiagPart(dy, k) })
	return apply(o, x)
}

// Trace returns the sums of the main diagonals of matrices: (..., rows, cols) becomes (...).
func Trace(x *Node) (*Node, error) {
	d, err := DiagPart(x, 0)
	if err != nil {
		return nil, err
	}
	return Sum(d, Axes(-1))
}
