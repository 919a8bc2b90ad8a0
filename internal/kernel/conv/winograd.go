// SPDX-License-Identifier: Apache-2.0

package conv

import (
	"math"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/gemm"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

const (
	winogradSide   = 4       // output pixels per side of a tile
	winogradPatch  = 6       // input pixels
	winogradTaps   = 3       // taps of the kernel
	winogradSaves  = 2       // by what the number of products must be less, as the transforms take time
	winogradPoints = 6 * 6   // products per tile and pair of channels
	winogradFloats = 230_000 // transformed tiles that a unit keeps in the second-level cache
	winogradChunk  = 64      // output channels at a time
	winogradSkew   = 16      // floats between the rows of transformed tiles, to avoid cache conflicts
	minWinograd    = 16      // minimum number of input and output channels; with fewer, the transforms cost more than they save
	minTiles       = 48      // minimum number of tiles that pays for the transform of the weights
	minTilesEach   = 4       // minimum number of tiles of an image, if the weights have been transformed
	minTilesFar    = 36      // the same if the transformed weights come from memory
	maxNear        = 1 << 22 // maximum number of transformed weights that a cache holds

	maxTransformed = 1 << 24 // maximum number of transformed weights, of which there are four times as many as weights
)

// winogradJob computes a stride-1 convolution, or its backward pass to the
// data, as F(4x4, 3x3) (Lavin and Gray, 2015): patches of 6 x 6 pixels and the weights are
// transformed, multiplied as 36 matrix products of tiles x channels, and transformed back to 4
// x 4 pixels. A unit takes its tiles through all three phases, so intermediate results stay in
// cache. The pixels of a tile and of its patch are as far apart as the dilation says.
//
// A kernel of more than 3 x 3 taps is the sum of several, filled up with zeros, each with its own
// patch: the patches of a tile lie one behind the other, like further channels.
type winogradJob struct {
	isa               *simd.ISA
	images            int
	srcH, srcW, depth int // source and its channels
	dstH, dstW        int
	channels          int // of the destination
	padTop, padLeft   int
	dilH, dilW        int
	kernelH, kernelW  int
	x, y, bias        unsafe.Pointer
	floor             float32

	pack         windowJob // packs the weights tap by tap
	u            []float32 // transformed weights [panel][point][part][depth][isa.cols()]
	spare        []float32 // the job's own memory for u
	zero         []float32 // replaces an absent bias
	scale        unsafe.Pointer
	shifted      []float32 // the bias after scaling
	tilesH       int       // tiles of every dilH-th row and dilW-th column of an image
	tilesW       int
	units, tiles int
	first, round int // tiles of a round, see winogradFar
}

var winogradJobs parallel.FreeList[winogradJob]

// WinogradFits reports whether the Winograd algorithm is clearly faster for s.
func WinogradFits(s *ref.Conv) bool { return winogradShape(s) && s.N*WinogradTiles(s) >= minTiles }

// winogradFitsEach is WinogradFits for images one by one, with weights that are transformed once.
// Small layers then use it even for few tiles: with the transform, one image would be faster without.
func winogradFitsEach(s *ref.Conv) bool {
	least := minTilesEach
	if transformedWeights(s) > maxNear {
		least = minTilesFar
	}
	return winogradShape(s) && WinogradTiles(s) >= least
}

// WinogradTiles returns the number of tiles of an image.
func WinogradTiles(s *ref.Conv) int {
	return tilesOf(s.OH, s.DilH) * tilesOf(s.OW, s.DilW) * s.DilH * s.DilW
}

// tilesOf returns the number of tiles of every dilation-th of n pixels.
func tilesOf(n, dilation int) int { return ceilDiv(ceilDiv(n, dilation), winogradSide) }

// winogradShape reports whether the Winograd algorithm can compute s and saves products.
func winogradShape(s *ref.Conv) bool {
	if simd.Active.WinogradInput == nil {
		return false
	}
	lanes := 1 << simd.Active.LaneBits
	return min(s.KH, s.KW) >= winogradTaps && winogradSaves*winogradPoints*winogradParts(s.KH, s.KW) <= s.KH*s.KW*winogradSide*winogradSide &&
		s.StrideH == 1 && s.StrideW == 1 &&
		min(s.C, s.K) >= minWinograd && s.C%lanes == 0 && s.K%lanes == 0 && transformedWeights(s) <= maxTransformed &&
		2*s.OH*s.OW >= WinogradTiles(s)*winogradSide*winogradSide // at least half of the tiles' pixels are used
}

// winogradParts returns the number of 3 x 3 kernels of which one of h x w is made.
func winogradParts(h, w int) int { return ceilDiv(h, winogradTaps) * ceilDiv(w, winogradTaps) }

func transformedWeights(s *ref.Conv) int {
	return winogradPoints * winogradParts(s.KH, s.KW) * s.C * s.K
}

func winogradForward(y, x, w, bias []float32, s *ref.Conv, affine gemm.Affine, relu bool, kept *Transformed) {
	j := winogradJobs.Get()
	j.setForward(y, x, bias, s, affine, relu)
	if kept != nil {
		j.u = kept.u
	}
	j.run(w, false)
}

// setForward sets all but the weights.
func (j *winogradJob) setForward(y, x, bias []float32, s *ref.Conv, affine gemm.Affine, relu bool) {
	j.images, j.srcH, j.srcW, j.depth = s.N, s.H, s.W, s.C
	j.dstH, j.dstW, j.channels, j.padTop, j.padLeft = s.OH, s.OW, s.K, s.PadTop, s.PadLeft
	j.dilH, j.dilW, j.kernelH, j.kernelW = s.DilH, s.DilW, s.KH, s.KW
	j.x, j.y, j.bias, j.floor = simd.First(x), simd.First(y), simd.First(bias), float32(math.Inf(-1))
	if relu {
		j.floor = 0
	}
	if affine.Scale != nil {
		j.setAffine(affine, bias)
	}
}

// setAffine scales the products, as the transform back is linear, and adds the rest to the bias.
func (j *winogradJob) setAffine(affine gemm.Affine, bias []float32) {
	n := len(affine.Scale)
	j.shifted, j.zero = buffer.Grow(j.shifted, n), buffer.Grow(j.zero, n)
	copy(j.shifted, affine.Shift)
	for i, b := range bias {
		j.shifted[i] += float32(affine.Scale[i] * b)
	}
	j.scale, j.bias = simd.First(affine.Scale), simd.First(j.shifted)
}

// winogradBackData convolves dy with the weights rotated by 180 degrees.
func winogradBackData(dx, dy, w []float32, s *ref.Conv) {
	j := winogradJobs.Get()
	j.setBackData(dx, dy, s)
	j.run(w, true)
}

// setBackData sets all but the weights.
func (j *winogradJob) setBackData(dx, dy []float32, s *ref.Conv) {
	j.images, j.srcH, j.srcW, j.depth = s.N, s.OH, s.OW, s.K
	j.dstH, j.dstW, j.channels, j.padTop, j.padLeft = s.H, s.W, s.C, (s.KH-1)*s.DilH-s.PadTop, (s.KW-1)*s.DilW-s.PadLeft
	j.dilH, j.dilW, j.kernelH, j.kernelW = s.DilH, s.DilW, s.KH, s.KW
	j.x, j.y, j.bias, j.floor = simd.First(dy), simd.First(dx), nil, float32(math.Inf(-1))
}

func (j *winogradJob) run(w []float32, backward bool) {
	s := simd.Active
	j.isa = s
	j.setZero()
	if j.u == nil {
		j.spare = buffer.Grow(j.spare, winogradPoints*j.inner()*ceilDiv(j.channels, s.TileCols())*s.TileCols())
		j.u = j.spare
		j.transformWeights(j.u, w, backward)
	}
	j.countTiles()
	perTile := winogradPoints * (j.inner() + min(j.channels, winogradChunk) + 2*winogradSkew)
	perUnit := max(2*s.TileRows, min(winogradFloats/perTile, 8*s.TileRows)/s.TileRows*s.TileRows)
	j.units = max(ceilDiv(j.tiles, perUnit), min(2*parallel.Workers(), ceilDiv(j.tiles, s.TileRows)))
	parallel.Run(j, j.units)
	j.release()
}

// setZero replaces an absent bias.
func (j *winogradJob) setZero() {
	if j.bias == nil {
		j.zero = buffer.Grow(j.zero, j.channels)
		j.bias = simd.First(j.zero)
	}
}

// inner is the number of products of a point of a tile and a channel of the destination.
func (j *winogradJob) inner() int { return winogradParts(j.kernelH, j.kernelW) * j.depth }

func (j *winogradJob) release() {
	*j = winogradJob{pack: j.pack, spare: j.spare, zero: j.zero, shifted: j.shifted}
	winogradJobs.Put(j)
}

func (j *winogradJob) countTiles() {
	j.tilesH, j.tilesW = tilesOf(j.dstH, j.dilH), tilesOf(j.dstW, j.dilW)
	j.tiles = j.images * j.dilH * j.dilW * j.tilesH * j.tilesW
}

// transformWeights fills u.
func (j *winogradJob) transformWeights(u, w []float32, backward bool) {
	j.setPack(w, backward)
	j.u = u
	parallel.Run((*winogradWeightsJob)(j), ceilDiv(j.channels, j.isa.TileCols()))
	j.pack.w = nil
}

// setPack prepares pack for weights w.
func (j *winogradJob) setPack(w []float32, backward bool) {
	p := &j.pack
	p.rows, p.cols = axis{weightStep: 1}, axis{weightStep: 1}
	if backward {
		p.rows, p.cols = axis{weight: j.kernelH - 1, weightStep: -1}, axis{weight: j.kernelW - 1, weightStep: -1}
	}
	p.isa, p.depth, p.channels = j.isa, j.depth, j.channels
	p.w, p.backward, p.kernelW = simd.First(w), backward, j.kernelW
}

// winogradWeightsJob packs and transforms the weights; a unit is a panel of output channels.
type winogradWeightsJob winogradJob

func (j *winogradWeightsJob) Unit(u int, w *parallel.Worker) {
	const taps = winogradTaps * winogradTaps
	panel, inner := j.depth*j.isa.TileCols(), (*winogradJob)(j).inner()*j.isa.TileCols()
	packed := w.Floats(taps * panel)
	across := ceilDiv(j.kernelW, winogradTaps)
	for part := range winogradParts(j.kernelH, j.kernelW) {
		for tap := range taps {
			r, c := part/across*winogradTaps+tap/winogradTaps, part%across*winogradTaps+tap%winogradTaps
			if r < j.kernelH && c < j.kernelW {
				j.pack.packTap(unsafe.Pointer(&packed[tap*panel]), u, r, c)
			} else {
				clear(packed[tap*panel : (tap+1)*panel])
			}
		}
		j.isa.WinogradWeights(&j.u[u*winogradPoints*inner+part*panel], &packed[0], panel>>j.isa.LaneBits, 4*inner, 4*panel)
	}
}

func (j *winogradJob) Unit(u int, w *parallel.Worker) {
	t0, t1 := parallel.Share(j.tiles, j.units, u)
	n := t1 - t0
	chunk := min(j.channels, winogradChunk)
	vRow, mRow := j.inner()+winogradSkew, chunk+winogradSkew
	vLen, mLen := winogradPoints*n*vRow, winogradPoints*n*mRow
	scratch := w.Floats(vLen + mLen + max(winogradPatch*winogradPatch*j.depth, winogradSide*winogradSide*chunk))
	v, m, patch := scratch[:vLen], scratch[vLen:vLen+mLen], scratch[vLen+mLen:]
	for i := range n {
		j.input(v[i*vRow:], 4*n*vRow, patch, t0+i)
	}
	for c0 := 0; c0 < j.channels; c0 += chunk {
		c1 := min(j.channels, c0+chunk)
		j.multiply(&w.Tile, v, m, n, vRow, mRow, c0, c1)
		for i := range n {
			j.output(m[i*mRow:], 4*n*mRow, patch, t0+i, c0, c1)
		}
	}
}

// corner returns the image of tile t, the destination pixel of its corner, and how many of its
// pixels lie in the image; 0 or less if none does.
func (j *winogradJob) corner(t int) (image, y, x, h, w int) {
	each := j.tilesH * j.tilesW
	image, t = t/(each*j.dilH*j.dilW), t%(each*j.dilH*j.dilW)
	first, t := t/each, t%each // of the pixels that are a dilation apart
	y = first/j.dilW + t/j.tilesW*winogradSide*j.dilH
	x = first%j.dilW + t%j.tilesW*winogradSide*j.dilW
	return image, y, x, min(winogradSide, ceilDiv(j.dstH-y, j.dilH)), min(winogradSide, ceilDiv(j.dstW-x, j.dilW))
}

// input transforms the source patches of tile t.
func (j *winogradJob) input(dst []float32, dstStep int, patch []float32, t int) {
	image, y, x, _, _ := j.corner(t)
	across := ceilDiv(j.kernelW, winogradTaps)
	for part := range winogradParts(j.kernelH, j.kernelW) {
		r, c := part/across*winogradTaps, part%across*winogradTaps
		j.patch(dst[part*j.depth:], dstStep, patch, image, y-j.padTop+r*j.dilH, x-j.padLeft+c*j.dilW)
	}
}

// patch transforms the source patch at (y, x), or a zero-padded copy if it extends beyond the image.
func (j *winogradJob) patch(dst []float32, dstStep int, patch []float32, image, y, x int) {
	const last = winogradPatch - 1
	src := unsafe.Slice((*float32)(simd.At(j.x, image*j.srcH*j.srcW*j.depth)), j.srcH*j.srcW*j.depth)
	vectors := j.depth >> j.isa.LaneBits
	if y >= 0 && y+last*j.dilH < j.srcH && x >= 0 && x+last*j.dilW < j.srcW {
		j.isa.WinogradInput(&dst[0], &src[(y*j.srcW+x)*j.depth], vectors, dstStep, 4*j.dilH*j.srcW*j.depth, 4*j.dilW*j.depth)
		return
	}
	patch = patch[:winogradPatch*winogradPatch*j.depth]
	clear(patch)
	for r := range winogradPatch {
		y := y + r*j.dilH
		if y < 0 || y >= j.srcH {
			continue
		}
		row := patch[r*winogradPatch*j.depth:]
		if j.dilW == 1 {
			if x0, x1 := max(x, 0), min(x+winogradPatch, j.srcW); x0 < x1 {
				copy(row[(x0-x)*j.depth:], src[(y*j.srcW+x0)*j.depth:(y*j.srcW+x1)*j.depth])
			}
			continue
		}
		for c := range winogradPatch {
			if x := x + c*j.dilW; x >= 0 && x < j.srcW {
				copy(row[c*j.depth:][:j.depth], src[(y*j.srcW+x)*j.depth:])
			}
		}
	}
	j.isa.WinogradInput(&dst[0], &patch[0], vectors, dstStep, 4*winogradPatch*j.depth, 4*j.depth)
}

// multiply computes the 36 products of n transformed tiles with the weights of the channels c0..c1.
func (j *winogradJob) multiply(t *simd.TileArgs, v, m []float32, n, vRow, mRow, c0, c1 int) {
	s := j.isa
	t.RowA, t.StepA, t.StepB, t.RowC = 4*vRow, 4, 4*s.TileCols(), 4*mRow
	t.K, t.Segments, t.Offsets, t.Flags, t.Bias = j.inner(), 1, &simd.NoOffset, 0, nil
	if j.scale != nil {
		t.Flags = simd.TileScale
	}
	groups := ceilDiv(n, s.TileRows)
	for point := range winogradPoints {
		for q := range groups {
			r0, r1 := parallel.Share(n, groups, q)
			t.A = unsafe.Pointer(&v[(point*n+r0)*vRow])
			for c := c0; c < c1; c += s.TileCols() {
				t.B = unsafe.Pointer(&j.u[(c/s.TileCols()*winogradPoints+point)*t.K*s.TileCols()])
				t.C = unsafe.Pointer(&m[(point*n+r0)*mRow+c-c0])
				t.Scale, t.Shift = simd.At(j.scale, c), simd.First(j.zero)
				s.Tile(t, r1-r0, min(s.TileCols(), c1-c))
			}
		}
	}
}

// output transforms tile t back, using a temporary patch if it extends beyond the destination.
func (j *winogradJob) output(src []float32, srcStep int, patch []float32, t, c0, c1 int) {
	image, y, x, h, w := j.corner(t)
	if h <= 0 || w <= 0 {
		return
	}
	bias := (*float32)(simd.At(j.bias, c0))
	vectors := (c1 - c0) >> j.isa.LaneBits
	row, pixel := j.dilH*j.dstW*j.channels, j.dilW*j.channels
	dst := unsafe.Slice((*float32)(simd.At(j.y, ((image*j.dstH+y)*j.dstW+x)*j.channels+c0)), (h-1)*row+(w-1)*pixel+c1-c0)
	if h == winogradSide && w == winogradSide {
		j.isa.WinogradOutput(&dst[0], &src[0], bias, vectors, srcStep, 4*row, 4*pixel, j.floor)
		return
	}
	n := c1 - c0
	j.isa.WinogradOutput(&patch[0], &src[0], bias, vectors, srcStep, 4*winogradSide*n, 4*n, j.floor)
	for r := range h {
		for c := range w {
			copy(dst[r*row+c*pixel:][:n], patch[(r*winogradSide+c)*n:])
		}
	}
}
