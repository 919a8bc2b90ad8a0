// SPDX-License-Identifier: Apache-2.0

package elements

import "github.com/reef-dl/reef/internal/kernel/parallel"

// Join writes rows that are made of a row of each of some parts. One is obtained from NewJoin.
type Join struct {
	parallel.Pieces
	parts     []part
	dst       []byte
	at, width int // elements of a row
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
		j.Pieces = parallel.Cut(rows, max(1, grain/j.at))
		j.Pieces.Run(j)
	}
	clear(j.parts)
	j.dst = nil
	joins.Put(j)
}

// Unit writes some rows from first to last, so that memory is written in its order.
func (j *Join) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
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
