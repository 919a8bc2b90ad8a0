// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// weightsJob computes the gradient of a convolution's weights. For one run of taps, dw[(tap,
// c), k] = Σ_pixel x[pixel + tap, c]·dy[pixel, k] is a product whose left matrix is a
// transposed view of the input; the sum over the pixels is computed in blocks of output rows,
// one segment per row.
//
// The blocks of pixels are distributed over a number of partial sums that depends only on the
// shape, and these are added in order, so the bits do not depend on the number of workers.
// Units are partial sums by kernel rows by groups of output channels. If the output has so few
// channels that most of a vector would be unused, the transposed product is computed.
type weightsJob struct {
	isa        *simd.ISA
	s          ref.Conv
	rows, cols axis
	x, dy      unsafe.Pointer

	runs        []tapRun
	padded      bool // the columns of x are copied with zero padding
	width       int  // pixels read per source row
	offsets     []simd.Segment
	rowBlocks   int // blocks of output rows per image
	colBlocks   int // blocks of a row that is too long for one; 1 if a block has several rows
	partials    int
	sums        unsafe.Pointer // [partials][KH][KW][C][K]; dw itself if there is only one
	narrow      bool           // few output channels: sums is [partials][KH][K][KW][C]
	spare       []float32
	panels      int
	panelGroups int
	packB       bool // dy's block is copied into panels
}

// tapRun is a set of consecutive taps kw, kw+1, ... of a kernel row whose channels are adjacent
// in the source, and the output columns lo..hi-1 over which they are summed.
type tapRun struct{ kw, taps, lo, hi int }

var weightsJobs parallel.FreeList[weightsJob]

const (
	blockPixels = 384 // pixels that a tile sums in registers
	weightUnits = 32
)

func windowBackWeights(dw, x, dy []float32, s *ref.Conv) {
	pixels := s.N * s.OH * s.OW
	if pixels == 0 || s.N*s.H*s.W == 0 {
		clear(dw)
		return
	}
	j := weightsJobs.Get()
	*j = weightsJob{
		isa: simd.Active, s: *s, x: simd.First(x), dy: simd.First(dy), sums: simd.First(dw),
		rows:    forwardAxis(s.OH, s.H, s.KH, s.StrideH, s.DilH, s.PadTop),
		cols:    forwardAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft),
		offsets: j.offsets, runs: j.runs, spare: j.spare,
	}
	j.setRuns()
	j.rowBlocks = ceilDiv(s.OH, max(1, blockPixels/s.OW))
	j.colBlocks = ceilDiv(s.OW, 2*blockPixels)
	j.partials = max(1, min(pixels/pixelsPerPartial, maxPartials, maxPartialFloats/len(dw), s.N*j.rowBlocks*j.colBlocks))
	j.narrow = 4*s.K <= 1<<j.isa.LaneBits
	if j.partials > 1 || j.narrow {
		j.spare = buffer.Grow(j.spare, j.partials*len(dw))
		j.sums = simd.First(j.spare)
	}
	j.panels = ceilDiv(s.K, j.isa.TileCols())
	j.panelGroups = min(j.panels, ceilDiv(weightUnits, j.partials*s.KH))
	j.packB = j.panels > 1 && len(j.runs)*ceilDiv(j.runs[0].taps*s.C, j.isa.TileRows) >= 4
	j.setOffsets()
	start := parallel.Run
	if pixels*len(dw) < parallel.MinShared {
		start = parallel.RunAlone
	}
	start(j, j.partials*s.KH*j.panelGroups)
	if j.narrow {
		j.transposeSums(dw)
	} else if j.partials > 1 {
		parallel.AddPartials(dw, j.spare[:j.partials*len(dw)])
	}
	*j = weightsJob{offsets: j.offsets, runs: j.runs, spare: j.spare}
	weightsJobs.Put(j)
}

// setRuns divides a kernel row into runs. The whole row is one run if its taps are adjacent; at
// an image's border, they are summed separately over the columns at which each is inside the
// image, unless there are so few channels that copying the source with zero padding is cheaper.
func (j *weightsJob) setRuns() {
	s := &j.s
	j.runs, j.width = j.runs[:0], s.W
	j.padded = j.cols.padded() && s.DilW == 1 && s.C < 8
	if j.padded {
		j.width = j.cols.last() - j.cols.first + 1
	}
	if s.DilW == 1 && (j.padded || !j.cols.padded()) {
		j.runs = append(j.runs, tapRun{0, s.KW, 0, s.OW})
		return
	}
	for kw := range s.KW {
		lo, hi := j.cols.positions(kw)
		j.runs = append(j.runs, tapRun{kw, 1, lo, hi})
	}
}

func (j *weightsJob) setOffsets() {
	stepDY := 4 * j.s.K
	if j.packB {
		stepDY = 4 * j.isa.TileCols()
	}
	j.offsets = j.offsets[:0]
	for r := range ceilDiv(j.s.OH, j.rowBlocks) {
		x, dy := 4*r*j.s.StrideH*j.width*j.s.C, r*j.s.OW*stepDY
		if j.narrow {
			x, dy = dy, x
		}
		j.offsets = append(j.offsets, simd.Segment{A: x, B: dy})
	}
}

