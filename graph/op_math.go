// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/elementwise"
)

// unaryOp applies a function of one float. grad returns dx from x, y and dy.
func unaryOp(x *Node, s elementwise.Step, name string, grad func(try *Try, x, y, dy *Node) *Node) (*Node, error) {
	var p partials
	if grad != nil {
		p = func(in Nodes, y, dy *Node) (Nodes, error) {
			var try Try
			return Nodes{grad(&try, in[0], y, dy)}, try.Err()
		}
	}
	return apply(elementwiseOp(name, steps1(s), p, x), x)
}

// function is unaryOp for a function without constants; derivative returns dy/dx.
func function(x *Node, o elementwise.Op, derivative func(try *Try, x, y *Node) *Node) (*Node, error) {
	if derivative == nil {
		return unaryOp(x, elementwise.Step{Op: o}, o.String(), nil)
	}
	return unaryOp(x, elementwise.Step{Op: o}, o.String(), func(try *Try, x, y, dy *Node) *Node {
		return try.Do(Mul(dy, derivative(try, x, y)))
	})
}

// signed applies a function that integers have, too.
func signed(x *Node, float, integer elementwise.Op, derivative func(try *Try, x, y *Node) *Node) (*Node, error) {
	if elementOf(x) == elementwise.Int {
		return apply(elementwiseOp(integer.String(), steps1(elementwise.Step{Op: integer}), nil, x), x)
	}
	return function(x, float, derivative)
}

// Neg returns -x.
func Neg(x *Node) (*Node, error) {
	if elementOf(x) == elementwise.Int {
		return signed(x, elementwise.Neg, elementwise.NegInt, nil)
	}
	return unaryOp(x, elementwise.Step{Op: elementwise.Neg}, "neg", func(try *Try, _, _, dy *Node) *Node { return try.Do(Neg(dy)) })
}

// Abs returns |x|; its derivative at 0 is 0.
func Abs(x *Node) (*Node, error) {
	return signed(x, elementwise.Abs, elementwise.AbsInt, func(try *Try, x, _ *Node) *Node { return try.Do(Sign(x)) })
}

// Sign returns -1, 0 or 1; its derivative is 0.
func Sign(x *Node) (*Node, error) { return signed(x, elementwise.Sign, elementwise.SignInt, nil) }

// Square returns x².
func Square(x *Node) (*Node, error) {
	if elementOf(x) == elementwise.Int {
		return Mul(x, x)
	}
	return function(x, elementwise.Square, func(try *Try, x, _ *Node) *Node { return try.Do(Scale(x, 2)) })
}

// Power returns x to the power of p.
func Power(x *Node, p float64) (*Node, error) {
	switch p {
	case 1:
		return BroadcastTo(x, shapeOf(x)...)
	case 2:
		return Square(x)
	}
	return unaryOp(x, elementwise.Step{Op: elementwise.PowX, X: p}, "power"+attrs("p", p), func(try *Try, x, _, dy *Node) *Node {
		if p == 0 {
			return try.Do(Scale(dy, 0))
		}
		return try.Do(Mul(dy, try.Do(Scale(try.Do(Power(x, p-1)), p))))
	})
}

// Reciprocal returns 1/x.
func Reciprocal(x *Node) (*Node, error) {
	return function(x, elementwise.Reciprocal, func(try *Try, _, y *Node) *Node { return try.Do(Neg(try.Do(Square(y)))) })
}

// Sqrt returns √x. Its derivative at 0 is +Inf.
func Sqrt(x *Node) (*Node, error) {
	return function(x, elementwise.Sqrt, func(try *Try, _, y *Node) *Node { return try.Do(Scale(try.Do(Reciprocal(y)), 0.5)) })
}

// Rsqrt returns 1/√x.
func Rsqrt(x *Node) (*Node, error) {
	return function(x, elementwise.Rsqrt, func(try *Try, x, y *Node) *Node {
		return try.Do(Scale(try.Do(Div(y, x)), -0.5))
	})
}

// Cbrt returns the cube root of x, which is negative for negative x.
func Cbrt(x *Node) (*Node, error) {
	return function(x, elementwise.Cbrt, func(try *Try, _, y *Node) *Node {
		return try.Do(Scale(try.Do(Reciprocal(try.Do(Square(y)))), 1.0/3))
	})
}

