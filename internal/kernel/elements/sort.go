// SPDX-License-Identifier: Apache-2.0

package elements

import (
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
)

// Rows are sorted by keys: unsigned numbers in the order of the elements, with NaN after everything
// and -0 equal to 0. A key of 32 bits is followed by the position in one word, so that words are
// distinct and any algorithm sorts them stably; longer keys have the position beside them.

// ArgSort writes to ids (outer, n, inner) the positions along the middle axis in ascending or
// descending order of x. Equal elements keep their order; NaN is the greatest.
func ArgSort[E Number](ids []int64, x []E, outer, n, inner int, descending bool) {
	need("argsort", len(x), outer*n*inner)
	need("argsort", len(ids), len(x))
	order[E](ids, x, outer, n, inner, n, descending)
}

// TopK is the first k of ArgSort: ids has shape (outer, k, inner).
func TopK[E Number](ids []int64, x []E, outer, n, inner, k int, descending bool) {
	need("top k", len(x), outer*n*inner)
	need("top k", len(ids), outer*k*inner)
	order[E](ids, x, outer, n, inner, k, descending)
}

func order[E Number](ids []int64, x []E, outer, n, inner, k int, descending bool) {
	if len(x) == 0 || k == 0 {
		return
	}
	if n > math.MaxUint32 {
		panic(fmt.Sprintf("sort: %d elements, want at most %d", n, uint32(math.MaxUint32)))
	}
	if x, ok := any(x).([]float32); ok && inner == 1 && outer < 4 && n >= long && k == n {
		for o := range outer {
			sortLong(ids[o*n:(o+1)*n], x[o*n:(o+1)*n], descending)
		}
		return
	}
	switch x := any(x).(type) {
	case []float32:
		sort32.Run(sortJob[float32]{ids, x, n, inner, k, descending}, outer*inner, max(1, 2048/n))
	case []float64:
		sort64.Run(sortJob[float64]{ids, x, n, inner, k, descending}, outer*inner, max(1, 2048/n))
	case []int64:
		sortI.Run(sortJob[int64]{ids, x, n, inner, k, descending}, outer*inner, max(1, 2048/n))
	}
}

type sortJob[E Number] struct {
	ids         []int64
	x           []E
	n, inner, k int
	descending  bool
}

var (
	sort32 parallel.Jobs[sortJob[float32], *sortJob[float32]]
	sort64 parallel.Jobs[sortJob[float64], *sortJob[float64]]
	sortI  parallel.Jobs[sortJob[int64], *sortJob[int64]]
)

// sortMemory is what sorting a row needs.
type sortMemory struct {
	keys, keys2 []uint64
	wide, wide2 []wide
	count       [8 * 256]uint32
}

// wide is a key with its position.
type wide struct {
	key uint64
	at  int64
}

var sortMemories parallel.FreeList[sortMemory]

func (j *sortJob[E]) Piece(lo, hi int) {
	m := sortMemories.Get()
	for r := lo; r < hi; r++ {
		o, i := r/j.inner, r%j.inner
		x, ids := j.x[o*j.n*j.inner+i:], j.ids[o*j.k*j.inner+i:]
		if x, ok := any(x).([]float32); ok {
			m.keys = buffer.Resize(m.keys, j.n)
			keysOf(m.keys, x, j.inner, 0, j.descending)
			for k, w := range m.first(j.k) {
				ids[k*j.inner] = int64(uint32(w))
			}
			continue
		}
		m.wide = buffer.Resize(m.wide, j.n)
		flip := uint64(0)
		if j.descending {
			flip = ^uint64(0)
		}
		switch x := any(x).(type) {
		case []float64:
			for k := range m.wide {
				m.wide[k] = wide{key64(x[k*j.inner]) ^ flip, int64(k)}
			}
		case []int64:
			for k := range m.wide {
				m.wide[k] = wide{uint64(x[k*j.inner]) ^ 1<<63 ^ flip, int64(k)}
			}
		}
		for k, w := range m.sortWide()[:j.k] {
			ids[k*j.inner] = w.at
		}
	}
	sortMemories.Put(m)
}

