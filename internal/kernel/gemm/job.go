// SPDX-License-Identifier: Apache-2.0

// Package gemm multiplies float32 matrices: products of any shape, built from the tiles of
// package simd, and products with a packed right-hand matrix for other packages.
package gemm

import (
	"fmt"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

const (
	chunkRows  = 112 // rows per unit: these rows of C and A stay in the second-level cache
	packPanels = 16  // number of row panels that pays for packing all of B

	nearFloats = 3 << 16 // floats of B that the second-level cache holds besides A and C

	// A product whose rows are computed each as if alone, and whose B is no larger than this, has
	// blocks of k of this size: fewer visits of C gain more than what the first-level cache then
	// cannot hold.
	deepFloats = 1 << 19
	deepSteps  = 1024
	deepChunk  = 1 << 17 // floats of B that all rows read in turn
)

// maxPacked is how many floats of B are packed at a time; it is a variable for the tests.
var maxPacked = 4 << 20

// job is a product divided into units: chunks of row panels by chunks of column panels. The k
// axis is divided into blocks of at most j.depth, each of which adds to C, so every element
// is summed in the same order regardless of the units.
type job struct {
	isa            *simd.ISA
	transA, transB bool
	m, n, k        int
	a, b, c, bias  unsafe.Pointer
	lda, ldb, ldc  int
	add, relu      bool
	rows           bool           // each row as if it were alone, see Product
	deep           bool           // see deepFloats
	scale, shift   unsafe.Pointer // nil for none
	packed         unsafe.Pointer // op(B) as [column panel][k][isa.TileCols()], nil to read b in place
	packedK        int            // rows of a panel of packed: k, or more if this is a part of k
	spare          []float32      // the job's own buffer for packed

	kBlocks, rowPanels, colPanels int
	rowChunks, colChunks          int
	group                         int // panels that are not divided among units, as one tile covers them
	fullTiles                     bool
	copyA                         bool

	ahead bool      // whether to fetch what lies ahead, see ahead.go
	nextB []float32 // the B of the next product, if it is to be fetched
}

var jobs parallel.FreeList[job]

func (j *job) release() {
	*j = job{spare: j.spare}
	jobs.Put(j)
}

// Product is C[M,N] = op(A)·op(B), plus C if Add is set, for row-major matrices: op is the
// transpose if the flag is set, LD is the distance between stored rows. Bias (N) is added to
// each row of C and may be nil. Then, as Affine says, columns are scaled and shifted, and ReLU takes
// the maximum with 0. If Packed is set, it is op(B),
// K x N, and B, LDB and TransB are not used; C has the same bits.
//
// An element is summed in an order that depends on K, N and Rows alone, so a row of C has the same bits
// alone and among others, for any number of workers, and whether B is packed or not. Only if K is at
// least 2048, N at most 64 and neither matrix transposed does it also depend on whether M is at most
// 64, unless Rows is set: then the order is that of the row alone.
type Product struct {
	TransA, TransB bool
	M, N, K        int
	A, B, C, Bias  []float32
	LDA, LDB, LDC  int
	Add, ReLU      bool
	Affine         Affine
	Rows           bool
	Packed         *Packed
}

// Affine multiplies each column j of a result by Scale[j] and adds Shift[j], without rounding in
// between where the instruction set can. The zero value does nothing.
type Affine struct{ Scale, Shift []float32 }

// Multiply computes p, packing B if that pays and it is not Packed. The slices must be long enough;
// see Check.
func Multiply(p Product) {
	j := jobs.Get()
	defer j.release()
	spare := j.spare
	*j = job{
		isa: simd.Active, transA: p.TransA, transB: p.TransB, m: p.M, n: p.N, k: p.K,
		a: simd.First(p.A), lda: p.LDA, b: simd.First(p.B), ldb: p.LDB, c: simd.First(p.C), ldc: p.LDC,
		bias: simd.First(p.Bias), add: p.Add, relu: p.ReLU, rows: p.Rows, spare: spare,
		scale: simd.First(p.Affine.Scale), shift: simd.First(p.Affine.Shift),
	}
	if p.Packed != nil {
		j.use(p.Packed)
	}
	j.deep = j.rows && j.k*j.n <= deepFloats
	s := j.isa
	if j.splits() {
		j.multiplySplit()
		return
	}
	if j.packed != nil {
		j.multiply()
		return
	}
	if j.fusePacking() {
		j.multiplyFused()
		return
	}
	// Reading B in place costs one or two TLB misses per row; packing costs a copy, which pays
	// with many row panels.
	if !j.transB && (ceilDiv(j.m, s.TileRows) < packPanels || j.n <= 2*s.TileCols() || j.k < 16) {
		j.multiply()
		return
	}
	chunk := min(j.n, max(1, maxPacked/max(j.k, 1)/s.TileCols())*s.TileCols())
	j.spare = buffer.Grow(j.spare, packedLen(s, j.k, chunk))
	b, c, bias, scale, shift := j.b, j.c, j.bias, j.scale, j.shift
	for n0 := 0; n0 < p.N; n0 += chunk {
		j.n = min(chunk, p.N-n0)
		at := n0
		if j.transB {
			at = n0 * j.ldb
		}
		j.b, j.c, j.bias = simd.At(b, at), simd.At(c, n0), simd.At(bias, n0)
		j.scale, j.shift = simd.At(scale, n0), simd.At(shift, n0)
		j.packed, j.packedK = simd.First(j.spare), j.k
		j.pack(j.small())
		j.multiply()
	}
}

// use makes b the right-hand matrix of j.
func (j *job) use(b *Packed) {
	if b.isa == nil || b.k != j.k || b.n != j.n {
		panic(fmt.Sprintf("gemm: packed B is %d x %d, want %d x %d", b.k, b.n, j.k, j.n))
	}
	j.isa, j.transB, j.b = b.isa, b.trans, nil
	j.packed, j.packedK = simd.First(b.data), b.k
}

// small reports whether j is not worth distributing. One or two rows take about as long as three:
// the time is that of reading B. A part of a vector takes as long as a whole one.
func (j *job) small() bool {
	return max(j.m, 3)*(ceilDiv(j.n, 1<<j.isa.LaneBits)<<j.isa.LaneBits)*j.k < parallel.MinShared
}

// pack fills j.packed from b.
func (j *job) pack(alone bool) {
	j.kBlocks, j.colPanels = ceilDiv(j.k, j.isa.Depth), ceilDiv(j.n, j.isa.TileCols())
	if alone {
		parallel.RunAlone((*packJob)(j), j.kBlocks*j.colPanels)
	} else {
		parallel.Run((*packJob)(j), j.kBlocks*j.colPanels)
	}
}

// packJob packs op(B); a unit is one panel.
type packJob job

func (j *packJob) Unit(u int, _ *parallel.Worker) {
	s := j.isa
	k0, k1 := parallel.Share(j.k, j.kBlocks, u/j.colPanels)
	n0 := u % j.colPanels * s.TileCols()
	at := k0*j.ldb + n0
	if j.transB {
		at = n0*j.ldb + k0
	}
	PackPanel(s, (*job)(j).panel(k0, u%j.colPanels), simd.At(j.b, at), j.transB, k1-k0, min(s.TileCols(), j.n-n0), j.ldb)
}

// panel returns the address in j.packed of row k0 of column panel q.
func (j *job) panel(k0, q int) unsafe.Pointer {
	return simd.At(j.packed, (q*j.packedK+k0)*j.isa.TileCols())
}

// depth returns the maximum number of steps of a block of k.
func (j *job) depth() int {
	if j.deep {
		return deepSteps
	}
	return j.isa.Depth
}

// divide divides the product into panels.
func (j *job) divide() {
	s := j.isa
	j.kBlocks = max(1, ceilDiv(j.k, j.depth()))
	j.rowPanels, j.colPanels = ceilDiv(j.m, s.TileRows), ceilDiv(j.n, s.TileCols())
	if j.transA {
		j.copyA = j.colPanels >= 3 && s.PackColumns != nil
	} else {
		j.copyA = j.lda*4%2048 == 0 && j.colPanels >= 2 // such rows map to the same few cache sets
	}
	j.rowChunks, j.colChunks, j.group = 1, 1, 1
	j.fullTiles = s.FullTiles(j.m, j.n)
}

// panelRows returns the rows r0..r1-1 of row panel p.
func (j *job) panelRows(p int) (r0, r1 int) {
	if j.fullTiles {
		return j.isa.FullTile(j.m, p)
	}
	return parallel.Share(j.m, j.rowPanels, p)
}

// alone computes C on the calling worker.
func (j *job) alone(w *parallel.Worker) {
	j.divide()
	j.Unit(0, w)
}

// multiply computes C from A and B, or from A and j.packed.
func (j *job) multiply() {
	j.divide()
	s := j.isa
	j.ahead = !j.transA && j.kBlocks == 1 && j.m*j.k >= aheadFrom
	j.rowChunks = ceilDiv(j.rowPanels, chunkRows/s.TileRows)
	if j.small() {
		parallel.RunAlone(j, j.rowChunks)
		return
	}
	// The number of chunks is a multiple of the number of workers: 5 chunks for 2 workers would
	// be split 3 : 2. A few row panels cannot be distributed evenly, so then columns are
	// divided as well.
	if t := 2 * parallel.Workers(); t > 2 {
		if j.rowPanels == 1 {
			j.group = max(1, min(s.TileWidth(j.m)/s.TileCols(), j.colPanels/parallel.Workers()))
			j.colChunks = min(ceilDiv(j.colPanels, j.group), t)
		} else if c := t / gcd(j.rowChunks, t); j.rowPanels < 4*t && c*4 <= j.colPanels {
			j.colChunks = c
		} else if j.fullTiles && j.n > j.m && j.colPanels%t == 0 {
			j.colChunks = t // the row panels differ in size
		} else {
			j.rowChunks = min(j.rowPanels, ceilDiv(j.rowChunks, t)*t)
			if j.rowChunks < t {
				j.colChunks = min(j.colPanels, ceilDiv(t, j.rowChunks))
			}
		}
	}
	parallel.Run(j, j.rowChunks*j.colChunks)
}

func (j *job) Unit(u int, w *parallel.Worker) {
	s, t := j.isa, &w.Tile
	row, col := u/j.colChunks, u%j.colChunks
	if j.n > j.m { // consecutive units go to one worker, whose cache should hold its part of the larger matrix
		row, col = u%j.rowChunks, u/j.rowChunks
	}
	p0, p1 := parallel.Share(j.rowPanels, j.rowChunks, row)
	q0, q1 := parallel.Share(ceilDiv(j.colPanels, j.group), j.colChunks, col)
	q0, q1 = q0*j.group, min(q1*j.group, j.colPanels)
	t.Segments, t.Offsets, t.RowC, t.PanelB = 1, &simd.NoOffset, j.ldc*4, 4*s.TileCols()
	if j.packed != nil {
		t.PanelB *= j.packedK
	}
	step := q1 - q0
	if j.packed != nil && !j.transA && p1-p0 > 1 {
		if j.deep {
			const widest = 4 // panels of a tile
			step = max(1, deepChunk/max(1, j.packedPanel())/widest) * widest
		} else if (q1-q0)*j.packedPanel() > nearFloats {
			j.columnsFirst(w, p0, p1, q0, q1)
			return
		}
	}
	for q := q0; q < q1; q += step {
		j.rowsFirst(w, p0, p1, q, min(q+step, q1))
	}
}

// rowsFirst computes row panels p0..p1-1 of column panels q0..q1-1.
func (j *job) rowsFirst(w *parallel.Worker, p0, p1, q0, q1 int) {
	s, t := j.isa, &w.Tile
	for kb := range j.kBlocks {
		k0, k1 := parallel.Share(j.k, j.kBlocks, kb)
		t.K, t.Flags = k1-k0, j.flags(kb)
		var columns unsafe.Pointer
		if j.transA && j.copyA {
			columns = j.packA(w, p0, p1, k0)
		}
		for p := p0; p < p1; p++ {
			r0, r1 := j.panelRows(p)
			if columns != nil {
				t.A, t.RowA, t.StepA = simd.At(columns, (p-p0)*j.panelA(t.K)), 4, 4<<s.LaneBits
			} else {
				j.setA(w, r0, r1, k0)
			}
			if j.ahead {
				j.fetchAhead(p)
			}
			panels := s.TileWidth(r1-r0) / s.TileCols()
			for q := q0; q < q1; q += panels {
				n0, n1 := q*s.TileCols(), min(min(q+panels, q1)*s.TileCols(), j.n)
				t.C, t.Bias = simd.At(j.c, r0*j.ldc+n0), nil
				if j.bias != nil && kb == 0 {
					t.Bias = simd.At(j.bias, n0)
				}
				t.Scale, t.Shift = simd.At(j.scale, n0), simd.At(j.shift, n0)
				if j.packed != nil {
					t.B, t.StepB = j.panel(k0, q), 4*s.TileCols()
				} else {
					t.B, t.StepB = simd.At(j.b, k0*j.ldb+n0), 4*j.ldb
				}
				j.setFetch(t, p, (q-q0)/panels, ceilDiv(q1-q0, panels))
				s.Tile(t, r1-r0, n1-n0)
			}
		}
	}
	t.Fetch = nil
}

// packedPanel returns the number of floats of a panel of B that a block of k reads.
func (j *job) packedPanel() int { return ceilDiv(j.k, j.kBlocks) * j.isa.TileCols() }

// columnsFirst is Unit for a B that the second-level cache does not hold: each panel is read once,
// for all rows, and fetched while the one before it is multiplied.
func (j *job) columnsFirst(w *parallel.Worker, p0, p1, q0, q1 int) {
	s, t := j.isa, &w.Tile
	first, _ := j.panelRows(p0)
	_, end := j.panelRows(p1 - 1)
	t.StepB = 4 * s.TileCols()
	for kb := range j.kBlocks {
		k0, k1 := parallel.Share(j.k, j.kBlocks, kb)
		t.K, t.Flags = k1-k0, j.flags(kb)
		j.setA(w, first, end, k0)
		a := t.A
		for q := q0; q < q1; q++ {
			for p := p0; p < p1; p++ {
				r0, r1 := j.panelRows(p)
				if q+1 < q1 { // a part of the next panel
					f0, f1 := parallel.Share(t.K*s.TileCols(), p1-p0, p-p0)
					simd.Fetch(unsafe.Slice((*float32)(simd.At(j.panel(k0, q+1), f0)), f1-f0))
				}
				from := q // a wide tile comes after the last panel that it covers
				if panels := s.TileWidth(r1-r0) / s.TileCols(); panels > 1 {
					if (q+1-q0)%panels != 0 && q+1 < q1 {
						continue
					}
					from = q0 + (q-q0)/panels*panels
				}
				n0, n1 := from*s.TileCols(), min((q+1)*s.TileCols(), j.n)
				if t.Bias = nil; j.bias != nil && kb == 0 {
					t.Bias = simd.At(j.bias, n0)
				}
				t.Scale, t.Shift = simd.At(j.scale, n0), simd.At(j.shift, n0)
				t.A, t.B, t.C = unsafe.Add(a, (r0-first)*t.RowA), j.panel(k0, from), simd.At(j.c, r0*j.ldc+n0)
				s.Tile(t, r1-r0, n1-n0)
			}
		}
	}
}

// flags returns what the tiles of k block kb do with C.
func (j *job) flags(kb int) (flags int) {
	if j.packed != nil {
		flags |= simd.TileWhole
	}
	if j.add || kb > 0 {
		flags |= simd.TileAdd
	}
	if kb < j.kBlocks-1 {
		return flags
	}
	if j.scale != nil {
		flags |= simd.TileScale
	}
	if j.relu {
		flags |= simd.TileReLU
	}
	return flags
}

// setA points the tile at rows r0..r1 of op(A) from column k0 on, copying them if their
// addresses would conflict in the cache.
func (j *job) setA(w *parallel.Worker, r0, r1, k0 int) {
	t := &w.Tile
	if j.transA {
		t.A, t.RowA, t.StepA = simd.At(j.a, k0*j.lda+r0), 4, 4*j.lda
		return
	}
	t.A, t.RowA, t.StepA = simd.At(j.a, r0*j.lda+k0), 4*j.lda, 4
	if j.copyA {
		row := rowA(t.K)
		buf := simd.First(w.Floats((r1 - r0) * row))
		for i := range r1 - r0 {
			copy(unsafe.Slice((*float32)(simd.At(buf, i*row)), t.K), unsafe.Slice((*float32)(simd.At(t.A, i*j.lda)), t.K))
		}
		t.A, t.RowA = buf, 4*row
	}
}

// rowA returns the distance between copied rows of k floats.
func rowA(k int) int { return ceilDiv(k, 16)*16 + 16 }

// panelA returns the number of floats in a copied panel of k rows of a transposed A, each one
// vector wide. One extra cache line keeps adjacent panels, which are written together, from
// mapping to the same few cache sets.
func (j *job) panelA(k int) int { return k<<j.isa.LaneBits + 16 }

// packA copies row panels p0..p1-1 of a transposed A from step k0 on to w's scratch memory:
// each row of A, which is a column of op(A), is read once for all panels.
func (j *job) packA(w *parallel.Worker, p0, p1, k0 int) (panels unsafe.Pointer) {
	k, size, lanes := w.Tile.K, j.panelA(w.Tile.K), 1<<j.isa.LaneBits
	buf, src := simd.First(w.Floats((p1-p0)*size)), simd.At(j.a, k0*j.lda)
	offsets := w.Offsets(p1 - p0)
	whole := k // rows whose vectors do not extend beyond A, which ends m floats after the last row's start
	for i := range offsets {
		r0, _ := j.panelRows(p0 + i)
		offsets[i] = 4 * r0
		whole = max(0, min(whole, k-ceilDiv(max(0, r0+lanes-j.m), j.lda)))
	}
	if whole > 0 {
		j.isa.PackColumns((*float32)(buf), (*float32)(src), &offsets[0], p1-p0, whole, 4*size, 4*j.lda)
	}
	for p := p0; p < p1 && whole < k; p++ {
		r0, r1 := j.panelRows(p)
		for i := whole; i < k; i++ {
			to, from := simd.At(buf, (p-p0)*size+i*lanes), simd.At(src, i*j.lda+r0)
			copy(unsafe.Slice((*float32)(to), r1-r0), unsafe.Slice((*float32)(from), r1-r0))
		}
	}
	return buf
}

// Check panics unless a stored matrix (cols x rows if transposed) fits into size elements.
func Check(what string, trans bool, rows, cols, size, ld int) {
	if trans {
		rows, cols = cols, rows
	}
	if rows < 0 || cols < 0 || ld < cols || rows > 0 && cols > 0 && (rows-1)*ld+cols > size {
		panic(fmt.Sprintf("%s: %d x %d with row distance %d does not fit %d elements", what, rows, cols, ld, size))
	}
}

// ceilDiv returns n/d rounded up.
func ceilDiv(n, d int) int { return (n + d - 1) / d }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
