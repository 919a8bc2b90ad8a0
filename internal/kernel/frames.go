// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/conv"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Frames is a window that moves along the frames of volumes (N, Frames, Cells, C). Position o has the
// frames o·Stride - Before + t·Dilation for t in 0..Taps-1; those outside of the volume are zero.
type Frames struct {
	N, Frames, Cells, C                 int
	Out, Taps, Stride, Dilation, Before int
}

// frame returns the frame of tap t at position o, and whether it is in the volume.
func (s *Frames) frame(o, t int) (f int, inside bool) {
	f = o*s.Stride - s.Before + t*s.Dilation
	return f, 0 <= f && f < s.Frames
}

// position returns where frame f is tap t, and whether there is such a position.
func (s *Frames) position(f, t int) (o int, exists bool) {
	o = f + s.Before - t*s.Dilation
	return o / s.Stride, o >= 0 && o%s.Stride == 0 && o/s.Stride < s.Out
}

// Unfold puts the frames of each position side by side: y (N, Out, Cells, Taps, C).
func Unfold[T Float](y, x []T, s *Frames) {
	sameLen("unfold", s.N*s.Frames*s.Cells*s.C, len(x))
	sameLen("unfold", s.N*s.Out*s.Cells*s.Taps*s.C, len(y))
	if y32, ok := single(y); ok {
		unfoldJobs.Run(unfoldJob{*s, y32, f32(x)}, s.N*s.Out*s.Cells, rowGrain(cheapGrain, s.Taps*s.C))
		return
	}
	unfoldCells(y, x, s, 0, s.N*s.Out*s.Cells)
}

// ConvFramesFits reports whether ConvFrames computes the convolution s of Unfold's result, or of planes of inference
// if each is set.
func ConvFramesFits(s *Conv, each bool) bool { return conv.FramesFit(s, each) }

// ConvFrames is Conv2D of Unfold(x), whose description is s, without the copy. The frames outside of a volume are not
// multiplied.
func ConvFrames(y, x, w, bias []float32, s *Conv, f *Frames, act Activation, alpha float32) {
	sameLen("conv frames", f.N*f.Frames*f.Cells*f.C, len(x))
	if s.N != f.N*f.Out || s.C != f.Taps*f.C || s.H*s.W != f.Cells || f.Taps < 1 {
		panic(fmt.Sprintf("conv frames: %+v does not convolve %+v", *s, *f))
	}
	checkConv("conv frames", s, s.N*s.H*s.W*s.C, len(w), len(y), s.C*s.K)
	checkBias("conv frames", len(bias), s.K)
	if y = y[:s.N*s.OH*s.OW*s.K]; len(y) == 0 {
		return
	}
	window := conv.Frames{Count: f.Frames, Out: f.Out, Taps: f.Taps, Stride: f.Stride, Dilation: f.Dilation, Before: f.Before}
	conv.ForwardFrames(y, x, w, bias, s, window, act == ReLU)
	if act != ReLU && act != Linear {
		Activate(y, y, act, alpha)
	}
}

type unfoldJob struct {
	Frames
	to, from []float32
}

var unfoldJobs parallel.Jobs[unfoldJob, *unfoldJob]

func (j *unfoldJob) Piece(lo, hi int) { unfoldCells(j.to, j.from, &j.Frames, lo, hi) }

// unfoldCells writes the cells lo to hi-1 of all positions.
func unfoldCells[T Float](y, x []T, s *Frames, lo, hi int) {
	for lo < hi {
		position, cell := lo/s.Cells, lo%s.Cells
		n, o, cells := position/s.Out, position%s.Out, min(hi-lo, s.Cells-cell)
		for t := range s.Taps {
			f, inside := s.frame(o, t)
			at := (lo*s.Taps + t) * s.C
			if !inside {
				for range cells {
					clear(y[at : at+s.C])
					at += s.Taps * s.C
				}
				continue
			}
			from := ((n*s.Frames+f)*s.Cells + cell) * s.C
			spreadCells(y[at:], s.Taps*s.C, x[from:from+cells*s.C], s.C)
		}
		lo += cells
	}
}