// keysOf writes the words of elements that are step apart; first is the position of the first.
func keysOf(keys []uint64, x []float32, step, first int, descending bool) {
	flip := uint32(0)
	if descending {
		flip = ^flip
	}
	at := 0
	for k := range keys {
		keys[k] = uint64(key32(x[at])^flip)<<32 | uint64(uint32(first+k))
		at += step
	}
}

func key32(v float32) uint32 {
	b := math.Float32bits(v + 0) // -0 becomes 0
	b ^= uint32(int32(b)>>31) | 1<<31
	if v != v {
		return math.MaxUint32
	}
	return b
}

func key64(v float64) uint64 {
	b := math.Float64bits(v + 0)
	b ^= uint64(int64(b)>>63) | 1<<63
	if v != v {
		return math.MaxUint64
	}
	return b
}

// first returns the k least keys in order.
func (m *sortMemory) first(k int) []uint64 {
	if k < len(m.keys)/8 {
		return leastOf(m.keys, k)
	}
	return m.sort()[:k]
}

// leastOf moves the k least keys to the front, in order. The front is a heap with the greatest of
// them on top, which most of the other keys exceed.
func leastOf(keys []uint64, k int) []uint64 {
	heap := keys[:k]
	for i := k/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	for _, v := range keys[k:] {
		if v < heap[0] {
			heap[0] = v
			sink(heap, 0)
		}
	}
	slices.Sort(heap)
	return heap
}

func sink(heap []uint64, i int) {
	v := heap[i]
	for {
		c := 2*i + 1
		if c >= len(heap) {
			break
		}
		if c+1 < len(heap) && heap[c+1] > heap[c] {
			c++
		}
		if heap[c] <= v {
			break
		}
		heap[i] = heap[c]
		i = c
	}
	heap[i] = v
}

const radixPays = 128 // elements

// sort returns the keys in order, which are in order of position before.
func (m *sortMemory) sort() []uint64 {
	n := len(m.keys)
	if n < radixPays {
		slices.Sort(m.keys)
		return m.keys
	}
	m.keys2 = buffer.Resize(m.keys2, n)
	a, b := m.keys, m.keys2
	clear(m.count[:4*256])
	c0, c1, c2, c3 := m.count[:256], m.count[256:512], m.count[512:768], m.count[768:1024]
	for _, v := range a {
		c0[v>>32&255]++
		c1[v>>40&255]++
		c2[v>>48&255]++
		c3[v>>56]++
	}
	for p, count := range [...][]uint32{c0, c1, c2, c3} {
		shift := uint(32 + 8*p)
		if int(count[a[0]>>shift&255]) == n {
			continue
		}
		starts(count)
		count = count[:256]
		for _, v := range a {
			d := v >> shift & 255
			at := count[d]
			count[d]++
			b[at] = v
		}
		a, b = b, a
	}
	return a
}

// starts replaces counts by the sums of those before.
func starts(count []uint32) {
	sum := uint32(0)
	for i, c := range count {
		count[i] = sum
		sum += c
	}
}

func (m *sortMemory) sortWide() []wide {
	n := len(m.wide)
	if n < 2*radixPays {
		slices.SortFunc(m.wide, func(a, b wide) int {
			switch {
			case a.key < b.key || a.key == b.key && a.at < b.at:
				return -1
			case a == b:
				return 0
			}
			return 1
		})
		return m.wide
	}
	m.wide2 = buffer.Resize(m.wide2, n)
	a, b := m.wide, m.wide2
	clear(m.count[:])
	for _, v := range a {
		for p := range 8 {
			m.count[p<<8|int(v.key>>(8*p)&255)]++
		}
	}
	for p := range 8 {
		count, shift := m.count[p<<8:(p+1)<<8], uint(8*p)
		if int(count[a[0].key>>shift&255]) == n {
			continue
		}
		starts(count)
		for _, v := range a {
			d := v.key >> shift & 255
			b[count[d]] = v
			count[d]++
		}
		a, b = b, a
	}
	return a
}

