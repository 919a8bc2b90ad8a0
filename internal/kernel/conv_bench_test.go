// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"testing"
)

// The convolutions of the convnets in recipes, and two of VGG16's.
var benchConvs = []Conv{
	square(20, 150, 3, 32, 3), square(20, 74, 32, 64, 3), square(20, 36, 64, 128, 3), square(20, 17, 128, 128, 3),
	square(64, 28, 1, 32, 3), square(64, 13, 32, 64, 3), samePadding(square(4, 56, 128, 256, 3)), samePadding(square(4, 14, 512, 512, 3)),
}

func BenchmarkConv2D(b *testing.B) {
	for _, s := range benchConvs {
		x, w, y := make([]float32, s.N*s.H*s.W*s.C), make([]float32, s.KH*s.KW*s.C*s.K), make([]float32, s.N*s.OH*s.OW*s.K)
		bias := make([]float32, s.K)
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { Conv2D(y, x, w, bias, &s, ReLU, 0) }},
			{"data", func() { Conv2DBackData(x, y, w, &s) }},
			{"weights", func() { Conv2DBackWeights(w, x, y, &s) }},
		} {
			b.Run(fmt.Sprintf("%dx%dx%dx%d-%d/%s", s.N, s.H, s.W, s.C, s.K, pass.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					pass.run()
				}
				flops(b, 2*float64(s.N*s.OH*s.OW*s.KH*s.KW)*float64(s.C*s.K))
			})
		}
	}
}

// flops reports the speed of a benchmark loop with flop floating-point operations per iteration.
func flops(b *testing.B, flop float64) {
	b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
