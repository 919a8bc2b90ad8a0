// SPDX-License-Identifier: Apache-2.0

package elements

import (
	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// Scan says how an axis is scanned: result i is made of elements 0 to i; to i-1 if Exclusive is set;
// of those from the end if Reverse is set.
type Scan struct {
	Exclusive, Reverse bool
}

// CumSum writes to dst the sums along the middle axis of x (outer, n, inner). Sums of float32 are made in
// float64.
func CumSum[E Number](dst, x []E, outer, n, inner int, s Scan) {
	need("cumsum", len(dst), outer*n*inner)
	need("cumsum", len(x), len(dst))
	if len(x) == 0 {
		return
	}
	switch x := any(x).(type) {
	case []float32:
		cumSum(&sums32, any(dst).([]float32), x, outer, n, inner, s)
	case []float64:
		cumSum(&sums64, any(dst).([]float64), x, outer, n, inner, s)
	case []int64:
		cumSum(&sumsI, any(dst).([]int64), x, outer, n, inner, s)
	}
}

// sumJob adds up in type A. A long row is cut into blocks: sums of them come first, then the scan of
// each from the sum of those before. Four rows, blocks or columns are scanned at a time, because an
// addition takes four times as long as it takes to start another.
type sumJob[E, A Number] struct {
	parallel.Pieces
	dst, x   []E
	n, inner int
	Scan
	totals []A
	adding bool
}

const (
	sumBlock   = 4096
	sumColumns = 256
)

type sumJobs[E, A Number] struct {
	parallel.FreeList[sumJob[E, A]]
}

var (
	sums32 sumJobs[float32, float64]
	sums64 sumJobs[float64, float64]
	sumsI  sumJobs[int64, int64]
)

func cumSum[E, A Number](jobs *sumJobs[E, A], dst, x []E, outer, n, inner int, s Scan) {
	j := jobs.Get()
	j.dst, j.x, j.n, j.inner, j.Scan = dst, x, n, inner, s
	switch {
	case inner > 1:
		j.Pieces = parallel.Cut(outer*((inner+sumColumns-1)/sumColumns), max(1, grain/(n*min(inner, sumColumns))))
		j.Pieces.Run(j)
	case outer < 4 && n > 4*sumBlock:
		for o := range outer {
			j.long(dst[o*n:(o+1)*n], x[o*n:(o+1)*n])
		}
	default:
		j.Pieces = parallel.Cut(outer, max(4, grain/n&^3))
		j.Pieces.Run(j)
	}
	j.dst, j.x = nil, nil
	jobs.Put(j)
}

// long scans a row block by block.
func (j *sumJob[E, A]) long(dst, x []E) {
	j.dst, j.x = dst, x
	blocks := (len(x) + sumBlock - 1) / sumBlock
	j.totals = buffer.Resize(j.totals, blocks)
	j.Pieces = parallel.Cut(blocks, 4)
	j.adding = true
	j.Pieces.Run(j)
	var sum A
	for i := range j.totals {
		k := i
		if j.Reverse {
			k = blocks - 1 - i
		}
		t := j.totals[k]
		j.totals[k] = sum
		sum += t
	}
	j.adding = false
	j.Pieces.Run(j)
	j.totals = j.totals[:0]
}

func (j *sumJob[E, A]) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	switch {
	case j.inner > 1:
		parts := (j.inner + sumColumns - 1) / sumColumns
		for k := lo; k < hi; k++ {
			c := k % parts * sumColumns
			at := k / parts * j.n * j.inner
			j.columns(at+c, min(sumColumns, j.inner-c))
		}
	case j.adding:
		for b := lo; b < hi; b++ {
			j.totals[b] = total[E, A](j.x[b*sumBlock : min((b+1)*sumBlock, len(j.x))])
		}
	case len(j.totals) > 0:
		var at, n [4]int
		var acc [4]A
		for b := lo; b < hi; b++ {
			at[b-lo], n[b-lo], acc[b-lo] = b*sumBlock, min(sumBlock, len(j.x)-b*sumBlock), j.totals[b]
		}
		j.lanes(at, n, acc, hi-lo)
	default:
		for r := lo; r < hi; r += 4 {
			var at, n [4]int
			m := min(4, hi-r)
			for k := range m {
				at[k], n[k] = (r+k)*j.n, j.n
			}
			j.lanes(at, n, [4]A{}, m)
		}
	}
}

// total returns the sum of x.
func total[E, A Number](x []E) A {
	var a, b, c, d A
	for ; len(x) >= 4; x = x[4:] {
		a += A(x[0])
		b += A(x[1])
		c += A(x[2])
		d += A(x[3])
	}
	for _, v := range x {
		a += A(v)
	}
	return a + b + (c + d)
}

