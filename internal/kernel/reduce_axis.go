// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Reductions of the middle axis of a tensor of shape (outer, n, inner). What is combined in which order
// follows from the shape alone.

// reducer is an associative function, and what happens to each element first.
type reducer[E any] struct {
	combine func(dst, a, b []E)
	start   E // the result of no elements
	// prepare, if not nil, is what is combined: a function of the elements and, if based is set, of the
	// base of each result.
	prepare func(dst, x, base []E)
	based   bool
	// row, if not nil, reduces adjacent elements; again combines such results.
	row   func(x []E, base E) float64
	again func(a, b float64) float64
	// each, if not nil, is row for each row of a matrix, and stack combines rows that are step elements apart
	// one after the other, with the bits of row and combine. They return false if there is no such code.
	each  func(dst, x []E, cols int) bool
	stack func(dst, x []E, n, step int) bool
	two   func(a, b E) E // combine of two elements, for short rows
}

const (
	tileCols  = 4096  // columns of a unit: a row of results and of prepared elements stay in the first-level cache
	tileSize  = 65536 // elements of a unit
	leastRows = 16    // rows of a unit, so that results of units are few
	sideCols  = 1024  // rows are put side by side until there are that many columns
	shortRow  = 64    // shorter rows are reduced one by one
)

// reduceAxis writes dst_oi = combine_j prepare(x_oji, base_oi).
func reduceAxis[E any](r *reducer[E], dst, x, base []E, outer, n, inner int) {
	sameLen("reduction", outer*inner, len(dst))
	sameLen("reduction", outer*n*inner, len(x))
	switch {
	case len(dst) == 0:
	case n == 0:
		for i := range dst {
			dst[i] = r.start
		}
	default:
		jobs := axisJobsOf[E]()
		j := jobs.Get()
		j.reducer, j.dst, j.x, j.base, j.outer, j.n, j.inner = r, dst, x, base, outer, n, inner
		switch {
		case inner == 1 && n < shortRow && j.transposes():
			j.shortRows()
		case inner == 1 && r.row != nil:
			j.rows()
		case inner == 1 && r.two != nil && n < shortRow:
			for o := range dst {
				v := x[o*n]
				for _, w := range x[o*n+1 : (o+1)*n] {
					v = r.two(v, w)
				}
				dst[o] = v
			}
		default:
			j.columns()
		}
		j.reducer, j.dst, j.x, j.base = nil, nil, nil, nil
		jobs.Put(j)
	}
}

// axisJob reduces an axis.
type axisJob[E any] struct {
	*reducer[E]
	dst, x, base    []E
	outer, n, inner int

	units parallel.Pieces
	how   int
	parts int // per row, or per column
	// of rows: the elements of a part and the rows of a unit; of columns: rows of a part
	size, group int
	tile, tiles int
	whole       bool       // the parts of columns are combined at once
	row64       []float64  // results of parts of rows
	partial     []E        // results of parts of columns
	rest        reducer[E] // of these
}

func axisJobsOf[E any]() *parallel.FreeList[axisJob[E]] {
	for _, l := range []any{&axisJobs.f32, &axisJobs.f64, &axisJobs.ints, &axisJobs.bools} {
		if l, ok := l.(*parallel.FreeList[axisJob[E]]); ok {
			return l
		}
	}
	panic("reduction: unknown element type")
}

var axisJobs struct {
	f32   parallel.FreeList[axisJob[float32]]
	f64   parallel.FreeList[axisJob[float64]]
	ints  parallel.FreeList[axisJob[int64]]
	bools parallel.FreeList[axisJob[bool]]
}

// Unit computes unit u.
func (j *axisJob[E]) Unit(u int, _ *parallel.Worker) {
	switch j.how {
	case byRows:
		j.rowUnit(u)
	case byShortRows:
		j.shortUnit(u)
	default:
		j.columnUnit(u)
	}
}

const (
	byColumns = iota
	byRows
	byShortRows
)

// rows reduces rows of adjacent elements: several per unit or, if they are long, each in parts.
func (j *axisJob[E]) rows() {
	j.how = byRows
	j.size = min(j.n, cheapGrain)
	j.parts = ceilDiv(j.n, j.size)
	j.group = rowGrain(cheapGrain, j.n)
	j.units = parallel.Cut(j.outer*j.parts, j.group)
	if j.parts == 1 {
		j.units.Run(j)
		return
	}
	j.row64 = buffer.Resize(j.row64, j.outer*j.parts)
	j.units.Run(j)
	for o := range j.outer {
		total := j.row64[o*j.parts]
		for _, v := range j.row64[o*j.parts+1 : (o+1)*j.parts] {
			total = j.again(total, v)
		}
		setFloat(j.dst, o, total)
	}
}

