// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// DepthwiseBackWeights writes the gradient of w.
func DepthwiseBackWeights(dw, x, dy []float32, s *ref.Conv) {
	pixels := s.N * s.OH * s.OW
	if pixels == 0 || len(dw) == 0 || s.N*s.H*s.W == 0 {
		clear(dw)
		return
	}
	d := depthwiseJobs.Get() // for its buffer
	j := depthwiseWeightsJobs.Get()
	*j = depthwiseWeightsJob{
		isa: simd.Active, s: *s, x: d.repeat(x, s), dy: simd.First(dy), sums: simd.First(dw), spare: j.spare,
		rows: forwardAxis(s.OH, s.H, s.KH, s.StrideH, s.DilH, s.PadTop),
		cols: forwardAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft),
	}
	j.partials = max(1, min(pixels/pixelsPerPartial, maxPartials, maxPartialFloats/len(dw), s.N*s.OH))
	if j.partials > 1 {
		j.spare = buffer.Grow(j.spare, j.partials*len(dw))
		j.sums = simd.First(j.spare)
	}
	if pixels*len(dw) < parallel.MinShared {
		parallel.RunAlone(j, j.partials*s.KH)
	} else {
		parallel.Run(j, j.partials*s.KH)
	}
	if j.partials > 1 {
		parallel.AddPartials(dw, j.spare[:j.partials*len(dw)])
	}
	d.release()
	*j = depthwiseWeightsJob{spare: j.spare}
	depthwiseWeightsJobs.Put(j)
}

// depthwiseWeightsJob sums the weight gradient of one kernel row over part of the output rows
// per unit; see weightsJob about partial sums. The channels of x have already been repeated, so
// s.K is also their number.
type depthwiseWeightsJob struct {
	isa         *simd.ISA
	s           ref.Conv
	rows, cols  axis
	x, dy, sums unsafe.Pointer // sums is [partials][KH][KW][K]
	partials    int
	spare       []float32
}

var depthwiseWeightsJobs parallel.FreeList[depthwiseWeightsJob]

func (j *depthwiseWeightsJob) Unit(u int, w *parallel.Worker) {
	s, t := &j.s, &w.Tile
	kh, partial := u%s.KH, u/s.KH
	sums := simd.At(j.sums, (partial*s.KH+kh)*s.KW*s.K)
	clear(unsafe.Slice((*float32)(sums), s.KW*s.K))
	t.Bias, t.Flags, t.Segments, t.Offsets = nil, simd.TileAdd, 1, &simd.NoOffset
	t.RowA, t.StepA = 4*s.DilW*s.K, 4*s.StrideW*s.K // rows are taps, steps are pixels
	t.StepB, t.RowC = 4*s.K, 4*s.K
	lo, hi := parallel.Share(s.N*s.OH, j.partials, partial)
	h0, h1 := j.rows.positions(kh)
	in0, _ := j.cols.positions(0)
	_, in1 := j.cols.positions(s.KW - 1)
	in1 = max(in0, in1) // in0..in1 are the columns for which every tap is inside the image
	for r := lo; r < hi; r++ {
		image, oh := r/s.OH, r%s.OH
		if oh < h0 || oh >= h1 {
			continue
		}
		x := simd.At(j.x, (image*s.H+oh*s.StrideH+j.rows.first+kh*s.DilH)*s.W*s.K)
		dy := simd.At(j.dy, r*s.OW*s.K)
		j.add(t, sums, x, dy, 0, s.KW, in0, in1)
		for kw := range s.KW {
			c0, c1 := j.cols.positions(kw)
			j.add(t, sums, x, dy, kw, kw+1, c0, min(c1, in0))
			j.add(t, sums, x, dy, kw, kw+1, max(c0, in1), c1)
		}
	}
}

// add sums the taps kw0..kw1 over the columns c0..c1 of one output row.
func (j *depthwiseWeightsJob) add(t *simd.TileArgs, sums, x, dy unsafe.Pointer, kw0, kw1, c0, c1 int) {
	if c0 >= c1 {
		return
	}
	s, lanes := &j.s, 1<<j.isa.LaneBits
	t.K = c1 - c0
	for kw := kw0; kw < kw1; {
		n := min(simd.StripRows, kw1-kw)
		a := simd.At(x, (c0*s.StrideW+j.cols.first+kw*s.DilW)*s.K)
		b, c := simd.At(dy, c0*s.K), simd.At(sums, kw*s.K)
		for k := 0; k < s.K; k += lanes {
			t.A, t.B, t.C = simd.At(a, k), simd.At(b, k), simd.At(c, k)
			j.isa.Strip(t, n, min(lanes, s.K-k))
		}
		kw += n
	}
}
