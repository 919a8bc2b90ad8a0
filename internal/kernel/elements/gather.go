// SPDX-License-Identifier: Apache-2.0

package elements

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/simd"
)

// Indices are int64 numbers of positions along an axis; a negative one counts from the end. The
// functions return the first that is out of range, or -1; what was written is then undefined.

// outOfRange is the position of the first index that is out of range, plus 1; 0 for none.
type outOfRange struct{ atomic.Int64 }

func (o *outOfRange) report(at int) {
	for {
		old := o.Load()
		if old != 0 && old <= int64(at)+1 || o.CompareAndSwap(old, int64(at)+1) {
			return
		}
	}
}

func (o *outOfRange) first() int { return int(o.Swap(0)) - 1 }

// flags are reused from call to call.
var flags parallel.FreeList[outOfRange]

// Gather writes dst_ojr = x_o,ids_j,r of x (outer, length, row) for all of len(ids) indices.
func Gather(dst, x []byte, ids []int64, outer, length, row, width int) (bad int) {
	need("gather", len(dst), outer*len(ids)*row*width)
	need("gather", len(x), outer*length*row*width)
	if len(dst) > 0 && outer > 1 && row == 1 && length > 0 { // each index is used outer times: it is checked once
		if bad = check(ids, length); bad >= 0 {
			return bad
		}
		m := Scratch.Get()
		at := m.Of(len(ids))
		for i, id := range ids {
			at[i] = id + id>>63&int64(length)
		}
		gatherJobs.Run(gatherJob{dst, x, at, length, row * width, true, nil}, outer*len(ids), grain)
		Scratch.Put(m)
		return -1
	}
	f := flags.Get()
	if len(dst) > 0 {
		gatherJobs.Run(gatherJob{dst, x, ids, length, row * width, false, f}, outer*len(ids), max(1, grain/row))
	}
	bad = f.first()
	flags.Put(f)
	return bad
}

func need(what string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("%s: an operand has %d elements or bytes, want %d", what, got, want))
	}
}

type gatherJob struct {
	dst, x      []byte
	ids         []int64
	length, row int  // in bytes
	checked     bool // the indices are from 0 to length-1
	bad         *outOfRange
}

var gatherJobs parallel.Jobs[gatherJob, *gatherJob]

func (j *gatherJob) Piece(lo, hi int) {
	for lo < hi {
		o, first := lo/len(j.ids), lo%len(j.ids)
		n := min(len(j.ids)-first, hi-lo)
		ids := j.ids[first : first+n]
		dst, x := j.dst[lo*j.row:(lo+n)*j.row], j.x[o*j.length*j.row:(o+1)*j.length*j.row]
		bad := -1
		if j.row <= 8 {
			fetchNext(j.x, (o+1)*j.length*j.row, j.length*j.row, n*j.row)
		}
		switch {
		case j.checked:
			j.pick(dst, x, ids)
		case j.row == 1:
			bad = gatherWords(dst, x, ids)
		case j.row == 4:
			bad = gatherWords(words[uint32](dst), words[uint32](x), ids)
		case j.row == 8:
			bad = gatherWords(words[uint64](dst), words[uint64](x), ids)
		default:
			bad = gatherRows(dst, x, ids, j.length, j.row)
		}
		if bad >= 0 {
			j.bad.report(first + bad)
		}
		lo += n
	}
}

// fetchNext prefetches n elements of x from position at on if there are few in proportion to those that will be
// picked from the elements before: their order is random, so that the core can't foresee what it will need.
func fetchNext[E word](x []E, at, n, picked int) {
	if size := n * width[E](); n <= 4*picked && size <= nextBytes && at+n <= len(x) && size >= 4 {
		simd.Fetch(floats(unsafe.Slice((*byte)(unsafe.Pointer(&x[at])), size)))
	}
}

// nextBytes are at most prefetched: half a first-level cache.
const nextBytes = 16 << 10

func (j *gatherJob) pick(dst, x []byte, ids []int64) {
	switch j.row {
	case 1:
		pickWords(dst, x, ids)
	case 4:
		pickWords(words[uint32](dst), words[uint32](x), ids)
	case 8:
		pickWords(words[uint64](dst), words[uint64](x), ids)
	}
}

// pickWords is gatherWords for indices that have been checked.
func pickWords[W word](dst, x []W, ids []int64) {
	from, size := unsafe.Pointer(unsafe.SliceData(x)), unsafe.Sizeof(*new(W))
	at := func(id int64) W { return *(*W)(unsafe.Add(from, uintptr(id)*size)) }
	dst = dst[:len(ids)]
	for len(ids) >= 8 {
		d, k := (*[8]W)(dst), (*[8]int64)(ids)
		d[0], d[1], d[2], d[3] = at(k[0]), at(k[1]), at(k[2]), at(k[3])
		d[4], d[5], d[6], d[7] = at(k[4]), at(k[5]), at(k[6]), at(k[7])
		dst, ids = dst[8:], ids[8:]
	}
	for i, id := range ids {
		dst[i] = at(id)
	}
}

// checkedIDs is how many indices are checked at a time: they are then still in the first-level cache.
const checkedIDs = 1024

