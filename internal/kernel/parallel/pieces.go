// SPDX-License-Identifier: Apache-2.0

package parallel

import "github.com/reef-dl/reef/internal/kernel/simd"

// Pieces are the units of a job over n elements or rows, grain to a piece.
type Pieces struct{ n, grain int }

// Cut cuts n elements into pieces of grain; the last one may be shorter.
func Cut(n, grain int) Pieces { return Pieces{n, grain} }

// Count returns the number of pieces.
func (p Pieces) Count() int { return (p.n + p.grain - 1) / p.grain }

// Bounds returns the elements lo to hi-1 of piece u.
func (p Pieces) Bounds(u int) (lo, hi int) { return u * p.grain, min((u+1)*p.grain, p.n) }

// alonePieces is how many pieces assembly is through with, in some 5 µs, before it pays to
// wake a helper.
const alonePieces = 3

// Run runs the pieces of t, which needs no scratch memory of a worker, on the calling goroutine
// where they are few.
func (p Pieces) Run(t Task) {
	switch units := p.Count(); {
	case units == 1:
		t.Unit(0, nil)
	case units <= alonePieces && p.grain > 1 && !simd.Active.Portable(): // one row may be any length
		RunAlone(t, units)
	default:
		Run(t, units)
	}
}

// MinShared is how many multiply-adds a job has at least that is worth sharing: a smaller one
// is over before a helper has joined.
const MinShared = 200_000

// Share returns the bounds of part i when total is cut evenly into parts. The products do not
// fit the int of a 32-bit machine.
func Share(total, parts, i int) (lo, hi int) {
	n, p := int64(total), int64(parts)
	return int(n * int64(i) / p), int(n * int64(i+1) / p)
}
