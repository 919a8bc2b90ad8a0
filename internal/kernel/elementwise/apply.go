// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/ref"
)

// value is a block of elements of one of the types.
type value[T ref.Float] struct {
	floats []T
	ints   []int64
	bools  []bool
}

// apply writes the result of a step to dst, which may be one of the operands.
func apply[T ref.Float](s *Step, values []value[T], dst *value[T]) {
	a := &values[s.A]
	b, c := a, a
	switch s.Op.Arity() {
	case 3:
		c = &values[s.C]
		fallthrough
	case 2:
		b = &values[s.B]
	}
	if d, ok := any(dst).(*value[float32]); ok {
		if fast(s, d, any(a).(*value[float32]), any(b).(*value[float32]), any(c).(*value[float32])) {
			return
		}
	}
	switch s.Op.Result() {
	case Float:
		applyFloat(s, dst.floats, a, b, c)
	case Int:
		applyInt(s, dst.ints, a, b, c)
	case Bool:
		applyBool(s, dst.bools, a, b, c)
	}
}

func applyFloat[T ref.Float](s *Step, dst []T, a, b, c *value[T]) {
	x := a.floats
	switch s.Op {
	case Copy:
		copy(dst, x)
	case Affine:
		scale, shift := T(s.X), T(s.Y)
		for i, v := range x {
			dst[i] = scale*v + shift
		}
	case Clip:
		lo, hi := T(s.X), T(s.Y)
		for i, v := range x {
			dst[i] = min(max(v, lo), hi)
		}
	case PowX:
		for i, v := range x {
			dst[i] = T(math.Pow(float64(v), s.X))
		}
	case Neg:
		for i, v := range x {
			dst[i] = -v
		}
	case Square:
		ref.Mul(dst, x, x)
	case Reciprocal:
		for i, v := range x {
			dst[i] = 1 / v
		}
	case Sign:
		for i, v := range x {
			switch {
			case v > 0:
				dst[i] = 1
			case v < 0:
				dst[i] = -1
			default:
				dst[i] = v // ±0, NaN
			}
		}
	case Activate:
		ref.Activate(dst, x, s.Act, T(s.X))
	case ActivateGrad:
		ref.ActivateGrad(dst, x, b.floats, s.Act, T(s.X))
	case Add:
		ref.Add(dst, x, b.floats)
	case Sub:
		ref.Sub(dst, x, b.floats)
	case Mul:
		ref.Mul(dst, x, b.floats)
	case Div:
		y := b.floats
		for i, v := range x {
			dst[i] = v / y[i]
		}
	case Max:
		ref.Max(dst, x, b.floats)
	case Min:
		y := b.floats
		for i, v := range x {
			dst[i] = min(v, y[i])
		}
	case Pow:
		binary(dst, x, b.floats, math.Pow)
	case Mod:
		binary(dst, x, b.floats, mod)
	case FloorDiv:
		binary(dst, x, b.floats, func(x, y float64) float64 { return math.Floor(x / y) })
	case Atan2:
		binary(dst, x, b.floats, math.Atan2)
	case Where:
		for i, is := range a.bools {
			if is {
				dst[i] = b.floats[i]
			} else {
				dst[i] = c.floats[i]
			}
		}
	case FloatOfInt:
		for i, v := range a.ints {
			dst[i] = T(v)
		}
	case FloatOfBool:
		for i, v := range a.bools {
			dst[i] = 0
			if v {
				dst[i] = 1
			}
		}
	default:
		unary(dst, x, functions[s.Op])
	}
}

// functions are the ops for which package math, or a formula in float64, is the specification.
var functions = [ops]func(float64) float64{
	Abs: math.Abs, Sqrt: math.Sqrt, Rsqrt: func(x float64) float64 { return 1 / math.Sqrt(x) }, Cbrt: math.Cbrt,
	Exp: math.Exp, Expm1: math.Expm1, Log: logOf, Log1p: math.Log1p,
	Sin: math.Sin, Cos: math.Cos, Tan: math.Tan, Asin: math.Asin, Acos: math.Acos, Atan: math.Atan,
	Sinh: math.Sinh, Cosh: math.Cosh, Tanh: math.Tanh, Asinh: math.Asinh, Acosh: math.Acosh, Atanh: math.Atanh,
	Erf: math.Erf, Erfc: math.Erfc, Floor: math.Floor, Ceil: math.Ceil, Round: math.RoundToEven, Trunc: math.Trunc,
}

// logOf is the natural logarithm. That of package math is wrong for subnormal numbers on amd64: -709.09
// for 1e-320 instead of -736.83.
func logOf(x float64) float64 {
	const smallest, shift = 0x1p-1022, 54
	if x > 0 && x < smallest {
		return math.Log(x*(1<<shift)) - shift*math.Ln2
	}
	return math.Log(x)
}

