// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// What a row panel reads and writes is fetched while the one before it is computed. A product of short rows, such as
// a convolution with windows of one element, else waits for memory at the start of each panel. Where rows are
// contiguous, the tiles fetch a line in each step of k, as many lines at once would delay what they load themselves.

const (
	aheadFrom = 8 << 10 // floats of an A that comes from beyond the first-level cache, so that it pays to fetch it
	aheadMost = 1 << 10 // floats of the next B that are fetched with a row panel
)

// fetchAhead fetches what the tiles of row panel p don't: A's rows of the next panel unless they are contiguous, and of a
// product of a batch a part of the next one's B.
func (j *job) fetchAhead(p int) {
	if p+1 < j.rowPanels && j.lda != j.k {
		r0, r1 := j.panelRows(p + 1)
		simd.Fetch(unsafe.Slice((*float32)(simd.At(j.a, r0*j.lda)), (r1-r0-1)*j.lda+j.k))
	}
	if len(j.nextB) > 0 {
		f0, f1 := parallel.Share(len(j.nextB), j.rowPanels, p)
		simd.Fetch(j.nextB[f0:f1])
	}
}

// setFetch sets what a tile of row panel p fetches: the first one the next panel's rows of A, and each of the others a
// part of its rows of C.
func (j *job) setFetch(t *simd.TileArgs, p, tile, tiles int) {
	t.Fetch = nil
	if !j.ahead || p+1 >= j.rowPanels {
		return
	}
	r0, r1 := j.panelRows(p + 1)
	switch {
	case tile == 0 && j.lda == j.k:
		t.Fetch, t.FetchStep = simd.At(j.a, r0*j.lda), 4*(r1-r0)
	case tile > 0 && j.ldc == j.n:
		c0, c1 := parallel.Share((r1-r0)*j.n, tiles-1, tile-1)
		t.Fetch, t.FetchStep = simd.At(j.c, r0*j.ldc+c0), min(64, ceilDiv(4*(c1-c0), t.K))
	}
}
