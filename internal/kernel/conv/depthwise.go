// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// DepthwiseForward writes y[out, c·M+m] = Σ_tap x[in, c]·w[tap, c, m] + bias[c·M+m], or max(y,
// 0) with relu, for w (KH,KW,C,M) and s.K = C·M; bias may be nil.
//
// If the multiplier M is greater than 1, each input channel is first copied M times.
func DepthwiseForward(y, x, w, bias []float32, s *ref.Conv, relu bool) {
	j := depthwiseJobs.Get()
	*j = depthwiseJob{
		rows:   forwardAxis(s.OH, s.H, s.KH, s.StrideH, s.DilH, s.PadTop),
		cols:   forwardAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft),
		images: s.N, channels: s.K, kernelW: s.KW, dstH: s.OH, dstW: s.OW,
		x: j.repeat(x, s), w: simd.First(w), y: simd.First(y), bias: simd.First(bias), relu: relu,
		offsets: j.offsets, spare: j.spare,
	}
	j.run()
	j.release()
}

// DepthwiseBackData writes the gradient of x.
func DepthwiseBackData(dx, dy, w []float32, s *ref.Conv) {
	if s.K == 0 {
		clear(dx)
		return
	}
	j := depthwiseJobs.Get()
	wide := dx // one value for each of the M copies of a channel
	if s.K > s.C {
		j.spare = buffer.Grow(j.spare, s.N*s.H*s.W*s.K)
		wide = j.spare
	}
	for ph := range min(s.StrideH, s.H) {
		for pw := range min(s.StrideW, s.W) {
			*j = depthwiseJob{
				rows:   backAxis(s.OH, s.H, s.KH, s.StrideH, s.DilH, s.PadTop, ph),
				cols:   backAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft, pw),
				images: s.N, channels: s.K, kernelW: s.KW, dstH: s.H, dstW: s.W,
				x: simd.First(dy), w: simd.First(w), y: simd.First(wide),
				offsets: j.offsets, spare: j.spare,
			}
			j.run()
		}
	}
	if m := s.K / s.C; m > 1 {
		for i := range dx {
			var sum float32
			for _, v := range wide[i*m : (i+1)*m] {
				sum += v
			}
			dx[i] = sum
		}
	}
	j.release()
}

// depthwiseJob slides a kernel over images channel by channel, either forward or for one phase
// of the backward pass to the data; compare windowJob. Pixels whose window extends beyond the
// sides of the image are computed one by one from the taps inside the image.
type depthwiseJob struct {
	isa              *simd.ISA
	rows, cols       axis
	images, channels int
	kernelW          int
	dstH, dstW       int
	x, w, y, bias    unsafe.Pointer
	relu             bool
	inner0, inner1   int // the columns for which every tap is inside the image
	offsets          []simd.Segment
	blocks           int
	spare            []float32 // x with repeated channels
}

var depthwiseJobs parallel.FreeList[depthwiseJob]

func (j *depthwiseJob) release() {
	*j = depthwiseJob{offsets: j.offsets, spare: j.spare}
	depthwiseJobs.Put(j)
}

// repeat returns x with every channel repeated K/C times.
func (j *depthwiseJob) repeat(x []float32, s *ref.Conv) unsafe.Pointer {
	m := s.K / s.C
	if m == 1 {
		return simd.First(x)
	}
	n := s.N * s.H * s.W * s.C
	j.spare = buffer.Grow(j.spare, n*m)
	for i, v := range x[:n] {
		for k := range m {
			j.spare[i*m+k] = v
		}
	}
	return simd.First(j.spare)
}