func (j *axisJob[E]) rowUnit(u int) {
	lo, hi := j.units.Bounds(u)
	var base E
	if j.parts == 1 {
		x, d32, d64 := j.x[lo*j.n:hi*j.n], floatsOf[float32](j.dst), floatsOf[float64](j.dst)
		if j.each != nil && j.each(j.dst[lo:hi], x, j.n) {
			return
		}
		for o := lo; o < hi; o++ {
			if j.based {
				base = j.base[o]
			}
			v := j.row(x[:j.n], base)
			x = x[j.n:]
			if d32 != nil {
				d32[o] = float32(v)
			} else {
				d64[o] = v
			}
		}
		return
	}
	for k := lo; k < hi; k++ {
		o, p := k/j.parts, k%j.parts
		row := j.x[o*j.n : (o+1)*j.n]
		if j.based {
			base = j.base[o]
		}
		j.row64[k] = j.row(row[p*j.size:min((p+1)*j.size, j.n)], base)
	}
}

// floatsOf returns x if its elements are T's, else nil.
func floatsOf[T ref.Float, E any](x []E) []T {
	list, _ := any(x).([]T)
	return list
}

// shortRows transposes some rows at a time and reduces their columns: more elements are combined at
// once than a row has.
func (j *axisJob[E]) shortRows() {
	j.how = byShortRows
	j.size = max(shortRow*shortRow/j.n/transposeTile, 1) * transposeTile
	j.units = parallel.Cut(j.outer, max(tileSize/j.n/j.size, 1)*j.size)
	j.units.Run(j)
}

// transposes reports whether the instruction set can transpose the elements.
func (j *axisJob[E]) transposes() bool {
	_, ok := any(j.x).([]float32)
	return ok && simd.Active.BlockSide > 0
}

// shortUnit reduces size rows at a time, always as many, so that a row's bits do not depend on how many
// there are.
func (j *axisJob[E]) shortUnit(u int) {
	lo, hi := j.units.Bounds(u)
	free := panelsOf[E]()
	m := free.Get()
	x, _ := any(j.x).([]float32)
	// several rows are a row of a block if they fit in it: groups of rows that are together apart
	together, side := 1, simd.Active.BlockSide
	if j.n < side && side%j.n == 0 {
		together = side / j.n
	}
	width, each := j.n*together, j.size/together
	m.turned = buffer.Resize(m.turned, ceilDiv(width, side)*side*each)
	m.result, m.bases = buffer.Resize(m.result, each), buffer.Resize(m.bases, each)
	turned, _ := any(m.turned).([]E)
	for ; lo < hi; lo += j.size {
		count := min(j.size, j.outer-lo)
		rows := x[lo*j.n:]
		if need := j.size*j.n + transposeTile; len(rows) < need { // blocks are read as a whole, beyond the last row
			m.padded = buffer.Resize(m.padded, need)
			clear(m.padded[copy(m.padded, rows):])
			rows = m.padded
		}
		turn(m.turned, rows, width, each)
		for g := range min(together, count) {
			if j.based {
				for i, at := 0, lo+g; at < lo+count; i, at = i+1, at+together {
					m.bases[i] = j.base[at]
				}
			}
			m.reduce(j.reducer, m.result, turned[g*j.n*each:], m.bases, j.n, each)
			for i, at := 0, lo+g; at < lo+count; i, at = i+1, at+together {
				j.dst[at] = m.result[i]
			}
		}
	}
	free.Put(m)
}

// turn writes column c of count rows of n elements to row c of dst, by blocks that are read beyond the
// end of a row; what lies there goes to further rows of dst.
func turn(dst, x []float32, n, count int) {
	side := simd.Active.BlockSide
	for c := 0; c < n; c += side {
		for r := 0; r < count; r += side {
			simd.Active.TransposeBlock(&dst[c*count+r], &x[r*n+c], 1, 4*count, 4*n)
		}
	}
}

// setFloat sets element i of a slice of floats.
func setFloat[E any](dst []E, i int, v float64) {
	switch d := any(dst).(type) {
	case []float32:
		d[i] = float32(v)
	case []float64:
		d[i] = v
	}
}

