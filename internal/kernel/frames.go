// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/reef-dl/reef/internal/kernel/parallel"

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
			if s.C == 1 {
				for i, v := range x[from : from+cells] {
					y[at+i*s.Taps] = v
				}
				continue
			}
			for range cells {
				copy(y[at:at+s.C], x[from:])
				at += s.Taps * s.C
				from += s.C
			}
		}
		lo += cells
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
	foldCells(x, y, s, 0, s.N*s.Frames*s.Cells)
}

type foldJob unfoldJob

var foldJobs parallel.Jobs[foldJob, *foldJob]

func (j *foldJob) Piece(lo, hi int) { foldCells(j.to, j.from, &j.Frames, lo, hi) }

// foldCells writes the cells lo to hi-1 of all frames.
func foldCells[T Float](x, y []T, s *Frames, lo, hi int) {
	for lo < hi {
		frame, cell := lo/s.Cells, lo%s.Cells
		n, f, cells := frame/s.Frames, frame%s.Frames, min(hi-lo, s.Cells-cell)
		clear(x[lo*s.C : (lo+cells)*s.C])
		for t := range s.Taps {
			o, exists := s.position(f, t)
			if !exists {
				continue
			}
			to, from := lo*s.C, (((n*s.Out+o)*s.Cells+cell)*s.Taps+t)*s.C
			for range cells {
				sum := x[to : to+s.C]
				for i, v := range y[from : from+s.C] {
					sum[i] += v
				}
				to += s.C
				from += s.Taps * s.C
			}
		}
		lo += cells
	}
}
