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

// windowJob slides a kernel over images: the forward pass of a convolution, or one phase of its
// backward pass to the data.
//
// There is no im2col: consecutive pixels of a destination row are the rows of a tile, and with
// channels last, the taps of one kernel row are adjacent in the source, so the sum over a
// window has one segment per kernel row. Kernel rows above or below the image are skipped; for
// columns outside it, the source rows are copied with zero padding: only what the tiles at the edges
// read, if that is clearly less than all of it.
type windowJob struct {
	isa        *simd.ISA
	rows, cols axis
	images     int
	depth      int    // channels of the source, of all frames of a window
	frames     Frames // that are the source; 1 tap if it is an image
	cell       int    // floats of a pixel of the source: the channels of a frame
	channels   int    // channels of the destination
	x, y, bias unsafe.Pointer
	dstH, dstW int
	relu       bool

	scale, shift unsafe.Pointer // see gemm.Affine

	w           unsafe.Pointer // HWIO weights of the convolution
	backward    bool           // w is used transposed, with taps in descending order
	kernelW     int
	packed      unsafe.Pointer // [panel][row tap][column tap][depth][isa.cols()], nil until the weights are packed
	spare       []float32      // the job's own memory for packed
	inPlace     bool           // reads w itself
	panels      int
	offsets     []simd.Segment // those of the edges follow
	perRow      int            // segments per kernel row, of frames at most
	width       int            // pixels read per source row: the source's own, or with zero padding
	padded      bool           // whole rows are copied
	starts      []int          // the first columns of the tiles of a destination row, and the end
	wide        int            // panels that the last tile covers
	left, right int            // the tiles before left and from right on are at the edges and read copies
	edgeWidth   int            // pixels of a row of such a copy
	blocks      int            // blocks of destination rows per image
	panelGroups int
}

var windowJobs parallel.FreeList[windowJob]

func windowForward(y, x, w, bias []float32, s *ref.Conv, affine gemm.Affine, relu bool, matrix *gemm.Packed) {
	windowForwardOf(image, y, x, w, bias, s, affine, relu, matrix)
}

// windowForwardOf is windowForward for a window over the frames of x.
func windowForwardOf(frames Frames, y, x, w, bias []float32, s *ref.Conv, affine gemm.Affine, relu bool, matrix *gemm.Packed) {
	j := windowJobs.Get()
	*j = windowJob{
		rows:   forwardAxis(s.OH, s.H, s.KH, s.StrideH, s.DilH, s.PadTop),
		cols:   forwardAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft),
		images: s.N, depth: s.C, frames: frames, cell: s.C / frames.Taps, channels: s.K, dstH: s.OH, dstW: s.OW, kernelW: s.KW,
		x: simd.First(x), y: simd.First(y), bias: simd.First(bias), w: simd.First(w), relu: relu,
		scale: simd.First(affine.Scale), shift: simd.First(affine.Shift),
		packed: matrix.Panels(), spare: j.spare, offsets: j.offsets, starts: j.starts,
	}
	j.run()
	j.release()
}

func windowBackData(dx, dy, w []float32, s *ref.Conv) {
	j := windowJobs.Get()
	for ph := range min(s.StrideH, s.H) {
		for pw := range min(s.StrideW, s.W) {
			*j = windowJob{
				rows:   backAxis(s.OH, s.H, s.KH, s.StrideH, s.DilH, s.PadTop, ph),
				cols:   backAxis(s.OW, s.W, s.KW, s.StrideW, s.DilW, s.PadLeft, pw),
				images: s.N, depth: s.K, frames: image, cell: s.K, channels: s.C, dstH: s.H, dstW: s.W, kernelW: s.KW,
				x: simd.First(dy), y: simd.First(dx), w: simd.First(w), backward: true,
				spare: j.spare, offsets: j.offsets, starts: j.starts,
			}
			j.run()
		}
	}
	j.release()
}

func (j *windowJob) release() {
	*j = windowJob{spare: j.spare, offsets: j.offsets, starts: j.starts}
	windowJobs.Put(j)
}

const (
	windowPixels  = 1024 // destination pixels per unit, approximately
	minInPlaceUse = 16   // number of tiles that read a weight; with fewer, packing it does not pay
)