// columns reduces tiles of columns in parts of some rows, and then the results of these.
func (j *axisJob[E]) columns() {
	j.how = byColumns
	j.tile = min(j.inner, tileCols)
	j.size = max(tileSize/j.tile, leastRows)
	j.parts = ceilDiv(j.n, j.size)
	j.group = rowGrain(tileSize, j.n*j.inner)
	if j.whole = j.wholeColumns(); j.whole || j.parts == 1 {
		j.tiles = ceilDiv(j.inner, j.tile)
		j.units = parallel.Cut(j.outer*j.tiles, j.group)
		j.units.Run(j)
		return
	}
	j.tiles = ceilDiv(j.inner, j.tile)
	j.partial = buffer.Resize(j.partial, j.outer*j.parts*j.inner)
	j.units = parallel.Cut(j.outer*j.parts*j.tiles, 1)
	j.units.Run(j)
	j.rest.combine, j.rest.stack = j.combine, j.stack
	reduceAxis(&j.rest, j.dst, j.partial, nil, j.outer, j.parts, j.inner)
}

// wholeColumns chooses tiles whose results of parts are combined at once, if there are enough columns for all
// workers: nothing is written in between. The bits are those of combining them later.
func (j *axisJob[E]) wholeColumns() bool {
	if j.parts == 1 || j.parts > j.size || j.prepare != nil || j.stack == nil || j.inner < sideCols {
		return false
	}
	tile := min(2*sideCols, max(sideCols/4, ceilDiv(j.outer*j.inner, 16*128)*128))
	if j.outer*ceilDiv(j.inner, tile) < 8 {
		return false
	}
	j.tile, j.group = tile, rowGrain(tileSize, j.n*tile)
	return true
}

func (j *axisJob[E]) columnUnit(u int) {
	lo, hi := j.units.Bounds(u)
	free := panelsOf[E]()
	m := free.Get()
	for k := lo; j.whole && k < hi; k++ {
		t, o := k%j.tiles, k/j.tiles
		first, last := t*j.tile, min((t+1)*j.tile, j.inner)
		dst := j.dst[o*j.inner+first : o*j.inner+last]
		m.acc = buffer.Resize(m.acc, len(dst))
		for r := 0; r < j.n; r += j.size {
			x, n := j.x[(o*j.n+r)*j.inner+first:], min(j.size, j.n-r)
			if r == 0 {
				m.reduce(j.reducer, dst, x, nil, n, j.inner)
			} else {
				m.reduce(j.reducer, m.acc, x, nil, n, j.inner)
				j.combine(dst, dst, m.acc)
			}
		}
		lo = hi
	}
	for k := lo; k < hi; k++ {
		t, p, o := k%j.tiles, k/j.tiles%j.parts, k/j.tiles/j.parts
		first, last := t*j.tile, min((t+1)*j.tile, j.inner)
		r0, r1 := p*j.size, min((p+1)*j.size, j.n)
		to, at := j.dst, o
		if j.parts > 1 {
			to, at = j.partial, o*j.parts+p
		}
		var base []E
		if j.based {
			base = j.base[o*j.inner+first : o*j.inner+last]
		}
		m.reduce(j.reducer, to[at*j.inner+first:at*j.inner+last], j.x[(o*j.n+r0)*j.inner+first:], base, r1-r0, j.inner)
	}
	free.Put(m)
}

// panel is the memory in which columns are reduced.
type panel[E any] struct {
	acc, prepared, base []E
	turned, padded      []float32
	result, bases       []E
}

var panels struct {
	f32   parallel.FreeList[panel[float32]]
	f64   parallel.FreeList[panel[float64]]
	ints  parallel.FreeList[panel[int64]]
	bools parallel.FreeList[panel[bool]]
}

func panelsOf[E any]() *parallel.FreeList[panel[E]] {
	for _, l := range []any{&panels.f32, &panels.f64, &panels.ints, &panels.bools} {
		if l, ok := l.(*parallel.FreeList[panel[E]]); ok {
			return l
		}
	}
	panic("reduction: unknown element type")
}