// Exp returns eˣ.
func Exp(x *Node) (*Node, error) {
	return function(x, elementwise.Exp, func(_ *Try, _, y *Node) *Node { return y })
}

// Expm1 returns eˣ - 1, exactly where x is small.
func Expm1(x *Node) (*Node, error) {
	return function(x, elementwise.Expm1, func(try *Try, _, y *Node) *Node { return try.Do(Affine(y, 1, 1)) })
}

// Log returns the natural logarithm of x.
func Log(x *Node) (*Node, error) {
	return function(x, elementwise.Log, func(try *Try, x, _ *Node) *Node { return try.Do(Reciprocal(x)) })
}

// Log1p returns log(1 + x), exactly where x is small.
func Log1p(x *Node) (*Node, error) {
	return function(x, elementwise.Log1p, func(try *Try, x, _ *Node) *Node {
		return try.Do(Reciprocal(try.Do(Affine(x, 1, 1))))
	})
}

// Sin returns the sine of x, in radians.
func Sin(x *Node) (*Node, error) {
	return function(x, elementwise.Sin, func(try *Try, x, _ *Node) *Node { return try.Do(Cos(x)) })
}

// Cos returns the cosine of x, in radians.
func Cos(x *Node) (*Node, error) {
	return function(x, elementwise.Cos, func(try *Try, x, _ *Node) *Node { return try.Do(Neg(try.Do(Sin(x)))) })
}

// Tan returns the tangent of x, in radians.
func Tan(x *Node) (*Node, error) {
	return function(x, elementwise.Tan, func(try *Try, _, y *Node) *Node { return try.Do(Affine(try.Do(Square(y)), 1, 1)) })
}

// Asin returns the arcsine of x.
func Asin(x *Node) (*Node, error) {
	return function(x, elementwise.Asin, func(try *Try, x, _ *Node) *Node {
		return try.Do(Rsqrt(try.Do(Affine(try.Do(Square(x)), -1, 1))))
	})
}

// Acos returns the arccosine of x.
func Acos(x *Node) (*Node, error) {
	return function(x, elementwise.Acos, func(try *Try, x, _ *Node) *Node {
		return try.Do(Neg(try.Do(Rsqrt(try.Do(Affine(try.Do(Square(x)), -1, 1))))))
	})
}

// Atan returns the arctangent of x.
func Atan(x *Node) (*Node, error) {
	return function(x, elementwise.Atan, func(try *Try, x, _ *Node) *Node {
		return try.Do(Reciprocal(try.Do(Affine(try.Do(Square(x)), 1, 1))))
	})
}

// Sinh returns the hyperbolic sine of x.
func Sinh(x *Node) (*Node, error) {
	return function(x, elementwise.Sinh, func(try *Try, x, _ *Node) *Node { return try.Do(Cosh(x)) })
}

// Cosh returns the hyperbolic cosine of x.
func Cosh(x *Node) (*Node, error) {
	return function(x, elementwise.Cosh, func(try *Try, x, _ *Node) *Node { return try.Do(Sinh(x)) })
}

// Asinh returns the inverse hyperbolic sine of x.
func Asinh(x *Node) (*Node, error) {
	return function(x, elementwise.Asinh, func(try *Try, x, _ *Node) *Node {
		return try.Do(Rsqrt(try.Do(Affine(try.Do(Square(x)), 1, 1))))
	})
}

// Acosh returns the inverse hyperbolic cosine of x.
func Acosh(x *Node) (*Node, error) {
	return function(x, elementwise.Acosh, func(try *Try, x, _ *Node) *Node {
		return try.Do(Rsqrt(try.Do(Affine(try.Do(Square(x)), 1, -1))))
	})
}

// Atanh returns the inverse hyperbolic tangent of x.
func Atanh(x *Node) (*Node, error) {
	return function(x, elementwise.Atanh, func(try *Try, x, _ *Node) *Node {
		return try.Do(Reciprocal(try.Do(Affine(try.Do(Square(x)), -1, 1))))
	})
}

