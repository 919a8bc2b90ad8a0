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
		isa: simd.Active, s: *s, x: d.repeat(x, s), dy: simd.First(dy), sums: simd.First(dw), pieces: j.pieces, spare: j.spare,
		rows: forwardAxis(s.OH, s.H, s.KH, s.StrideH, s.DilH, s.PadTop),
		cols: forwardAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft),
	}
	j.setPieces()
	j.partials = max(1, min(pixels/pixelsPerPartial, maxPartials, maxPartialFloats/len(dw), s.N*s.OH))
	if j.partials > 1 {
		j.spare = buffer.Grow(j.spare, j.partials*len(dw))
		j.sums = simd.First(j.spare)
	}
	j.chunks, j.rowSets = ceilDiv(s.K, weightChunk), 1
	if j.partials*j.chunks < minWeightUnits {
		j.rowSets = s.KH
	}
	start := parallel.Run
	if pixels*len(dw) < parallel.MinShared {
		start = parallel.RunAlone
	}
	start(j, j.partials*j.rowSets*j.chunks)
	if j.partials > 1 {
		parallel.AddPartials(dw, j.spare[:j.partials*len(dw)])
	}
	d.release()
	*j = depthwiseWeightsJob{pieces: j.pieces, spare: j.spare}
	depthwiseWeightsJobs.Put(j)
}

const (
	weightChunk    = 64 // channels of a unit: whole cache lines, and enough vectors to hide the latency of the sums
	minWeightUnits = 8  // with fewer, kernel rows are separate units
)

// depthwiseWeightsJob sums the weight gradient of some kernel rows and channels over part of the
// output rows per unit; see weightsJob about partial sums. The channels of x have already been
// repeated, so s.K is also their number.
type depthwiseWeightsJob struct {
	isa         *simd.ISA
	s           ref.Conv
	rows, cols  axis
	x, dy, sums unsafe.Pointer // sums is [partials][KH][KW][K]
	partials    int
	rowSets     int // sets of kernel rows
	chunks      int // of channels
	pieces      []tapPiece
	spare       []float32
}

var depthwiseWeightsJobs parallel.FreeList[depthwiseWeightsJob]

func (j *depthwiseWeightsJob) Unit(u int, w *parallel.Worker) {
	s, t := &j.s, &w.Tile
	k0 := u % j.chunks * weightChunk
	channels := min(weightChunk, s.K-k0)
	u /= j.chunks
	kh0, kh1 := parallel.Share(s.KH, j.rowSets, u%j.rowSets)
	partial := u / j.rowSets
	sums := simd.At(j.sums, partial*s.KH*s.KW*s.K+k0)
	for tap := kh0 * s.KW; tap < kh1*s.KW; tap++ {
		clear(unsafe.Slice((*float32)(simd.At(sums, tap*s.K)), channels))
	}
	t.AheadA, t.Bias, t.Flags, t.Segments, t.Offsets = 0, nil, simd.TileAdd, 1, &simd.NoOffset
	t.RowA, t.StepA = 4*s.DilW*s.K, 4*s.StrideW*s.K // rows are taps, steps are pixels
	t.StepB, t.RowC = 4*s.K, 4*s.K
	lo, hi := parallel.Share(s.N*s.OH, j.partials, partial)
	for r := lo; r < hi; r++ {
		image, oh := r/s.OH, r%s.OH
		h0, h1 := j.rows.tapsAt(oh)
		dy := simd.At(j.dy, r*s.OW*s.K+k0)
		for kh := max(kh0, h0); kh < min(kh1, h1); kh++ {
			x := simd.At(j.x, (image*s.H+oh*s.StrideH+j.rows.first+kh*s.DilH)*s.W*s.K+k0)
			// prefetch the next row of dy, then the row of x that only it reads
			switch t.AheadB = 0; kh {
			case kh0:
				t.AheadB = 4 * s.OW * s.K
			case kh1 - 1:
				t.AheadB = int(uintptr(x)-uintptr(dy)) + 4*s.StrideH*s.W*s.K
			}
			for _, p := range j.pieces {
				j.add(t, p, simd.At(sums, kh*s.KW*s.K), x, dy, channels)
			}
		}
	}
}

// tapPiece is a set of consecutive taps kw0..kw1-1 of a kernel row and the output columns
// c0..c1-1 for which they are summed.
type tapPiece struct{ kw0, kw1, c0, c1 int }

// setPieces divides the taps of a kernel row: first all taps over the columns for which each of
// them is inside the image, then over the columns on the left and on the right, where taps that
// are inside for the same columns stay together.
func (j *depthwiseWeightsJob) setPieces() {
	in0, _ := j.cols.positions(0)
	_, in1 := j.cols.positions(j.s.KW - 1)
	in1 = max(in0, in1)
	j.pieces = append(j.pieces[:0], tapPiece{0, j.s.KW, in0, in1})
	for _, side := range [][2]int{{0, in0}, {in1, j.s.OW}} {
		last := &j.pieces[0] // never continued: its taps are all of them
		for kw := range j.s.KW {
			c0, c1 := j.cols.positions(kw)
			c0, c1 = max(c0, side[0]), min(c1, side[1])
			if last.kw1 == kw && last.c0 == c0 && last.c1 == c1 {
				last.kw1++
			} else if c0 < c1 {
				j.pieces = append(j.pieces, tapPiece{kw, kw + 1, c0, c1})
				last = &j.pieces[len(j.pieces)-1]
			}
		}
	}
}

// add sums a piece of one output row.
func (j *depthwiseWeightsJob) add(t *simd.TileArgs, p tapPiece, sums, x, dy unsafe.Pointer, channels int) {
	s := &j.s
	if t.K = p.c1 - p.c0; t.K <= 0 {
		return
	}
	for kw := p.kw0; kw < p.kw1; {
		n := min(simd.StripRows, p.kw1-kw)
		t.A = simd.At(x, (p.c0*s.StrideW+j.cols.first+kw*s.DilW)*s.K)
		t.B, t.C = simd.At(dy, p.c0*s.K), simd.At(sums, kw*s.K)
		j.isa.Strip(t, n, channels)
		kw += n
	}
}