// reduce reduces the columns of n rows that are step elements apart in x. If they are as long as that
// and short, several rows are put side by side, as one long row.
func (m *panel[E]) reduce(r *reducer[E], dst, x, base []E, n, step int) {
	cols, side := len(dst), 1
	if cols == step {
		side = min(max(sideCols/cols, 1), n)
	}
	width := side * cols
	acc := dst
	if side > 1 {
		m.acc = buffer.Resize(m.acc, width)
		acc = m.acc
	}
	if r.prepare != nil {
		m.prepared = buffer.Resize(m.prepared, width)
	}
	if r.based && side > 1 {
		m.base = buffer.Resize(m.base, width)
		for i := range side {
			copy(m.base[i*cols:], base)
		}
		base = m.base
	}
	take := func(i, count int) []E {
		return x[i*step : i*step+count]
	}
	next := side
	switch {
	case r.prepare != nil:
		r.prepare(acc, take(0, width), base)
	case r.stack != nil && r.stack(acc, x, n/side, side*step):
		next = n / side * side
	default:
		copy(acc, take(0, width))
	}
	for i := next; i < n; i += side {
		count := min(side, n-i) * cols
		row := take(i, count)
		if r.prepare != nil {
			r.prepare(m.prepared[:count], row, base[:min(count, len(base))])
			row = m.prepared[:count]
		}
		r.combine(acc[:count], acc[:count], row)
	}
	for side > 1 {
		half := side / 2
		end := side * cols
		r.combine(acc[:half*cols], acc[:half*cols], acc[end-half*cols:end])
		side -= half
	}
	if width > cols {
		copy(dst, acc)
	}
}

// floatReducers are the reducers of a float type. Squares and exponentials have a base that is
// subtracted.
type floatReducers[T Float] struct {
	sum, abs, square, squaresFrom, exp, prod, max, min reducer[T]
}

func reducersOf[T Float]() *floatReducers[T] {
	if r, ok := any(&reducers32).(*floatReducers[T]); ok {
		return r
	}
	r, _ := any(&reducers64).(*floatReducers[T])
	return r
}

var reducers64 = floatReducers[float64]{
	sum:    reducer[float64]{combine: ref.Add[float64], row: func(x []float64, _ float64) float64 { return ref.Sum(x) }, again: add64},
	abs:    reducer[float64]{combine: ref.Add[float64], prepare: plainAbs[float64]},
	square: reducer[float64]{combine: ref.Add[float64], prepare: func(dst, x, _ []float64) { ref.Mul(dst, x, x) }},
	squaresFrom: reducer[float64]{combine: ref.Add[float64], based: true, prepare: func(dst, x, base []float64) {
		ref.Sub(dst, x, base)
		ref.Mul(dst, dst, dst)
	}},
	exp: reducer[float64]{combine: ref.Add[float64], based: true, prepare: func(dst, x, base []float64) {
		for i, v := range x {
			dst[i] = math.Exp(v - base[i])
		}
	}},
	prod: reducer[float64]{combine: ref.Mul[float64], start: 1, two: func(a, b float64) float64 { return a * b }},
	max:  reducer[float64]{combine: ref.Max[float64], start: math.Inf(-1), two: func(a, b float64) float64 { return max(a, b) }},
	min:  reducer[float64]{combine: plainMin[float64], start: math.Inf(1), two: func(a, b float64) float64 { return min(a, b) }},
}

func add64(a, b float64) float64 { return a + b }

func max64(a, b float64) float64 { return max(a, b) }

func min64(a, b float64) float64 { return min(a, b) }

func addOf(dst, a, b []float32) { simd.Active.Add(dst, a, b) }

