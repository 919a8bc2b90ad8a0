// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"
	"testing"
)

// TestFrames compares Unfold with its definition, for few and many channels and both precisions, and Fold
// with the sum of what Unfold copies.
func TestFrames(t *testing.T) {
	for _, c := range []int{1, 2, 3, 4, 5, 15, 16, 17, 33} {
		for _, s := range []Frames{
			{Frames: 5, Out: 5, Taps: 3, Stride: 1, Dilation: 1, Before: 1},
			{Frames: 6, Out: 2, Taps: 2, Stride: 3, Dilation: 1},
			{Frames: 7, Out: 2, Taps: 3, Stride: 2, Dilation: 2},
			{Frames: 4, Out: 2, Taps: 1, Stride: 2, Dilation: 1},
		} {
			s.N, s.Cells, s.C = 2, 3, c
			testFrames[float32](t, s)
			testFrames[float64](t, s)
		}
	}
}

func testFrames[T Float](t *testing.T, s Frames) {
	t.Helper()
	x, y := make([]T, s.N*s.Frames*s.Cells*s.C), make([]T, s.N*s.Out*s.Cells*s.Taps*s.C)
	wantX, wantY := make([]T, len(x)), make([]T, len(y))
	for i := range x {
		x[i] = T(i%251 - 100)
	}
	each := func(f func(i, j int)) {
		for n := range s.N {
			for o := range s.Out {
				for cell := range s.Cells {
					for tap := range s.Taps {
						frame := o*s.Stride - s.Before + tap*s.Dilation
						if frame < 0 || frame >= s.Frames {
							continue
						}
						for c := range s.C {
							f(((n*s.Frames+frame)*s.Cells+cell)*s.C+c, (((n*s.Out+o)*s.Cells+cell)*s.Taps+tap)*s.C+c)
						}
					}
				}
			}
		}
	}
	each(func(i, j int) { wantY[j] = x[i] })
	for i := range y {
		y[i] = 1000 // must be overwritten
	}
	Unfold(y, x, &s)
	if !slices.Equal(y, wantY) {
		t.Errorf("%T %+v: unfolded %v, want %v", x, s, y, wantY)
	}
	for j := range y {
		y[j] = T(j%127 - 60)
	}
	each(func(i, j int) { wantX[i] += y[j] })
	for i := range x {
		x[i] = 1000
	}
	Fold(x, y, &s)
	if !slices.Equal(x, wantX) {
		t.Errorf("%T %+v: folded %v, want %v", x, s, x, wantX)
	}
}
