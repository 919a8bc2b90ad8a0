// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// fast computes a step by the instruction set's own function; it reports whether there is one.
func fast(s *Step, dst, a, b, c *value[float32]) bool {
	t := simd.Active
	d, x, y := dst.floats, a.floats, b.floats
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
	default:
		if t.Portable() {
			return s.Op == Affine && s.Y == 0 && scale(t, d, x, float32(s.X))
		}
		switch s.Op {
		case Affine:
			if s.Y == 0 {
				return scale(t, d, x, float32(s.X))
			}
			t.Functions.Affine(d, x, float32(s.X), float32(s.Y))
		case Sin, Cos, Tan:
			angle(&t.Functions, s.Op, d, x)
		case PowX:
			power(&t.Functions, d, x, float32(s.X))
		default:
			return function(&t.Functions, s.Op, d, x, y) || condition(&t.Functions, s, dst, a, b, c)
		}
	}
	return true
}

func scale(t *simd.ISA, d, x []float32, by float32) bool {
	t.Scale(d, x, by)
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
	kept := parts.Get() // d may be x
	defer parts.Put(kept)
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

// parts has memory for parts of a block.
var parts parallel.FreeList[[256]float32]

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
	exponents := parts.Get()
	defer parts.Put(exponents)
	for i := range exponents {
		exponents[i] = p
	}
	for lo := 0; lo < len(d); lo += len(exponents) {
		hi := min(lo+len(exponents), len(d))
		f.Pow(d[lo:hi], x[lo:hi], exponents[:hi-lo])
	}
}

// condition applies a function with booleans; plain Go computes what is left of sixteen elements, which
// makes no difference as all of these are exact.
func condition(f *simd.Functions, s *Step, dst, a, b, c *value[float32]) bool {
	n := max(len(dst.floats), len(dst.bools)) &^ (simd.Sixteen - 1)
	switch s.Op {
	case Equal:
		f.Equal(dst.bools[:n], a.floats[:n], b.floats)
	case NotEqual:
		f.NotEqual(dst.bools[:n], a.floats[:n], b.floats)
	case Less:
		f.Less(dst.bools[:n], a.floats[:n], b.floats)
	case LessEqual:
		f.LessEqual(dst.bools[:n], a.floats[:n], b.floats)
	case IsNaN:
		f.IsNaN(dst.bools[:n], a.floats)
	case IsInf:
		f.IsInf(dst.bools[:n], a.floats)
	case IsFinite:
		f.IsFinite(dst.bools[:n], a.floats)
	case BoolOfFloat:
		f.NotZero(dst.bools[:n], a.floats)
	case Where:
		f.Where(dst.floats[:n], a.bools, b.floats, c.floats)
	case FloatOfBool:
		f.FloatOfBool(dst.floats[:n], a.bools)
	default:
		return false
	}
	rest := func(v *value[float32]) (r value[float32]) {
		r.floats, r.bools = v.floats[min(n, len(v.floats)):], v.bools[min(n, len(v.bools)):]
		return r
	}
	d, x, y, z := rest(dst), rest(a), rest(b), rest(c)
	switch {
	case len(d.floats) > 0:
		applyFloat(s, d.floats, &x, &y, &z)
	case len(d.bools) > 0:
		applyBool(s, d.bools, &x, &y, &z)
	}
	return true
}
