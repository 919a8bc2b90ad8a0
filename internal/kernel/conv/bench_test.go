// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"math/rand/v2"
	"testing"

	"github.com/reef-dl/reef/internal/kernel/kerneltest"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// benchShapes are layers of every kind in batches of 8: square images, "same" padding.
var benchShapes = []struct {
	name                                string
	size, in, out, kernel, stride, dist int
	depthwise                           bool
}{
	{"depthwise", 56, 128, 128, 3, 1, 1, true},
	{"depthwise, stride 2", 56, 128, 128, 3, 2, 1, true},
	{"1x1", 28, 256, 256, 1, 1, 1, false},
	{"3x3", 28, 128, 128, 3, 1, 1, false},
	{"3x3, stride 2", 28, 128, 128, 3, 2, 1, false},
	{"3x3, dilation 2", 32, 64, 64, 3, 1, 2, false},
	{"5x5", 32, 64, 64, 5, 1, 1, false},
	{"7x7, stride 2, 3 channels", 224, 3, 64, 7, 2, 1, false},
	{"3x3, 3 channels", 224, 3, 64, 3, 1, 1, false},
}

// BenchmarkLayers measures each pass of layers of every kind. It alternates between inputs, so
// that the larger ones do not come from the cache.
func BenchmarkLayers(b *testing.B) {
	rng := rand.New(rand.NewPCG(51, 52))
	for _, l := range benchShapes {
		out := ceilDiv(l.size, l.stride)
		pad := max(0, (out-1)*l.stride+(l.kernel-1)*l.dist+1-l.size) / 2
		s := ref.Conv{
			N: 8, H: l.size, W: l.size, C: l.in, KH: l.kernel, KW: l.kernel, K: l.out,
			StrideH: l.stride, StrideW: l.stride, DilH: l.dist, DilW: l.dist, PadTop: pad, PadLeft: pad, OH: out, OW: out,
		}
		inputs := make([][]float32, 4)
		for i := range inputs {
			inputs[i] = kerneltest.Normal(rng, make([]float32, s.N*s.H*s.W*s.C))
		}
		perTap := s.C * s.K
		forward, data, weights := Forward, BackData, BackWeights
		if l.depthwise {
			perTap = s.K
			forward, data, weights = DepthwiseForward, DepthwiseBackData, DepthwiseBackWeights
		}
		w, bias := kerneltest.Normal(rng, make([]float32, s.KH*s.KW*perTap)), make([]float32, s.K)
		y := kerneltest.Normal(rng, make([]float32, s.N*s.OH*s.OW*s.K))
		dy, dx, dw := kerneltest.Normal(rng, make([]float32, len(y))), make([]float32, len(inputs[0])), make([]float32, len(w))
		for _, pass := range []struct {
			name string
			run  func(x []float32)
		}{
			{"forward", func(x []float32) { forward(y, x, w, bias, &s, false) }},
			{"data", func(x []float32) { data(dx, dy, w, &s) }},
			{"weights", func(x []float32) { weights(dw, x, dy, &s) }},
		} {
			b.Run(l.name+"/"+pass.name, func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					pass.run(inputs[i%len(inputs)])
				}
				b.ReportMetric(2*float64(s.N*s.OH*s.OW*s.KH*s.KW*perTap)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
	}
}
