// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// A product with few rows reads a large B only once. Therefore B is not packed in full
// beforehand, but panel by panel in the worker's scratch memory right before use: the copy has
// many cache misses in flight, so it brings B from memory faster than the tiles' prefetches do,
// and the packed panels never leave the cache.
type fusedJob job

// fusedFloats is the size from which this pays for a B that is not transposed: a smaller one
// comes from cache and is read in place. It is a variable for the tests.
var fusedFloats = 4 << 20

// fusePacking reports whether j is such a product.
func (j *job) fusePacking() bool {
	rows, cols := ceilDiv(j.m, j.isa.TileRows), ceilDiv(j.n, j.isa.TileCols())
	if rows > packPanels || cols < 2*parallel.Workers() {
		return false
	}
	if j.transB {
		return true
	}
	// a wide tile reads enough of each row of B to do so in place
	wide := rows == 1 && j.isa.TileWidth(j.m) > j.isa.TileCols()
	return j.m > 4 && !wide && j.k*j.n >= fusedFloats
}

func (j *job) multiplyFused() {
	j.kBlocks = max(1, ceilDiv(j.k, j.depth()))
	j.rowPanels, j.colPanels = ceilDiv(j.m, j.isa.TileRows), ceilDiv(j.n, j.isa.TileCols())
	if j.small() {
		parallel.RunAlone((*fusedJob)(j), j.colPanels)
	} else {
		parallel.Run((*fusedJob)(j), j.colPanels)
	}
}

// Unit computes column panel q of C.
func (f *fusedJob) Unit(q int, w *parallel.Worker) {
	j := (*job)(f)
	s, t := j.isa, &w.Tile
	n0 := q * s.TileCols()
	cols := min(s.TileCols(), j.n-n0)
	t.Segments, t.Offsets, t.RowC = 1, &simd.NoOffset, 4*j.ldc
	for kb := range j.kBlocks {
		k0, k1 := parallel.Share(j.k, j.kBlocks, kb)
		panel := simd.First(w.Floats((k1 - k0) * s.TileCols()))
		at := k0*j.ldb + n0
		if j.transB {
			at = n0*j.ldb + k0
		}
		if k1 > k0 {
			PackPanel(s, panel, simd.At(j.b, at), j.transB, k1-k0, cols, j.ldb)
		}
		t.K, t.Flags = k1-k0, j.flags(kb)|simd.TileWhole
		if t.Bias = nil; j.bias != nil && kb == 0 {
			t.Bias = simd.At(j.bias, n0)
		}
		t.Scale, t.Shift = simd.At(j.scale, n0), simd.At(j.shift, n0)
		for p := range j.rowPanels {
			r0, r1 := parallel.Share(j.m, j.rowPanels, p)
			j.setA(w, r0, r1, k0)
			t.B, t.StepB = panel, 4*s.TileCols()
			t.C = simd.At(j.c, r0*j.ldc+n0)
			s.Tile(t, r1-r0, cols)
		}
	}
}
