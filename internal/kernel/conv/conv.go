// SPDX-License-Identifier: Apache-2.0

// Package conv computes two-dimensional float32 convolutions, channels last, and their
// gradients: as a single matrix product if the kernel is one pixel, with Winograd transforms if
// these save enough, and otherwise by sliding the kernel over the images.
//
// Package ref has the formulas; x is (N,H,W,C), w (KH,KW,C,K) and y (N,OH,OW,K). Slice lengths
// are not checked; callers must do so. Slices that are written to must not be empty.
package conv

import (
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// Forward writes y = x * w + bias, or max(y, 0) with relu. bias may be nil.
func Forward(y, x, w, bias []float32, s *ref.Conv, relu bool) {
	switch {
	case pointwise(s):
		pointwiseForward(y, x, w, bias, s, gemm.Affine{}, relu, false, nil)
	case winogradFarInStep(s):
		winogradFarForward(y, x, w, bias, s, gemm.Affine{}, relu, nil)
	case WinogradFits(s):
		winogradForward(y, x, w, bias, s, gemm.Affine{}, relu, nil)
	default:
		windowForward(y, x, w, bias, s, gemm.Affine{}, relu, nil)
	}
}

func pointwiseForward(y, x, w, bias []float32, s *ref.Conv, affine gemm.Affine, relu, each bool, matrix *gemm.Packed) {
	gemm.Multiply(gemm.Product{
		M: s.N * s.H * s.W, N: s.K, K: s.C, A: x, LDA: s.C, B: w, LDB: s.K,
		C: y, LDC: s.K, Bias: bias, Affine: affine, ReLU: relu, Rows: each, Packed: matrix,
	})
}

// BackData writes the gradient of x.
func BackData(dx, dy, w []float32, s *ref.Conv) {
	if winogradFarInStep(s) {
		winogradFarBackData(dx, dy, w, s)
	} else {
		backData(dx, dy, w, s, WinogradFits(s))
	}
}

func backData(dx, dy, w []float32, s *ref.Conv, winograd bool) {
	switch {
	case pointwise(s):
		gemm.Multiply(gemm.Product{
			TransB: true, M: s.N * s.H * s.W, N: s.C, K: s.K,
			A: dy, LDA: s.K, B: w, LDB: s.K, C: dx, LDC: s.C,
		})
	case winograd:
		winogradBackData(dx, dy, w, s)
	default:
		windowBackData(dx, dy, w, s)
	}
}

// BackWeights writes the gradient of w.
func BackWeights(dw, x, dy []float32, s *ref.Conv) {
	if s.KH == winogradTaps && s.KW == winogradTaps && WinogradFits(s) {
		winogradBackWeights(dw, x, dy, s)
	} else {
		windowBackWeights(dw, x, dy, s)
	}
}

// pointwise reports whether s is a matrix product over all pixels.
func pointwise(s *ref.Conv) bool {
	return s.KH == 1 && s.KW == 1 && s.StrideH == 1 && s.StrideW == 1 &&
		s.PadTop == 0 && s.PadLeft == 0 && s.OH == s.H && s.OW == s.W
}