// Erf returns the error function, (2/√π)·∫₀ˣ exp(-t²) dt.
func Erf(x *Node) (*Node, error) {
	return function(x, elementwise.Erf, func(try *Try, x, _ *Node) *Node { return gauss(try, x, 2/math.Sqrt(math.Pi)) })
}

// Erfc returns 1 - Erf(x), exactly where x is large.
func Erfc(x *Node) (*Node, error) {
	return function(x, elementwise.Erfc, func(try *Try, x, _ *Node) *Node { return gauss(try, x, -2/math.Sqrt(math.Pi)) })
}

// gauss returns factor·exp(-x²).
func gauss(try *Try, x *Node, factor float64) *Node {
	return try.Do(Scale(try.Do(Exp(try.Do(Neg(try.Do(Square(x)))))), factor))
}

// Floor rounds down. The derivative of rounding is 0; see StraightThrough.
func Floor(x *Node) (*Node, error) { return function(x, elementwise.Floor, nil) }

// Ceil rounds up.
func Ceil(x *Node) (*Node, error) { return function(x, elementwise.Ceil, nil) }

// Round rounds to the nearest integer, half to even as NumPy does.
func Round(x *Node) (*Node, error) { return function(x, elementwise.Round, nil) }

// Trunc rounds toward 0.
func Trunc(x *Node) (*Node, error) { return function(x, elementwise.Trunc, nil) }

// Clip returns min(max(x, low), high). The derivative is 1 from low to high and 0 outside.
func Clip(x *Node, low, high float64) (*Node, error) {
	return unaryOp(x, elementwise.Step{Op: elementwise.Clip, X: low, Y: high}, "clip"+attrs("low", low, "high", high),
		func(try *Try, x, _, dy *Node) *Node {
			inside := try.Do(And(try.Do(LessEqual(try.Do(Scalar(x, low)), x)), try.Do(LessEqual(x, try.Do(Scalar(x, high))))))
			return try.Do(Where(inside, dy, try.Do(Scalar(dy, 0))))
		})
}

// LogAddExp returns log(eᵃ + eᵇ) without overflow: a + log 2 where both are equal, also to an infinity. The
// gradient is dy·eᵃ/(eᵃ + eᵇ) for a and dy·eᵇ/(eᵃ + eᵇ) for b, dy/2 where both are equal.
func LogAddExp(a, b *Node) (*Node, error) {
	return apply(elementwiseOp("log_add_exp", logAddExp, func(in Nodes, _, dy *Node) (Nodes, error) {
		a, b := in[0], in[1]
		var try Try
		infinite := try.Do(And(try.Do(Equal(a, b)), try.Do(IsInf(a)))) // where a - b is NaN
		d := try.Do(Where(infinite, try.Do(Scalar(a, 0)), try.Do(Sub(a, b))))
		share := func(d *Node) *Node { return try.Do(Mul(dy, try.Do(Activate(d, Act(Sigmoid))))) }
		return Nodes{share(d), share(try.Do(Neg(d)))}, try.Err()
	}, a, b), a, b)
}

// logAddExp is max(a, b) + log1p(exp(-|a - b|)), with a difference of 0 where a = b.
var logAddExp = elementwise.New([]elementwise.Type{elementwise.Float, elementwise.Float},
	elementwise.Step{Op: elementwise.Max, A: 0, B: 1},
	elementwise.Step{Op: elementwise.Equal, A: 0, B: 1},
	elementwise.Step{Op: elementwise.Clip, A: 2}, // to [0, 0]
	elementwise.Step{Op: elementwise.Sub, A: 0, B: 1},
	elementwise.Step{Op: elementwise.Where, A: 3, B: 4, C: 5},
	elementwise.Step{Op: elementwise.Abs, A: 6},
	elementwise.Step{Op: elementwise.Neg, A: 7},
	elementwise.Step{Op: elementwise.Exp, A: 8},
	elementwise.Step{Op: elementwise.Log1p, A: 9},
	elementwise.Step{Op: elementwise.Add, A: 2, B: 10},
)

// shapeOf returns the shape of a node, nil for none.
func shapeOf(n *Node) Shape {
	if n == nil {
		return nil
	}
	return n.Shape()
}
