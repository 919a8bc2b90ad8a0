// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

func TestDepthwise2DMatchesReference(t *testing.T) {
	kerneltest.OnEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(31, 32))
		shapes := []Conv{square(2, 12, 16, 16, 3), samePadding(square(3, 50, 37, 37, 3)), samePadding(square(1, 9, 5, 15, 5))}
		// several vectors per strip, the end of a strip, more taps than a strip has rows
		shapes = append(shapes, samePadding(square(2, 9, 131, 131, 3)), samePadding(square(1, 15, 70, 70, 5)), samePadding(square(1, 20, 34, 34, 14)))
		strided := square(2, 14, 200, 200, 3)
		strided.StrideH, strided.StrideW = 2, 2
		shapes = append(shapes, samePadding(strided))
		for range kerneltest.Rounds(150) {
			s := randomConv(rng, 40)
			s.K = s.C * (1 + rng.IntN(8)/6)
			shapes = append(shapes, s)
		}
		for _, s := range shapes {
			x, w := randomFloats(rng, s.N*s.H*s.W*s.C), randomFloats(rng, s.KH*s.KW*s.K)
			bias, dy := randomFloats(rng, s.K), randomFloats(rng, s.N*s.OH*s.OW*s.K)
			y, dx, dw := garbage(len(dy)), garbage(len(x)), garbage(len(w))
			wantY, wantDX, wantDW := make([]float64, len(y)), make([]float64, len(dx)), make([]float64, len(dw))
			ref.Depthwise2D(wantY, kerneltest.Widen(x), kerneltest.Widen(w), kerneltest.Widen(bias), &s)
			ref.Depthwise2DBackData(wantDX, kerneltest.Widen(dy), kerneltest.Widen(w), &s)
			ref.Depthwise2DBackWeights(wantDW, kerneltest.Widen(x), kerneltest.Widen(dy), &s)

			Depthwise2D(y, x, w, bias, &s, Linear, 0)
			kerneltest.Close(t, fmt.Sprintf("forward %+v", s), y, wantY, 2e-6, 20)
			for i, v := range wantY {
				wantY[i] = max(v, 0)
			}
			Depthwise2D(y, x, w, bias, &s, ReLU, 0)
			kerneltest.Close(t, fmt.Sprintf("forward with relu %+v", s), y, wantY, 2e-6, 20)
			Depthwise2DBackData(dx, dy, w, &s)
			kerneltest.Close(t, fmt.Sprintf("back data %+v", s), dx, wantDX, 2e-6, 20)
			Depthwise2DBackWeights(dw, x, dy, &s)
			kerneltest.Close(t, fmt.Sprintf("back weights %+v", s), dw, wantDW, 2e-6, 200)
		}
	})
}

func TestDepthwise2DSameBitsForAnyWorkers(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	large := 50
	if testing.Short() {
		large = 12
	}
	for _, s := range []Conv{samePadding(square(7, 40, 9, 9, 3)), samePadding(square(5, large, 150, 150, 3))} {
		x, w, dy := randomFloats(rng, s.N*s.H*s.W*s.C), randomFloats(rng, s.KH*s.KW*s.K), randomFloats(rng, s.N*s.OH*s.OW*s.K)
		kerneltest.OnEachISA(t, func(t *testing.T) {
			kerneltest.SameBits(t, len(dy), func(y []float32) { Depthwise2D(y, x, w, nil, &s, ReLU, 0) })
			kerneltest.SameBits(t, len(x), func(dx []float32) { Depthwise2DBackData(dx, dy, w, &s) })
			kerneltest.SameBits(t, len(w), func(dw []float32) { Depthwise2DBackWeights(dw, x, dy, &s) })
		})
	}
}

func TestDepthwise2DDoesNotAllocate(t *testing.T) {
	runs := 20
	if testing.Short() {
		runs = 2
	}
	s := samePadding(square(4, 30, 32, 64, 3))
	x, w, y := make([]float32, s.N*s.H*s.W*s.C), make([]float32, s.KH*s.KW*s.K), make([]float32, s.N*s.OH*s.OW*s.K)
	all := func() {
		Depthwise2D(y, x, w, nil, &s, ReLU, 0)
		Depthwise2DBackData(x, y, w, &s)
		Depthwise2DBackWeights(w, x, y, &s)
	}
	all()
	if n := testing.AllocsPerRun(runs, all); n != 0 {
		t.Errorf("the three passes allocate %v times", n)
	}
}

func BenchmarkDepthwise2D(b *testing.B) {
	s := samePadding(square(8, 56, 128, 128, 3))
	x, w, y := make([]float32, s.N*s.H*s.W*s.C), make([]float32, s.KH*s.KW*s.K), make([]float32, s.N*s.OH*s.OW*s.K)
	for name, pass := range map[string]func(){
		"forward": func() { Depthwise2D(y, x, w, nil, &s, ReLU, 0) },
		"data":    func() { Depthwise2DBackData(x, y, w, &s) },
		"weights": func() { Depthwise2DBackWeights(w, x, y, &s) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				pass()
			}
			flops(b, 18*float64(len(y)))
		})
	}
}