func (j *windowJob) run() {
	j.isa = simd.Active
	s := j.isa
	work := j.images * j.rows.n * j.cols.n * j.rows.taps * j.cols.taps * j.depth * j.channels
	start := parallel.Run
	if work < parallel.MinShared {
		start = parallel.RunAlone
	}
	if j.narrow() {
		j.runNarrow(start)
		return
	}
	j.panels = ceilDiv(j.channels, s.TileCols())
	j.setTiles()
	j.setPadding()
	j.inPlace = j.packed == nil && !j.backward && (j.images*j.rows.n*j.tiles() < minInPlaceUse || j.panels == 1)
	j.offsets = j.offsets[:0]
	if j.frames.Taps == 1 {
		j.setOffsets(j.width)
		if j.edges() > 0 {
			j.setOffsets(j.edgeWidth)
		}
	} else {
		j.perRow = j.cols.taps * j.frames.Taps
	}

	j.blocks, j.panelGroups = ceilDiv(j.rows.n*j.cols.n, windowPixels), 1
	j.blocks = min(j.blocks, j.rows.n)
	if n := 4 * parallel.Workers(); j.images*j.blocks < n && work >= parallel.MinShared {
		j.blocks = min(j.rows.n, ceilDiv(n, j.images))
		j.panelGroups = min(j.panels, ceilDiv(n, j.images*j.blocks))
	}
	if !j.inPlace && j.packed == nil {
		j.spare = buffer.Grow(j.spare, j.panels*j.rows.taps*j.cols.taps*j.depth*s.TileCols())
		j.packed = simd.First(j.spare)
		start((*windowPackJob)(j), j.panels*j.rows.taps*j.cols.taps)
	}
	start(j, j.images*j.blocks*j.panelGroups)
}

// setTiles divides a destination row into tiles.
func (j *windowJob) setTiles() {
	tiles := ceilDiv(j.cols.n, j.isa.TileRows)
	full := j.isa.FullTiles(j.cols.n, j.channels)
	j.starts, j.wide = append(j.starts[:0], 0), 1
	for q := range tiles {
		_, c1 := parallel.Share(j.cols.n, tiles, q)
		if full {
			_, c1 = j.isa.FullTile(j.cols.n, q)
			j.wide = j.isa.TileWidth(c1-j.starts[q]) / j.isa.TileCols()
		}
		j.starts = append(j.starts, c1)
	}
}

// tiles returns the number of tiles of a destination row.
func (j *windowJob) tiles() int { return len(j.starts) - 1 }

// minEdgeDepth is the number of channels from which it pays to copy only the edges.
const minEdgeDepth = 16

// setPadding chooses what is copied.
func (j *windowJob) setPadding() {
	j.width, j.padded, j.left, j.right = j.cols.src, j.cols.padded(), 0, j.tiles()
	if !j.padded {
		return
	}
	reach := (j.cols.taps - 1) * j.cols.dist
	whole := j.cols.last() - j.cols.first + 1
	j.edgeWidth = (j.isa.TileRows-1)*j.cols.stride + reach + 1
	for j.left < j.tiles() && j.starts[j.left]*j.cols.stride+j.cols.first < 0 {
		j.left++
	}
	for j.right > j.left && (j.starts[j.right]-1)*j.cols.stride+j.cols.first+reach >= j.cols.src {
		j.right--
	}
	if j.padded = j.cell < minEdgeDepth || 3*j.edges()*j.edgeWidth > 2*whole; j.padded {
		j.width, j.left, j.right = whole, 0, j.tiles()
	}
}

// edges returns the number of tiles of a row that read copies of their own.
func (j *windowJob) edges() int { return j.left + j.tiles() - j.right }

// setOffsets appends a segment table for source rows of that many pixels: one segment per kernel row,
// or per tap if the taps of a row are not adjacent.
func (j *windowJob) setOffsets(width int) {
	stepB := j.stepB()
	j.perRow = 1
	if j.cols.dist > 1 {
		j.perRow = max(1, j.cols.taps)
	}
	for r := range j.rows.taps {
		for c := range j.perRow {
			j.offsets = append(j.offsets, simd.Segment{
				A: 4 * j.depth * (r*j.rows.dist*width + c*j.cols.dist),
				B: stepB * j.depth * (r*j.cols.taps + c),
			})
		}
	}
}

// stepB is the distance between two rows of the weights, in bytes.
func (j *windowJob) stepB() int {
	if j.inPlace {
		return 4 * j.channels
	}
	return 4 * j.isa.TileCols()
}

// windowPackJob packs the weights; a unit is one tap of one panel.
type windowPackJob windowJob