func gatherWords[W word](dst, x []W, ids []int64) (bad int) {
	dst = dst[:len(ids)]
	done := 0
	for outside := simd.Active.Moves.Outside; outside != nil && len(ids)-done >= simd.Sixteen; {
		n := min(checkedIDs, len(ids)-done) / simd.Sixteen * simd.Sixteen
		if outside(ids[done:done+n], int64(len(x))) {
			break // one is negative, or out of range
		}
		pickWords(dst[done:done+n], x, ids[done:done+n])
		done += n
	}
	if bad := gatherAnyWords(dst[done:], x, ids[done:]); bad >= 0 {
		return done + bad
	}
	return -1
}

// gatherAnyWords checks each index.
func gatherAnyWords[W word](dst, x []W, ids []int64) (bad int) {
	from, size, n := unsafe.Pointer(unsafe.SliceData(x)), unsafe.Sizeof(*new(W)), int64(len(x))
	at := func(id int64) W { return *(*W)(unsafe.Add(from, uintptr(id)*size)) }
	i := 0
	for ; i+4 <= len(ids); i += 4 {
		d, k := dst[i:i+4:i+4], ids[i:i+4:i+4]
		a, b, c, e := k[0]+k[0]>>63&n, k[1]+k[1]>>63&n, k[2]+k[2]>>63&n, k[3]+k[3]>>63&n
		if max(uint64(a), uint64(b), uint64(c), uint64(e)) >= uint64(n) {
			break
		}
		d[0], d[1], d[2], d[3] = at(a), at(b), at(c), at(e)
	}
	for ; i < len(ids); i++ {
		id := ids[i] + ids[i]>>63&n
		if uint64(id) >= uint64(n) {
			return i
		}
		dst[i] = x[id]
	}
	return -1
}

func gatherRows(dst, x []byte, ids []int64, length, row int) (bad int) {
	ahead := fetchAhead(row)
	for i, id := range ids {
		if next := i + ahead; next < len(ids) {
			if id := ids[next]; uint64(id) < uint64(length) {
				simd.Fetch(floats(x[int(id)*row : int(id+1)*row]))
			}
		}
		if id < 0 {
			id += int64(length)
		}
		if uint64(id) >= uint64(length) {
			return i
		}
		copy(dst[i*row:(i+1)*row], x[int(id)*row:])
	}
	return -1
}

// fetchAhead is how many rows ahead to prefetch: about as many bytes as memory delivers while it is
// waited for.
func fetchAhead(row int) int { return min(max(1, 4800/row), 16) }

func floats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// GatherElements writes dst_oji = x_o,ids_oji,i of x (outer, length, inner), where dst and ids have
// shape (outer, n, inner).
func GatherElements(dst, x []byte, ids []int64, outer, length, n, inner, width int) (bad int) {
	need("gather elements", len(dst), outer*n*inner*width)
	need("gather elements", len(x), outer*length*inner*width)
	need("gather elements", len(ids), outer*n*inner)
	if len(ids) == 0 {
		return -1
	}
	f := flags.Get()
	gatherElementsJobs.Run(gatherElementsJob{dst, x, ids, length, n, inner, width, f}, outer*n, max(1, grain/inner))
	bad = f.first()
	flags.Put(f)
	return bad
}

type gatherElementsJob struct {
	dst, x                  []byte
	ids                     []int64
	length, n, inner, width int
	bad                     *outOfRange
}

var gatherElementsJobs parallel.Jobs[gatherElementsJob, *gatherElementsJob]

func (j *gatherElementsJob) Piece(lo, hi int) {
	bad := -1
	switch j.width {
	case 1:
		bad = gatherElements(j, j.dst, j.x, lo, hi)
	case 4:
		bad = gatherElements(j, words[uint32](j.dst), words[uint32](j.x), lo, hi)
	case 8:
		bad = gatherElements(j, words[uint64](j.dst), words[uint64](j.x), lo, hi)
	}
	if bad >= 0 {
		j.bad.report(bad)
	}
}

func gatherElements[W word](j *gatherElementsJob, dst, x []W, lo, hi int) (bad int) {
	block := j.length * j.inner
	for lo < hi {
		o := lo / j.n
		from := x[o*block : (o+1)*block]
		if j.inner == 1 {
			end := min(hi, (o+1)*j.n)
			fetchNext(x, (o+1)*block, block, end-lo)
			if bad := gatherWords(dst[lo:end], from, j.ids[lo:end]); bad >= 0 {
				return lo + bad
			}
			lo = end
			continue
		}
		at := lo * j.inner
		ids, out := j.ids[at:at+j.inner], dst[at:at+j.inner]
		for i, id := range ids {
			if id < 0 {
				id += int64(j.length)
			}
			if uint64(id) >= uint64(j.length) {
				return at + i
			}
			out[i] = from[int(id)*j.inner+i]
		}
		lo++
	}
	return -1
}

// Linear writes to dst the positions of tuples in a tensor whose leading axes have the given lengths:
// tuple i is ids_i of (len(dst), len(shape)).
func Linear(dst, ids []int64, shape []int) (bad int) {
	need("linear", len(ids), len(dst)*len(shape))
	at := 0
	for i := range dst {
		p := int64(0)
		for _, n := range shape {
			id := ids[at]
			if id < 0 {
				id += int64(n)
			}
			if uint64(id) >= uint64(n) {
				return at
			}
			p = p*int64(n) + id
			at++
		}
		dst[i] = p
	}
	return -1
}
