// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/conv"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Depthwise2D computes y[out, c·M+m] = act(bias[c·M+m] + Σ_tap x[in, c]·w[tap, c, m])
// with w (KH,KW,C,M) and s.K = C·M; bias may be nil.
//
// If the multiplier M is greater than 1, each input channel is first copied M times.
func Depthwise2D[T Float](y, x, w, bias []T, s *Conv, act Activation, alpha T) {
	checkDepthwise("depthwise2d", s, len(x), len(w), len(y))
	checkBias("depthwise2d", len(bias), s.K)
	y = y[:s.N*s.OH*s.OW*s.K]
	if len(y) == 0 {
		return
	}
	y32, ok := single(y)
	if !ok {
		ref.Depthwise2D(y, x, w, bias, s)
		Activate(y, y, act, alpha)
		return
	}
	conv.DepthwiseForward(y32, f32(x), f32(w), f32(bias), s, act == ReLU)
	if act != ReLU && act != Linear {
		Activate(y, y, act, alpha)
	}
}

// Depthwise2DBackData computes the gradient of x, dx[in, c] = Σ_tap Σ_m dy[out, c·M+m]·w[tap,
// c, m].
func Depthwise2DBackData[T Float](dx, dy, w []T, s *Conv) {
	checkDepthwise("depthwise2d back data", s, len(dx), len(w), len(dy))
	dx = dx[:s.N*s.H*s.W*s.C]
	if len(dx) == 0 {
		return
	}
	dx32, ok := single(dx)
	if !ok {
		ref.Depthwise2DBackData(dx, dy, w, s)
		return
	}
	conv.DepthwiseBackData(dx32, f32(dy), f32(w), s)
}

// Depthwise2DBackWeights computes the gradient of w, dw[tap, c, m] = Σ x[in, c]·dy[out, c·M+m].
func Depthwise2DBackWeights[T Float](dw, x, dy []T, s *Conv) {
	checkDepthwise("depthwise2d back weights", s, len(x), len(dw), len(dy))
	dw = dw[:s.KH*s.KW*s.K]
	dw32, ok := single(dw)
	if !ok {
		ref.Depthwise2DBackWeights(dw, x, dy, s)
		return
	}
	conv.DepthwiseBackWeights(dw32, f32(x), f32(dy), s)
}

func checkDepthwise(what string, s *Conv, x, w, y int) {
	checkConv(what, s, x, w, y, s.K)
	if s.C == 0 && s.K > 0 || s.C > 0 && s.K%s.C != 0 {
		panic(fmt.Sprintf("%s: %d output channels are not a multiple of %d input channels", what, s.K, s.C))
	}
}
