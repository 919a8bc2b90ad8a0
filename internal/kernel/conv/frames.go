// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Frames is a window of Taps frames over volumes of Count frames, at Out positions: position o has the frames
// o·Stride - Before + t·Dilation, of which those outside of the volume are zero.
type Frames struct{ Count, Out, Taps, Stride, Dilation, Before int }

// image is the window over a volume of one frame.
var image = Frames{Count: 1, Out: 1, Taps: 1, Stride: 1, Dilation: 1}

// FramesFit reports whether ForwardFrames computes the convolution s of planes whose channels are those of the frames
// of a window, in the order in which Forward does, or ForwardEach if each is set.
func FramesFit(s *ref.Conv, each bool) bool {
	j := windowJob{isa: simd.Active, depth: s.C, channels: s.K, cols: forwardAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft)}
	if pointwise(s) || j.narrow() {
		return false
	}
	if each {
		return !winogradFarFits(s) && !winogradFitsEach(s)
	}
	return !WinogradFits(s) && !winogradFarInStep(s)
}

// ForwardFrames is Forward for an x of volumes (N/f.Out, f.Count, H, W, C/f.Taps), whose frames are read where they
// are. The frames outside of a volume are not multiplied.
func ForwardFrames(y, x, w, bias []float32, s *ref.Conv, f Frames, relu bool) {
	windowForwardOf(f, y, x, w, bias, s, gemm.Affine{}, relu, nil)
}

// framesAt are the frames that a destination image reads: taps lo..hi-1, the first of which is at x[at].
type framesAt struct {
	lo, hi, at     int
	apart          int // floats between them in x
	step, edgeStep int // floats between those that the tiles read, and between the copies of an edge
}

// framesOf returns the frames of destination image i.
func (j *windowJob) framesOf(i int) (f framesAt) {
	w := &j.frames
	first, size := i%w.Out*w.Stride-w.Before, j.rows.src*j.cols.src*j.cell
	f.hi = w.Taps
	for f.lo < f.hi && first+f.lo*w.Dilation < 0 {
		f.lo++
	}
	for f.hi > f.lo && first+(f.hi-1)*w.Dilation >= w.Count {
		f.hi--
	}
	if f.lo < f.hi {
		f.at = (i/w.Out*w.Count + first + f.lo*w.Dilation) * size
	}
	f.apart = w.Dilation * size
	f.step = f.apart
	return f
}

// frameOffsets returns the segments of f in w's scratch memory, those of the edges in the second half: a segment for
// each frame of each tap, so that sums have the order of a pixel with the channels of all frames.
func (j *windowJob) frameOffsets(w *parallel.Worker, f *framesAt) []simd.Segment {
	taps := j.cols.taps
	half := j.rows.taps * taps * (f.hi - f.lo)
	offsets := w.Segments(2 * half)
	for i, copied := range [2]struct{ width, step int }{{j.width, f.step}, {j.edgeWidth, f.edgeStep}} {
		at := offsets[i*half:]
		for tap := range j.rows.taps * taps {
			r, c := tap/taps, tap%taps
			for d := f.lo; d < f.hi; d++ {
				at[0] = simd.Segment{
					A: 4 * (j.cell*(r*j.rows.dist*copied.width+c*j.cols.dist) + (d-f.lo)*copied.step),
					B: j.stepB() * (tap*j.depth + d*j.cell),
				}
				at = at[1:]
			}
		}
	}
	return offsets
}
