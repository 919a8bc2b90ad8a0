// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// Conditions are values of type Bool. They have no gradient: a change of what is compared changes
// nothing until the condition does.

// Equal is where a = b. NaN differs from everything.
func Equal(a, b *Node) (*Node, error) {
	return compare(a, b, elementwise.Equal, elementwise.EqualInt, elementwise.EqualBool)
}

// NotEqual is where a ≠ b.
func NotEqual(a, b *Node) (*Node, error) {
	return compare(a, b, elementwise.NotEqual, elementwise.NotEqualInt, elementwise.NotEqualBool)
}

// Less is where a < b.
func Less(a, b *Node) (*Node, error) {
	return compare(a, b, elementwise.Less, elementwise.LessInt, noOp)
}

// LessEqual is where a <= b.
func LessEqual(a, b *Node) (*Node, error) {
	return compare(a, b, elementwise.LessEqual, elementwise.LessEqualInt, noOp)
}

// Greater is where a > b.
func Greater(a, b *Node) (*Node, error) { return Less(b, a) }

// GreaterEqual is where a >= b.
func GreaterEqual(a, b *Node) (*Node, error) { return LessEqual(b, a) }

func compare(a, b *Node, float, integer, boolean elementwise.Op) (*Node, error) {
	o, err := byType(a, float, integer, boolean)
	if err != nil {
		return nil, err
	}
	return apply(elementwiseOp(o.String(), steps2(o), nil, a, b), a, b)
}

// IsNaN is where x is not a number.
func IsNaN(x *Node) (*Node, error) { return function(x, elementwise.IsNaN, nil) }

// IsInf is where x is +Inf or -Inf.
func IsInf(x *Node) (*Node, error) { return function(x, elementwise.IsInf, nil) }

// IsFinite is where x is neither infinite nor NaN.
func IsFinite(x *Node) (*Node, error) { return function(x, elementwise.IsFinite, nil) }

// Not returns whether a condition is false, element by element.
func Not(a *Node) (*Node, error) { return function(a, elementwise.Not, nil) }

// And returns whether both conditions are true, element by element.
func And(a, b *Node) (*Node, error) { return logic(a, b, elementwise.And) }

// Or returns whether at least one of two conditions is true, element by element.
func Or(a, b *Node) (*Node, error) { return logic(a, b, elementwise.Or) }

// Xor returns whether exactly one of two conditions is true, element by element.
func Xor(a, b *Node) (*Node, error) { return logic(a, b, elementwise.Xor) }

func logic(a, b *Node, o elementwise.Op) (*Node, error) {
	return apply(elementwiseOp(o.String(), steps2(o), nil, a, b), a, b)
}

// Where returns a where the condition is true and b elsewhere. The gradient goes to the one that
// was chosen, and the other gets 0. If the derivative of that other one is infinite there, 0 times
// infinity is NaN: choose the argument, Sqrt(Where(c, x, 1)), as well as the result.
func Where(condition, a, b *Node) (*Node, error) {
	o, err := byType(a, elementwise.Where, elementwise.WhereInt, elementwise.WhereBool)
	if err != nil {
		return nil, err
	}
	var grad partials
	if o == elementwise.Where {
		grad = func(in Nodes, _, dy *Node) (Nodes, error) {
			var try Try
			zero := try.Do(Scalar(dy, 0))
			return Nodes{nil, try.Do(Where(in[0], dy, zero)), try.Do(Where(in[0], zero, dy))}, try.Err()
		}
	}
	return apply(elementwiseOp("where", elementwise.New(o.In(), elementwise.Step{Op: o, A: 0, B: 1, C: 2}), grad, condition, a, b), condition, a, b)
}

// Cast converts x to another element type: floats to integers by truncation, numbers to booleans by
// comparison with 0, booleans to 0 and 1. Floats keep their type, Float32 or Float64, since an
// expression has only one float type. Integers and booleans become floats of type dt.
func Cast(x *Node, dt Dtype) (*Node, error) {
	if x == nil || x.Dtype() == dt {
		return BroadcastTo(x, shapeOf(x)...)
	}
	var o elementwise.Op
	switch from := elementOf(x); {
	case dt == Int64 && from == elementwise.Float:
		o = elementwise.IntOfFloat
	case dt == Int64:
		o = elementwise.IntOfBool
	case dt == Bool && from == elementwise.Float:
		o = elementwise.BoolOfFloat
	case dt == Bool:
		o = elementwise.BoolOfInt
	case isFloat(dt) && from == elementwise.Int:
		o = elementwise.FloatOfInt
	case isFloat(dt) && from == elementwise.Bool:
		o = elementwise.FloatOfBool
	default:
		return nil, &OpError{Op: "cast" + attrs("to", dt), Shapes: []Shape{x.Shape()}, Err: fmt.Errorf("input 0 is %v, which cannot be converted", x.Dtype())}
	}
	c := elementwiseOp("cast"+attrs("to", dt), steps1(elementwise.Step{Op: o}), nil, x)
	if isFloat(dt) {
		c.outType = dt
	}
	return apply(c, x)
}