func (j *windowPackJob) Unit(u int, _ *parallel.Worker) {
	taps := j.rows.taps * j.cols.taps
	(*windowJob)(j).packTap(simd.At(j.packed, u*j.depth*j.isa.TileCols()), u/taps, u%taps/j.cols.taps, u%j.cols.taps)
}

// packTap packs the weights of tap (r, c) and a panel of channels.
func (j *windowJob) packTap(dst unsafe.Pointer, panel, r, c int) {
	s := j.isa
	tap := (j.rows.weight+r*j.rows.weightStep)*j.kernelW + j.cols.weight + c*j.cols.weightStep
	n0 := panel * s.TileCols()
	at, ld := tap*j.depth*j.channels+n0, j.channels
	if j.backward {
		at, ld = (tap*j.channels+n0)*j.depth, j.depth
	}
	gemm.PackPanel(s, dst, simd.At(j.w, at), j.backward, j.depth, min(s.TileCols(), j.channels-n0), ld)
}

func (j *windowJob) Unit(u int, w *parallel.Worker) {
	s, t := j.isa, &w.Tile
	p0, p1 := parallel.Share(j.panels, j.panelGroups, u%j.panelGroups)
	u /= j.panelGroups
	image := u / j.blocks
	r0, r1 := parallel.Share(j.rows.n, j.blocks, u%j.blocks)

	// src points to the source pixel (top, left) of the first frame
	f := j.framesOf(image)
	src, top, left := simd.At(j.x, f.at), 0, 0
	var edges unsafe.Pointer
	var edgeTop, edgeSize int
	if j.padded {
		src, top = j.pad(w, &f, r0, r1)
		left = j.cols.first
	} else if j.edges() > 0 {
		edges, edgeTop, edgeSize = j.padEdges(w, &f, r0, r1)
	}
	offsets, perRow := j.offsets, j.perRow
	if j.frames.Taps > 1 {
		offsets, perRow = j.frameOffsets(w, &f), j.cols.taps*(f.hi-f.lo)
	}
	dst := simd.At(j.y, image*j.dstH*j.dstW*j.channels)
	rowTaps := j.cols.taps * j.depth // steps of k per kernel row
	t.K = rowTaps / j.perRow
	t.RowA, t.StepA, t.StepB = 4*j.cols.stride*j.cell, 4, j.stepB()
	t.RowC = 4 * j.cols.dstStep * j.channels
	if t.Flags = 0; j.relu {
		t.Flags = simd.TileReLU
	}
	if j.scale != nil {
		t.Flags |= simd.TileScale
	}
	weights, panel := j.w, s.TileCols()
	if !j.inPlace {
		weights, panel = j.packed, j.rows.taps*rowTaps*s.TileCols()
		t.Flags |= simd.TileWhole
	}
	t.PanelB = 4 * panel
	single := j.tiles() // tiles that cover one panel
	if j.wide > 1 {
		single--
	}
	for p := p0; p < p1; p++ {
		n0 := p * s.TileCols()
		width := min(s.TileCols(), j.channels-n0)
		j.setPanel(t, n0)
		for r := r0; r < r1; r++ {
			lo, hi := j.rows.tapsAt(r)
			if lo == hi || rowTaps == 0 || perRow == 0 { // the window is entirely outside the image
				j.empty(t, r, n0, width, dst)
				continue
			}
			t.Offsets, t.Segments = unsafe.SliceData(offsets), (hi-lo)*perRow
			first := lo * rowTaps * t.StepB
			y := r*j.rows.stride + j.rows.first + lo*j.rows.dist
			row := ((y-top)*j.width - left + j.cols.first) * j.cell
			out := simd.At(dst, ((j.rows.dst+r*j.rows.dstStep)*j.dstW+j.cols.dst)*j.channels)
			t.B = unsafe.Add(weights, 4*p*panel+first)
			for q := range single {
				c0, c1 := j.starts[q], j.starts[q+1]
				if j.left <= q && q < j.right {
					t.A = simd.At(src, row+c0*j.cols.stride*j.cell)
				} else {
					j.setEdge(t, offsets, edges, q, edgeSize, y-edgeTop)
				}
				t.C = unsafe.Add(simd.At(out, n0), c0*t.RowC)
				s.Tile(t, c1-c0, width)
				t.Offsets = unsafe.SliceData(offsets)
			}
			if j.wide == 1 || (p+1-p0)%j.wide != 0 && p+1 < p1 {
				continue
			}
			// a wide tile comes with the last panel that it covers
			from, c0 := p0+(p-p0)/j.wide*j.wide, j.starts[single]
			j.setPanel(t, from*s.TileCols())
			t.B = unsafe.Add(weights, 4*from*panel+first)
			if single < j.right {
				t.A = simd.At(src, row+c0*j.cols.stride*j.cell)
			} else {
				j.setEdge(t, offsets, edges, single, edgeSize, y-edgeTop)
			}
			t.C = unsafe.Add(simd.At(out, from*s.TileCols()), c0*t.RowC)
			s.Tile(t, j.cols.n-c0, n0+width-from*s.TileCols())
			j.setPanel(t, n0)
		}
	}
}

