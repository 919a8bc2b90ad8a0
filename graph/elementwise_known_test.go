// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"testing"
)

// elementwiseCase is an op of up to three inputs. Where it has gradients, R holds the factors of the
// elements of the result whose sum is differentiated.
type elementwiseCase struct {
	Op, Type, YType string
	Shapes          [][]int
	YShape          []int
	Inputs, Grads   [][]number
	P, Y, R         []number
}

var (
	knownUnary = map[string]func(*Node) (*Node, error){
		"neg": Neg, "abs": Abs, "square": Square, "reciprocal": Reciprocal, "sqrt": Sqrt, "rsqrt": Rsqrt, "cbrt": Cbrt, "exp": Exp, "expm1": Expm1,
		"log": Log, "log1p": Log1p, "sin": Sin, "cos": Cos, "tan": Tan, "asin": Asin, "acos": Acos, "atan": Atan, "sinh": Sinh, "cosh": Cosh,
		"asinh": Asinh, "acosh": Acosh, "atanh": Atanh, "erf": Erf, "erfc": Erfc, "sign": Sign, "floor": Floor, "ceil": Ceil, "round": Round,
		"trunc": Trunc, "isnan": IsNaN, "isinf": IsInf, "isfinite": IsFinite, "not": Not,
	}
	knownBinary = map[string]func(a, b *Node) (*Node, error){
		"add": Add, "sub": Sub, "mul": Mul, "div": Div, "pow": Pow, "atan2": Atan2, "maximum": Maximum, "minimum": Minimum, "logaddexp": LogAddExp,
		"mod": Mod, "floordiv": FloorDiv, "equal": Equal, "notequal": NotEqual, "less": Less, "lessequal": LessEqual, "greater": Greater,
		"greaterequal": GreaterEqual, "and": And, "or": Or, "xor": Xor,
	}
)

// apply returns the op of the case.
func (c *elementwiseCase) apply(in Nodes) (*Node, error) {
	switch c.Op {
	case "clip":
		return Clip(in[0], float64(c.P[0]), float64(c.P[1]))
	case "power":
		return Power(in[0], float64(c.P[0]))
	case "where":
		return Where(in[0], in[1], in[2])
	}
	if len(in) == 1 {
		return knownUnary[c.Op](in[0])
	}
	return knownBinary[c.Op](in[0], in[1])
}

// TestKnownElementwise compares with NumPy and PyTorch, in float32, float64, int64 and bool: where shapes
// broadcast, are empty and have one element, at infinities, NaN, signed zeros and halves.
func TestKnownElementwise(t *testing.T) {
	var cases []elementwiseCase
	loadKnown(t, "elementwise", &cases)
	for i, c := range cases {
		for dt, tolerance := range map[Dtype]float64{Float32: 2e-6, Float64: 1e-13} {
			if dt == Float32 && c.Type != "float64" {
				continue
			}
			what := fmt.Sprintf("case %d, %s of %v, %v", i, c.Op, c.Shapes, dt)
			in := knownInputs(t, New(), c.Inputs, c.Shapes, func(k int) Dtype { return c.inputType(k, dt) })
			y, err := c.apply(in)
			if err != nil {
				t.Fatal(what, err)
			}
			if want := map[string]Dtype{"float64": dt, "int64": Int64, "bool": Bool}[c.YType]; y.Dtype() != want {
				t.Fatalf("%s is %v, want %v", what, y.Dtype(), want)
			}
			checkKnown(t, what, y, c.YShape, c.Y, in, c.R, c.Grads, tolerance)
		}
	}
}

// inputType returns the type of an input: the first one of Where is a condition.
func (c *elementwiseCase) inputType(k int, float Dtype) Dtype {
	switch {
	case c.Type == "bool" || c.Op == "where" && k == 0:
		return Bool
	case c.Type == "int64":
		return Int64
	}
	return float
}

// Signs of zeros are lost in a comparison of numbers.
func TestSignedZeros(t *testing.T) {
	negative := math.Copysign(0, -1)
	for _, test := range []struct {
		name  string
		build func(x *Node) (*Node, error)
		x     float64
		want  bool // the result has the sign bit
	}{
		{"neg", Neg, 0, true}, {"neg", Neg, negative, false}, {"abs", Abs, negative, false}, {"sqrt", Sqrt, negative, true},
		{"floor", Floor, negative, true}, {"ceil", Ceil, -0.5, true}, {"round", Round, -0.5, true}, {"trunc", Trunc, -0.5, true},
		{"sin", Sin, negative, true}, {"expm1", Expm1, negative, true}, {"log1p", Log1p, negative, true}, {"erf", Erf, negative, true},
		{"cbrt", Cbrt, negative, true}, {"asinh", Asinh, negative, true}, {"atanh", Atanh, negative, true},
	} {
		for _, dt := range []Dtype{Float32, Float64} {
			x, err := Input(New(), dt, "x", 1)
			if err == nil {
				err = Let(x, knownTensor([]number{number(test.x)}, dt, []int{1}))
			}
			if err != nil {
				t.Fatal(err)
			}
			y, err := test.build(x)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Compile(y)
			if err == nil {
				err = p.RunAll()
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := valuesOf(y.Value())[0]; math.Signbit(got) != test.want {
				t.Errorf("%s(%v) in %v is %v", test.name, test.x, dt, got)
			}
		}
	}
}
