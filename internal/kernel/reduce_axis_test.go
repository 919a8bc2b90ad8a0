// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// spans are shapes (outer, n, inner).
var spans = [][3]int{
	{1, 1, 1}, {3, 0, 2}, {0, 3, 2}, {2, 3, 0}, {1, 5, 1}, {4, 3, 2}, {7, 100, 1}, {100, 7, 3}, {1, 40_000, 1}, {2, 70_000, 1},
	{1, 5000, 33}, {3, 70, 129}, {1, 9, 5000}, {2, 300, 1024}, {500, 4, 1}, {1, 66, 1}, {33, 65, 2},
}

// axisCases are float reductions with their formula in float64.
var axisCases = []struct {
	name string
	run  func(dst, x []float32, outer, n, inner int)
	want func(x []float64) float64
	tol  float64
}{
	{"sum", SumAxis[float32], func(x []float64) float64 { return fold(x, 0, func(a, b float64) float64 { return a + b }) }, 2e-6},
	{"sum of |x|", SumAbsAxis[float32], func(x []float64) float64 { return fold(x, 0, func(a, b float64) float64 { return a + math.Abs(b) }) }, 2e-6},
	{"sum of squares", SumSquaresAxis[float32], func(x []float64) float64 { return fold(x, 0, func(a, b float64) float64 { return a + b*b }) }, 2e-6},
	{"max", MaxAxis[float32], func(x []float64) float64 { return fold(x, math.Inf(-1), math.Max) }, 0},
	{"min", MinAxis[float32], func(x []float64) float64 { return fold(x, math.Inf(1), math.Min) }, 0},
	{"log-sum-exp", LogSumExpAxis[float32], func(x []float64) float64 {
		return math.Log(fold(x, 0, func(a, b float64) float64 { return a + math.Exp(b) }))
	}, 1e-6},
	{"variance", func(dst, x []float32, outer, n, inner int) { VarianceAxis(dst, x, outer, n, inner, 1) }, func(x []float64) float64 {
		mean := fold(x, 0, func(a, b float64) float64 { return a + b }) / float64(len(x))
		return fold(x, 0, func(a, b float64) float64 { return a + (b-mean)*(b-mean) }) / float64(max(len(x)-1, 0))
	}, 2e-6},
}

func fold(x []float64, start float64, f func(a, b float64) float64) float64 {
	for _, v := range x {
		start = f(start, v)
	}
	return start
}

// column returns elements of x along the middle axis.
func column[E any](x []E, s [3]int, o, i int) (c []E) {
	for j := range s[1] {
		c = append(c, x[(o*s[1]+j)*s[2]+i])
	}
	return c
}

// TestReductionsAtOnce compares reductions of several rows at once with those of one after the other, bit by
// bit.
func TestReductionsAtOnce(t *testing.T) {
	inf := float32(math.Inf(1))
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 4))
		for _, c := range []struct {
			name string
			reducer[float32]
		}{{"sum", reducers32.sum}, {"max", reducers32.max}, {"min", reducers32.min}} {
			slow := c.reducer
			slow.each, slow.stack = nil, nil
			for _, s := range append([][3]int{{1, 40, 20_000}, {2, 70, 3001}, {1, 100, 9000}, {300, 201, 1}, {3, 50, 700}}, spans...) {
				x := randomFloats(rng, s[0]*s[1]*s[2])
				for _, v := range []float32{inf, -inf, float32(math.NaN()), 0, float32(math.Copysign(0, -1))} {
					for range min(s[0]-1, 9, len(x)) {
						x[rng.IntN(len(x))] = v
					}
				}
				got, want := garbage(s[0]*s[2]), garbage(s[0]*s[2])
				reduceAxis(&c.reducer, got, x, nil, s[0], s[1], s[2])
				reduceAxis(&slow, want, x, nil, s[0], s[1], s[2])
				for i := range want {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
						t.Fatalf("%s of %v: element %d is %v, want %v", c.name, s, i, got[i], want[i])
					}
				}
			}
		}
	})
}

