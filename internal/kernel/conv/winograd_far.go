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

const (
	farDepth   = 64  // channels whose weights are transformed at a time, so that these stay in the second-level cache
	farTiles   = 128 // tiles that are multiplied by them, and whose transform the third-level cache holds
	farInSteps = 200 // maximum number of tiles for which a training step does so: with more, reading the transform once pays
)

// winogradFar computes 3 x 3 convolutions with so many channels that their transformed weights,
// four times the weights, come from memory: the weights are transformed where they are multiplied,
// a panel of output channels and farDepth input channels at a time. One image, which has few tiles,
// then takes little longer than to read the weights.
//
// Sums over farDepth channels are added up in order, for any number of images.
type winogradFar winogradJob

// winogradFarFits reports whether s is computed so.
func winogradFarFits(s *ref.Conv) bool {
	return winogradShape(s) && s.KH == winogradTaps && s.KW == winogradTaps &&
		transformedWeights(s) > maxNear && WinogradTiles(s) >= minTilesEach
}

// winogradFarInStep reports whether a training step computes s so.
func winogradFarInStep(s *ref.Conv) bool {
	return winogradFarFits(s) && s.N*WinogradTiles(s) <= farInSteps
}

// winogradFarForward is the forward pass; matrix may be nil.
func winogradFarForward(y, x, w, bias []float32, s *ref.Conv, affine gemm.Affine, relu bool, matrix *gemm.Packed) {
	j := winogradJobs.Get()
	j.setForward(y, x, bias, s, affine, relu)
	j.runFar(w, false, matrix)
}

// winogradFarBackData convolves dy with the weights rotated by 180 degrees.
func winogradFarBackData(dx, dy, w []float32, s *ref.Conv) {
	j := winogradJobs.Get()
	j.setBackData(dx, dy, s)
	j.runFar(w, true, nil)
}

func (j *winogradJob) runFar(w []float32, backward bool, matrix *gemm.Packed) {
	j.isa = simd.Active
	j.setZero()
	j.countTiles()
	panels := ceilDiv(j.channels, j.isa.TileCols())
	p := &j.pack
	if p.packed = matrix.Panels(); p.packed == nil {
		j.setPack(w, backward)
		p.rows.taps, p.cols.taps = winogradTaps, winogradTaps
		p.spare = buffer.Grow(p.spare, panels*winogradTaps*winogradTaps*j.depth*j.isa.TileCols())
		p.packed = simd.First(p.spare)
		parallel.Run((*windowPackJob)(p), panels*winogradTaps*winogradTaps)
	}
	for j.first = 0; j.first < j.tiles; j.first += j.round {
		j.round = ceilDiv(j.tiles-j.first, ceilDiv(j.tiles-j.first, farTiles))
		j.spare = buffer.Grow(j.spare, winogradPoints*j.round*(j.depth+winogradSkew))
		parallel.Run((*winogradFarInput)(j), j.round)
		parallel.Run((*winogradFar)(j), panels)
	}
	p.w, p.packed = nil, nil
	j.release()
}

// winogradFarInput transforms the patches of a round of tiles; a unit is one tile.
type winogradFarInput winogradJob

func (j *winogradFarInput) Unit(u int, w *parallel.Worker) {
	row := j.depth + winogradSkew
	patch := w.Floats(winogradPatch * winogradPatch * j.depth)
	(*winogradJob)(j).input(j.spare[u*row:], 4*j.round*row, patch, j.first+u)
}

// Unit computes a panel of output channels of a round of tiles.
func (j *winogradFar) Unit(u int, w *parallel.Worker) {
	const taps = winogradTaps * winogradTaps
	s, t, cols, n := j.isa, &w.Tile, j.isa.TileCols(), j.round
	c0 := u * cols
	c1 := min(c0+cols, j.channels)
	uPoint, vRow, mRow := farDepth*cols+winogradSkew, j.depth+winogradSkew, cols+winogradSkew
	uLen, mLen := winogradPoints*uPoint, winogradPoints*n*mRow
	scratch := w.Floats(uLen + mLen + winogradSide*winogradSide*cols)
	weights, m, patch := scratch[:uLen], scratch[uLen:uLen+mLen], scratch[uLen+mLen:]
	t.RowA, t.StepA, t.StepB, t.RowC = 4*vRow, 4, 4*cols, 4*mRow
	t.Segments, t.Offsets, t.Bias = 1, &simd.NoOffset, nil
	t.Scale, t.Shift = simd.At(j.scale, c0), simd.First(j.zero)
	groups := ceilDiv(n, s.TileRows)
	for k0 := 0; k0 < j.depth; k0 += farDepth {
		t.K, t.Flags = min(farDepth, j.depth-k0), 0
		if k0 > 0 {
			t.Flags = simd.TileAdd
		}
		if k0+t.K == j.depth && j.scale != nil {
			t.Flags |= simd.TileScale
		}
		from := (*float32)(simd.At(j.pack.packed, (u*taps*j.depth+k0)*cols))
		s.WinogradWeights(&weights[0], from, t.K*cols>>s.LaneBits, 4*uPoint, 4*j.depth*cols)
		for point := range winogradPoints {
			t.B = unsafe.Pointer(&weights[point*uPoint])
			for q := range groups {
				r0, r1 := parallel.Share(n, groups, q)
				t.A, t.C = unsafe.Pointer(&j.spare[(point*n+r0)*vRow+k0]), unsafe.Pointer(&m[(point*n+r0)*mRow])
				s.Tile(t, r1-r0, c1-c0)
			}
		}
	}
	for i := range n {
		(*winogradJob)(j).output(m[i*mRow:], 4*n*mRow, patch, j.first+i, c0, c1)
	}
}