// A long row is sorted by all workers: parts of it are counted, and each part writes its words behind
// those of the parts before.
const (
	long      = 1 << 16
	parts     = 16
	digitBits = 11
	digits    = 1 << digitBits
	passes    = 3 // of 11 bits for 32
)

type longSort struct {
	parallel.Pieces
	x          []float32
	ids        []int64
	descending bool
	a, b       []uint64
	count      [parts][digits]uint32
	shift      uint
	step       int
}

const (
	makeKeys = iota
	countDigits
	moveKeys
	writeIDs
)

var longSorts parallel.FreeList[longSort]

func sortLong(ids []int64, x []float32, descending bool) {
	j := longSorts.Get()
	n := len(x)
	j.x, j.ids, j.descending = x, ids, descending
	j.a, j.b = buffer.Resize(j.a, n), buffer.Resize(j.b, n)
	j.Pieces = parallel.Cut(n, (n+parts-1)/parts)
	j.run(makeKeys)
	for p := range passes {
		j.shift = uint(32 + p*digitBits)
		if p > 0 {
			j.run(countDigits)
		}
		sum := uint32(0)
		for d := range digits {
			for u := range j.Count() {
				c := j.count[u][d]
				j.count[u][d] = sum
				sum += c
			}
		}
		j.run(moveKeys)
		j.a, j.b = j.b, j.a
	}
	j.run(writeIDs)
	j.x, j.ids = nil, nil
	longSorts.Put(j)
}

func (j *longSort) run(step int) {
	j.step = step
	j.Pieces.Run(j)
}

func (j *longSort) Unit(u int, _ *parallel.Worker) {
	lo, hi := j.Bounds(u)
	a, count, shift := j.a[lo:hi], &j.count[u], j.shift
	switch j.step {
	case makeKeys:
		keysOf(a, j.x[lo:hi], 1, lo, j.descending)
		shift = 32
		fallthrough
	case countDigits:
		clear(count[:])
		for _, v := range a {
			count[v>>shift&(digits-1)]++
		}
	case moveKeys:
		b := j.b
		for _, v := range a {
			d := v >> shift & (digits - 1)
			b[count[d]] = v
			count[d]++
		}
	case writeIDs:
		ids := j.ids[lo:hi]
		for i, v := range a {
			ids[i] = int64(uint32(v))
		}
	}
}

// Search writes for each value the number of elements of its sorted row that are less than it, or,
// with right set, not greater: where to insert it. rows has shape (n, length), values and dst (n, m).
func Search[E Number](dst []int64, rows, values []E, n, length, m int, right bool) {
	need("search", len(rows), n*length)
	need("search", len(values), n*m)
	need("search", len(dst), n*m)
	switch rows := any(rows).(type) {
	case []float32:
		search32.Run(searchJob[float32]{dst, rows, any(values).([]float32), length, m, right}, n*m, 1024)
	case []float64:
		search64.Run(searchJob[float64]{dst, rows, any(values).([]float64), length, m, right}, n*m, 1024)
	case []int64:
		searchI.Run(searchJob[int64]{dst, rows, any(values).([]int64), length, m, right}, n*m, 1024)
	}
}

type searchJob[E Number] struct {
	dst          []int64
	rows, values []E
	length, m    int
	right        bool
}

var (
	search32 parallel.Jobs[searchJob[float32], *searchJob[float32]]
	search64 parallel.Jobs[searchJob[float64], *searchJob[float64]]
	searchI  parallel.Jobs[searchJob[int64], *searchJob[int64]]
)

func (j *searchJob[E]) Piece(lo, hi int) {
	for i := lo; i < hi; i++ {
		r := i / j.m
		row, v := j.rows[r*j.length:(r+1)*j.length], j.values[i]
		from, to := 0, len(row)
		for from < to {
			mid := (from + to) / 2
			x := row[mid]
			before := x < v || x == x && v != v // NaN is the greatest
			if j.right {
				before = before || x == v || x != x && v != v
			}
			if before {
				from = mid + 1
			} else {
				to = mid
			}
		}
		j.dst[i] = int64(from)
	}
}
