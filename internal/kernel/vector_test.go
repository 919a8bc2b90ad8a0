// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// lengths are around the sizes of vectors and unrolled loops of all instruction sets, and beyond a
// piece of work.
var lengths = []int{0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 127, 129, 191, 1000, 4097}

// inputs returns n values that reach every branch of an activation, including a few large ones.
func inputs(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch rng.IntN(8) {
		case 0:
			x[i] = float32(max(-85, min(85, rng.NormFloat64()*40)))
		case 1:
			x[i] = float32(rng.NormFloat64() * 1e-3)
		case 2:
			x[i] = float32(rng.IntN(9) - 4)
		default:
			x[i] = float32(rng.NormFloat64() * 3)
		}
	}
	return x
}

func TestActivationsMatchReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for a := Linear; a < activationCount; a++ {
			for _, n := range lengths {
				x, dy := inputs(rng, n), randomFloats(rng, n)
				y, want := make([]float32, n), make([]float64, n)
				Activate(y, x, a, 0.3)
				ref.Activate(want, kerneltest.Widen(x), a, 0.3)
				near(t, fmt.Sprintf("%v of %d", a, n), y, want, 4e-7)
				s := x
				if a.FromOutput() {
					s = y
				}
				ref.ActivateGrad(want, kerneltest.Widen(s), kerneltest.Widen(dy), a, 0.3)
				ActivateGrad(dy, s, dy, a, 0.3)
				near(t, fmt.Sprintf("%v gradient of %d", a, n), dy, want, 2e-6)
				Activate(x, x, a, 0.3)
				sameNumbers(t, fmt.Sprintf("%v in place", a), x, y)
			}
		}
	})
}

// Relative accuracy for small results and at the ends of the range.
func TestElementaryFunctions(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	kerneltest.OnEachISA(t, func(t *testing.T) {
		var x []float32
		for v := float32(-104); v < 89; v += 0.037 {
			x = append(x, v)
		}
		y := make([]float32, len(x))
		check := func(name string, tol float64, from, to float32, got []float32, f func(x float64) float64) {
			t.Helper()
			for i, v := range x {
				want := f(float64(v))
				if v < from || v > to {
					continue
				}
				if d := math.Abs(float64(got[i])/want - 1); !(d <= tol) {
					t.Fatalf("%s(%v) = %v, want %v", name, v, got[i], want)
				}
			}
		}
		Activate(y, x, Exponential, 0)
		check("exp", 2e-7, -87, 88.7, y, math.Exp)
		Activate(y, x, Sigmoid, 0)
		check("sigmoid", 3e-7, -85, 89, y, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
		Activate(y, x, Softplus, 0)
		check("softplus", 3e-7, -85, 89, y, func(x float64) float64 { return math.Log1p(math.Exp(x)) })
		Activate(y, x, ELU, 1)
		check("elu", 3e-7, -85, -1e-30, y, math.Expm1)
		for i := range x {
			x[i] /= 1000
		}
		Activate(y, x, Tanh, 0)
		check("tanh", 4e-7, -1, 1, y, math.Tanh)
		Activate(y, x, ELU, 1)
		check("elu near 0", 3e-7, -1, -1e-30, y, math.Expm1)

		y = make([]float32, 4)
		Activate(y, []float32{inf, -inf, nan, 200}, Exponential, 0)
		if y[0] != inf || y[1] != 0 || y[2] == y[2] || y[3] != inf {
			t.Errorf("exp of [inf -inf nan 200] = %v", y)
		}
		Activate(y, []float32{-103, -100, -90, 88.72}, Exponential, 0)
		for i, want := range []float64{math.Exp(-103), math.Exp(-100), math.Exp(-90), math.Exp(float64(float32(88.72)))} {
			if d := math.Abs(float64(y[i]) - want); d > 1.5e-45 && d > 1e-6*want {
				t.Errorf("exp near the ends: element %d is %v, want %v", i, y[i], want)
			}
		}
		for a := ReLU; a < activationCount; a++ {
			Activate(y[:1], []float32{nan}, a, 0.5)
			if y[0] == y[0] {
				t.Errorf("%v(NaN) = %v, want NaN", a, y[0])
			}
		}
		for _, a := range []Activation{Sigmoid, Tanh, Softplus, ReLU, ReLU6, ELU} {
			got, want := make([]float32, 2), make([]float64, 2)
			Activate(got, []float32{inf, -inf}, a, 0.5)
			ref.Activate(want, []float64{math.Inf(1), math.Inf(-1)}, a, 0.5)
			if float64(got[0]) != want[0] || float64(got[1]) != want[1] {
				t.Errorf("%v of [inf -inf] = %v, want %v", a, got, want)
			}
		}
	})
}

func TestElementwiseMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 2))
		for _, n := range lengths {
			a, b, dst := inputs(rng, n), inputs(rng, n), make([]float32, n)
			for i := range n / 3 {
				b[3*i] = a[3*i] // ties
			}
			want, wideA, wideB := make([]float64, n), kerneltest.Widen(a), kerneltest.Widen(b)
			for name, f := range map[string]struct {
				fast  func(dst, a, b []float32)
				plain func(dst, a, b []float64)
			}{
				"add": {Add[float32], ref.Add[float64]}, "sub": {Sub[float32], ref.Sub[float64]},
				"mul": {Mul[float32], ref.Mul[float64]}, "max": {Max[float32], ref.Max[float64]},
				"scale": {func(d, a, _ []float32) { Scale(d, a, 0.75) }, func(d, a, _ []float64) { ref.Scale(d, a, 0.75) }},
				"clip":  {func(d, a, _ []float32) { Clip(d, a, -1, 2) }, func(d, a, _ []float64) { ref.Clip(d, a, -1, 2) }},
				"add scaled": {
					func(d, a, b []float32) { copy(d, b); AddScaled(d, a, 0.75) },
					func(d, a, b []float64) { copy(d, b); ref.AddScaled(d, a, 0.75) },
				},
				"max gradient": {
					func(d, a, b []float32) { MaxGrad(d, make([]float32, len(d)), a, b, a) },
					func(d, a, b []float64) { ref.MaxGrad(d, make([]float64, len(d)), a, b, a) },
				},
				"max gradient of b": {
					func(d, a, b []float32) { MaxGrad(make([]float32, len(d)), d, a, b, a) },
					func(d, a, b []float64) { ref.MaxGrad(make([]float64, len(d)), d, a, b, a) },
				},
			} {
				f.fast(dst, a, b)
				f.plain(want, wideA, wideB)
				near(t, fmt.Sprintf("%s of %d", name, n), dst, want, 1e-6)
			}
		}
		nan := float32(math.NaN())
		got := make([]float32, 2)
		Max(got, []float32{nan, 1}, []float32{1, nan})
		if got[0] == got[0] || got[1] == got[1] {
			t.Errorf("max with NaN = %v, want NaN", got)
		}
	})
}

func TestReductionsMatchReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		for _, n := range append(lengths, 100_003) {
			a, b := randomFloats(rng, n), randomFloats(rng, n)
			wa, wb := kerneltest.Widen(a), kerneltest.Widen(b)
			root := math.Sqrt(float64(n))
			near(t, fmt.Sprintf("sums of %d", n), []float32{Sum(a), SumSquares(a), SumAbs(a), Dot(a, b)},
				[]float64{ref.Sum(wa), ref.SumSquares(wa), ref.SumAbs(wa), ref.Dot(wa, wb)}, 1e-6*max(root/10, 1))
			if got := Finite(a); got != -1 {
				t.Errorf("finite of %d good numbers is %d", n, got)
			}
			if n > 0 {
				i := rng.IntN(n)
				a[i] = float32(math.Inf(1))
				if got := Finite(a); got != i {
					t.Errorf("finite of %d is %d, want %d", n, got, i)
				}
			}
		}
		for _, cols := range []int{1, 2, 7, 8, 15, 16, 17, 33, 64, 65, 131} {
			for _, rows := range []int{0, 1, 2, 3, 4, 5, 7, 40, 3000} {
				x := randomFloats(rng, rows*cols)
				dst, want, wide := make([]float32, cols), make([]float64, cols), kerneltest.Widen(x)
				ColSum(dst, x, rows, cols)
				ref.ColSum(want, wide, rows, cols)
				near(t, fmt.Sprintf("column sum of %d x %d", rows, cols), dst, want, 5e-5)
			}
		}
	})
}

func TestRowsMatchReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 4))
		for _, cols := range []int{1, 2, 7, 8, 10, 15, 16, 17, 46, 64, 100, 1000} {
			for _, rows := range []int{0, 1, 3, 130} {
				x, dy := inputs(rng, rows*cols), randomFloats(rng, rows*cols)
				target, dist, dloss := make([]float32, rows*cols), make([]float32, rows*cols), randomFloats(rng, rows)
				labels := make([]float32, rows)
				for i := range target {
					target[i] = float32(rng.IntN(2))
				}
				for i := range labels {
					labels[i] = float32(rng.IntN(cols))
				}
				ref.Softmax(dist, randomFloats(rng, rows*cols), rows, cols)
				got, want := make([]float32, rows*cols), make([]float64, rows*cols)
				what := func(name string) string { return fmt.Sprintf("%s of %d x %d", name, rows, cols) }

				Softmax(got, x, rows, cols)
				ref.Softmax(want, kerneltest.Widen(x), rows, cols)
				near(t, what("softmax"), got, want, 1e-6)
				y := append([]float32(nil), got...)
				SoftmaxGrad(got, y, dy, rows, cols)
				ref.SoftmaxGrad(want, kerneltest.Widen(y), kerneltest.Widen(dy), rows, cols)
				near(t, what("softmax gradient"), got, want, 1e-5)
				LogSoftmax(got, x, rows, cols)
				ref.LogSoftmax(want, kerneltest.Widen(x), rows, cols)
				near(t, what("log-softmax"), got, want, 1e-6)
				y = append(y[:0], got...)
				LogSoftmaxGrad(got, y, dy, rows, cols)
				ref.LogSoftmaxGrad(want, kerneltest.Widen(y), kerneltest.Widen(dy), rows, cols)
				near(t, what("log-softmax gradient"), got, want, 1e-5)

				for name, l := range map[string]struct {
					target     []float32
					loss       func(loss, a, b []float32, rows, cols int)
					grad       func(d, a, b, dloss []float32, rows, cols int)
					plain      func(loss, a, b []float64, rows, cols int)
					plainGrad  func(d, a, b, dloss []float64, rows, cols int)
					sparseness int
				}{
					"sparse cross-entropy": {
						labels, func(l, a, b []float32, r, c int) { SoftmaxXentSparse(l, a, b, r, c) }, SoftmaxXentSparseGrad[float32],
						func(l, a, b []float64, r, c int) { ref.SoftmaxXentSparse(l, a, b, r, c) }, ref.SoftmaxXentSparseGrad[float64], 1,
					},
					"cross-entropy":         {dist, SoftmaxXent[float32], SoftmaxXentGrad[float32], ref.SoftmaxXent[float64], ref.SoftmaxXentGrad[float64], 0},
					"sigmoid cross-entropy": {target, SigmoidXent[float32], SigmoidXentGrad[float32], ref.SigmoidXent[float64], ref.SigmoidXentGrad[float64], 0},
					"mse":                   {dy, MSE[float32], MSEGrad[float32], ref.MSE[float64], ref.MSEGrad[float64], 0},
					"mae":                   {dy, MAE[float32], MAEGrad[float32], ref.MAE[float64], ref.MAEGrad[float64], 0},
				} {
					loss, wantLoss := make([]float32, rows), make([]float64, rows)
					l.loss(loss, x, l.target, rows, cols)
					l.plain(wantLoss, kerneltest.Widen(x), kerneltest.Widen(l.target), rows, cols)
					near(t, what(name), loss, wantLoss, 1e-5)
					l.grad(got, x, l.target, dloss, rows, cols)
					l.plainGrad(want, kerneltest.Widen(x), kerneltest.Widen(l.target), kerneltest.Widen(dloss), rows, cols)
					near(t, what(name+" gradient"), got, want, 1e-6)
				}
			}
		}
	})
}

func TestOptimizersMatchReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 5))
		for _, n := range lengths {
			for name, f := range map[string]struct {
				fast  func(w, g, a, b, c []float32)
				plain func(w, g, a, b, c []float64)
			}{
				"sgd": {
					func(w, g, a, b, c []float32) { SGD(w, g, nil, 0.1, 0, false) },
					func(w, g, a, b, c []float64) { ref.SGD(w, g, nil, 0.1, 0, false) },
				},
				"sgd momentum": {
					func(w, g, a, b, c []float32) { SGD(w, g, a, 0.1, 0.9, false) },
					func(w, g, a, b, c []float64) { ref.SGD(w, g, a, 0.1, 0.9, false) },
				},
				"sgd nesterov": {
					func(w, g, a, b, c []float32) { SGD(w, g, a, 0.1, 0.9, true) },
					func(w, g, a, b, c []float64) { ref.SGD(w, g, a, 0.1, 0.9, true) },
				},
				"rmsprop": {
					func(w, g, a, b, c []float32) { RMSprop(w, g, a, nil, nil, 0.1, 0.9, 0, 1e-7) },
					func(w, g, a, b, c []float64) { ref.RMSprop(w, g, a, nil, nil, 0.1, 0.9, 0, 1e-7) },
				},
				"rmsprop momentum": {
					func(w, g, a, b, c []float32) { RMSprop(w, g, a, b, nil, 0.1, 0.9, 0.8, 1e-7) },
					func(w, g, a, b, c []float64) { ref.RMSprop(w, g, a, b, nil, 0.1, 0.9, 0.8, 1e-7) },
				},
				"rmsprop centered": {
					func(w, g, a, b, c []float32) { RMSprop(w, g, a, nil, c, 0.1, 0.9, 0.8, 1e-7) },
					func(w, g, a, b, c []float64) { ref.RMSprop(w, g, a, nil, c, 0.1, 0.9, 0.8, 1e-7) },
				},
				"rmsprop centered momentum": {
					func(w, g, a, b, c []float32) { RMSprop(w, g, a, b, c, 0.1, 0.9, 0.8, 1e-7) },
					func(w, g, a, b, c []float64) { ref.RMSprop(w, g, a, b, c, 0.1, 0.9, 0.8, 1e-7) },
				},
				"adam": {
					func(w, g, a, b, c []float32) { Adam(w, g, a, b, nil, 0.1, 0.875, 0.9921875, 1e-7, 3) },
					func(w, g, a, b, c []float64) { ref.Adam(w, g, a, b, nil, 0.1, 0.875, 0.9921875, 1e-7, 3) },
				},
				"nadam": {
					func(w, g, a, b, c []float32) { Nadam(w, g, a, b, 0.1, 0.875, 0.9921875, 1e-7, 3) },
					func(w, g, a, b, c []float64) { ref.Nadam(w, g, a, b, 0.1, 0.875, 0.9921875, 1e-7, 3) },
				},
				"adamax": {
					func(w, g, a, b, c []float32) { Adamax(w, g, a, b, 0.1, 0.875, 0.9921875, 1e-7, 3) },
					func(w, g, a, b, c []float64) { ref.Adamax(w, g, a, b, 0.1, 0.875, 0.9921875, 1e-7, 3) },
				},
				"adagrad": {
					func(w, g, a, b, c []float32) { Adagrad(w, g, a, 0.1, 1e-7) },
					func(w, g, a, b, c []float64) { ref.Adagrad(w, g, a, 0.1, 1e-7) },
				},
				"adadelta": {
					func(w, g, a, b, c []float32) { Adadelta(w, g, a, b, 0.1, 0.9, 1e-7) },
					func(w, g, a, b, c []float64) { ref.Adadelta(w, g, a, b, 0.1, 0.9, 1e-7) },
				},
				"lion": {
					func(w, g, a, b, c []float32) { Lion(w, g, a, 0.1, 0.875, 0.9921875) },
					func(w, g, a, b, c []float64) { ref.Lion(w, g, a, 0.1, 0.875, 0.9921875) },
				},
				"amsgrad": {
					func(w, g, a, b, c []float32) { Adam(w, g, a, b, c, 0.1, 0.875, 0.9921875, 1e-7, 3) },
					func(w, g, a, b, c []float64) { ref.Adam(w, g, a, b, c, 0.1, 0.875, 0.9921875, 1e-7, 3) },
				},
			} {
				state := randomFloats(rng, 4*n)
				for i := n; i < 4*n; i++ {
					state[i] = float32(math.Abs(float64(state[i]))) // second moments are not negative
				}
				for i := 3 * n; i < 4*n; i++ {
					state[i] *= 0.1 // a mean gradient whose square is less than the mean square
				}
				for i := n; i < 2*n; i++ {
					state[i] += 0.5
				}
				g, wide := randomFloats(rng, n), kerneltest.Widen(state)
				f.fast(state[:n], g, state[n:2*n], state[2*n:3*n], state[3*n:])
				f.plain(wide[:n], kerneltest.Widen(g), wide[n:2*n], wide[2*n:3*n], wide[3*n:])
				near(t, fmt.Sprintf("%s of %d", name, n), state, wide, 2e-6)
			}
		}
	})
}

func TestDropoutMatchesReferenceBits(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(6, 6))
		for _, n := range append(lengths, 10_000) {
			x, got, want := randomFloats(rng, n), make([]float32, n), make([]float32, n)
			for _, rate := range []float64{0, 0.1, 0.5, 0.999, 1} {
				key, stream, step := rng.Uint64(), rng.Uint64(), rng.Uint64()
				Dropout(got, x, rate, key, stream, step)
				ref.Dropout(want, x, rate, key, stream, step, 0)
				sameNumbers(t, fmt.Sprintf("dropout %v of %d", rate, n), got, want)
			}
		}
	})
}
