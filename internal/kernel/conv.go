// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/conv"
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Conv describes a two-dimensional convolution; see ref.Conv.
type Conv = ref.Conv

// Conv2D computes y[out, k] = act(bias[k] + Σ_tap Σ_c x[in, c]·w[tap, c, k]),
// with x (N,H,W,C), w (KH,KW,C,K) and y (N,OH,OW,K); bias may be nil. Bias and ReLU are free,
// other activations take one more pass over y.
func Conv2D[T Float](y, x, w, bias []T, s *Conv, act Activation, alpha T) {
	checkConv("conv2d", s, len(x), len(w), len(y), s.C*s.K)
	checkBias("conv2d", len(bias), s.K)
	y = y[:s.N*s.OH*s.OW*s.K]
	if len(y) == 0 {
		return
	}
	y32, ok := single(y)
	if !ok {
		ref.Conv2D(y, x, w, bias, s)
		Activate(y, y, act, alpha)
		return
	}
	conv.Forward(y32, f32(x), f32(w), f32(bias), s, act == ReLU)
	if act != ReLU && act != Linear {
		Activate(y, y, act, alpha)
	}
}

// Conv2DEach is Conv2D for inference: an image has the same bits alone and in any batch. It normalizes
// channels before the activation unless norm is nil. kept, which may be nil, is of w.
func Conv2DEach(y, x, w, bias []float32, s *Conv, norm *Norm, act Activation, alpha float32, kept *Kept) {
	checkConv("conv2d", s, len(x), len(w), len(y), s.C*s.K)
	checkBias("conv2d", len(bias), s.K)
	y = y[:s.N*s.OH*s.OW*s.K]
	if len(y) == 0 {
		return
	}
	var matrix *gemm.Packed
	var transformed *conv.Transformed
	switch conv.FormOf(s) {
	case conv.AsMatrix:
		matrix = kept.packed(w, conv.MatrixRows(s), s.KH*s.KW*s.C, s.K)
	case conv.AsWinograd:
		transformed = kept.transformed(w, s)
	}
	scratch := parallel.Borrow()
	defer scratch.Return()
	conv.ForwardEach(y, x, w, bias, s, norm.affine(scratch, s.K), act == ReLU, matrix, transformed)
	if act != ReLU && act != Linear {
		Activate(y, y, act, alpha)
	}
}

// Conv2DBackData computes the gradient of x, dx[in, c] = Σ dy[out, k]·w[tap, c, k]. As a forward
// pass it is the transposed convolution.
func Conv2DBackData[T Float](dx, dy, w []T, s *Conv) {
	checkConv("conv2d back data", s, len(dx), len(w), len(dy), s.C*s.K)
	dx = dx[:s.N*s.H*s.W*s.C]
	if len(dx) == 0 {
		return
	}
	dx32, ok := single(dx)
	if !ok {
		ref.Conv2DBackData(dx, dy, w, s)
		return
	}
	conv.BackData(dx32, f32(dy), f32(w), s)
}

// Conv2DBackDataEach is Conv2DBackData for inference: an image has the same bits alone and in any
// batch.
func Conv2DBackDataEach(dx, dy, w []float32, s *Conv) {
	checkConv("conv2d back data", s, len(dx), len(w), len(dy), s.C*s.K)
	if dx = dx[:s.N*s.H*s.W*s.C]; len(dx) > 0 {
		conv.BackDataEach(dx, dy, w, s)
	}
}

// Conv2DBackWeights computes the gradient of w, dw[tap, c, k] = Σ x[in, c]·dy[out, k].
func Conv2DBackWeights[T Float](dw, x, dy []T, s *Conv) {
	checkConv("conv2d back weights", s, len(x), len(dw), len(dy), s.C*s.K)
	dw = dw[:s.KH*s.KW*s.C*s.K]
	if len(dw) == 0 {
		return
	}
	dw32, ok := single(dw)
	if !ok {
		ref.Conv2DBackWeights(dw, x, dy, s)
		return
	}
	conv.BackWeights(dw32, f32(x), f32(dy), s)
}

func checkConv(what string, s *Conv, x, w, y, weightsPerTap int) {
	if min(s.N, s.H, s.W, s.C, s.KH, s.KW, s.K, s.OH, s.OW, s.PadTop, s.PadLeft) < 0 ||
		min(s.StrideH, s.StrideW, s.DilH, s.DilW) < 1 {
		panic(fmt.Sprintf("%s: invalid description %+v", what, *s))
	}
	if x < s.N*s.H*s.W*s.C || w < s.KH*s.KW*weightsPerTap || y < s.N*s.OH*s.OW*s.K {
		panic(fmt.Sprintf("%s: input of %d, weights of %d and output of %d elements are too short for %+v", what, x, w, y, *s))
	}
}

func checkBias(what string, got, want int) {
	if got != 0 && got != want {
		panic(fmt.Sprintf("%s: bias has %d values, want %d", what, got, want))
	}
}
