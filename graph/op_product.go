// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
)

// Dot returns the scalar product of two vectors.
func Dot(a, b *Node) (*Node, error) {
	if err := nilError("dot", a, b); err != nil {
		return nil, err
	}
	if rankOf(a) != 1 || rankOf(b) != 1 {
		return nil, shapeError("dot", fmt.Errorf("want two vectors: see MatMul and TensorDot"), a, b)
	}
	return MatMul(a, b)
}

// Outer returns the products of all elements of a with all of b, which are read as vectors:
// y[i, j] = a[i]·b[j].
func Outer(a, b *Node) (*Node, error) {
	if err := nilError("outer", a, b); err != nil {
		return nil, err
	}
	var try Try
	x, y := try.Do(Reshape(a, size(a.Shape()), 1)), try.Do(Reshape(b, 1, size(b.Shape())))
	return try.Do(Mul(x, y)), try.Err()
}

// TensorDot sums the products of a and b over pairs of axes, axesA[i] of a with axesB[i] of b. The result has
// the other axes of a, then those of b.
func TensorDot(a, b *Node, axesA, axesB []int) (*Node, error) {
	if err := nilError("tensor_dot", a, b); err != nil {
		return nil, err
	}
	var err error
	if axesA, err = normalizeAxes(a.Shape(), axesA); err == nil {
		axesB, err = normalizeAxes(b.Shape(), axesB)
	}
	if err == nil && len(axesA) != len(axesB) {
		err = fmt.Errorf("%d axes of a and %d of b, want pairs", len(axesA), len(axesB))
	}
	for i := range axesA {
		if p, q := a.Shape()[axesA[i]], 0; err == nil {
			if q = b.Shape()[axesB[i]]; p != q {
				err = fmt.Errorf("axis %d of a has length %d, axis %d of b has %d", axesA[i], p, axesB[i], q)
			}
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		return nil, shapeError("tensor_dot", err, a, b)
	}
	var try Try
	freeA, freeB := otherAxes(a, axesA), otherAxes(b, axesB)
	x := try.Do(groupAxes(a, freeA, axesA))
	y := try.Do(groupAxes(b, axesB, freeB))
	z := try.Do(MatMul(x, y))
	return try.Do(Reshape(z, append(lengths(a, freeA), lengths(b, freeB)...)...)), try.Err()
}

func otherAxes(x *Node, axes []int) (others []int) {
	for i := range rankOf(x) {
		if !slices.Contains(axes, i) {
			others = append(others, i)
		}
	}
	return others
}

func lengths(x *Node, axes []int) []int {
	n := make([]int, len(axes))
	for i, a := range axes {
		n[i] = x.Shape()[a]
	}
	return n
}

// groupAxes moves axes together and joins each group to one.
func groupAxes(x *Node, groups ...[]int) (*Node, error) {
	to := make([]int, len(groups))
	for i, g := range groups {
		to[i] = size(lengths(x, g))
	}
	if order := slices.Concat(groups...); !slices.IsSorted(order) {
		var err error
		if x, err = Transpose(x, order...); err != nil {
			return nil, err
		}
	}
	return Reshape(x, to...)
}

// Kron returns the Kronecker product of two tensors of one rank: each element of a times all of b.
func Kron(a, b *Node) (*Node, error) {
	if err := nilError("kron", a, b); err != nil {
		return nil, err
	}
	rank := rankOf(a)
	if rank != rankOf(b) || rank > maxRank/2 {
		return nil, shapeError("kron", fmt.Errorf("want two tensors of one rank, at most %d", maxRank/2), a, b)
	}
	var p, q, to []int
	for i := range rank {
		m, n := a.Shape()[i], b.Shape()[i]
		p, q, to = append(p, m, 1), append(q, 1, n), append(to, m*n)
	}
	var try Try
	z := try.Do(Mul(try.Do(Reshape(a, p...)), try.Do(Reshape(b, q...))))
	return try.Do(Reshape(z, to...)), try.Err()
}
