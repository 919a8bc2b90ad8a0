// SPDX-License-Identifier: Apache-2.0

package kernel

import "fmt"

// rowIndex lists for each row of a table where it occurs: a counting sort, stable, so that
// sums over the occurrences of a row run in their order. Each row is then one worker's, and
// its sum stays in registers.
type rowIndex struct {
	end   []int32   // of each row's part of where
	where []int32   // positions (or rows of the other matrix), by row
	vals  []float32 // the factors that go with them; empty when all are 1
}

var rowIndexes freeList[rowIndex]

// ofIDs indexes ids, leaving out those that are no integers in [0,rows).
func (x *rowIndex) ofIDs(ids []float32, rows int) {
	x.end, x.where, x.vals = resized(x.end, rows), resized(x.where, len(ids)), x.vals[:0]
	clear(x.end)
	good := func(v float32) bool { return v >= 0 && v < float32(rows) && float32(int32(v)) == v }
	for _, v := range ids {
		if good(v) {
			x.end[int(v)]++
		}
	}
	x.countToStart()
	for i, v := range ids {
		if good(v) {
			x.where[x.end[int(v)]] = int32(i)
			x.end[int(v)]++
		}
	}
}

// ofColumns indexes the columns of a sparse matrix: where are its rows.
func (x *rowIndex) ofColumns(indptr, cols []int32, vals []float32, k int) {
	checkColumns(cols, k)
	x.end, x.where, x.vals = resized(x.end, k), resized(x.where, len(cols)), resized(x.vals, len(vals))
	clear(x.end)
	for _, c := range cols {
		x.end[c]++
	}
	x.countToStart()
	for i := range len(indptr) - 1 {
		for p := indptr[i]; p < indptr[i+1]; p++ {
			at := x.end[cols[p]]
			x.end[cols[p]]++
			x.where[at] = int32(i)
			if vals != nil {
				x.vals[at] = vals[p]
			}
		}
	}
}

// countToStart turns counts into the starts that placing moves on to the ends.
func (x *rowIndex) countToStart() {
	next := int32(0)
	for r, count := range x.end {
		x.end[r] = next
		next += count
	}
}

// bounds returns row r's part of where.
func (x *rowIndex) bounds(r int) (lo, hi int32) {
	if r > 0 {
		lo = x.end[r-1]
	}
	return lo, x.end[r]
}

// occurring returns the rows that occur, ascending, in the memory of rows.
func (x *rowIndex) occurring(rows []int32) []int32 {
	rows = resized(rows, min(len(x.end), len(x.where)))[:0]
	before := int32(0)
	for r, end := range x.end {
		if end > before {
			rows = append(rows, int32(r))
		}
		before = end
	}
	return rows
}

// sum writes the sum of r's rows of from.
func (x *rowIndex) sum(dst, from []float32, r int) {
	lo, hi := x.bounds(r)
	for _, at := range x.where[min(int(hi)+fetchRows, len(x.where)):min(int(hi)+fetchRows+int(hi-lo), len(x.where))] { // of rows to come
		fetch(from[int(at)*len(dst) : (int(at)+1)*len(dst)])
	}
	clear(dst)
	addRows(dst, from, x.where[lo:hi], part(x.factors(), int(lo), int(hi)))
}

func (x *rowIndex) factors() []float32 {
	if len(x.vals) == 0 {
		return nil
	}
	return x.vals
}

// addRows adds rows ids of table, times vals unless these are nil, to dst.
func addRows(dst, table []float32, ids []int32, vals []float32) {
	const most = 4096 // an assembly call cannot be interrupted
	for lo := 0; lo < len(ids); lo += most {
		hi := min(lo+most, len(ids))
		if vals == nil {
			current.vec.gatherSum(dst, table, ids[lo:hi])
		} else {
			current.vec.gatherSumScaled(dst, table, ids[lo:hi], vals[lo:hi])
		}
	}
}

// checkColumns panics unless all columns are in [0,k): assembly would read anything.
func checkColumns(cols []int32, k int) {
	most := uint32(0)
	for _, c := range cols {
		most = max(most, uint32(c))
	}
	if len(cols) > 0 && most >= uint32(k) {
		panic(fmt.Sprintf("sparse matrix: column %d, want 0 to %d", int32(most), k-1))
	}
}

func genericGatherSum(dst, table []float32, ids []int32) {
	for _, id := range ids {
		for j, v := range table[int(id)*len(dst) : (int(id)+1)*len(dst)] {
			dst[j] += v
		}
	}
}

func genericGatherSumScaled(dst, table []float32, ids []int32, vals []float32) {
	for p, id := range ids {
		for j, v := range table[int(id)*len(dst) : (int(id)+1)*len(dst)] {
			dst[j] += vals[p] * v
		}
	}
}
