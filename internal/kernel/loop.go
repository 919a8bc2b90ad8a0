// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// pieces are the units of a job over n elements or rows, grain to a piece.
type pieces struct{ n, grain int }

func (p pieces) bounds(u int) (lo, hi int) { return u * p.grain, min((u+1)*p.grain, p.n) }

// run runs the pieces of t, which needs no scratch of a worker's, on the calling goroutine
// where they are few.
func (p pieces) run(t task) {
	switch units := ceilDiv(p.n, p.grain); {
	case units == 1:
		t.unit(0, nil)
	case units <= alonePieces && p.grain > 1 && !simd.Active.Portable(): // one row may be any length
		runAlone(t, units)
	default:
		run(t, units)
	}
}

// A loop is a job over elements 0..n-1 (or over rows), cut into pieces of grain elements
// whatever the number of workers. body computes a piece from the operands that the loop
// carries; it is a plain function outside the generic ones: a closure, even over nothing but a
// type parameter, would be allocated.
type loop struct {
	pieces
	body func(l *loop, lo, hi int)

	v       [6][]float32 // operands
	s       [8]float32   // numbers
	int32s  []int32
	k       [8]int // sizes
	indptr  []int32
	rows    *rowIndex
	cols    int // of the matrix whose rows the loop runs over
	width   int // of a row of the result
	ahead   int // rows that a row is fetched before its use
	act     Activation
	flag    bool
	rate    float64
	key     [3]uint64 // Philox key, stream, step
	map1    func(dst, x []float32)
	map2    func(dst, a, b []float32)
	rowMap  func(dst, x []float32, rows, cols int)
	rowMap2 func(dst, a, b []float32, rows, cols int)
	rowMap3 func(dst, a, b, c []float32, rows, cols int)
	reduce  func(a, b []float32) float64

	partial []float64 // one a piece, for reductions; kept for reuse
	index   []int     // the same, for searches
}

var loops freeList[loop]

// Pieces are large enough to pay for handing one to a helper (under a microsecond
// each) and small enough that an assembly call, which cannot be interrupted, is short.
const (
	cheapGrain = 16384 // a multiply or two an element
	dearGrain  = 4096  // exponentials, random numbers
)

// alonePieces is how many pieces assembly is through with, in some 5 µs, before it pays to
// wake a helper.
const alonePieces = 3

// each runs body over 0..n-1 in pieces of grain and gives l back to the free list.
func (l *loop) each(n, grain int, body func(l *loop, lo, hi int)) {
	l.run(n, grain, body)
	l.release()
}

// run is each without giving l back: the caller reads results from it, then releases it.
func (l *loop) run(n, grain int, body func(l *loop, lo, hi int)) {
	l.pieces, l.body = pieces{n, grain}, body
	l.pieces.run(l)
}

func (l *loop) release() {
	*l = loop{partial: l.partial[:0], index: l.index[:0]}
	loops.put(l)
}

func (l *loop) unit(u int, _ *worker) {
	lo, hi := l.bounds(u)
	l.body(l, lo, hi)
}

// rowGrain returns how many rows of cols elements make a piece of about grain elements.
func rowGrain(grain, cols int) int { return max(1, grain/max(cols, 1)) }

// resized returns s with n elements, reusing its memory where it is large enough.
func resized[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}

// part is x[lo:hi], and nil for an operand that is absent.
func part[T Float](x []T, lo, hi int) []T {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}

func sameLen(what string, n int, lens ...int) {
	for _, m := range lens {
		if m != n {
			panic(fmt.Sprintf("%s: an operand has %d elements, want %d", what, m, n))
		}
	}
}

// binary applies a function of two operands; dst may be either.
func binary[T Float](what string, dst, a, b []T, fast func(dst, a, b []float32), plain func(dst, a, b []T)) {
	sameLen(what, len(dst), len(a), len(b))
	d, ok := single(dst)
	if !ok {
		plain(dst, a, b)
		return
	}
	l := loops.get()
	l.map2 = fast
	l.v[0] = d
	l.v[1], _ = single(a)
	l.v[2], _ = single(b)
	l.each(len(d), cheapGrain, binaryPiece)
}

func binaryPiece(l *loop, lo, hi int) {
	l.map2(l.v[0][lo:hi], l.v[1][lo:hi], l.v[2][lo:hi])
}
