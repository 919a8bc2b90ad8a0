// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// activateGradFormula is that of activateGrad: dy·act'(x) in terms of y = act(x) where that is what
// the op reads, otherwise in terms of x. At a kink it has the derivative of the op.
func activateGradFormula(act Activation) formula {
	if !act.kind.FromOutput() {
		return formula(func(in Nodes) (*Node, error) {
			var try Try
			return activationFormula(&try, act, in[0]), try.Err()
		}).backward(1, 0)
	}
	return func(in Nodes) (*Node, error) {
		var try Try
		return activateGradByOutput(&try, act, in[0], in[1]), try.Err()
	}
}

func activateGradByOutput(try *Try, act Activation, y, dy *Node) *Node {
	zero := try.Do(Scalar(y, 0))
	// below returns dy above 0 and dy·slope elsewhere.
	below := func(dy, slope *Node) *Node {
		return try.Do(Where(try.Do(Less(zero, y)), dy, try.Do(Mul(dy, slope))))
	}
	// between returns dy where y is between 0 and high.
	between := func(high float64) *Node {
		inside := try.Do(And(try.Do(Less(zero, y)), try.Do(Less(y, try.Do(Scalar(y, high))))))
		return try.Do(Where(inside, dy, zero))
	}
	// decay returns 1 - exp(y).
	decay := func(y *Node) *Node { return try.Do(Neg(try.Do(Expm1(y)))) }
	switch act.kind {
	case ReLU:
		return try.step(zero, y, dy)
	case ReLU6:
		return between(6)
	case LeakyReLU:
		return below(dy, try.Do(Scalar(y, act.alpha)))
	case ELU:
		return below(dy, try.Do(Affine(y, 1, act.alpha)))
	case SELU:
		return below(try.Do(Scale(dy, ref.SELUScale)), try.Do(Affine(y, 1/ref.SELUScale, ref.SELUAlpha)))
	case Softplus:
		return try.Do(Mul(dy, decay(try.Do(Neg(y)))))
	case LogSigmoid:
		return try.Do(Mul(dy, decay(y)))
	case Softsign:
		return try.Do(Mul(dy, try.Do(Square(try.Do(Affine(try.Do(Abs(y)), -1, 1))))))
	case Sigmoid:
		return try.Do(Mul(dy, try.Do(Mul(y, try.Do(Affine(y, -1, 1))))))
	case HardSigmoid:
		return try.Do(Scale(between(1), 1.0/6))
	case Tanh:
		return try.Do(Mul(dy, try.Do(Affine(try.Do(Square(y)), -1, 1))))
	case Exponential:
		return try.Do(Mul(dy, y))
	}
	return dy
}

// activationFormula is a function whose derivative is not one of its value.
func activationFormula(try *Try, act Activation, x *Node) *Node {
	half := func(f *Node) *Node { return try.Do(Mul(try.Do(Scale(x, 0.5)), f)) }
	switch act.kind {
	case GELU:
		return half(try.Do(Erfc(try.Do(Scale(x, -1/math.Sqrt2)))))
	case GELUTanh:
		inner := try.Do(Mul(x, try.Do(Affine(try.Do(Square(x)), ref.GELURoot*ref.GELUCubic, ref.GELURoot))))
		return half(try.Do(Affine(try.Do(Activate(inner, Act(Tanh))), 1, 1)))
	case SiLU:
		return try.Do(Mul(x, try.Do(Activate(x, Act(Sigmoid)))))
	case Mish:
		return try.Do(Mul(x, try.Do(Activate(try.Do(Activate(x, Act(Softplus))), Act(Tanh)))))
	case HardSiLU:
		return try.Do(Mul(x, try.Do(Activate(x, Act(HardSigmoid)))))
	}
	return x
}