var reducers32 = floatReducers[float32]{
	sum: reducer[float32]{
		combine: addOf, again: add64, row: func(x []float32, _ float32) float64 { return simd.Active.Sum(x) },
		each: func(dst, x []float32, cols int) bool {
			return eachOf(simd.Active.Functions.SumEach, nil, dst, x, cols)
		},
		stack: func(dst, x []float32, n, step int) bool {
			f := simd.Active.Functions.AddRows
			if f != nil {
				f(dst, x, n, step)
			}
			return f != nil
		},
	},
	abs: reducer[float32]{combine: addOf, again: add64, prepare: absOf, row: func(x []float32, _ float32) float64 { return simd.Active.SumAbs(x) }},
	square: reducer[float32]{
		combine: addOf, again: add64,
		prepare: func(dst, x, _ []float32) { simd.Active.Mul(dst, x, x) },
		row:     func(x []float32, _ float32) float64 { return simd.Active.SumSquares(x) },
	},
	squaresFrom: reducer[float32]{
		combine: addOf, again: add64, based: true,
		prepare: func(dst, x, base []float32) { simd.Active.Sub(dst, x, base); simd.Active.Mul(dst, dst, dst) },
		row: func(x []float32, base float32) float64 {
			if f := simd.Active.Functions.SumSquaresFrom; f != nil {
				return f(x, base)
			}
			return squaresFrom(x, base)
		},
	},
	exp: reducer[float32]{
		combine: addOf, again: add64, based: true,
		prepare: func(dst, x, base []float32) { simd.Active.Sub(dst, x, base[:len(dst)]); expOf(dst, dst) },
		row: func(x []float32, base float32) float64 {
			if f := simd.Active.Functions.SumExp; f != nil {
				return f(x, base)
			}
			return sumExp(x, base)
		},
	},
	prod: reducer[float32]{
		combine: func(dst, a, b []float32) { simd.Active.Mul(dst, a, b) }, start: 1, again: func(a, b float64) float64 { return a * b },
		row: func(x []float32, _ float32) float64 {
			if f := simd.Active.Functions.Product; f != nil {
				return float64(f(x))
			}
			p := float32(1)
			for _, v := range x {
				p *= v
			}
			return float64(p)
		},
	},
	max: reducer[float32]{
		combine: func(dst, a, b []float32) { simd.Active.Max(dst, a, b) }, start: float32(math.Inf(-1)), again: max64,
		row: func(x []float32, _ float32) float64 { return float64(largest(x)) },
		each: func(dst, x []float32, cols int) bool {
			return eachOf(simd.Active.Functions.LargestEach, largest, dst, x, cols)
		},
	},
	min: reducer[float32]{
		combine: minOf, start: float32(math.Inf(1)), again: min64,
		row: func(x []float32, _ float32) float64 { return float64(smallest(x)) },
		each: func(dst, x []float32, cols int) bool {
			return eachOf(simd.Active.Functions.SmallestEach, smallest, dst, x, cols)
		},
	},
}

// eachOf reduces each row by f, and those that f gives NaN by again, if that is not nil. It returns false if
// f is nil.
func eachOf(f func(dst, x []float32, cols int), again func([]float32) float32, dst, x []float32, cols int) bool {
	if f == nil {
		return false
	}
	f(dst, x, cols)
	for i, v := range dst {
		if v != v && again != nil {
			dst[i] = again(x[i*cols : (i+1)*cols])
		}
	}
	return true
}