func TestReductionsAlongAxes(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, s := range spans {
			x := randomFloats(rng, s[0]*s[1]*s[2])
			wide := kerneltest.Widen(x)
			for _, c := range axisCases {
				what := fmt.Sprint(c.name, s)
				got := make([]float32, s[0]*s[2])
				c.run(got, x, s[0], s[1], s[2])
				for k, v := range got {
					values := column(wide, s, k/s[2], k%s[2])
					want, scale := c.want(values), 1.0
					for _, w := range values {
						scale += math.Abs(w)
					}
					if c.name == "log-sum-exp" || c.name == "variance" {
						scale = 1 + math.Abs(want)
					}
					if g := float64(v); g != want && !(math.Abs(g-want) <= c.tol*scale) && !(g != g && want != want) {
						t.Fatalf("%s: element %d is %v, want %v", what, k, v, want)
					}
				}
				kerneltest.SameBits(t, len(got), func(y []float32) { c.run(y, x, s[0], s[1], s[2]) })
				if allocs := kerneltest.Allocs(func() { c.run(got, x, s[0], s[1], s[2]) }); allocs > 0 {
					t.Errorf("%s allocates %v times", what, allocs)
				}
			}
		}
	})
}

// Products are tested with small integers, for which they are exact, in all element types.
func TestExactReductions(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, s := range spans {
			size := s[0] * s[1] * s[2]
			x, ints, bools := make([]float32, size), make([]int64, size), make([]bool, size)
			for i := range x {
				v := int64(1)
				if rng.IntN(max(s[1]/4, 2)) == 0 {
					v = int64(rng.IntN(5) - 2)
				}
				x[i], ints[i], bools[i] = float32(v), v, v == 2
			}
			out, y, is := make([]int64, s[0]*s[2]), make([]float32, s[0]*s[2]), make([]bool, s[0]*s[2])
			checkInts := func(what string, want func(c []int64) int64) {
				t.Helper()
				for k, v := range out {
					if c := column(ints, s, k/s[2], k%s[2]); v != want(c) {
						t.Fatalf("%s %v: element %d is %d, want %d", what, s, k, v, want(c))
					}
				}
			}
			over := func(start int64, f func(a, b int64) int64) func([]int64) int64 {
				return func(c []int64) int64 {
					r := start
					for _, v := range c {
						r = f(r, v)
					}
					return r
				}
			}
			product := over(1, func(a, b int64) int64 { return a * b })
			SumInts(out, ints, s[0], s[1], s[2])
			checkInts("sum", over(0, func(a, b int64) int64 { return a + b }))
			ProdInts(out, ints, s[0], s[1], s[2])
			checkInts("product", product)
			MaxInts(out, ints, s[0], s[1], s[2])
			checkInts("max", over(math.MinInt64, func(a, b int64) int64 { return max(a, b) }))
			MinInts(out, ints, s[0], s[1], s[2])
			checkInts("min", over(math.MaxInt64, func(a, b int64) int64 { return min(a, b) }))
			count := over(0, func(a, b int64) int64 {
				if b == 2 {
					a++
				}
				return a
			})
			CountAxis(out, bools, s[0], s[1], s[2])
			checkInts("count", count)
			AnyAxis(is, bools, s[0], s[1], s[2])
			for k, v := range is {
				if c := column(ints, s, k/s[2], k%s[2]); v != (count(c) > 0) {
					t.Fatalf("any %v: element %d is %v", s, k, v)
				}
			}
			AllAxis(is, bools, s[0], s[1], s[2])
			for k, v := range is {
				if c := column(ints, s, k/s[2], k%s[2]); v != (count(c) == int64(len(c))) {
					t.Fatalf("all %v: element %d is %v", s, k, v)
				}
			}
			ProdAxis(y, x, s[0], s[1], s[2])
			for k, v := range y {
				if want := product(column(ints, s, k/s[2], k%s[2])); s[1] < 200 && float64(v) != float64(want) {
					t.Fatalf("product %v: element %d is %v, want %v", s, k, v, want)
				}
			}
			if s[1] == 0 {
				continue
			}
			for _, least := range []bool{false, true} {
				first := func(c []int64) int64 {
					best := 0
					for i, v := range c {
						if least && v < c[best] || !least && v > c[best] {
							best = i
						}
					}
					return int64(best)
				}
				ArgExtreme(out, ints, s[0], s[1], s[2], least)
				checkInts("index", first)
				ArgExtreme(out, x, s[0], s[1], s[2], least)
				checkInts("index of floats", first)
				ArgExtreme(out, kerneltest.Widen(x), s[0], s[1], s[2], least)
				checkInts("index of wide floats", first)
			}
		}
	})
}