func (j *weightsJob) Unit(u int, w *parallel.Worker) {
	s := &j.s
	p0, p1 := parallel.Share(j.panels, j.panelGroups, u%j.panelGroups)
	u /= j.panelGroups
	kh, partial := u%s.KH, u/s.KH
	n0, n1 := p0*j.isa.TileCols(), min(s.K, p1*j.isa.TileCols())
	rowLen := s.KW * s.C
	sums := simd.At(j.sums, (partial*s.KH+kh)*rowLen*s.K)
	for i := range rowLen {
		clear(unsafe.Slice((*float32)(simd.At(sums, i*s.K+n0)), n1-n0))
	}
	h0, h1 := j.rows.positions(kh)
	blocks := j.rowBlocks * j.colBlocks
	b0, b1 := parallel.Share(s.N*blocks, j.partials, partial)
	for b := b0; b < b1; b++ {
		r0, r1 := parallel.Share(s.OH, j.rowBlocks, b%blocks/j.colBlocks)
		c0, c1 := parallel.Share(s.OW, j.colBlocks, b%j.colBlocks)
		if r0, r1 = max(r0, h0), min(r1, h1); r0 < r1 {
			j.block(w, sums, b/blocks, kh, pixelBlock{r0, r1, c0, c1}, p0, p1)
		}
	}
}

// pixelBlock is the output rows r0..r1 and columns c0..c1: whole rows, or part of one.
type pixelBlock struct{ r0, r1, c0, c1 int }

// block adds the contribution of a block of an image's output to kernel row kh and the column
// panels p0..p1.
func (j *weightsJob) block(w *parallel.Worker, sums unsafe.Pointer, image, kh int, b pixelBlock, p0, p1 int) {
	s, t := &j.s, &w.Tile
	x := simd.At(j.x, (image*s.H+b.r0*s.StrideH+j.rows.first+kh*s.DilH)*s.W*s.C)
	left := 0
	rows, pixels := b.r1-b.r0, (b.r1-b.r0)*(b.c1-b.c0)
	padLen, packLen := 0, 0
	if j.padded {
		padLen = ((rows-1)*s.StrideH + 1) * j.width * s.C
	}
	if j.packB {
		packLen = pixels * j.isa.TileCols()
	}
	scratch := w.Floats(packLen + padLen)
	if j.padded {
		left = b.c0*s.StrideW + j.cols.first
		width := (b.c1-b.c0-1)*s.StrideW + s.KW
		copyPadded(scratch[packLen:], s.StrideH*j.width*s.C, x, s.StrideH*s.W*s.C, rows, s.W, s.C, left, width)
		x = simd.First(scratch[packLen:])
	}
	t.Offsets, t.Segments, t.Bias, t.Flags = unsafe.SliceData(j.offsets), rows, nil, simd.TileAdd
	t.RowA, t.StepA, t.RowC = 4, 4*s.StrideW*s.C, 4*s.K
	for p := p0; p < p1; p++ {
		n0 := p * j.isa.TileCols()
		n := min(j.isa.TileCols(), s.K-n0)
		dy := simd.At(j.dy, ((image*s.OH+b.r0)*s.OW+b.c0)*s.K+n0)
		t.StepB = 4 * s.K
		if j.packB {
			gemm.PackPanel(j.isa, simd.First(scratch), dy, false, pixels, n, s.K)
			dy, t.StepB = simd.First(scratch), 4*j.isa.TileCols()
		}
		for _, run := range j.runs {
			lo, hi := max(run.lo, b.c0), min(run.hi, b.c1)
			if t.K = hi - lo; t.K <= 0 {
				continue
			}
			if j.narrow {
				j.narrowTiles(t, run, sums, simd.At(dy, (lo-b.c0)*s.K), simd.At(x, (lo*s.StrideW+run.kw*s.DilW+j.cols.first-left)*s.C))
				continue
			}
			m := run.taps * s.C
			from := simd.At(x, (lo*s.StrideW+run.kw*s.DilW+j.cols.first-left)*s.C)
			to := simd.At(sums, run.kw*s.C*s.K+n0)
			t.B = unsafe.Add(dy, (lo-b.c0)*t.StepB)
			tiles := ceilDiv(m, j.isa.TileRows)
			for q := range tiles {
				m0, m1 := parallel.Share(m, tiles, q)
				t.A, t.C = simd.At(from, m0), simd.At(to, m0*s.K)
				j.isa.Tile(t, m1-m0, n)
			}
		}
	}
}

// narrowTiles adds the transposed product of one run: rows are output channels, columns are
// channels of x.
func (j *weightsJob) narrowTiles(t *simd.TileArgs, run tapRun, sums, dy, x unsafe.Pointer) {
	s := &j.s
	t.A, t.RowA, t.StepA = dy, 4, 4*s.K
	t.StepB, t.RowC = 4*s.StrideW*s.C, 4*s.KW*s.C
	m := run.taps * s.C
	for c := 0; c < m; c += j.isa.TileCols() {
		t.B, t.C = simd.At(x, c), simd.At(sums, run.kw*s.C+c)
		j.isa.Tile(t, s.K, min(j.isa.TileCols(), m-c))
	}
}

// transposeSums adds the partial sums of the transposed product to dw.
func (j *weightsJob) transposeSums(dw []float32) {
	s := &j.s
	rowLen := s.KW * s.C
	for kh := range s.KH {
		for k := range s.K {
			for i := range rowLen {
				var sum float32
				for p := range j.partials {
					sum += j.spare[((p*s.KH+kh)*s.K+k)*rowLen+i]
				}
				dw[(kh*rowLen+i)*s.K+k] = sum
			}
		}
	}
}
