// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// randomPool returns a pooling whose windows may overlap, leave gaps, or be all padding.
func randomPool(rng *rand.Rand) *Pool {
	s := &Pool{
		N: rng.IntN(4), H: 1 + rng.IntN(15), W: 1 + rng.IntN(15), C: 1 + rng.IntN(40),
		KH: 1 + rng.IntN(4), KW: 1 + rng.IntN(4), StrideH: 1 + rng.IntN(4), StrideW: 1 + rng.IntN(4),
	}
	s.PadTop, s.PadLeft = rng.IntN(s.KH), rng.IntN(s.KW)
	s.OH = 1 + (s.H+s.PadTop+rng.IntN(s.KH))/s.StrideH
	s.OW = 1 + (s.W+s.PadLeft+rng.IntN(s.KW))/s.StrideW
	return s
}

func TestPoolingMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for range 300 {
			s := randomPool(rng)
			x, dy := randomFloats(rng, s.N*s.H*s.W*s.C), randomFloats(rng, s.N*s.OH*s.OW*s.C)
			for i := range x {
				x[i] = float32(math.Round(float64(x[i]) * 2)) // ties
			}
			got, want := make([]float32, len(dy)), make([]float32, len(dy))
			arg, wantArg := make([]uint8, len(dy)), make([]uint8, len(dy))
			MaxPool2D(got, nil, x, s)
			ref.MaxPool2D(want, wantArg, x, s)
			sameNumbers(t, "max pooling without arg", got, want)
			clear(got)
			MaxPool2D(got, arg, x, s)
			sameNumbers(t, "max pooling", got, want)
			sameNumbers(t, "arg of max pooling", arg, wantArg)

			dx, wide, wideDy := randomFloats(rng, len(x)), make([]float64, len(x)), kerneltest.Widen(dy)
			MaxPool2DBack(dx, arg, dy, s)
			ref.MaxPool2DBack(wide, arg, wideDy, s)
			near(t, "max pooling gradient", dx, wide, 1e-5)
			AvgPool2DBack(dx, dy, s)
			ref.AvgPool2DBack(wide, wideDy, s)
			near(t, "average pooling gradient", dx, wide, 1e-5)
			AvgPool2D(got, x, s)
			ref.AvgPool2D(wideDy, kerneltest.Widen(x), s)
			near(t, "average pooling", got, wideDy, 1e-5)
			if t.Failed() {
				t.Fatalf("with %+v", *s)
			}
		}
	})
}

func TestGlobalPoolingMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 2))
		for range 60 {
			n, cells, c := rng.IntN(6), 1+rng.IntN(300), 1+rng.IntN(40)
			x, dy := randomFloats(rng, n*cells*c), randomFloats(rng, n*c)
			y, want, wantDx, dx := make([]float32, n*c), make([]float64, n*c), make([]float64, len(x)), randomFloats(rng, len(x))
			arg, wantArg := make([]int32, n*c), make([]int32, n*c)
			ref.GlobalMaxPool(want, wantArg, kerneltest.Widen(x), n, cells, c)
			GlobalMaxPool(y, nil, x, n, cells, c)
			near(t, "global max without arg", y, want, 0)
			GlobalMaxPool(y, arg, x, n, cells, c)
			near(t, "global max", y, want, 0)
			sameNumbers(t, "arg of global max", arg, wantArg)
			GlobalMaxPoolBack(dx, arg, dy, n, cells, c)
			ref.GlobalMaxPoolBack(wantDx, arg, kerneltest.Widen(dy), n, cells, c)
			near(t, "global max gradient", dx, wantDx, 0)
			GlobalAvgPool(y, x, n, cells, c)
			ref.GlobalAvgPool(want, kerneltest.Widen(x), n, cells, c)
			near(t, "global average", y, want, 1e-5)
			GlobalAvgPoolBack(dx, dy, n, cells, c)
			ref.GlobalAvgPoolBack(wantDx, kerneltest.Widen(dy), n, cells, c)
			near(t, "global average gradient", dx, wantDx, 1e-6)
		}
	})
}

func TestMaxPoolCarriesNaN(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		nan := float32(math.NaN())
		s := &Pool{N: 1, H: 1, W: 4, C: 1, KH: 1, KW: 2, StrideH: 1, StrideW: 2, OH: 1, OW: 2}
		y, arg := make([]float32, 2), make([]uint8, 2)
		MaxPool2D(y, arg, []float32{nan, 1, 1, nan}, s)
		if y[0] == y[0] || y[1] == y[1] || arg[0] != 0 || arg[1] != 1 {
			t.Errorf("max = %v at %v, want NaN at [0 1]", y, arg)
		}
	})
}
