// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// The passes of this file are for inference. They choose the algorithm by the shape of one image, so
// that an image has the same bits alone and in any batch, and can use weights that were packed or
// transformed before.

// Form is the form of the weights that a forward pass reads.
type Form int

// The forms.
const (
	Stored     Form = iota // as they are
	AsMatrix               // a packed matrix of KH·KW·C x K
	AsWinograd             // Winograd's transform
)

// FormOf returns the form that ForwardEach reads.
func FormOf(s *ref.Conv) Form {
	j := windowJob{isa: simd.Active, depth: s.C, channels: s.K, cols: forwardAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft)}
	switch {
	case pointwise(s) || winogradFarFits(s):
		return AsMatrix
	case winogradFitsEach(s):
		return AsWinograd
	case j.narrow() || s.K <= j.isa.TileCols():
		return Stored
	}
	return AsMatrix
}

// MatrixRows returns by how many rows ForwardEach multiplies a packed matrix.
func MatrixRows(s *ref.Conv) int {
	if winogradFarFits(s) {
		return s.N * WinogradTiles(s)
	}
	return s.N * s.OH * s.OW
}

// ForwardEach is Forward for inference, with a scale and a shift of channels before relu. If the weights in the form of FormOf are at hand, w is not
// read; otherwise matrix and transformed are nil.
func ForwardEach(y, x, w, bias []float32, s *ref.Conv, affine gemm.Affine, relu bool, matrix *gemm.Packed, transformed *Transformed) {
	switch {
	case pointwise(s):
		pointwiseForward(y, x, w, bias, s, affine, relu, true, matrix)
	case winogradFarFits(s):
		winogradFarForward(y, x, w, bias, s, affine, relu, matrix)
	case winogradFitsEach(s):
		winogradForward(y, x, w, bias, s, affine, relu, transformed)
	default:
		windowForward(y, x, w, bias, s, affine, relu, matrix)
	}
}

// BackDataEach is BackData for inference, as the transposed convolution.
func BackDataEach(dx, dy, w []float32, s *ref.Conv) { backData(dx, dy, w, s, winogradFitsEach(s)) }

// Transformed are weights after Winograd's transform, which takes four to six times their memory. They hold
// what the weights were when Transform was called.
type Transformed struct {
	isa              *simd.ISA
	depth, channels  int
	kernelH, kernelW int
	u                []float32
}

// TransformedBytes returns the memory of the transformed weights of s.
func TransformedBytes(s *ref.Conv) int {
	return 4 * winogradPoints * winogradParts(s.KH, s.KW) * s.C * ceilDiv(s.K, simd.Active.TileCols()) * simd.Active.TileCols()
}

// Fits reports whether t is that of weights of s, for the active instruction set.
func (t *Transformed) Fits(s *ref.Conv) bool {
	return t.isa == simd.Active && t.depth == s.C && t.channels == s.K && t.kernelH == s.KH && t.kernelW == s.KW
}

// Transform stores the transform of the weights of s.
func (t *Transformed) Transform(w []float32, s *ref.Conv) {
	t.isa, t.depth, t.channels, t.kernelH, t.kernelW = simd.Active, s.C, s.K, s.KH, s.KW
	t.u = buffer.Grow(t.u, TransformedBytes(s)/4)
	j := winogradJobs.Get()
	j.isa, j.depth, j.channels, j.kernelH, j.kernelW = simd.Active, s.C, s.K, s.KH, s.KW
	j.transformWeights(t.u, w, false)
	j.release()
}
