// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// The row-sparse forms update only the given rows of a parameter and its state, rows of dim
// elements each; row i of g belongs to row rows_i of w. Rows must be distinct. The state of
// other rows stays as it is, as if they had not been part of this step.

// SGDRows is SGD on some rows.
func SGDRows[T Float](w, g, v []T, lr, momentum T, nesterov bool, rows []int32, dim int) {
	l := startRows("sgd rows", w, g, v, nil, nil, rows, dim)
	if l == nil {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.SGD(w[lo:hi], g[i*dim:(i+1)*dim], part(v, lo, hi), lr, momentum, nesterov)
		}
		return
	}
	l.s[0], l.s[1], l.flag = float32(lr), float32(momentum), nesterov
	l.each(len(rows), rowGrain(cheapGrain, dim), sgdRowsPiece)
}

func sgdRowsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		simd.Active.SGD(l.v[0][a:b], l.v[1][i*l.width:(i+1)*l.width], part(l.v[2], a, b), l.s[0], l.s[1], l.flag)
	}
}

// RMSpropRows is RMSprop on some rows.
func RMSpropRows[T Float](w, g, ms, mom, mg []T, lr, rho, momentum, eps T, rows []int32, dim int) {
	l := startRows("rmsprop rows", w, g, ms, mom, mg, rows, dim)
	if l == nil {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.RMSprop(w[lo:hi], g[i*dim:(i+1)*dim], ms[lo:hi], part(mom, lo, hi), part(mg, lo, hi), lr, rho, momentum, eps)
		}
		return
	}
	l.s = [8]float32{float32(lr), float32(rho), float32(momentum), float32(eps)}
	l.each(len(rows), rowGrain(cheapGrain, dim), rmspropRowsPiece)
}

func rmspropRowsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		simd.Active.RMSprop(l.v[0][a:b], l.v[1][i*l.width:(i+1)*l.width], l.v[2][a:b], part(l.v[3], a, b), part(l.v[4], a, b),
			l.s[0], l.s[1], l.s[2], l.s[3])
	}
}

// DecayRows multiplies row r of x by a number to-met_r times, for the given rows: what to-met_r
// steps do to a running average that gets nothing new. Each product is rounded, so that the
// bits are those of a decay at every step. A row whose met is negative holds zeros.
func DecayRows[T Float](x []T, by T, met []int32, to int, rows []int32, dim int) {
	checkRows("decay rows", rows, len(x), dim)
	sameLen("decay rows", len(x), len(met)*dim)
	x32, ok := single(x)
	if !ok {
		for _, r := range rows {
			if met[r] >= 0 {
				ref.Decay(x[int(r)*dim:int(r+1)*dim], by, to-int(met[r]))
			}
		}
		return
	}
	l := loops.get()
	l.v[0], l.s[0], l.k[0] = x32, float32(by), to
	l.int32s, l.indptr, l.width, l.ahead = rows, met, dim, fetchAhead(dim)
	l.each(len(rows), rowGrain(cheapGrain, dim), decayRowsPiece)
}

func decayRowsPiece(l *loop, lo, hi int) {
	const most = 4096 // an assembly call cannot be interrupted
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		met := int(l.indptr[l.int32s[i]])
		if met < 0 {
			continue
		}
		for times := l.k[0] - met; times > 0; times -= most {
			simd.Active.Decay(l.v[0][a:b], l.s[0], min(times, most))
		}
	}
}

// AdamRows is Adam on some rows; step counts the steps of the whole parameter.
func AdamRows[T Float](w, g, m, v, vmax []T, lr, beta1, beta2, eps T, step int, rows []int32, dim int) {
	l := startRows("adam rows", w, g, m, v, vmax, rows, dim)
	if l == nil {
		for i, r := range rows {
			lo, hi := int(r)*dim, int(r+1)*dim
			ref.Adam(w[lo:hi], g[i*dim:(i+1)*dim], m[lo:hi], v[lo:hi], part(vmax, lo, hi), lr, beta1, beta2, eps, step)
		}
		return
	}
	l.s = [8]float32{float32(ref.AdamRate(lr, beta1, beta2, step)), float32(beta1), float32(beta2), float32(eps)}
	l.each(len(rows), rowGrain(cheapGrain, dim), adamRowsPiece)
}

func adamRowsPiece(l *loop, lo, hi int) {
	for i := lo; i < hi; i++ {
		a, b := l.row(i)
		simd.Active.Adam(l.v[0][a:b], l.v[1][i*l.width:(i+1)*l.width], l.v[2][a:b], l.v[3][a:b], part(l.v[4], a, b),
			l.s[0], l.s[1], l.s[2], l.s[3])
	}
}

// fetchAhead returns how many rows of width elements before its use a row is fetched: rows
// lie anywhere in a table and its state, and a row's work is less than the time to fetch one.
func fetchAhead(width int) int { return min(max(1, 1200/max(width, 1)), 16) }

// row returns the bounds of the i-th given row, and fetches the l.ahead-th after it.
func (l *loop) row(i int) (lo, hi int) {
	if i+l.ahead < len(l.int32s) {
		r := int(l.int32s[i+l.ahead])
		for _, k := range [4]int{0, 2, 3, 4} { // l.v[1] is the gradient, whose rows follow each other
			if l.v[k] != nil {
				simd.Fetch(l.v[k][r*l.width : (r+1)*l.width])
			}
		}
	}
	r := int(l.int32s[i])
	return r * l.width, (r + 1) * l.width
}

func startRows[T Float](what string, w, g, a, b, c []T, rows []int32, dim int) *loop {
	sameLen(what, len(rows)*dim, len(g))
	checkRows(what, rows, len(w), dim)
	l := startUpdate(what, w, w, a, b, c)
	if l != nil {
		l.v[1], _ = single(g)
		l.int32s, l.width, l.ahead = rows, dim, fetchAhead(dim)
	}
	return l
}

func checkRows(what string, rows []int32, size, dim int) {
	for _, r := range rows {
		if r < 0 || int(r+1)*dim > size {
			panic(fmt.Sprintf("%s: row %d of a parameter of %d elements, %d a row", what, r, size, dim))
		}
	}
}