// spreadCells copies rows of c elements to places that are step elements apart. Few elements are copied one by
// one, which takes less time than a call.
func spreadCells[T Float](y []T, step int, x []T, c int) {
	switch c {
	case 1:
		for i, v := range x {
			y[i*step] = v
		}
	case 2:
		for ; len(x) >= 2; x = x[2:] {
			y[0], y[1] = x[0], x[1]
			y = y[min(step, len(y)):]
		}
	case 3:
		for ; len(x) >= 3; x = x[3:] {
			y[0], y[1], y[2] = x[0], x[1], x[2]
			y = y[min(step, len(y)):]
		}
	case 4:
		for ; len(x) >= 4; x = x[4:] {
			y[0], y[1], y[2], y[3] = x[0], x[1], x[2], x[3]
			y = y[min(step, len(y)):]
		}
	default:
		if y32, ok := single(y); ok && 4*c >= simd.LeastRow && len(x) > 0 && simd.Active.Moves.CopyRows != nil {
			rows := len(x) / c
			y32, x32 := y32[:(rows-1)*step+c], f32(x)
			simd.Active.Moves.CopyRows((*byte)(unsafe.Pointer(&y32[0])), (*byte)(unsafe.Pointer(&x32[0])), rows, 4*c, 4*step, 4*c)
			return
		}
		for ; len(x) >= c; x = x[c:] {
			copy(y[:c], x)
			y = y[min(step, len(y)):]
		}
	}
}

// Fold is the transpose of Unfold: x is the sum of what y has of each frame.
func Fold[T Float](x, y []T, s *Frames) {
	sameLen("fold", s.N*s.Frames*s.Cells*s.C, len(x))
	sameLen("fold", s.N*s.Out*s.Cells*s.Taps*s.C, len(y))
	if x32, ok := single(x); ok {
		foldJobs.Run(foldJob{*s, x32, f32(y)}, s.N*s.Frames*s.Cells, rowGrain(cheapGrain, s.Taps*s.C))
		return
	}
	foldCells(x, y, s, 0, s.N*s.Frames*s.Cells, nil)
}

type foldJob unfoldJob

var foldJobs parallel.Jobs[foldJob, *foldJob]

func (j *foldJob) Piece(lo, hi int) {
	add := simd.Active.Add
	if j.C < fewChannels {
		add = nil
	}
	foldCells(j.to, j.from, &j.Frames, lo, hi, add)
}

// fewChannels are added by Go in less time than by a call of vector code.
const fewChannels = 16

// foldCells writes the cells lo to hi-1 of all frames. It adds channels by add, or one by one if that is nil.
func foldCells[T Float](x, y []T, s *Frames, lo, hi int, add func(dst, a, b []T)) {
	for lo < hi {
		frame, cell := lo/s.Cells, lo%s.Cells
		n, f, cells := frame/s.Frames, frame%s.Frames, min(hi-lo, s.Cells-cell)
		to, empty := x[lo*s.C:(lo+cells)*s.C], true
		for t := range s.Taps {
			o, exists := s.position(f, t)
			if !exists {
				continue
			}
			from := y[(((n*s.Out+o)*s.Cells+cell)*s.Taps+t)*s.C:]
			if empty {
				copyTap(to, from, s.Taps*s.C, s.C)
			} else {
				addTap(to, from, s.Taps*s.C, s.C, add)
			}
			empty = false
		}
		if empty { // the frame is in no window
			clear(to)
		}
		lo += cells
	}
}

// copyTap copies rows of c elements that are step elements apart.
func copyTap[T Float](to, from []T, step, c int) {
	at := 0
	if c >= fewChannels {
		for ; len(to) >= c; to, at = to[c:], at+step {
			copy(to[:c], from[at:])
		}
		return
	}
	for ; len(to) >= c; to, at = to[c:], at+step {
		for i := range c {
			to[i] = from[at+i]
		}
	}
}

// addTap adds rows of c elements that are step elements apart.
func addTap[T Float](to, from []T, step, c int, add func(dst, a, b []T)) {
	at := 0
	if add != nil {
		for ; len(to) >= c; to, at = to[c:], at+step {
			add(to[:c], to[:c], from[at:at+c])
		}
		return
	}
	for ; len(to) >= c; to, at = to[c:], at+step {
		for i, v := range from[at : at+c] {
			to[i] += v
		}
	}
}
