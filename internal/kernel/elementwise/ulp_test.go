// SPDX-License-Identifier: Apache-2.0

package elementwise

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
)

// ulps returns by how many units in the last place of want, as a float32, got differs from it.
func ulps(got float32, want float64) float64 {
	w := float32(want)
	switch {
	case w != w || got != got:
		if w != w && got != got {
			return 0
		}
		return math.Inf(1)
	case got == w:
		if math.Signbit(float64(got)) != math.Signbit(want) {
			return math.Inf(1)
		}
		return 0
	case math.IsInf(float64(got), 0) || math.IsInf(float64(w), 0):
		if math.Abs(float64(got)) >= math.MaxFloat32 && math.Abs(want) >= math.MaxFloat32*(1-1e-6) {
			return 1
		}
		return math.Inf(1)
	}
	exp := max(math.Ilogb(want), -126)
	return math.Abs(float64(got)-want) / math.Ldexp(1, exp-23)
}

// arguments returns floats of the whole range: every 997th pattern, values around those at which a
// function changes its formula, and special ones.
func arguments() (x []float32) {
	for b := uint64(0); b < 1<<32; b += 9973 {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	for _, v := range []float64{0, 1, 2, 0.5, 0.625, 0.92, 0.93, 4, 88.72284, 89, -87.33, -103.97, -104, 1 << 17, 1 << 24, 1 << 25, math.Pi, math.Pi / 2, math.Pi / 4, math.Ln2, math.Ln2 / 2, 0x1p-126, 0x1p-149, math.MaxFloat32, math.Sqrt2, 1 / math.Sqrt2} {
		for _, v := range []float32{float32(v), -float32(v)} {
			b := math.Float32bits(v)
			for d := range uint32(41) {
				x = append(x, math.Float32frombits(b+d-20))
			}
		}
	}
	inf := float32(math.Inf(1))
	x = append(x, inf, -inf, float32(math.NaN()), 0, float32(math.Copysign(0, -1)))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300_000 {
		x = append(x, float32(rng.NormFloat64()*math.Exp(6*rng.Float64()-3)))
	}
	return x
}

// bounds has the largest error of each function, in units in the last place; 0.501 is that of rounding
// the exact result.
var bounds = map[Op]float64{
	Neg: 0, Abs: 0, Sign: 0, Floor: 0, Ceil: 0, Round: 0, Trunc: 0, Sqrt: 0.501, Reciprocal: 0.501, Rsqrt: 1.5,
	Exp: 1.5, Expm1: 2, Log: 1.5, Log1p: 1.7, Sin: 1.5, Cos: 1.5, Tan: 3.5, Tanh: 1.3, Erf: 1.5,
}

func TestFunctionsAreAccurate(t *testing.T) {
	x := arguments()
	if testing.Short() {
		x = x[len(x)-300_000:]
	}
	kerneltest.OnEachAssembly(t, func(t *testing.T) {
		for op, bound := range bounds {
			e := New([]Type{Float}, Step{Op: op})
			got := make([]float32, len(x))
			Run(e, &Operand[float32]{Floats: got, Shape: []int{len(x)}}, []Operand[float32]{{Floats: x, Shape: []int{len(x)}}})
			var most float64
			var at int
			for i, v := range x {
				want := float64(0)
				if op == Neg {
					want = -float64(v)
				} else if op == Sign {
					var one [1]float64
					x := value[float64]{floats: []float64{float64(v)}}
					applyFloat(&Step{Op: Sign}, one[:], &x, &x, &x)
					want = one[0]
				} else if op == Reciprocal {
					want = 1 / float64(v)
				} else {
					want = functions[op](float64(v))
				}
				if u := ulps(got[i], want); u > most {
					most, at = u, i
				}
			}
			t.Logf("%v: %.2f ulp at %v", op, most, x[at])
			if most > bound {
				t.Errorf("%v(%v) = %v: %.2f units in the last place, want at most %v", op, x[at], got[at], most, bound)
			}
		}
	})
}

// TestTanhIsMonotone walks along adjacent floats, around those at which it turns to another node of its table and from
// random ones. They have the signs of the arguments, and none exceeds 1.
func TestTanhIsMonotone(t *testing.T) {
	const run = 1000
	starts := []float32{0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 9.2}
	rng := rand.New(rand.NewPCG(5, 6))
	for range kerneltest.Rounds(2000) {
		starts = append(starts, float32(math.Exp(rng.Float64()*8-5)))
	}
	kerneltest.OnEachISA(t, func(t *testing.T) {
		x, y := make([]float32, 2*run), make([]float32, 2*run)
		e := New([]Type{Float}, Step{Op: Tanh})
		for _, start := range starts {
			first := max(math.Float32bits(start), run/2) - run/2
			for i := range run {
				x[run+i] = math.Float32frombits(first + uint32(i))
				x[run-1-i] = -x[run+i]
			}
			Run(e, &Operand[float32]{Floats: y, Shape: []int{len(y)}}, []Operand[float32]{{Floats: x, Shape: []int{len(x)}}})
			for i, v := range y {
				if i > 0 && v < y[i-1] || v < -1 || v > 1 || math.Signbit(float64(v)) != math.Signbit(float64(x[i])) {
					t.Fatalf("tanh(%v) is %v, and that of the float before %v", x[i], v, y[max(i-1, 0)])
				}
			}
		}
	})
}

func TestPowersAreAccurate(t *testing.T) {
	inf, nan, zero := float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1))
	special := []float32{0, zero, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, -1.5, 7, 1e30, -1e30, 1e-40, -1e-40, 1 << 24, 1<<24 + 2, 1<<25 + 4, -(1 << 25), inf, -inf, nan, math.MaxFloat32}
	var a, b []float32
	for _, v := range special {
		for _, w := range special {
			a, b = append(a, v), append(b, w)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range kerneltest.Rounds(300_000) {
		a = append(a, float32(math.Exp(20*rng.NormFloat64())))
		b = append(b, float32(rng.NormFloat64()*math.Exp(2*rng.NormFloat64())))
	}
	for base := -12; base <= 12; base++ { // exact
		for p := range 7 {
			a, b = append(a, float32(base)), append(b, float32(p))
		}
	}
	kerneltest.OnEachISA(t, func(t *testing.T) {
		got := make([]float32, len(a))
		shape := []int{len(a)}
		Run(New([]Type{Float, Float}, Step{Op: Pow, A: 0, B: 1}), &Operand[float32]{Floats: got, Shape: shape}, []Operand[float32]{{Floats: a, Shape: shape}, {Floats: b, Shape: shape}})
		var most float64
		for i := range a {
			want := math.Pow(float64(a[i]), float64(b[i]))
			u := ulps(got[i], want)
			if most = max(most, u); u > 0.501 {
				t.Fatalf("%v to the power of %v is %v, want %v", a[i], b[i], got[i], want)
			}
		}
		t.Logf("%.4f ulp", most)
	})
}