func (j *depthwiseJob) run() {
	j.isa = simd.Active
	j.inner0, j.inner1 = 0, 0
	if j.cols.taps > 0 {
		j.inner0, _ = j.cols.positions(0)
		_, j.inner1 = j.cols.positions(j.cols.taps - 1)
		j.inner0 = min(j.inner0, j.cols.n)
		j.inner1 = max(j.inner0, j.inner1)
	}
	j.offsets = j.offsets[:0]
	for r := range j.rows.taps {
		j.offsets = append(j.offsets, simd.Segment{
			A: 4 * r * j.rows.dist * j.cols.src * j.channels,
			B: 4 * r * j.rows.weightStep * j.kernelW * j.channels,
		})
	}
	j.blocks = min(j.rows.n, ceilDiv(j.rows.n*j.cols.n*j.channels, 1<<14))
	if j.images*j.rows.n*j.cols.n*j.channels*j.rows.taps*j.cols.taps < parallel.MinShared {
		parallel.RunAlone(j, j.images*j.blocks)
	} else {
		parallel.Run(j, j.images*j.blocks)
	}
}

func (j *depthwiseJob) Unit(u int, w *parallel.Worker) {
	t := &w.Tile
	image := u / j.blocks
	r0, r1 := parallel.Share(j.rows.n, j.blocks, u%j.blocks)
	t.RowA, t.StepA = 4*j.cols.stride*j.channels, 4*j.cols.dist*j.channels
	t.StepB, t.RowC = 4*j.cols.weightStep*j.channels, 4*j.cols.dstStep*j.channels
	if t.Flags = 0; j.relu {
		t.Flags = simd.TileReLU
	}
	src := simd.At(j.x, image*j.rows.src*j.cols.src*j.channels)
	dst := simd.At(j.y, image*j.dstH*j.dstW*j.channels)
	for r := r0; r < r1; r++ {
		lo, hi := j.rows.tapsAt(r)
		out := simd.At(dst, ((j.rows.dst+r*j.rows.dstStep)*j.dstW+j.cols.dst)*j.channels)
		if lo == hi || j.cols.taps == 0 {
			j.strips(t, 0, j.cols.n, 0, 0, 0, src, j.w, out)
			continue
		}
		row := simd.At(src, (r*j.rows.stride+j.rows.first+lo*j.rows.dist)*j.cols.src*j.channels)
		weights := simd.At(j.w, (j.rows.weight+lo*j.rows.weightStep)*j.kernelW*j.channels)
		for c := range j.inner0 {
			lo2, hi2 := j.cols.tapsAt(c)
			j.strips(t, c, c+1, lo2, hi2, hi-lo, row, weights, out)
		}
		j.strips(t, j.inner0, j.inner1, 0, j.cols.taps, hi-lo, row, weights, out)
		for c := j.inner1; c < j.cols.n; c++ {
			lo2, hi2 := j.cols.tapsAt(c)
			j.strips(t, c, c+1, lo2, hi2, hi-lo, row, weights, out)
		}
	}
}

// strips computes the columns c0..c1 of an output row from the column taps lo..hi-1 and the given
// number of row taps.
func (j *depthwiseJob) strips(t *simd.TileArgs, c0, c1, lo, hi, rowTaps int, row, weights, out unsafe.Pointer) {
	t.K, t.Segments, t.Offsets = hi-lo, rowTaps, unsafe.SliceData(j.offsets)
	if t.K == 0 || rowTaps == 0 {
		t.K, t.Segments, t.Offsets = 0, 1, &simd.NoOffset
	}
	if t.AheadA = 0; rowTaps > 0 { // the source row that only the next destination row reads
		t.AheadA = j.offsets[rowTaps-1].A + 4*j.rows.stride*j.cols.src*j.channels
	}
	t.Bias = j.bias
	n := ceilDiv(c1-c0, simd.StripRows)
	for i := range n {
		p0, p1 := parallel.Share(c1-c0, n, i)
		t.A, t.B, t.C = row, weights, unsafe.Add(out, (c0+p0)*t.RowC)
		if t.K > 0 {
			t.A = simd.At(row, ((c0+p0)*j.cols.stride+j.cols.first+lo*j.cols.dist)*j.channels)
			t.B = simd.At(weights, (j.cols.weight+lo*j.cols.weightStep)*j.channels)
		}
		j.isa.Strip(t, p1-p0, j.channels)
	}
}
