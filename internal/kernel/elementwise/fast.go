// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/simd"
)

// fast computes a step by the instruction set's own function; it reports whether there is one.
func fast(s *Step, d, x, y []float32) bool {
	t := simd.Active
	switch s.Op {
	case Add:
		t.Add(d, x, y)
	case Sub:
		t.Sub(d, x, y)
	case Mul:
		t.Mul(d, x, y)
	case Square:
		t.Mul(d, x, x)
	case Max:
		t.Max(d, x, y)
	case Clip:
		t.Clip(d, x, float32(s.X), float32(s.Y))
	case Activate:
		t.Activate(d, x, s.Act, float32(s.X))
	case ActivateGrad:
		t.ActivateGrad(d, x, y, s.Act, float32(s.X))
	case Affine:
		switch {
		case s.Y == 0:
			t.Scale(d, x, float32(s.X))
		case t.Portable():
			return false
		default:
			t.Functions.Affine(d, x, float32(s.X), float32(s.Y))
		}
	case Sin, Cos, Tan:
		if t.Portable() {
			return false
		}
		angle(&t.Functions, s.Op, d, x)
	case PowX:
		if t.Portable() {
			return false
		}
		power(&t.Functions, d, x, float32(s.X))
	default:
		if t.Portable() {
			return false
		}
		return function(&t.Functions, s.Op, d, x, y)
	}
	return true
}

// function applies a function of one or two floats.
func function(f *simd.Functions, o Op, d, x, y []float32) bool {
	switch o {
	case Neg:
		f.Neg(d, x)
	case Abs:
		f.Abs(d, x)
	case Sign:
		f.Sign(d, x)
	case Sqrt:
		f.Sqrt(d, x)
	case Reciprocal:
		f.Reciprocal(d, x)
	case Rsqrt:
		f.Rsqrt(d, x)
	case Floor:
		f.Floor(d, x)
	case Ceil:
		f.Ceil(d, x)
	case Round:
		f.Round(d, x)
	case Trunc:
		f.Trunc(d, x)
	case Exp:
		f.Exp(d, x)
	case Expm1:
		f.Expm1(d, x)
	case Log:
		f.Log(d, x)
	case Log1p:
		f.Log1p(d, x)
	case Tanh:
		f.Tanh(d, x)
	case Erf:
		f.Erf(d, x)
	case Div:
		f.Div(d, x, y)
	case Min:
		f.Min(d, x, y)
	case Pow:
		f.Pow(d, x, y)
	default:
		return false
	}
	return true
}

// angle applies a function of an angle; those that are too large for the instruction set get the value
// of package math.
func angle(f *simd.Functions, o Op, d, x []float32) {
	kernel, plain := f.Sin, math.Sin
	switch o {
	case Cos:
		kernel, plain = f.Cos, math.Cos
	case Tan:
		kernel, plain = f.Tan, math.Tan
	}
	const large = 1 << 17
	var kept [256]float32 // d may be x
	for lo := 0; lo < len(d); lo += len(kept) {
		hi := min(lo+len(kept), len(d))
		angles := kept[:copy(kept[:], x[lo:hi])]
		if kernel(d[lo:hi], angles) == 0 {
			continue
		}
		for i, v := range angles {
			if v > large || v < -large {
				d[lo+i] = float32(plain(float64(v)))
			}
		}
	}
}

// power writes d = x^p.
func power(f *simd.Functions, d, x []float32, p float32) {
	switch p {
	case -1:
		f.Reciprocal(d, x)
		return
	case 1:
		copy(d, x)
		return
	case 2:
		simd.Active.Mul(d, x, x)
		return
	}
	var exponents [64]float32
	for i := range exponents {
		exponents[i] = p
	}
	for lo := 0; lo < len(d); lo += len(exponents) {
		hi := min(lo+len(exponents), len(d))
		f.Pow(d[lo:hi], x[lo:hi], exponents[:hi-lo])
	}
}
