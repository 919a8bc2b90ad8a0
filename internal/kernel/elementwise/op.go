// SPDX-License-Identifier: Apache-2.0

package elementwise

// Op is an element-wise function. The operands are a, b and c, the constants x and y.
type Op uint8

// The functions. Those of floats follow package math in float64, rounded to the type; Round rounds
// half to even, Mod and FloorDiv round the quotient down, both as NumPy does.
const (
	Copy Op = iota
	Affine
	Clip
	PowX
	Neg
	Abs
	Sign
	Square
	Reciprocal
	Sqrt
	Rsqrt
	Cbrt
	Exp
	Expm1
	Log
	Log1p
	Sin
	Cos
	Tan
	Asin
	Acos
	Atan
	Sinh
	Cosh
	Tanh
	Asinh
	Acosh
	Atanh
	Erf
	Erfc
	Floor
	Ceil
	Round
	Trunc
	Activate     // act(a) with alpha x
	ActivateGrad // act'(a)·b with alpha x
	Add
	Sub
	Mul
	Div
	Pow
	Max
	Min
	Mod
	FloorDiv
	Atan2
	Equal
	NotEqual
	Less
	LessEqual
	IsNaN
	IsInf
	IsFinite
	Not
	And
	Or
	Xor
	Where // a ? b : c

	CopyInt
	AffineInt
	NegInt
	AbsInt
	SignInt
	AddInt
	SubInt
	MulInt
	MaxInt
	MinInt
	ModInt
	FloorDivInt
	EqualInt
	NotEqualInt
	LessInt
	LessEqualInt
	WhereInt

	CopyBool
	EqualBool
	NotEqualBool
	WhereBool

	FloatOfInt
	FloatOfBool
	IntOfFloat // rounded to 0
	IntOfBool
	BoolOfFloat // whether it is not 0
	BoolOfInt

	ops
)

// signature has the types of an op's operands and of its result.
type signature struct {
	name   string
	in     []Type
	result Type
}

var signatures = func() (s [ops]signature) {
	set := func(result Type, in []Type, names map[Op]string) {
		for op, name := range names {
			s[op] = signature{name, in, result}
		}
	}
	set(Float, []Type{Float}, map[Op]string{
		Copy: "copy", Affine: "affine", Clip: "clip", PowX: "power", Neg: "neg", Abs: "abs", Sign: "sign", Square: "square",
		Reciprocal: "reciprocal", Sqrt: "sqrt", Rsqrt: "rsqrt", Cbrt: "cbrt", Exp: "exp", Expm1: "expm1", Log: "log", Log1p: "log1p",
		Sin: "sin", Cos: "cos", Tan: "tan", Asin: "asin", Acos: "acos", Atan: "atan", Sinh: "sinh", Cosh: "cosh", Tanh: "tanh",
		Asinh: "asinh", Acosh: "acosh", Atanh: "atanh", Erf: "erf", Erfc: "erfc", Floor: "floor", Ceil: "ceil", Round: "round", Trunc: "trunc",
		Activate: "activate",
	})
	set(Float, []Type{Float, Float}, map[Op]string{
		ActivateGrad: "activate_grad", Add: "add", Sub: "sub", Mul: "mul", Div: "div", Pow: "pow", Max: "maximum", Min: "minimum",
		Mod: "mod", FloorDiv: "floor_div", Atan2: "atan2",
	})
	set(Bool, []Type{Float, Float}, map[Op]string{Equal: "equal", NotEqual: "not_equal", Less: "less", LessEqual: "less_equal"})
	set(Bool, []Type{Float}, map[Op]string{IsNaN: "is_nan", IsInf: "is_inf", IsFinite: "is_finite", BoolOfFloat: "bool"})
	set(Bool, []Type{Bool}, map[Op]string{Not: "not", CopyBool: "copy"})
	set(Bool, []Type{Bool, Bool}, map[Op]string{And: "and", Or: "or", Xor: "xor", EqualBool: "equal", NotEqualBool: "not_equal"})
	set(Float, []Type{Bool, Float, Float}, map[Op]string{Where: "where"})
	set(Int, []Type{Int}, map[Op]string{CopyInt: "copy", AffineInt: "affine", NegInt: "neg", AbsInt: "abs", SignInt: "sign"})
	set(Int, []Type{Int, Int}, map[Op]string{AddInt: "add", SubInt: "sub", MulInt: "mul", MaxInt: "maximum", MinInt: "minimum", ModInt: "mod", FloorDivInt: "floor_div"})
	set(Bool, []Type{Int, Int}, map[Op]string{EqualInt: "equal", NotEqualInt: "not_equal", LessInt: "less", LessEqualInt: "less_equal"})
	set(Int, []Type{Bool, Int, Int}, map[Op]string{WhereInt: "where"})
	set(Bool, []Type{Bool, Bool, Bool}, map[Op]string{WhereBool: "where"})
	set(Float, []Type{Int}, map[Op]string{FloatOfInt: "float"})
	set(Float, []Type{Bool}, map[Op]string{FloatOfBool: "float"})
	set(Int, []Type{Float}, map[Op]string{IntOfFloat: "int"})
	set(Int, []Type{Bool}, map[Op]string{IntOfBool: "int"})
	set(Bool, []Type{Int}, map[Op]string{BoolOfInt: "bool"})
	return s
}()

// Arity returns the number of operands.
func (o Op) Arity() int { return len(signatures[o].in) }

// In returns the types of the operands.
func (o Op) In() []Type { return signatures[o].in }

// Result returns the type of the result.
func (o Op) Result() Type { return signatures[o].result }

// String returns the name, which ops of different types share.
func (o Op) String() string { return signatures[o].name }