func unary[T ref.Float](dst, x []T, f func(float64) float64) {
	for i, v := range x {
		dst[i] = T(f(float64(v)))
	}
}

func binary[T ref.Float](dst, x, y []T, f func(x, y float64) float64) {
	for i, v := range x {
		dst[i] = T(f(float64(v), float64(y[i])))
	}
}

// mod returns x - y·floor(x/y), which has the sign of y.
func mod(x, y float64) float64 {
	m := math.Mod(x, y)
	if m != 0 && (m < 0) != (y < 0) {
		m += y
	}
	return m
}

func applyInt[T ref.Float](s *Step, dst []int64, a, b, c *value[T]) {
	x, y := a.ints, b.ints
	switch s.Op {
	case CopyInt:
		copy(dst, x)
	case AffineInt:
		scale, shift := int64(s.X), int64(s.Y)
		for i, v := range x {
			dst[i] = scale*v + shift
		}
	case NegInt:
		for i, v := range x {
			dst[i] = -v
		}
	case AbsInt:
		for i, v := range x {
			dst[i] = max(v, -v)
		}
	case SignInt:
		for i, v := range x {
			dst[i] = min(max(v, -1), 1)
		}
	case AddInt:
		for i, v := range x {
			dst[i] = v + y[i]
		}
	case SubInt:
		for i, v := range x {
			dst[i] = v - y[i]
		}
	case MulInt:
		for i, v := range x {
			dst[i] = v * y[i]
		}
	case MaxInt:
		for i, v := range x {
			dst[i] = max(v, y[i])
		}
	case MinInt:
		for i, v := range x {
			dst[i] = min(v, y[i])
		}
	case ModInt:
		for i, v := range x {
			dst[i] = v - y[i]*floorDiv(v, y[i])
		}
	case FloorDivInt:
		for i, v := range x {
			dst[i] = floorDiv(v, y[i])
		}
	case WhereInt:
		for i, is := range a.bools {
			if is {
				dst[i] = y[i]
			} else {
				dst[i] = c.ints[i]
			}
		}
	case IntOfFloat:
		for i, v := range a.floats {
			dst[i] = int64(v)
		}
	case IntOfBool:
		for i, v := range a.bools {
			dst[i] = 0
			if v {
				dst[i] = 1
			}
		}
	}
}

// floorDiv returns x/y rounded down; 0 for y = 0, as NumPy does.
func floorDiv(x, y int64) int64 {
	if y == 0 {
		return 0
	}
	q := x / y
	if x%y != 0 && (x < 0) != (y < 0) {
		q--
	}
	return q
}

func applyBool[T ref.Float](s *Step, dst []bool, a, b, c *value[T]) {
	x, y := a.floats, b.floats
	switch s.Op {
	case Equal:
		for i, v := range x {
			dst[i] = v == y[i]
		}
	case NotEqual:
		for i, v := range x {
			dst[i] = v != y[i]
		}
	case Less:
		for i, v := range x {
			dst[i] = v < y[i]
		}
	case LessEqual:
		for i, v := range x {
			dst[i] = v <= y[i]
		}
	case IsNaN:
		for i, v := range x {
			dst[i] = v != v
		}
	case IsInf:
		for i, v := range x {
			dst[i] = math.IsInf(float64(v), 0)
		}
	case IsFinite:
		for i, v := range x {
			dst[i] = v-v == 0
		}
	case BoolOfFloat:
		for i, v := range x {
			dst[i] = v != 0
		}
	case EqualInt:
		for i, v := range a.ints {
			dst[i] = v == b.ints[i]
		}
	case NotEqualInt:
		for i, v := range a.ints {
			dst[i] = v != b.ints[i]
		}
	case LessInt:
		for i, v := range a.ints {
			dst[i] = v < b.ints[i]
		}
	case LessEqualInt:
		for i, v := range a.ints {
			dst[i] = v <= b.ints[i]
		}
	case BoolOfInt:
		for i, v := range a.ints {
			dst[i] = v != 0
		}
	default:
		applyLogic(s.Op, dst, a.bools, b.bools, c.bools)
	}
}

func applyLogic(o Op, dst, a, b, c []bool) {
	switch o {
	case CopyBool:
		copy(dst, a)
	case Not:
		for i, v := range a {
			dst[i] = !v
		}
	case And:
		for i, v := range a {
			dst[i] = v && b[i]
		}
	case Or:
		for i, v := range a {
			dst[i] = v || b[i]
		}
	case Xor, NotEqualBool:
		for i, v := range a {
			dst[i] = v != b[i]
		}
	case EqualBool:
		for i, v := range a {
			dst[i] = v == b[i]
		}
	case WhereBool:
		for i, is := range a {
			if is {
				dst[i] = b[i]
			} else {
				dst[i] = c[i]
			}
		}
	}
}
