// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// winogradGradJob computes the gradient of the weights as F(3x3, 4x4): with V the transformed input
// patches and G the transformed patches of dy, the 36 products Vᵀ·G, summed over the tiles, are
// transformed back to 3 x 3 taps.
//
// Tiles are processed in groups whose transforms stay in the last-level cache. Within a group,
// first all tiles are transformed, then all products are computed, each by one worker, so every
// sum has one order.
type winogradGradJob struct {
	input      winogradJob // geometry and transform of x
	dy, dw     unsafe.Pointer
	channels   int       // of dy
	vRow, gRow int       // distance between transformed tiles, in floats
	t0, t1     int       // the current group of tiles
	v, g       []float32 // [point][tile][vRow or gRow]
	sums       []float32 // [point][C][K]
	chunks     int       // chunks of C in the product of a point
}

var winogradGradJobs parallel.FreeList[winogradGradJob]

const (
	gradFloats = 2 << 20 // transformed tiles per group
	minGroup   = 64      // tiles
	tileBatch  = 8       // tiles transformed per unit
	gradRows   = 112     // rows of C per unit of the products
	gradUnits  = 4096    // vectors of channels transformed back per unit
)

func winogradBackWeights(dw, x, dy []float32, s *ref.Conv) {
	j := winogradGradJobs.Get()
	in := &j.input
	*in = winogradJob{
		isa: simd.Active, images: s.N, srcH: s.H, srcW: s.W, depth: s.C, dstH: s.OH, dstW: s.OW,
		padTop: s.PadTop, padLeft: s.PadLeft, dilH: s.DilH, dilW: s.DilW, kernelH: s.KH, kernelW: s.KW, x: simd.First(x),
	}
	in.countTiles()
	j.dy, j.dw, j.channels = simd.First(dy), simd.First(dw), s.K
	j.vRow, j.gRow = s.C+winogradSkew, s.K+winogradSkew
	group := min(in.tiles, max(minGroup, gradFloats/winogradPoints/(j.vRow+j.gRow)))
	groups := ceilDiv(in.tiles, group)
	group = ceilDiv(in.tiles, groups)
	j.v = buffer.Grow(j.v, winogradPoints*group*j.vRow)
	j.g = buffer.Grow(j.g, winogradPoints*group*j.gRow)
	j.sums = buffer.Grow(j.sums, winogradPoints*s.C*s.K)
	j.chunks = ceilDiv(s.C, gradRows)
	for i := range groups {
		j.t0, j.t1 = parallel.Share(in.tiles, groups, i)
		parallel.Run((*winogradGradTiles)(j), ceilDiv(j.t1-j.t0, tileBatch))
		parallel.Run((*winogradGradProducts)(j), winogradPoints*j.chunks)
	}
	parallel.Run((*winogradGradResult)(j), ceilDiv(s.C*s.K>>simd.Active.LaneBits, gradUnits))
	*in = winogradJob{}
	j.dy, j.dw = nil, nil
	winogradGradJobs.Put(j)
}

// winogradGradTiles transforms a batch of tiles per unit.
type winogradGradTiles winogradGradJob

func (j *winogradGradTiles) Unit(u int, w *parallel.Worker) {
	in, n := &j.input, j.t1-j.t0
	patch := w.Floats(max(winogradPatch*winogradPatch*in.depth, winogradSide*winogradSide*j.channels))
	for i := u * tileBatch; i < min(n, (u+1)*tileBatch); i++ {
		in.input(j.v[i*j.vRow:], 4*n*j.vRow, patch, j.t0+i)
		(*winogradGradJob)(j).gradient(j.g[i*j.gRow:], 4*n*j.gRow, patch, j.t0+i)
	}
}

// gradient transforms the patch of dy of tile t, zero-padded if it extends beyond the image.
func (j *winogradGradJob) gradient(dst []float32, dstStep int, patch []float32, t int) {
	in, k := &j.input, j.channels
	image, y, x, h, w := in.corner(t)
	vectors, row, pixel := k>>in.isa.LaneBits, in.dilH*in.dstW*k, in.dilW*k
	if h == winogradSide && w == winogradSide {
		at := simd.At(j.dy, ((image*in.dstH+y)*in.dstW+x)*k)
		in.isa.WinogradGradient(&dst[0], (*float32)(at), vectors, dstStep, 4*row, 4*pixel)
		return
	}
	patch = patch[:winogradSide*winogradSide*k]
	clear(patch)
	if h > 0 && w > 0 {
		at := simd.At(j.dy, ((image*in.dstH+y)*in.dstW+x)*k)
		src := unsafe.Slice((*float32)(at), (h-1)*row+(w-1)*pixel+k)
		for r := range h {
			for c := range w {
				copy(patch[(r*winogradSide+c)*k:][:k], src[r*row+c*pixel:])
			}
		}
	}
	in.isa.WinogradGradient(&dst[0], &patch[0], vectors, dstStep, 4*winogradSide*k, 4*k)
}

// winogradGradProducts adds Vᵀ·G of the group to the sums; a unit is a chunk of the rows of a
// point.
type winogradGradProducts winogradGradJob

func (j *winogradGradProducts) Unit(u int, w *parallel.Worker) {
	s, t, n := j.input.isa, &w.Tile, j.t1-j.t0
	c, k := j.input.depth, j.channels
	point := u / j.chunks
	panels := ceilDiv(c, s.TileRows)
	p0, p1 := parallel.Share(panels, j.chunks, u%j.chunks)
	t.K, t.Segments, t.Offsets, t.Bias, t.Flags = n, 1, &simd.NoOffset, nil, 0
	if j.t0 > 0 {
		t.Flags = simd.TileAdd
	}
	t.RowA, t.StepA, t.StepB, t.RowC = 4, 4*j.vRow, 4*j.gRow, 4*k
	for k0 := 0; k0 < k; k0 += s.TileCols() {
		t.B = unsafe.Pointer(&j.g[point*n*j.gRow+k0])
		for p := p0; p < p1; p++ {
			r0, r1 := parallel.Share(c, panels, p)
			t.A = unsafe.Pointer(&j.v[point*n*j.vRow+r0])
			t.C = unsafe.Pointer(&j.sums[(point*c+r0)*k+k0])
			s.Tile(t, r1-r0, min(s.TileCols(), k-k0))
		}
	}
}

// winogradGradResult transforms the sums back.
type winogradGradResult winogradGradJob

func (j *winogradGradResult) Unit(u int, _ *parallel.Worker) {
	s, n := j.input.isa, j.input.depth*j.channels
	v0, v1 := u*gradUnits, min((u+1)*gradUnits, n>>s.LaneBits)
	at := v0 << s.LaneBits
	s.WinogradWeightGradient((*float32)(simd.At(j.dw, at)), &j.sums[at], v1-v0, 4*n, 4*n)
}
