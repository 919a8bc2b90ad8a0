// SPDX-License-Identifier: Apache-2.0

// Package attention computes scaled dot-product attention block by block: the scores of a block of
// queries and keys stay in the second-level cache, and no matrix of all scores exists. A row's
// softmax keeps a running maximum and sum over the blocks of keys, and the backward pass computes
// the scores once more (Dao et al. 2022, https://arxiv.org/abs/2205.14135). So memory grows
// linearly with the sequences. Package ref has the formulas.
//
// The blocks depend only on the shapes, and everything is summed in their order: results do not
// depend on the number of workers.
package attention

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

const (
	keyBlock   = 512 // keys of a block, a multiple of ref.PhiloxBlock
	queryBlock = 64  // queries of a block
	minUnits   = 32  // units of a forward pass, if there are as many blocks of queries
	rowGap     = 16  // floats between the rows of copies, so that not all map to the same cache sets
)

// job has what the passes share.
type job struct {
	isa *simd.ISA
	a   ref.Attention
	t   ref.AttentionTensors[float32]
}

// matrix is a row-major matrix, ld floats between its rows.
type matrix struct {
	data       []float32
	rows, cols int
	ld         int
}

func (m *matrix) row(i int) []float32 { return m.data[i*m.ld:][:m.cols] }

// take removes a matrix from the front of memory. Its rows have a gap.
func take(memory *[]float32, rows, cols int) matrix {
	m := matrix{(*memory)[:gapped(rows, cols)], rows, cols, gapped(1, cols)}
	*memory = (*memory)[gapped(rows, cols):]
	return m
}

// gapped is the size of a matrix whose rows begin at cache lines and have a gap.
func gapped(rows, cols int) int { return rows * (ceilDiv(cols, rowGap)*rowGap + rowGap) }

// top returns the first rows of m.
func (m matrix) top(rows int) matrix {
	m.rows = rows
	return m
}

// panels is a right-hand matrix in the order in which tiles read it, TileCols columns at a time.
type panels struct {
	data       []float32
	rows, cols int
}

func takePanels(s *simd.ISA, memory *[]float32, rows, cols int) panels {
	n := panelsLen(s, rows, cols)
	p := panels{(*memory)[:n], rows, cols}
	*memory = (*memory)[n:]
	return p
}

func panelsLen(s *simd.ISA, rows, cols int) int {
	return rows * ((cols + s.TileCols() - 1) / s.TileCols()) * s.TileCols()
}

// right is the right-hand matrix of a product.
type right struct {
	data          unsafe.Pointer
	rows, cols    int
	step, perTile int // floats between rows, and between panels of TileCols columns
}

func (m matrix) right(s *simd.ISA) right {
	return right{simd.First(m.data), m.rows, m.cols, m.ld, s.TileCols()}
}

func (p panels) right(s *simd.ISA) right {
	return right{simd.First(p.data), p.rows, p.cols, s.TileCols(), p.rows * s.TileCols()}
}

// multiply computes c = op(a)·b, or adds it to c; op is the transpose if trans is set.
func multiply(s *simd.ISA, t *simd.TileArgs, c, a matrix, trans bool, b right, add bool) {
	t.Segments, t.Offsets, t.Bias, t.RowC = 1, &simd.NoOffset, nil, 4*c.ld
	t.RowA, t.StepA, t.StepB, t.PanelB = 4*a.ld, 4, 4*b.step, 4*b.perTile
	m, depth := a.rows, a.cols
	if trans {
		m, depth = a.cols, a.rows
		t.RowA, t.StepA = 4, 4*a.ld
	}
	kBlocks, rowPanels := max(1, ceilDiv(depth, s.Depth)), ceilDiv(m, s.TileRows)
	width := s.TileCols()
	for kb := range kBlocks {
		k0, k1 := parallel.Share(depth, kBlocks, kb)
		t.K, t.Flags = k1-k0, 0
		if add || kb > 0 {
			t.Flags = simd.TileAdd
		}
		tile := func(p, q int) {
			r0, r1 := parallel.Share(m, rowPanels, p)
			n0 := q * width
			at := k0 + r0*a.ld
			if trans {
				at = k0*a.ld + r0
			}
			t.A = simd.At(simd.First(a.data), at)
			t.B = simd.At(b.data, q*b.perTile+k0*b.step)
			t.C = simd.At(simd.First(c.data), r0*c.ld+n0)
			s.Tile(t, r1-r0, min(width, b.cols-n0))
		}
		// what is larger is read once
		if colPanels := ceilDiv(b.cols, width); b.cols > m {
			for q := range colPanels {
				for p := range rowPanels {
					tile(p, q)
				}
			}
		} else {
			for p := range rowPanels {
				for q := range colPanels {
					tile(p, q)
				}
			}
		}
	}
}

func ceilDiv(n, d int) int { return (n + d - 1) / d }

// gather copies rows lo to hi of one head of x (batch, steps, heads·cols), multiplied by scale.
func gather(dst matrix, x []float32, first, stride int, scale float32) {
	for i := range dst.rows {
		src := x[first+i*stride:][:dst.cols]
		if scale == 1 {
			copy(dst.row(i), src)
		} else {
			simd.Active.Scale(dst.row(i), src, scale)
		}
	}
}

// place is where a head of a sample lies.
type place struct{ batch, head int }

func (j *job) place(bh int) place { return place{bh / j.a.Heads, bh % j.a.Heads} }

// at returns the index of the first feature of a step in a tensor (batch, steps, heads·dim), and the
// distance of steps.
func (j *job) at(p place, steps, step, dim int) (first, stride int) {
	return ((p.batch*steps+step)*j.a.Heads + p.head) * dim, j.a.Heads * dim
}

// masked reports whether there is a mask other than the causal one.
func (j *job) masked() bool { return j.t.Mask != nil || j.t.QueryMask != nil || j.t.KeyMask != nil }

// skips reports whether no query up to last attends to keys from first on.
func (j *job) skips(last, first int) bool { return j.a.Causal && first > last && !j.masked() }

// mask adds MaskedScore to masked scores of query i and the keys from first on.
func (j *job) mask(x []float32, p place, i, first int) {
	if j.a.Causal {
		for k := max(0, i+1-first); k < len(x); k++ {
			x[k] += ref.MaskedScore
		}
	}
	if !j.masked() {
		return
	}
	a, t, each := &j.a, &j.t, float32(1)
	if t.QueryMask != nil {
		each = t.QueryMask[p.batch*a.T+i]
	}
	for k := range x {
		m := each
		if t.Mask != nil {
			m *= t.Mask[(p.batch*a.T+i)*a.S+first+k]
		}
		if t.KeyMask != nil {
			m *= t.KeyMask[p.batch*a.S+first+k]
		}
		x[k] += (1 - m) * ref.MaskedScore
	}
}

// drop applies the dropout of weights to those of query i and the keys from first on.
func (j *job) drop(x []float32, p place, i, first int) {
	if a := &j.a; a.Rate > 0 {
		simd.Active.Dropout(x, x, a.Rate, a.Key, a.Stream, a.Step, a.DropRow(p.batch*a.Heads+p.head, i)+first)
	}
}
