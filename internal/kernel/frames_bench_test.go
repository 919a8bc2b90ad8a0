// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"testing"
)

// BenchmarkFrames copies the frames of windows of volumes, and adds them up.
func BenchmarkFrames(b *testing.B) {
	for _, s := range []Frames{
		{N: 2, Frames: 16, Cells: 56 * 56, C: 3, Out: 16, Taps: 3, Stride: 1, Dilation: 1, Before: 1},
		{N: 2, Frames: 16, Cells: 56 * 56, C: 1, Out: 16, Taps: 3, Stride: 1, Dilation: 1, Before: 1},
		{N: 2, Frames: 16, Cells: 28 * 28, C: 32, Out: 8, Taps: 3, Stride: 2, Dilation: 1},
	} {
		x, y := make([]float32, s.N*s.Frames*s.Cells*s.C), make([]float32, s.N*s.Out*s.Cells*s.Taps*s.C)
		name := fmt.Sprintf("%d channels, stride %d", s.C, s.Stride)
		b.Run("unfold "+name, func(b *testing.B) {
			b.SetBytes(int64(4 * (len(x) + len(y))))
			for b.Loop() {
				Unfold(y, x, &s)
			}
		})
		b.Run("fold "+name, func(b *testing.B) {
			b.SetBytes(int64(4 * (len(x) + len(y))))
			for b.Loop() {
				Fold(x, y, &s)
			}
		})
	}
}