func TestReductionsOfNaNAndInfinities(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	kerneltest.OnEachISA(t, func(t *testing.T) {
		for _, inner := range []int{1, 3} {
			for _, n := range []int{1, 5, 17, 100, 20_000} {
				for _, at := range []int{0, n / 2, n - 1} {
					x := make([]float32, n*inner)
					for i := range x {
						x[i] = float32(i % 7)
					}
					x[at*inner] = nan
					y, index := make([]float32, inner), make([]int64, inner)
					for _, f := range []func(dst, x []float32, outer, n, inner int){MaxAxis[float32], MinAxis[float32], SumAxis[float32], LogSumExpAxis[float32]} {
						if f(y, x, 1, n, inner); y[0] == y[0] || inner > 1 && y[1] != y[1] {
							t.Fatalf("%d by %d with NaN at %d: %v", n, inner, at, y)
						}
					}
					if ArgExtreme(index, x, 1, n, inner, false); index[0] != int64(at) {
						t.Fatalf("%d by %d with NaN at %d: index %d", n, inner, at, index[0])
					}
					x[at*inner] = inf
					if LogSumExpAxis(y, x, 1, n, inner); y[0] != inf {
						t.Fatalf("log-sum-exp with +Inf is %v", y[0])
					}
					for j := range n {
						x[j*inner] = -inf
					}
					if LogSumExpAxis(y, x, 1, n, inner); y[0] != -inf {
						t.Fatalf("log-sum-exp of -Inf is %v", y[0])
					}
				}
			}
		}
	})
}

func TestSoftmaxAlongAxes(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, s := range spans {
			x := randomFloats(rng, s[0]*s[1]*s[2])
			wide := kerneltest.Widen(x)
			for _, log := range []bool{false, true} {
				f := SoftmaxAxis[float32]
				if log {
					f = LogSoftmaxAxis[float32]
				}
				y := make([]float32, len(x))
				f(y, x, s[0], s[1], s[2])
				for o := range s[0] {
					for i := range s[2] {
						total := fold(column(wide, s, o, i), 0, func(a, b float64) float64 { return a + math.Exp(b) })
						for j := range s[1] {
							at := (o*s[1]+j)*s[2] + i
							want, scale := wide[at]-math.Log(total), 10.0
							if !log {
								want, scale = math.Exp(wide[at])/total, 1
							}
							if math.Abs(float64(y[at])-want) > 1e-6*scale {
								t.Fatalf("%v log=%v: element %d is %v, want %v", s, log, at, y[at], want)
							}
						}
					}
				}
				kerneltest.SameBits(t, len(y), func(y []float32) { copy(y, x); f(y, y, s[0], s[1], s[2]) })
				defer parallel.SetWorkers(2)()
				if allocs := kerneltest.Allocs(func() { f(y, x, s[0], s[1], s[2]) }); allocs > 0 {
					t.Errorf("softmax %v log=%v allocates %v times", s, log, allocs)
				}
			}
		}
	})
}
