// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// randomFloats returns n values from the standard normal distribution.
func randomFloats(rng *rand.Rand, n int) []float32 {
	x := newFloats(n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// wantClose fails unless |got - want| <= tol·scale everywhere; scale is the
// size that the summed products can reach.
func wantClose(t *testing.T, what string, got []float32, want []float64, tol, scale float64) {
	t.Helper()
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tol*scale) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}

type gemmShape struct {
	transA, transB bool
	m, n, k        int
	beta           float32
}

func (s gemmShape) String() string {
	return fmt.Sprintf("%dx%dx%d transA=%v transB=%v beta=%v", s.m, s.n, s.k, s.transA, s.transB, s.beta)
}

func checkGemm(t *testing.T, rng *rand.Rand, s gemmShape) {
	t.Helper()
	ar, ac, br, bc := s.m, s.k, s.k, s.n
	if s.transA {
		ar, ac = ac, ar
	}
	if s.transB {
		br, bc = bc, br
	}
	lda, ldb, ldc := max(ac, 1)+rng.IntN(3), max(bc, 1)+rng.IntN(3), s.n+rng.IntN(3)
	a, b, c := randomFloats(rng, ar*lda), randomFloats(rng, br*ldb), randomFloats(rng, s.m*ldc)
	want := widen(c)
	ref.Gemm(s.transA, s.transB, s.m, s.n, s.k, widen(a), lda, widen(b), ldb, float64(s.beta), want, ldc)
	if s.beta == 0 { // C must not be read; columns beyond n must stay as they are
		for i := range s.m {
			for j := range s.n {
				c[i*ldc+j] = float32(math.NaN())
			}
		}
	}
	Gemm(s.transA, s.transB, s.m, s.n, s.k, a, lda, b, ldb, s.beta, c, ldc)
	// Sums grow as √k, and k roundings of them add up as √k once more.
	wantClose(t, s.String(), c, want, 1e-6, 3+3*math.Sqrt(float64(s.k))+0.4*float64(s.k))
}

// onEachPath runs the test on every path that this CPU has.
func onEachPath(t *testing.T, test func(t *testing.T)) {
	for _, s := range simd.ISAs {
		t.Run(s.Name, func(t *testing.T) {
			restore, err := simd.ForceISA(s.Name)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			test(t)
		})
	}
}

func TestGemmMatchesReference(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range rounds(120) {
			s := gemmShape{i&1 != 0, i&2 != 0, 1 + rng.IntN(150), 1 + rng.IntN(250), rng.IntN(70), float32(i >> 2 & 1)}
			checkGemm(t, rng, s)
		}
	})
}

// Shapes, transposes, beta and paths that nobody thought of.
func FuzzGemm(f *testing.F) {
	f.Add(uint16(13), uint16(97), uint16(385), uint8(1))
	f.Add(uint16(239), uint16(65), uint16(0), uint8(6))
	f.Add(uint16(1), uint16(1), uint16(1), uint8(27))
	f.Add(uint16(279), uint16(91), uint16(258), uint8(72)) // large errors of rounding
	f.Fuzz(func(t *testing.T, m, n, k uint16, flags uint8) {
		restore, err := simd.ForceISA(simd.ISAs[int(flags>>3)%len(simd.ISAs)].Name)
		if err != nil {
			t.Fatal(err)
		}
		defer restore()
		rng := rand.New(rand.NewPCG(uint64(m)<<32|uint64(n)<<16|uint64(k), uint64(flags)))
		checkGemm(t, rng, gemmShape{flags&1 != 0, flags&2 != 0, 1 + int(m)%300, 1 + int(n)%300, int(k) % 800, float32(flags >> 2 & 1)})
	})
}

// Every tile, every number of columns in its last vector, every k up to a few
// steps, and the k blocks' borders.
func TestGemmEveryTile(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for m := 1; m <= simd.Active.TileRows+1; m++ {
			for n := 1; n <= simd.Active.TileCols()+1; n++ {
				k := (m*7 + n) % 6
				checkGemm(t, rng, gemmShape{m%3 == 0, n%3 == 0, m, n, k, float32((m + n) % 2)})
			}
			for _, k := range []int{simd.Active.Depth - 1, simd.Active.Depth, simd.Active.Depth + 1, 2*simd.Active.Depth + 1} {
				checkGemm(t, rng, gemmShape{m%2 == 0, m%3 == 0, m, 3 * simd.Active.TileCols(), k, 1})
			}
		}
	})
}

// Shapes that pack B, in more than one chunk of columns for the last.
func TestGemmPacksB(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		checkGemm(t, rng, gemmShape{false, false, 17 * simd.Active.TileRows, 4*simd.Active.TileCols() - 1, 33, 0})
		checkGemm(t, rng, gemmShape{true, false, 17 * simd.Active.TileRows, 4*simd.Active.TileCols() - 1, 33, 1})
		defer func(n int) { maxPacked = n }(maxPacked)
		maxPacked = 100 * simd.Active.TileCols()
		checkGemm(t, rng, gemmShape{false, true, packPanels*simd.Active.TileRows + 1, 5*simd.Active.TileCols() + 1, 50, 0})
		checkGemm(t, rng, gemmShape{false, false, packPanels*simd.Active.TileRows + 1, 5*simd.Active.TileCols() + 1, 50, 1})
	})
}

