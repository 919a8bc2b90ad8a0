// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// Element-wise ops broadcast as NumPy's do: shapes are aligned at their last axes, and an axis of
// length 1, or a missing one, is repeated. The gradient of an operand is summed over the axes along
// which it was repeated. In a Program, chains of these ops become one pass over memory; see
// fuse_elementwise.go.

// partials builds the gradients of an op's inputs, in the output's shape; nil where there is none.
type partials func(in Nodes, y, dy *Node) (Nodes, error)

// elementwiseOp returns the op that applies an expression to its inputs. Its name includes all
// constants of the expression.
func elementwiseOp(name string, e *elementwise.Expr, grad partials, inputs ...*Node) *op {
	o := &op{
		name:    name,
		expr:    e,
		shape:   broadcastShapes,
		run:     forDtypes(runElementwise[float32](e), runElementwise[float64](e)),
		outType: elementType(e.Result()),
	}
	for k, n := range inputs {
		dt := elementType(e.In[k])
		o.in, o.inType = append(o.in, rankOf(n)), append(o.inType, dt)
		o.out = max(o.out, rankOf(n))
		o.diff, o.zeroDiff = append(o.diff, grad != nil && dt == Dtype{}), append(o.zeroDiff, grad == nil || dt != Dtype{})
		if dt == o.outType && o.inPlaceOf == 0 {
			o.inPlaceOf = k + 1
		}
	}
	if grad != nil {
		o.grad = func(in Nodes, y, dy *Node) (Nodes, error) {
			grads, err := grad(in, y, dy)
			for k, g := range grads {
				if err == nil && g != nil {
					grads[k], err = sumTo(g, in[k].Shape())
				}
			}
			return grads, err
		}
	}
	return o
}

// elementType returns the element type of a node, the zero value for the op's float type.
func elementType(t elementwise.Type) Dtype {
	return [...]Dtype{elementwise.Float: {}, elementwise.Int: Int64, elementwise.Bool: Bool}[t]
}

// elementOf is the inverse of elementType for any float type.
func elementOf(n *Node) elementwise.Type {
	if n == nil {
		return elementwise.Float
	}
	switch n.Dtype() {
	case Int64:
		return elementwise.Int
	case Bool:
		return elementwise.Bool
	}
	return elementwise.Float
}

func runElementwise[T kernel.Float](e *elementwise.Expr) func(*call[T]) error {
	return func(c *call[T]) error {
		for k := range c.operands {
			o := &c.operands[k]
			o.Floats = c.in[k]
			if len(c.ints) > 0 {
				o.Ints, o.Bools = c.ints[k], c.bools[k]
			}
		}
		c.output.Floats, c.output.Ints, c.output.Bools = c.out, c.outInts, c.outBools
		elementwise.Run(e, &c.output, c.operands)
		return nil
	}
}

// broadcastShapes returns the shape to which all of the shapes can be broadcast.
func broadcastShapes(in []tensor.Shape) (tensor.Shape, error) {
	rank := 0
	for _, s := range in {
		rank = max(rank, len(s))
	}
	if rank > elementwise.MaxRank {
		return nil, fmt.Errorf("an input has %d axes, want at most %d", rank, elementwise.MaxRank)
	}
	to := make(tensor.Shape, rank)
	for i := range to {
		to[i] = 1
	}
	for k, s := range in {
		for i, d := range s {
			switch t := &to[rank-len(s)+i]; {
			case *t == d || d == 1:
			case *t == 1:
				*t = d
			default:
				return nil, fmt.Errorf("input %d of shape %v does not broadcast with %v: axis %d has length %d, want 1 or %d", k, s, to, i, d, *t)
			}
		}
	}
	if rank == 0 {
		return tensor.ScalarShape(), nil
	}
	return to, nil
}

// steps1 and steps2 are expressions of one op.
func steps1(s elementwise.Step) *elementwise.Expr {
	return elementwise.New(s.Op.In(), s)
}

func steps2(o elementwise.Op) *elementwise.Expr {
	return elementwise.New(o.In(), elementwise.Step{Op: o, A: 0, B: 1})
}

// noOp stands for a type that a function does not take.
const noOp = ^elementwise.Op(0)

