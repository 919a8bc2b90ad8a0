// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/buffer"
	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// rowIndex lists the occurrences of each row of a table: a stable counting sort, so sums over the
// occurrences of a row are in order. Each row is then processed by one worker, with its sum in
// registers.
type rowIndex struct {
	end   []int32   // end offset of each row's part of where
	where []int32   // positions (or rows of the other matrix), by row
	vals  []float32 // the factors of the positions; empty if all are 1
	ids   []int32   // scratch memory of ofIDs: the ids as integers, -1 for invalid ones
	rows  []int32   // the rows that occur
}

var rowIndexes parallel.FreeList[rowIndex]

// ofIDs indexes ids, skipping those that are not integers in [0,rows), and returns the rows that
// occur, ascending, valid until the next call. This is the critical path, so it is free of branches
// that depend on the ids.
func (x *rowIndex) ofIDs(ids []float32, rows int) (occurring []int32) {
	x.end, x.where, x.vals, x.ids = buffer.Resize(x.end, rows), buffer.Resize(x.where, len(ids)), x.vals[:0], buffer.Resize(x.ids, len(ids))
	clear(x.end)
	for i, v := range ids {
		id := int32(v)
		if uint32(id) >= uint32(rows) || float32(id) != v {
			x.ids[i] = -1
			continue
		}
		x.ids[i] = id
		x.end[id]++
	}
	occurring = x.countToStart(min(rows, len(ids)))
	good := 0
	for i, id := range x.ids {
		if id >= 0 {
			x.where[x.end[id]] = int32(i)
			x.end[id]++
			good++
		}
	}
	x.where = x.where[:good]
	return occurring
}

// ofColumns indexes the columns of a sparse matrix: where are its rows.
func (x *rowIndex) ofColumns(indptr, cols []int32, vals []float32, k int) {
	checkColumns(cols, k)
	x.end, x.where, x.vals = buffer.Resize(x.end, k), buffer.Resize(x.where, len(cols)), buffer.Resize(x.vals, len(vals))
	clear(x.end)
	for _, c := range cols {
		x.end[c]++
	}
	x.countToStart(min(k, len(cols)))
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

// countToStart turns counts into start offsets, which become end offsets as where is filled. It
// returns the rows with nonzero count, of which there are at most most.
func (x *rowIndex) countToStart(most int) (occurring []int32) {
	x.rows = buffer.Resize(x.rows, most+1)
	rows, next, n := x.rows, int32(0), 0
	for r, count := range x.end {
		x.end[r] = next
		next += count
		rows[n] = int32(r)
		if count > 0 {
			n++
		}
	}
	return rows[:n]
}

// bounds returns the range of row r in where.
func (x *rowIndex) bounds(r int) (lo, hi int32) {
	if r > 0 {
		lo = x.end[r-1]
	}
	return lo, x.end[r]
}

// sum writes the sum of r's rows of from.
func (x *rowIndex) sum(dst, from []float32, r int) {
	lo, hi := x.bounds(r)
	next := int(hi) + fetchAhead(len(dst))
	for _, at := range x.where[min(next, len(x.where)):min(next+int(hi-lo), len(x.where))] { // prefetches the next rows
		simd.Fetch(from[int(at)*len(dst) : (int(at)+1)*len(dst)])
	}
	if hi-lo == 1 && len(x.vals) == 0 {
		copy(dst, from[int(x.where[lo])*len(dst):])
		return
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

// addRows adds the rows ids of table, multiplied by vals unless that is nil, to dst.
func addRows(dst, table []float32, ids []int32, vals []float32) {
	const most = 4096 // an assembly call cannot be preempted
	for lo := 0; lo < len(ids); lo += most {
		hi := min(lo+most, len(ids))
		if vals == nil {
			simd.Active.GatherSum(dst, table, ids[lo:hi])
		} else {
			simd.Active.GatherSumScaled(dst, table, ids[lo:hi], vals[lo:hi])
		}
	}
}

// checkColumns panics unless all columns are in [0,k): the assembly does not check.
func checkColumns(cols []int32, k int) {
	most := uint32(0)
	for _, c := range cols {
		most = max(most, uint32(c))
	}
	if len(cols) > 0 && most >= uint32(k) {
		panic(fmt.Sprintf("sparse matrix: column %d, want 0 to %d", int32(most), k-1))
	}
}