// lanes scans m runs of elements, each from acc.
func (j *sumJob[E, A]) lanes(at, n [4]int, acc [4]A, m int) {
	if m == 4 && n[0] == n[3] {
		n := n[0]
		x0, x1, x2, x3 := j.x[at[0]:][:n], j.x[at[1]:][:n], j.x[at[2]:][:n], j.x[at[3]:][:n]
		y0, y1, y2, y3 := j.dst[at[0]:][:n], j.dst[at[1]:][:n], j.dst[at[2]:][:n], j.dst[at[3]:][:n]
		a, b, c, d := acc[0], acc[1], acc[2], acc[3]
		switch {
		case j.Reverse && j.Exclusive:
			for i := n - 1; i >= 0; i-- {
				v0, v1, v2, v3 := A(x0[i]), A(x1[i]), A(x2[i]), A(x3[i])
				y0[i], y1[i], y2[i], y3[i] = E(a), E(b), E(c), E(d)
				a, b, c, d = a+v0, b+v1, c+v2, d+v3
			}
		case j.Reverse:
			for i := n - 1; i >= 0; i-- {
				a, b, c, d = a+A(x0[i]), b+A(x1[i]), c+A(x2[i]), d+A(x3[i])
				y0[i], y1[i], y2[i], y3[i] = E(a), E(b), E(c), E(d)
			}
		case j.Exclusive:
			for i := range n {
				v0, v1, v2, v3 := A(x0[i]), A(x1[i]), A(x2[i]), A(x3[i])
				y0[i], y1[i], y2[i], y3[i] = E(a), E(b), E(c), E(d)
				a, b, c, d = a+v0, b+v1, c+v2, d+v3
			}
		default:
			for i := range n {
				a, b, c, d = a+A(x0[i]), b+A(x1[i]), c+A(x2[i]), d+A(x3[i])
				y0[i], y1[i], y2[i], y3[i] = E(a), E(b), E(c), E(d)
			}
		}
		return
	}
	for k := range m {
		x, y, a := j.x[at[k]:][:n[k]], j.dst[at[k]:][:n[k]], acc[k]
		for i := range x {
			p := i
			if j.Reverse {
				p = len(x) - 1 - i
			}
			v := A(x[p])
			if j.Exclusive {
				y[p] = E(a)
				a += v
			} else {
				a += v
				y[p] = E(a)
			}
		}
	}
}

// columns scans w neighboring columns from position at.
func (j *sumJob[E, A]) columns(at, w int) {
	var sums [sumColumns]A
	acc := sums[:w]
	step := j.inner
	if j.Reverse {
		at, step = at+(j.n-1)*j.inner, -step
	}
	for range j.n {
		x, y := j.x[at:at+w], j.dst[at:at+w]
		x, y = x[:len(acc)], y[:len(acc)]
		if j.Exclusive {
			for i, a := range acc {
				v := A(x[i])
				y[i] = E(a)
				acc[i] = a + v
			}
		} else {
			for i, v := range x {
				a := acc[i] + A(v)
				acc[i] = a
				y[i] = E(a)
			}
		}
		at += step
	}
}

// CumProd writes to dst the products along the middle axis of x (outer, n, inner).
func CumProd[E Number](dst, x []E, outer, n, inner int, s Scan) {
	need("cumprod", len(dst), outer*n*inner)
	need("cumprod", len(x), len(dst))
	if len(x) == 0 {
		return
	}
	switch x := any(x).(type) {
	case []float32:
		prods32.scan(prodJob[float32]{any(dst).([]float32), x, n, inner, s}, outer)
	case []float64:
		prods64.scan(prodJob[float64]{any(dst).([]float64), x, n, inner, s}, outer)
	case []int64:
		prodsI.scan(prodJob[int64]{any(dst).([]int64), x, n, inner, s}, outer)
	}
}

// prodJob multiplies four rows, or neighboring columns, at a time: a multiplication takes several times as long
// as it takes to start another.
type prodJob[E Number] struct {
	dst, x   []E
	n, inner int
	Scan
}

type prodJobs[E Number] struct {
	parallel.Jobs[prodJob[E], *prodJob[E]]
}

var (
	prods32 prodJobs[float32]
	prods64 prodJobs[float64]
	prodsI  prodJobs[int64]
)

func (p *prodJobs[E]) scan(j prodJob[E], outer int) {
	if j.inner > 1 {
		p.Run(j, outer*((j.inner+sumColumns-1)/sumColumns), max(1, grain/(j.n*min(j.inner, sumColumns))))
		return
	}
	p.Run(j, outer, max(4, grain/j.n&^3))
}

