// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// narrowJob is a windowJob whose destination has so few channels that most of a vector would be
// unused, such as the last layer of a decoder or the gradient of an image. The roles are
// swapped: pixels fill the vectors, and the channels are the rows of a tile. To this end, the
// source rows are transposed into one plane per channel in the worker's scratch memory; the
// weights are read as stored.
type narrowJob windowJob

const narrowRows = 16 // destination rows per unit; it transposes these source rows and the adjacent ones that they read

// narrow reports whether j benefits from this.
func (j *windowJob) narrow() bool {
	s := j.isa
	return 4*j.channels <= 1<<s.LaneBits && s.BlockSide > 0 && j.depth >= s.BlockSide &&
		j.cols.stride == 1 && j.cols.n >= 2*j.channels && j.cols.taps > 0
}

func (j *windowJob) runNarrow(start func(parallel.Task, int)) {
	j.width = ceilDiv(j.cols.last()-j.cols.first+1, 16)*16 + 16 // rows a multiple of 4 KiB apart would map to the same cache sets
	tap := 4 * j.depth * j.channels
	j.offsets = j.offsets[:0]
	for r := range j.rows.taps {
		for c := range j.cols.taps {
			j.offsets = append(j.offsets, simd.Segment{
				A: tap * (r*j.rows.weightStep*j.kernelW + c*j.cols.weightStep),
				B: 4 * (r*j.rows.dist*j.depth*j.width + c*j.cols.dist),
			})
		}
	}
	j.blocks = ceilDiv(j.rows.n, narrowRows)
	start((*narrowJob)(j), j.images*j.blocks)
}

func (j *narrowJob) Unit(u int, w *parallel.Worker) {
	s, t := j.isa, &w.Tile
	image := u / j.blocks
	r0, r1 := parallel.Share(j.rows.n, j.blocks, u%j.blocks)
	top := max(0, r0*j.rows.stride+j.rows.first)
	bottom := max(top, min(j.rows.src, (r1-1)*j.rows.stride+j.rows.first+(j.rows.taps-1)*j.rows.dist+1))
	plane := j.depth * j.width
	scratch := w.Floats((bottom-top)*plane + j.channels*s.TileCols())
	out, planes := scratch[:j.channels*s.TileCols()], scratch[j.channels*s.TileCols():]
	for y := top; y < bottom; y++ {
		j.transposeRow(planes[(y-top)*plane:][:plane], image, y)
	}
	t.RowA, t.StepA = 4, 4*j.channels // row i is output channel i of HWIO weights
	if j.backward {
		t.RowA, t.StepA = 4*j.depth, 4
	}
	t.StepB, t.RowC, t.Bias, t.Flags = 4*j.width, 4*s.TileCols(), nil, 0
	for r := r0; r < r1; r++ {
		dst := simd.At(j.y, ((image*j.dstH+j.rows.dst+r*j.rows.dstStep)*j.dstW+j.cols.dst)*j.channels)
		lo, hi := j.rows.tapsAt(r)
		for c0 := 0; c0 < j.cols.n; c0 += s.TileCols() {
			n := min(s.TileCols(), j.cols.n-c0)
			if lo == hi {
				clear(out)
			} else {
				first, tap := r*j.rows.stride+j.rows.first+lo*j.rows.dist-top, (j.rows.weight+lo*j.rows.weightStep)*j.kernelW+j.cols.weight
				t.K, t.Segments, t.Offsets = j.depth, (hi-lo)*j.cols.taps, unsafe.SliceData(j.offsets)
				t.A = simd.At(j.w, tap*j.depth*j.channels)
				t.B = unsafe.Pointer(&planes[first*plane+c0])
				t.C = unsafe.Pointer(&out[0])
				s.Tile(t, j.channels, n)
			}
			j.put(simd.At(dst, c0*j.cols.dstStep*j.channels), out, n)
		}
	}
}

// transposeRow transposes source row y into planes, with zeros for the columns outside the image.
func (j *narrowJob) transposeRow(planes []float32, image, y int) {
	c0, c1 := max(0, j.cols.first), min(j.cols.src, j.cols.last()+1)
	head, n := c0-j.cols.first, max(0, c1-c0)
	if n < j.cols.last()-j.cols.first+1 {
		clear(planes)
	}
	if n > 0 {
		src := simd.At(j.x, ((image*j.rows.src+y)*j.cols.src+c0)*j.depth)
		gemm.Transpose(j.isa, unsafe.Pointer(&planes[head]), j.width, src, j.depth, n, j.depth)
	}
}

// put stores n pixels, whose channels are rows of out, with bias, scale, shift and ReLU.
func (j *narrowJob) put(dst unsafe.Pointer, out []float32, n int) {
	step := j.cols.dstStep * j.channels
	y := unsafe.Slice((*float32)(dst), (n-1)*step+j.channels)
	for i := range j.channels {
		row := out[i*j.isa.TileCols():][:n]
		if j.bias != nil {
			b := *(*float32)(simd.At(j.bias, i))
			for q := range row {
				row[q] += b
			}
		}
		if j.scale != nil {
			scale, shift := *(*float32)(simd.At(j.scale, i)), *(*float32)(simd.At(j.shift, i))
			for q, v := range row {
				row[q] = float32(v*scale) + shift
			}
		}
		if j.relu {
			for q, v := range row {
				row[q] = max(v, 0)
			}
		}
		for q, v := range row {
			y[q*step+i] = v
		}
	}
}
