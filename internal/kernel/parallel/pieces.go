// SPDX-License-Identifier: Apache-2.0

package parallel

import "github.com/reef-dl/reef/internal/kernel/simd"

// Pieces are the units of a job over n elements or rows, grain elements per piece.
type Pieces struct{ n, grain int }

// Cut divides n elements into pieces of grain; the last one may be shorter.
func Cut(n, grain int) Pieces { return Pieces{n, grain} }

// Count returns the number of pieces.
func (p Pieces) Count() int { return (p.n + p.grain - 1) / p.grain }

// Bounds returns the elements lo to hi-1 of piece u.
func (p Pieces) Bounds(u int) (lo, hi int) { return u * p.grain, min((u+1)*p.grain, p.n) }

// alonePieces is how many pieces assembly completes, in about 5 µs, before it pays to wake a
// helper.
const alonePieces = 3

// Run runs the pieces of t, which needs no scratch memory of a worker. If there are few, they
// run on the calling goroutine.
func (p Pieces) Run(t Task) {
	switch units := p.Count(); {
	case units == 1:
		t.Unit(0, nil)
	case units <= alonePieces && p.grain > 1 && !simd.Active.Portable(): // a single row may have any length
		RunAlone(t, units)
	default:
		Run(t, units)
	}
}

// MinShared is the minimum number of multiply-adds for which distributing a job pays: a smaller
// one is finished before a helper has joined.
const MinShared = 200_000

// Share returns the bounds of part i if total is divided evenly into parts. The products do not
// fit the int of a 32-bit machine.
func Share(total, parts, i int) (lo, hi int) {
	n, p := int64(total), int64(parts)
	return int(n * int64(i) / p), int(n * int64(i+1) / p)
}