func (j *prodJob[E]) Piece(lo, hi int) {
	if j.inner > 1 {
		parts := (j.inner + sumColumns - 1) / sumColumns
		for k := lo; k < hi; k++ {
			c := k % parts * sumColumns
			j.columns(k/parts*j.n*j.inner+c, min(sumColumns, j.inner-c))
		}
		return
	}
	for ; lo+4 <= hi; lo += 4 {
		j.rows(lo * j.n)
	}
	for ; lo < hi; lo++ {
		j.row(lo * j.n)
	}
}

// rows scans the four rows from position at.
func (j *prodJob[E]) rows(at int) {
	n := j.n
	x0, x1, x2, x3 := j.x[at:][:n], j.x[at+n:][:n], j.x[at+2*n:][:n], j.x[at+3*n:][:n]
	y0, y1, y2, y3 := j.dst[at:][:n], j.dst[at+n:][:n], j.dst[at+2*n:][:n], j.dst[at+3*n:][:n]
	a, b, c, d := E(1), E(1), E(1), E(1)
	for k := range n {
		i := k
		if j.Reverse {
			i = n - 1 - k
		}
		v0, v1, v2, v3 := x0[i], x1[i], x2[i], x3[i]
		if j.Exclusive {
			y0[i], y1[i], y2[i], y3[i] = a, b, c, d
		}
		a, b, c, d = a*v0, b*v1, c*v2, d*v3
		if !j.Exclusive {
			y0[i], y1[i], y2[i], y3[i] = a, b, c, d
		}
	}
}

func (j *prodJob[E]) row(at int) {
	x, y, p := j.x[at:at+j.n], j.dst[at:at+j.n], E(1)
	for k := range x {
		i := k
		if j.Reverse {
			i = len(x) - 1 - k
		}
		v := x[i]
		if j.Exclusive {
			y[i] = p
		}
		if p *= v; !j.Exclusive {
			y[i] = p
		}
	}
}

// columns scans w neighboring columns from position at.
func (j *prodJob[E]) columns(at, w int) {
	var products [sumColumns]E
	acc := products[:w]
	for i := range acc {
		acc[i] = 1
	}
	step := j.inner
	if j.Reverse {
		at, step = at+(j.n-1)*j.inner, -step
	}
	for range j.n {
		x, y := j.x[at : at+w][:len(acc)], j.dst[at : at+w][:len(acc)]
		if j.Exclusive {
			for i, p := range acc {
				v := x[i]
				y[i] = p
				acc[i] = p * v
			}
		} else {
			for i, v := range x {
				p := acc[i] * v
				acc[i] = p
				y[i] = p
			}
		}
		at += step
	}
}

// CumArgMax writes to ids the positions of the greatest elements so far along the middle axis of x (outer, n,
// inner), the first of equal ones. From the first NaN on, it is the greatest.
func CumArgMax[E Number](ids []int64, x []E, outer, n, inner int, reverse bool) {
	need("cumulative maximum", len(ids), outer*n*inner)
	need("cumulative maximum", len(x), len(ids))
	if len(x) == 0 {
		return
	}
	switch x := any(x).(type) {
	case []float32:
		maxima32.Run(maxJob[float32]{ids, x, n, inner, reverse}, outer*inner, max(1, grain/n))
	case []float64:
		maxima64.Run(maxJob[float64]{ids, x, n, inner, reverse}, outer*inner, max(1, grain/n))
	case []int64:
		maximaI.Run(maxJob[int64]{ids, x, n, inner, reverse}, outer*inner, max(1, grain/n))
	}
}

type maxJob[E Number] struct {
	ids      []int64
	x        []E
	n, inner int
	reverse  bool
}

var (
	maxima32 parallel.Jobs[maxJob[float32], *maxJob[float32]]
	maxima64 parallel.Jobs[maxJob[float64], *maxJob[float64]]
	maximaI  parallel.Jobs[maxJob[int64], *maxJob[int64]]
)

func (j *maxJob[E]) Piece(lo, hi int) {
	for r := lo; r < hi; r++ {
		at, step, p, next := r/j.inner*j.n*j.inner+r%j.inner, j.inner, 0, 1
		if j.reverse {
			at, step, p, next = at+(j.n-1)*step, -step, j.n-1, -1
		}
		best, where := j.x[at], p
		for range j.n {
			if v := j.x[at]; v > best || v != v && best == best {
				best, where = v, p
			}
			j.ids[at] = int64(where)
			at, p = at+step, p+next
		}
	}
}
