// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

func randomFloats(rng *rand.Rand, n int) []float32 { return kerneltest.Normal(rng, make([]float32, n)) }

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
	want := kerneltest.Widen(c)
	ref.Gemm(s.transA, s.transB, s.m, s.n, s.k, kerneltest.Widen(a), lda, kerneltest.Widen(b), ldb, float64(s.beta), want, ldc)
	if s.beta == 0 { // C must not be read; columns beyond n must not change
		for i := range s.m {
			for j := range s.n {
				c[i*ldc+j] = float32(math.NaN())
			}
		}
	}
	Multiply(Product{TransA: s.transA, TransB: s.transB, M: s.m, N: s.n, K: s.k, A: a, LDA: lda, B: b, LDB: ldb, Add: s.beta == 1, C: c, LDC: ldc})
	// Sums grow as √k, and the k rounding errors in them by another √k.
	kerneltest.Close(t, s.String(), c, want, 1e-6, 3+3*math.Sqrt(float64(s.k))+0.4*float64(s.k))
}

func TestMultiplyMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range kerneltest.Rounds(120) {
			s := gemmShape{i&1 != 0, i&2 != 0, 1 + rng.IntN(150), 1 + rng.IntN(250), rng.IntN(70), float32(i >> 2 & 1)}
			checkGemm(t, rng, s)
		}
	})
}

// Random shapes, transposes, values of beta and code paths.
func FuzzMultiply(f *testing.F) {
	f.Add(uint16(13), uint16(97), uint16(385), uint8(1))
	f.Add(uint16(239), uint16(65), uint16(0), uint8(6))
	f.Add(uint16(1), uint16(1), uint16(1), uint8(27))
	f.Add(uint16(279), uint16(91), uint16(258), uint8(72)) // large rounding errors
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

// Every tile, every number of columns in its last vector, every k up to a few steps, and the
// boundaries of the k blocks.
func TestEveryTile(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
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

// Shapes for which B is packed, the last one in more than one chunk of columns.
func TestPacksB(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		checkGemm(t, rng, gemmShape{false, false, 17 * simd.Active.TileRows, 4*simd.Active.TileCols() - 1, 33, 0})
		checkGemm(t, rng, gemmShape{true, false, 17 * simd.Active.TileRows, 4*simd.Active.TileCols() - 1, 33, 1})
		defer func(n int) { maxPacked = n }(maxPacked)
		maxPacked = 100 * simd.Active.TileCols()
		checkGemm(t, rng, gemmShape{false, true, packPanels*simd.Active.TileRows + 1, 5*simd.Active.TileCols() + 1, 50, 0})
		checkGemm(t, rng, gemmShape{false, false, packPanels*simd.Active.TileRows + 1, 5*simd.Active.TileCols() + 1, 50, 1})
	})
}

// Products with few rows pack a large B on the fly.
func TestFused(t *testing.T) {
	defer parallel.SetWorkers(2)() // with many, there are too few columns to distribute
	kerneltest.OnEachISA(t, func(t *testing.T) {
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

// Small products of long rows are divided along k.
func TestSplit(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(15, 16))
		for _, s := range []gemmShape{{false, false, 1, 1, 2 * splitSteps, 0}, {false, false, 32, 32, 10_000, 1}, {false, false, splitMost, 33, 2*splitSteps + 1, 0}} {
			checkGemm(t, rng, s)
		}
	})
}

func TestMultiplySameBitsForAnyWorkers(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		const m, n, k = 203, 117, 301
		a, b := randomFloats(rng, m*k), randomFloats(rng, k*n)
		kerneltest.SameBits(t, m*n, func(c []float32) { Multiply(Product{M: m, N: n, K: k, A: a, LDA: k, B: b, LDB: n, C: c, LDC: n}) })
		kerneltest.SameBits(t, k*n, func(c []float32) {
			Multiply(Product{TransA: true, M: k, N: n, K: m, A: a, LDA: k, B: b, LDB: n, C: c, LDC: n})
		})
	})
}

func TestMultiplyDoesNotAllocate(t *testing.T) {
	const m, n, k = 200, 300, 40
	a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	if got := testing.AllocsPerRun(20, func() { Multiply(Product{M: m, N: n, K: k, A: a, LDA: k, B: b, LDB: n, C: c, LDC: n}) }); got != 0 {
		t.Errorf("Multiply allocates %v times", got)
	}
}
