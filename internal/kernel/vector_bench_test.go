// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// benchmarkISAs runs f with each instruction set and one worker, and reports nanoseconds per
// element.
func benchmarkISAs(b *testing.B, n int, f func()) {
	for _, isa := range []string{"avx512", "avx2", "generic"} {
		restore, err := simd.ForceISA(isa)
		if err != nil {
			continue
		}
		b.Run(isa, func(b *testing.B) {
			defer parallel.SetWorkers(1)()
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elem")
		})
		restore()
	}
}

func BenchmarkElementwise(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 64 << 10
	x, y, z := randomFloats(rng, n), make([]float32, n), randomFloats(rng, n)
	v, m := make([]float32, n), make([]float32, n)
	for _, a := range []Activation{ReLU, ELU, GELU, SiLU, Softplus, Sigmoid, Tanh, Exponential} {
		b.Run(a.String(), func(b *testing.B) { benchmarkISAs(b, n, func() { Activate(y, x, a, 1) }) })
		b.Run(a.String()+"Grad", func(b *testing.B) { benchmarkISAs(b, n, func() { ActivateGrad(y, x, z, a, 1) }) })
	}
	for name, f := range map[string]func(){
		"Add":         func() { Add(y, x, z) },
		"Sum":         func() { Sum(x) },
		"ColSum512":   func() { ColSum(y[:512], x, n/512, 512) },
		"ColSum32":    func() { ColSum(y[:32], x, n/32, 32) },
		"Dropout":     func() { Dropout(y, x, 0.5, 1, 2, 3) },
		"Softmax64":   func() { Softmax(y, x, n/64, 64) },
		"SGDMomentum": func() { SGD(y, z, v, 1e-6, 0.9, false) },
		"RMSprop":     func() { RMSprop(y, z, v, nil, nil, 1e-6, 0.9, 0, 1e-7) },
		"Adam":        func() { Adam(y, z, m, v, nil, 1e-6, 0.9, 0.999, 1e-7, 100) },
	} {
		b.Run(name, func(b *testing.B) { benchmarkISAs(b, n, f) })
	}
}

func BenchmarkLoss(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, s := range [][2]int{{128, 10}, {512, 46}} {
		rows, cols := s[0], s[1]
		z, dz, loss, labels := randomFloats(rng, rows*cols), make([]float32, rows*cols), make([]float32, rows), make([]float32, rows)
		b.Run(fmt.Sprintf("%dx%d", rows, cols), func(b *testing.B) {
			benchmarkISAs(b, rows*cols, func() {
				SoftmaxXentSparse(loss, z, labels, rows, cols)
				SoftmaxXentSparseGrad(dz, z, labels, loss, rows, cols)
			})
		})
	}
}

func BenchmarkPooling(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	s := &Pool{N: 4, H: 74, W: 74, C: 32, KH: 2, KW: 2, StrideH: 2, StrideW: 2, OH: 37, OW: 37}
	x, y, arg := randomFloats(rng, s.N*s.H*s.W*s.C), make([]float32, s.N*s.OH*s.OW*s.C), make([]uint8, s.N*s.OH*s.OW*s.C)
	b.Run("Max", func(b *testing.B) { benchmarkISAs(b, len(x), func() { MaxPool2D(y, arg, x, s) }) })
	b.Run("MaxBack", func(b *testing.B) { benchmarkISAs(b, len(x), func() { MaxPool2DBack(x, arg, y, s) }) })
	b.Run("Avg", func(b *testing.B) { benchmarkISAs(b, len(x), func() { AvgPool2D(y, x, s) }) })
}
