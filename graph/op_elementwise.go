// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/reef-dl/reef/internal/kernel"

// Add returns a + b, element-wise; a and b may be scalars.
func Add(a, b *Node) (*Node, error) { return apply(addOp(rankOf(a)), a, b) }

func addOp(rank int) *op {
	return &op{
		name: "add",
		in:   []int{rank, rank}, out: rank,
		shape:     allSame,
		run:       forDtypes(runBinary(kernel.Add[float32]), runBinary(kernel.Add[float64])),
		diff:      []bool{true, true},
		grad:      func(_ Nodes, _, dy *Node) (Nodes, error) { return Nodes{dy, dy}, nil },
		inPlaceOf: 1,
		kind:      sum{},
	}
}

// sum identifies Add to fuse.
type sum struct{}

// Sub returns a - b, element-wise.
func Sub(a, b *Node) (*Node, error) {
	rank := rankOf(a)
	return apply(&op{
		name: "sub",
		in:   []int{rank, rank}, out: rank,
		shape: allSame,
		run:   forDtypes(runBinary(kernel.Sub[float32]), runBinary(kernel.Sub[float64])),
		diff:  []bool{true, true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			db, err := Scale(dy, -1)
			return Nodes{dy, db}, err
		},
		inPlaceOf: 1,
	}, a, b)
}

// Mul returns a·b, element-wise (the Hadamard product).
func Mul(a, b *Node) (*Node, error) {
	rank := rankOf(a)
	return apply(&op{
		name: "mul",
		in:   []int{rank, rank}, out: rank,
		shape: allSame,
		run:   forDtypes(runBinary(kernel.Mul[float32]), runBinary(kernel.Mul[float64])),
		diff:  []bool{true, true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			da, err := Mul(dy, in[1])
			if err != nil {
				return nil, err
			}
			db, err := Mul(dy, in[0])
			return Nodes{da, db}, err
		},
		inPlaceOf: 1,
	}, a, b)
}

// Scale returns factor·x.
func Scale(x *Node, factor float64) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "scale" + attrs("by", factor),
		in:   []int{rank}, out: rank,
		shape: sameShape,
		run:   forDtypes(runScale[float32](factor), runScale[float64](factor)),
		diff:  []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := Scale(dy, factor)
			return Nodes{dx}, err
		},
		inPlaceOf: 1,
	}, x)
}

// Affine returns scale·x + shift.
func Affine(x *Node, scale, shift float64) (*Node, error) {
	rank := rankOf(x)
	return apply(&op{
		name: "affine" + attrs("scale", scale, "shift", shift),
		in:   []int{rank}, out: rank,
		shape: sameShape,
		run:   forDtypes(runAffine[float32](scale, shift), runAffine[float64](scale, shift)),
		diff:  []bool{true},
		grad: func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := Scale(dy, scale)
			return Nodes{dx}, err
		},
		inPlaceOf: 1,
	}, x)
}

func runAffine[T kernel.Float](scale, shift float64) func(*call[T]) error {
	return func(c *call[T]) error {
		for i, v := range c.in[0] {
			c.out[i] = T(scale)*v + T(shift)
		}
		return nil
	}
}

func runBinary[T kernel.Float](f func(dst, a, b []T)) func(*call[T]) error {
	return func(c *call[T]) error {
		f(c.out, c.in[0], c.in[1])
		return nil
	}
}

func runScale[T kernel.Float](factor float64) func(*call[T]) error {
	return func(c *call[T]) error {
		kernel.Scale(c.out, c.in[0], T(factor))
		return nil
	}
}

// Maximum returns the element-wise maximum of a and b. The gradient goes to a where
// a >= b, otherwise to b.
func Maximum(a, b *Node) (*Node, error) {
	rank := rankOf(a)
	return apply(&op{
		name: "maximum",
		in:   []int{rank, rank}, out: rank,
		shape: allSame,
		run:   forDtypes(runBinary(kernel.Max[float32]), runBinary(kernel.Max[float64])),
		diff:  []bool{true, true},
		grad: func(in Nodes, _, dy *Node) (Nodes, error) {
			da, err := apply(&op{
				name: "maximum_grad",
				in:   []int{rank, rank, rank}, out: rank,
				shape: allSame,
				run:   forDtypes(runMaximumGrad[float32], runMaximumGrad[float64]),
			}, in[0], in[1], dy)
			if err != nil {
				return nil, err
			}
			db, err := Sub(dy, da) // da is dy or 0
			return Nodes{da, db}, err
		},
	}, a, b)
}

func runMaximumGrad[T kernel.Float](c *call[T]) error {
	kernel.MaxGrad(c.out, nil, c.in[0], c.in[1], c.in[2])
	return nil
}