// byType returns the op for operands of the type of n.
func byType(n *Node, float, integer, boolean elementwise.Op) (elementwise.Op, error) {
	o := [...]elementwise.Op{elementwise.Float: float, elementwise.Int: integer, elementwise.Bool: boolean}[elementOf(n)]
	if o == noOp {
		return o, &OpError{Op: float.String(), Err: fmt.Errorf("input 0 is %v, which it does not take: see Cast", n.Dtype())}
	}
	return o, nil
}

// binaryOp applies an op of two operands of one type.
func binaryOp(a, b *Node, float, integer elementwise.Op, grad partials) (*Node, error) {
	o, err := byType(a, float, integer, noOp)
	if err != nil {
		return nil, err
	}
	if elementOf(a) != elementwise.Float {
		grad = nil
	}
	return apply(elementwiseOp(o.String(), steps2(o), grad, a, b), a, b)
}

// Add returns a + b.
func Add(a, b *Node) (*Node, error) {
	o, err := byType(a, elementwise.Add, elementwise.AddInt, noOp)
	if err != nil {
		return nil, err
	}
	if o == elementwise.AddInt {
		return apply(elementwiseOp("add", steps2(o), nil, a, b), a, b)
	}
	return apply(addOp(a, b), a, b)
}

func addOp(a, b *Node) *op {
	o := elementwiseOp("add", addExpr, func(_ Nodes, _, dy *Node) (Nodes, error) { return Nodes{dy, dy}, nil }, a, b)
	if a != nil && b != nil && equal(a.Shape(), b.Shape()) {
		o.kind = sum{}
	}
	return o
}

var addExpr = steps2(elementwise.Add)

// sum identifies Add of equal shapes to fuse.
type sum struct{}

// Sub returns a - b.
func Sub(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.Sub, elementwise.SubInt, func(_ Nodes, _, dy *Node) (Nodes, error) {
		db, err := Scale(dy, -1)
		return Nodes{dy, db}, err
	})
}

// Mul returns a·b, element-wise (the Hadamard product).
func Mul(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.Mul, elementwise.MulInt, func(in Nodes, _, dy *Node) (Nodes, error) {
		var try Try
		return Nodes{try.Do(Mul(dy, in[1])), try.Do(Mul(dy, in[0]))}, try.Err()
	})
}

// Div returns a/b.
func Div(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.Div, noOp, func(in Nodes, y, dy *Node) (Nodes, error) {
		var try Try
		da := try.Do(Div(dy, in[1]))
		return Nodes{da, try.Do(Neg(try.Do(Mul(da, y))))}, try.Err()
	})
}

// FloorDiv returns a/b rounded down; for integers, 0 where b is 0. Its derivative is 0.
func FloorDiv(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.FloorDiv, elementwise.FloorDivInt, nil)
}

// Mod returns a - b·floor(a/b), which has the sign of b, as NumPy's and Python's % does; for integers,
// a where b is 0. The derivative with respect to a is 1, with respect to b -floor(a/b).
func Mod(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.Mod, elementwise.ModInt, func(in Nodes, _, dy *Node) (Nodes, error) {
		var try Try
		return Nodes{dy, try.Do(Neg(try.Do(Mul(dy, try.Do(FloorDiv(in[0], in[1]))))))}, try.Err()
	})
}

// Pow returns a to the power of b. The derivative with respect to a is 0 where b is 0, also at a = 0; with respect
// to b it is 0 where a is 0 or negative.
func Pow(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.Pow, noOp, func(in Nodes, y, dy *Node) (Nodes, error) {
		a, b := in[0], in[1]
		var try Try
		zero := try.Do(Scalar(a, 0))
		constant := try.Do(And(try.Do(Equal(a, zero)), try.Do(Equal(b, zero)))) // where b·a^(b-1) is 0·Inf
		base := try.Do(Where(constant, try.Do(Scalar(a, 1)), a))
		da := try.Do(Mul(dy, try.Do(Mul(b, try.Do(Pow(base, try.Do(Affine(b, 1, -1))))))))
		positive := try.Do(Less(zero, a))
		log := try.Do(Log(try.Do(Where(positive, a, try.Do(Scalar(a, 1))))))
		return Nodes{da, try.Do(Mul(dy, try.Do(Mul(y, log))))}, try.Err()
	})
}