// Products of few rows with a large B pack it on the way.
func TestGemmFused(t *testing.T) {
	defer parallel.SetWorkers(2)() // with many, columns are too few to share out
	onEachPath(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 14))
		defer func(n int) { fusedFloats = n }(fusedFloats)
		fusedFloats = 10_000
		checkGemm(t, rng, gemmShape{false, false, 5, 405, 40, 1})
		for _, s := range []gemmShape{
			{false, true, 1, 200, 700, 0},
			{false, true, 15 * simd.Active.TileRows, 8 * simd.Active.TileCols(), 2*simd.Active.Depth + 1, 1},
			{true, true, 40, 333, 70, 0},
			{false, true, 3, 300, 0, 0},
		} {
			checkGemm(t, rng, s)
		}
	})
}

// Small products of long rows are cut along k.
func TestGemmSplit(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(15, 16))
		for _, s := range []gemmShape{{false, false, 1, 1, 2 * splitSteps, 0}, {false, false, 32, 32, 10_000, 1}, {false, false, splitMost, 33, 2*splitSteps + 1, 0}} {
			checkGemm(t, rng, s)
		}
		const m, k, n = 3, 2500, 17
		x, w, bias, want := randomFloats(rng, m*k), randomFloats(rng, k*n), randomFloats(rng, n), make([]float64, m*n)
		ref.Dense(want, widen(x), widen(w), widen(bias), m, k, n)
		for i, v := range want {
			want[i] = max(v, 0)
		}
		y := make([]float32, m*n)
		Dense(y, x, w, bias, m, k, n, ReLU, 0)
		wantClose(t, "dense", y, want, 1e-6, 1000)
		sameBits(t, m*n, func(y []float32) { Dense(y, x, w, bias, m, k, n, ReLU, 0) })
		if got := testing.AllocsPerRun(5, func() { Dense(y, x, w, bias, m, k, n, ReLU, 0) }); got != 0 {
			t.Errorf("%v allocations", got)
		}
	})
}

func TestReLUKeepsNaN(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		y := make([]float32, 3)
		Dense(y, []float32{1}, []float32{float32(math.NaN()), -1, 2}, nil, 1, 1, 3, ReLU, 0)
		if y[0] == y[0] || y[1] != 0 || y[2] != 2 {
			t.Errorf("relu of [NaN -1 2] = %v", y)
		}
	})
}

func TestGemmFloat64(t *testing.T) {
	a, b, c := []float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}, []float64{1, 1, 1, 1}
	Gemm(true, false, 2, 2, 2, a, 2, b, 2, 1, c, 2)
	if want := [4]float64{27, 31, 39, 45}; [4]float64(c) != want {
		t.Errorf("AᵀB + C = %v, want %v", c, want)
	}
}

func TestGemmSameBitsForAnyWorkers(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		const m, n, k = 203, 117, 301
		a, b := randomFloats(rng, m*k), randomFloats(rng, k*n)
		sameBits(t, m*n, func(c []float32) { Gemm(false, false, m, n, k, a, k, b, n, 0, c, n) })
		sameBits(t, k*n, func(c []float32) { Gemm(true, false, k, n, m, a, k, b, n, 0, c, n) })
	})
}

// sameBits fails unless compute fills n floats with the same bits on 1, 2, 3 and 8 workers.
func sameBits(t *testing.T, n int, compute func([]float32)) {
	t.Helper()
	var want []float32
	for _, workers := range []int{1, 2, 3, 8} {
		restore := parallel.SetWorkers(workers)
		got := make([]float32, n)
		compute(got)
		restore()
		if want == nil {
			want = got
		}
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%d workers: element %d is %v, with one worker %v", workers, i, got[i], want[i])
			}
		}
	}
}

func TestDense(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, bias := range [][]float32{nil, randomFloats(rng, 33)} {
		const m, k, n = 19, 47, 33
		x, w := randomFloats(rng, m*k), randomFloats(rng, k*n)
		want := make([]float64, m*n)
		var wide []float64
		if bias != nil {
			wide = widen(bias)
		}
		ref.Dense(want, widen(x), widen(w), wide, m, k, n)
		y := make([]float32, m*n)
		Dense(y, x, w, bias, m, k, n, Linear, 0)
		wantClose(t, "linear", y, want, 1e-6, 20)
		Dense(y, x, w, bias, m, k, n, ReLU, 0)
		for i, v := range want {
			want[i] = max(v, 0)
		}
		wantClose(t, "relu", y, want, 1e-6, 20)
	}
}

func TestGemmDoesNotAllocate(t *testing.T) {
	const m, n, k = 200, 300, 40
	a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	if got := testing.AllocsPerRun(20, func() { Gemm(false, false, m, n, k, a, k, b, n, 0, c, n) }); got != 0 {
		t.Errorf("Gemm allocates %v times", got)
	}
}