// setEdge makes t read row y of the copy of tile q.
func (j *windowJob) setEdge(t *simd.TileArgs, offsets []simd.Segment, edges unsafe.Pointer, q, size, y int) {
	if q >= j.right {
		q += j.left - j.right
	}
	t.A, t.Offsets = simd.At(edges, q*size+y*j.edgeWidth*j.cell), &offsets[len(offsets)/2]
}

// setPanel sets what t adds to and multiplies by from channel n0 on.
func (j *windowJob) setPanel(t *simd.TileArgs, n0 int) {
	if t.Bias = nil; j.bias != nil {
		t.Bias = simd.At(j.bias, n0)
	}
	t.Scale, t.Shift = simd.At(j.scale, n0), simd.At(j.shift, n0)
}

// empty sets a panel of row r to its bias.
func (j *windowJob) empty(t *simd.TileArgs, r, n0, width int, dst unsafe.Pointer) {
	k := t.K
	t.K, t.Segments, t.Offsets, t.A, t.B = 0, 1, &simd.NoOffset, j.x, j.w
	out := simd.At(dst, ((j.rows.dst+r*j.rows.dstStep)*j.dstW+j.cols.dst)*j.channels+n0)
	for q, c0 := range j.starts[:j.tiles()] {
		t.C = unsafe.Add(out, c0*t.RowC)
		j.isa.Tile(t, j.starts[q+1]-c0, width)
	}
	t.K = k
}

// sourceRows returns the source rows top..bottom-1 that destination rows r0..r1-1 read.
func (j *windowJob) sourceRows(r0, r1 int) (top, bottom int) {
	top = max(0, r0*j.rows.stride+j.rows.first)
	return top, max(top, min(j.rows.src, (r1-1)*j.rows.stride+j.rows.first+(j.rows.taps-1)*j.rows.dist+1))
}

// pad copies the source rows that destination rows r0..r1 read into w's scratch memory, with
// zeros for the columns outside the image, and returns the index of the first row.
func (j *windowJob) pad(w *parallel.Worker, f *framesAt, r0, r1 int) (src unsafe.Pointer, top int) {
	top, bottom := j.sourceRows(r0, r1)
	rows, row := bottom-top, j.width*j.cell
	f.step = rows * row
	buf := w.Floats(max(1, (f.hi-f.lo)*f.step))
	for i := range f.hi - f.lo {
		j.copyRows(buf[i*f.step:], f, i, top, rows, j.cols.first, j.width)
	}
	return simd.First(buf), top
}

// padEdges is pad for each of the tiles at the edges, whose copies are size floats apart.
func (j *windowJob) padEdges(w *parallel.Worker, f *framesAt, r0, r1 int) (edges unsafe.Pointer, top, size int) {
	top, bottom := j.sourceRows(r0, r1)
	rows, row := bottom-top, j.edgeWidth*j.cell
	f.edgeStep = rows * row
	size = max(1, (f.hi-f.lo)*f.edgeStep)
	buf := w.Floats(j.edges() * size)
	for e := range j.edges() {
		q := e
		if e >= j.left {
			q = j.right + e - j.left
		}
		for i := range f.hi - f.lo {
			j.copyRows(buf[e*size+i*f.edgeStep:], f, i, top, rows, j.starts[q]*j.cols.stride+j.cols.first, j.edgeWidth)
		}
	}
	return simd.First(buf), top, size
}

// copyRows copies pixels from..from+width-1 of rows of frame i of f.
func (j *windowJob) copyRows(dst []float32, f *framesAt, i, top, rows, from, width int) {
	if rows > 0 {
		srcRow := j.cols.src * j.cell
		src := simd.At(j.x, f.at+i*f.apart+top*srcRow)
		copyPadded(dst, width*j.cell, src, srcRow, rows, j.cols.src, j.cell, from, width)
	}
}