// Atan2 returns the angle of the point (b, a), in (-π, π].
func Atan2(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.Atan2, noOp, func(in Nodes, _, dy *Node) (Nodes, error) {
		a, b := in[0], in[1]
		var try Try
		d := try.Do(Div(dy, try.Do(Add(try.Do(Square(a)), try.Do(Square(b))))))
		return Nodes{try.Do(Mul(d, b)), try.Do(Neg(try.Do(Mul(d, a))))}, try.Err()
	})
}

// Maximum returns the element-wise maximum of a and b, NaN where either is NaN. The gradient goes to
// a where a >= b, otherwise to b.
func Maximum(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.Max, elementwise.MaxInt, func(in Nodes, _, dy *Node) (Nodes, error) {
		return splitGrad(dy, in[1], in[0])
	})
}

// Minimum returns the element-wise minimum of a and b, NaN where either is NaN. The gradient goes to
// a where a <= b, otherwise to b.
func Minimum(a, b *Node) (*Node, error) {
	return binaryOp(a, b, elementwise.Min, elementwise.MinInt, func(in Nodes, _, dy *Node) (Nodes, error) {
		return splitGrad(dy, in[0], in[1])
	})
}

// splitGrad gives dy to the first operand where low <= high and to the second elsewhere.
func splitGrad(dy, low, high *Node) (Nodes, error) {
	var try Try
	first := try.Do(LessEqual(low, high))
	zero := try.Do(Scalar(dy, 0))
	return Nodes{try.Do(Where(first, dy, zero)), try.Do(Where(first, zero, dy))}, try.Err()
}

// Scale returns factor·x.
func Scale(x *Node, factor float64) (*Node, error) {
	return apply(scaleOp("scale"+attrs("by", factor), x, factor, 0), x)
}

// Affine returns scale·x + shift.
func Affine(x *Node, scale, shift float64) (*Node, error) {
	return apply(scaleOp("affine"+attrs("scale", scale, "shift", shift), x, scale, shift), x)
}

func scaleOp(name string, x *Node, scale, shift float64) *op {
	o := elementwise.Affine
	var grad partials
	if elementOf(x) == elementwise.Int {
		o = elementwise.AffineInt
	} else {
		grad = func(_ Nodes, _, dy *Node) (Nodes, error) {
			dx, err := Scale(dy, scale)
			return Nodes{dx}, err
		}
	}
	return elementwiseOp(name, steps1(elementwise.Step{Op: o, X: scale, Y: shift}), grad, x)
}

// BroadcastTo repeats x along axes of length 1 and new leading axes, as NumPy's broadcast_to does.
func BroadcastTo(x *Node, shape ...int) (*Node, error) {
	to := append(tensor.Shape(nil), shape...)
	o, err := byType(x, elementwise.Copy, elementwise.CopyInt, elementwise.CopyBool)
	if err != nil {
		return nil, err
	}
	c := elementwiseOp("broadcast"+attrs("to", to), steps1(elementwise.Step{Op: o}), func(_ Nodes, _, dy *Node) (Nodes, error) { return Nodes{dy}, nil }, x)
	c.out, c.inPlaceOf = len(to), 0
	c.shape = func(in []tensor.Shape) (tensor.Shape, error) {
		got, err := broadcastShapes([]tensor.Shape{in[0], to})
		if err == nil && !equal(got, to) {
			err = fmt.Errorf("shape %v does not broadcast to %v", in[0], to)
		}
		return got, err
	}
	return apply(c, x)
}

// sumTo sums dx over the axes along which an operand of the given shape was repeated.
func sumTo(dx *Node, shape tensor.Shape) (*Node, error) {
	from := dx.Shape()
	if equal(from, shape) {
		return dx, nil
	}
	var axes []int
	for i, d := range from {
		if k := i - (len(from) - len(shape)); k < 0 || shape[k] == 1 && d != 1 {
			axes = append(axes, i)
		}
	}
	total, err := Sum(dx, Axes(axes...))
	if err != nil {
		return nil, err
	}
	return Reshape(total, shape...)
}