func largest(x []float32) float32 {
	if f := simd.Active.Functions.Largest; f != nil {
		if m := f(x); m == m {
			return m
		}
	}
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

func smallest(x []float32) float32 {
	if f := simd.Active.Functions.Smallest; f != nil {
		if m := f(x); m == m {
			return m
		}
	}
	m := float32(math.Inf(1))
	for _, v := range x {
		m = min(m, v)
	}
	return m
}

// number is an element type with an order.
type number interface{ float32 | float64 | int64 }

func absOf(dst, x, _ []float32) {
	if f := simd.Active.Functions.Abs; f != nil {
		f(dst, x)
		return
	}
	plainAbs(dst, x, nil)
}

func plainAbs[T Float](dst, x, _ []T) {
	for i, v := range x {
		dst[i] = T(math.Abs(float64(v)))
	}
}

func expOf(dst, x []float32) {
	if f := simd.Active.Functions.Exp; f != nil {
		f(dst, x)
		return
	}
	for i, v := range x {
		dst[i] = float32(math.Exp(float64(v)))
	}
}

func minOf(dst, a, b []float32) {
	if f := simd.Active.Functions.Min; f != nil {
		f(dst, a, b)
		return
	}
	plainMin(dst, a, b)
}

func plainMin[E number](dst, a, b []E) {
	for i, v := range a {
		dst[i] = min(v, b[i])
	}
}

func plainMax[E number](dst, a, b []E) {
	for i, v := range a {
		dst[i] = max(v, b[i])
	}
}

func plainMul[E number](dst, a, b []E) {
	for i, v := range a {
		dst[i] = v * b[i]
	}
}

func plainAdd[E number](dst, a, b []E) {
	for i, v := range a {
		dst[i] = v + b[i]
	}
}

func squaresFrom(x []float32, base float32) (sum float64) {
	for _, v := range x {
		d := float64(v - base)
		sum += d * d
	}
	return sum
}

func sumExp(x []float32, base float32) (sum float64) {
	for _, v := range x {
		sum += math.Exp(float64(v - base))
	}
	return sum
}

// SumAxis writes dst_oi = Σ_j x_oji.
func SumAxis[T Float](dst, x []T, outer, n, inner int) {
	reduceAxis(&reducersOf[T]().sum, dst, x, nil, outer, n, inner)
}

// SumAbsAxis writes dst_oi = Σ_j |x_oji|.
func SumAbsAxis[T Float](dst, x []T, outer, n, inner int) {
	reduceAxis(&reducersOf[T]().abs, dst, x, nil, outer, n, inner)
}

// SumSquaresAxis writes dst_oi = Σ_j x_oji².
func SumSquaresAxis[T Float](dst, x []T, outer, n, inner int) {
	reduceAxis(&reducersOf[T]().square, dst, x, nil, outer, n, inner)
}

// ProdAxis writes dst_oi = Π_j x_oji.
func ProdAxis[T Float](dst, x []T, outer, n, inner int) {
	reduceAxis(&reducersOf[T]().prod, dst, x, nil, outer, n, inner)
}

// MaxAxis writes dst_oi = max_j x_oji, NaN if there is one; -Inf for n = 0.
func MaxAxis[T Float](dst, x []T, outer, n, inner int) {
	reduceAxis(&reducersOf[T]().max, dst, x, nil, outer, n, inner)
}

// MinAxis writes dst_oi = min_j x_oji, NaN if there is one; +Inf for n = 0.
func MinAxis[T Float](dst, x []T, outer, n, inner int) {
	reduceAxis(&reducersOf[T]().min, dst, x, nil, outer, n, inner)
}

// LogSumExpAxis writes dst_oi = log Σ_j exp(x_oji), where infinities are those of the maximum.
func LogSumExpAxis[T Float](dst, x []T, outer, n, inner int) {
	top := scratch[T](outer * inner)
	defer top.free()
	MaxAxis(top.x, x, outer, n, inner)
	reduceAxis(&reducersOf[T]().exp, dst, x, top.x, outer, n, inner)
	switch d := any(dst).(type) {
	case []float32:
		addLogJobs.f32.Run(addLogJob[float32]{d, f32(top.x)}, len(d), cheapGrain/4)
	case []float64:
		m, _ := any(top.x).([]float64)
		addLogJobs.f64.Run(addLogJob[float64]{d, m}, len(d), cheapGrain/4)
	}
}

// addLogJob computes sum = top + log(sum), or an infinite top.
type addLogJob[T Float] struct{ sum, top []T }

var addLogJobs struct {
	f32 parallel.Jobs[addLogJob[float32], *addLogJob[float32]]
	f64 parallel.Jobs[addLogJob[float64], *addLogJob[float64]]
}

func (j *addLogJob[T]) Piece(lo, hi int) {
	sum, top := j.sum[lo:hi], j.top[lo:hi]
	if s, ok := single(sum); ok && simd.Active.Functions.Log != nil {
		simd.Active.Functions.Log(s, s)
	} else {
		for i, v := range sum {
			sum[i] = T(math.Log(float64(v)))
		}
	}
	for i, m := range top {
		if m-m == 0 || m != m {
			sum[i] += m
		} else {
			sum[i] = m
		}
	}
}

// scratchMemory is memory of a kernel's own.
type scratchMemory[T Float] struct {
	x    []T
	list *parallel.FreeList[scratchMemory[T]]
}

var (
	scratch32 parallel.FreeList[scratchMemory[float32]]
	scratch64 parallel.FreeList[scratchMemory[float64]]
)

func scratch[T Float](n int) *scratchMemory[T] {
	l, ok := any(&scratch32).(*parallel.FreeList[scratchMemory[T]])
	if !ok {
		l, _ = any(&scratch64).(*parallel.FreeList[scratchMemory[T]])
	}
	m := l.Get()
	m.x, m.list = buffer.Resize(m.x, n), l
	return m
}

func (m *scratchMemory[T]) free() { m.list.Put(m) }

// VarianceAxis writes dst_oi = Σ_j (x_oji - m_oi)²/(n - ddof) with the mean m.
func VarianceAxis[T Float](dst, x []T, outer, n, inner, ddof int) {
	mean := scratch[T](outer * inner)
	defer mean.free()
	SumAxis(mean.x, x, outer, n, inner)
	for i := range mean.x {
		mean.x[i] /= T(n)
	}
	reduceAxis(&reducersOf[T]().squaresFrom, dst, x, mean.x, outer, n, inner)
	by := T(max(n-ddof, 0))
	for i := range dst {
		dst[i] /= by
	}
}
