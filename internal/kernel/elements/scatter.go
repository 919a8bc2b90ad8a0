// SPDX-License-Identifier: Apache-2.0

package elements

import (
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// Number is an element that can be added and compared.
type Number interface{ float32 | float64 | int64 }

// Mode is what Scatter does with an update and the element that is there.
type Mode int

// The modes. Of several updates of one element, the last one counts for Set; Add adds them in their order.
const (
	Set Mode = iota
	Add
	Max
)

// Element is a Number or a truth.
type Element interface{ Number | uint8 }

// Truths returns booleans as the bytes that they are.
func Truths(b []bool) []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}

// The units of a scatter are updates of different elements: blocks of columns, or the updates of an
// outer index, each in the order of the updates. So the result never depends on the number of workers.
const (
	columns = 16 // per unit, at least
	serial  = 1 << 14
)

// Scatter updates x (outer, length, row) in place by updates u (outer, len(ids), row): x_o,ids_j,r by
// u_ojr.
func Scatter[E Element](x, u []E, ids []int64, outer, length, row int, mode Mode) (bad int) {
	need("scatter", len(x), outer*length*row)
	need("scatter", len(u), outer*len(ids)*row)
	if bad = check(ids, length); bad >= 0 || len(u) == 0 {
		return bad
	}
	j := scatterJob[E]{x: x, u: u, ids: ids, length: length, n: len(ids), inner: row, width: row, mode: mode}
	j.split(len(u), outer)
	run(j, outer)
	return -1
}

// ScatterElements updates x (outer, length, inner) in place: x_o,ids_oji,i by u_oji, where ids and u
// have shape (outer, n, inner).
func ScatterElements[E Element](x, u []E, ids []int64, outer, length, n, inner int, mode Mode) (bad int) {
	need("scatter elements", len(x), outer*length*inner)
	need("scatter elements", len(u), outer*n*inner)
	need("scatter elements", len(ids), len(u))
	if bad = check(ids, length); bad >= 0 || len(u) == 0 {
		return bad
	}
	j := scatterJob[E]{x: x, u: u, ids: ids, length: length, n: n, inner: inner, width: inner, mode: mode, elements: true}
	j.split(len(u), outer)
	run(j, outer)
	return -1
}

// check returns the first index that is out of range, or -1.
func check(ids []int64, length int) (bad int) {
	f := flags.Get()
	checkJobs.Run(checkJob{ids, int64(length), f}, len(ids), 2*grain)
	bad = f.first()
	flags.Put(f)
	return bad
}

type checkJob struct {
	ids    []int64
	length int64
	bad    *outOfRange
}

var checkJobs parallel.Jobs[checkJob, *checkJob]

func (j *checkJob) Piece(lo, hi int) {
	for i, id := range j.ids[lo:hi] {
		if id < -j.length || id >= j.length {
			j.bad.report(lo + i)
			return
		}
	}
}

type scatterJob[E Element] struct {
	x, u                    []E
	ids                     []int64
	length, n, inner, width int // width: columns per unit
	parts                   int // units per outer index
	mode                    Mode
	elements                bool // there is an index for each element
}

// split divides the columns if there is enough to do.
func (j *scatterJob[E]) split(n, outer int) {
	j.parts = 1
	if n > serial && outer < 16 {
		j.width = max(columns, (j.inner+15)/16)
		j.parts = (j.inner + j.width - 1) / j.width
	}
}

var (
	scatter32    parallel.Jobs[scatterJob[float32], *scatterJob[float32]]
	scatter64    parallel.Jobs[scatterJob[float64], *scatterJob[float64]]
	scatterInts  parallel.Jobs[scatterJob[int64], *scatterJob[int64]]
	scatterBytes parallel.Jobs[scatterJob[uint8], *scatterJob[uint8]]
)

func run[E Element](j scatterJob[E], outer int) {
	units := outer * j.parts
	each := max(1, serial/max(1, len(j.u)/units))
	scattersOf[E]().Run(j, units, each)
}

func scattersOf[E Element]() *parallel.Jobs[scatterJob[E], *scatterJob[E]] {
	for _, jobs := range [...]any{&scatter32, &scatter64, &scatterInts, &scatterBytes} {
		if jobs, ok := jobs.(*parallel.Jobs[scatterJob[E], *scatterJob[E]]); ok {
			return jobs
		}
	}
	return nil
}

func (j *scatterJob[E]) Piece(lo, hi int) {
	for unit := lo; unit < hi; unit++ {
		o, c0 := unit/j.parts, unit%j.parts*j.width
		c1 := min(c0+j.width, j.inner)
		x := j.x[o*j.length*j.inner : (o+1)*j.length*j.inner]
		u := j.u[o*j.n*j.inner : (o+1)*j.n*j.inner]
		switch {
		case j.elements:
			j.scatterElements(x, u, j.ids[o*j.n*j.inner:(o+1)*j.n*j.inner], c0, c1)
		case j.inner == 1:
			j.scatterElements(x, u, j.ids, 0, 1)
		default:
			j.scatterRows(x, u, c0, c1)
		}
	}
}

func (j *scatterJob[E]) scatterRows(x, u []E, c0, c1 int) {
	for k, id := range j.ids {
		if id < 0 {
			id += int64(j.length)
		}
		from := u[k*j.inner+c0 : k*j.inner+c1]
		to := x[int(id)*j.inner+c0:][:len(from)]
		switch j.mode {
		case Set:
			copy(to, from)
		case Add:
			for i, v := range from {
				to[i] += v
			}
		case Max:
			for i, v := range from {
				if v > to[i] || v != v {
					to[i] = v
				}
			}
		}
	}
}

func (j *scatterJob[E]) scatterElements(x, u []E, ids []int64, c0, c1 int) {
	for k := 0; k < j.n; k++ {
		at := k * j.inner
		for c := c0; c < c1; c++ {
			id := ids[at+c]
			if id < 0 {
				id += int64(j.length)
			}
			to := &x[int(id)*j.inner+c]
			v := u[at+c]
			switch j.mode {
			case Set:
				*to = v
			case Add:
				*to += v
			case Max:
				if v > *to || v != v {
					*to = v
				}
			}
		}
	}
}
