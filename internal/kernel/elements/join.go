// SPDX-License-Identifier: Apache-2.0

package elements

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Join writes rows that are made of a row of each of some parts. One is obtained from NewJoin.
type Join struct {
	parallel.Pieces
	parts     []part
	dst       []byte
	at, width int            // elements of a row
	rows      []simd.RowPart // the parts, if none of their rows is short
}

// part has rows of n elements, which come to position at of a row.
type part struct {
	from  []byte
	at, n int
}

var joins parallel.FreeList[Join]

// NewJoin returns a Join of elements of a width, without parts.
func NewJoin(width int) *Join {
	j := joins.Get()
	j.at, j.width, j.parts = 0, width, j.parts[:0]
	return j
}

// Add adds a part with n elements in each row.
func (j *Join) Add(from []byte, n int) {
	j.parts = append(j.parts, part{from, j.at, n})
	j.at += n
}

// Write writes the rows. j must not be used afterwards.
func (j *Join) Write(dst []byte, rows int) {
	need("join", len(dst), rows*j.at*j.width)
	switch {
	case len(dst) == 0:
	case rows < few: // a row is shared, too
		for _, p := range j.parts {
			w := Walk{DstAt: p.at}
			w.Axis(rows, j.at, p.n)
			w.Axis(p.n, 1, 1)
			Copy(dst, p.from, j.width, w)
		}
	default:
		j.dst = dst
		j.setRows(rows)
		j.Pieces = parallel.Cut(rows, max(1, grain/j.at))
		j.Pieces.Run(j)
	}
	clear(j.parts)
	clear(j.rows)
	j.dst, j.rows = nil, j.rows[:0]
	joins.Put(j)
}

// setRows sets j.rows.
func (j *Join) setRows(rows int) {
	if simd.Active.Moves.JoinRows == nil {
		return
	}
	for _, p := range j.parts {
		need("join", len(p.from), rows*p.n*j.width)
		if n := p.n * j.width; n > 0 && n < simd.LeastRow {
			j.rows = j.rows[:0]
			return
		} else if n > 0 {
			j.rows = append(j.rows, simd.RowPart{From: unsafe.SliceData(p.from), Bytes: n})
		}
	}
}

// Unit writes some rows from first to last, so that memory is written in its order, if possible one row after the other.
func (j *Join) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	if len(j.rows) > 0 {
		simd.Active.Moves.JoinRows(&j.dst[lo*j.at*j.width], (*byte)(unsafe.Pointer(&j.rows[0])), len(j.rows), lo, hi)
		return
	}
	for _, p := range j.parts {
		switch j.width {
		case 1:
			joinRows[uint8](j, p, lo, hi)
		case 4:
			joinRows[uint32](j, p, lo, hi)
		case 8:
			joinRows[uint64](j, p, lo, hi)
		}
	}
}

func joinRows[W word](j *Join, p part, lo, hi int) {
	if p.n > 0 {
		copyPlane(words[W](j.dst), words[W](p.from), lo*j.at+p.at, lo*p.n, hi-lo, j.at, p.n, p.n, 1, 1)
	}
}
