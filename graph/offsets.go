// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"slices"
)

// align is the size of a cache line and of the widest vector.
const align = 64

// buffer is memory shared by one or more nodes: a value, its views, and values computed in
// place of it.
type buffer struct {
	bytes       int
	first, last int // first instruction that writes it, last that reads it
	offset      int
}

// end returns the first offset that a buffer may have behind b.
func (b *buffer) end() int { return (b.offset + b.bytes + align - 1) / align * align }

// assignOffsets sets the buffers' offsets and returns the total number of bytes: one by one,
// largest first, each gets the lowest offset at which it overlaps no other in both memory and
// time.
//
// In a deep network most buffers are in use at the same time, so each would be compared with
// all others. The placed buffers are therefore kept in blocks, and a block that has all its
// buffers in the way, or none, is passed in one step.
func assignOffsets(buffers []buffer) (total int) {
	order := make([]int, len(buffers))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return buffers[b].bytes - buffers[a].bytes })
	var placed blocks
	for _, i := range order {
		b := &buffers[i]
		placed.place(b)
		total = max(total, b.offset+b.bytes)
	}
	return total
}

// blocks are placed buffers, sorted by offset.
type blocks []block

// maxBlock is the most buffers of a block.
const maxBlock = 128

// block is a part of the placed buffers. If a buffer is in use at any time from allFirst to
// allLast, it meets all of them; outside of anyFirst to anyLast, none.
type block struct {
	buffers             []*buffer
	allFirst, allLast   int
	anyFirst, anyLast   int
	offset, end, widest int // of the first; the largest end; the most bytes that fit in between
}

// place finds the offset of b and inserts it.
func (s *blocks) place(b *buffer) {
	for i := range *s {
		t := &(*s)[i]
		switch {
		case t.anyLast < b.first || b.last < t.anyFirst:
			continue
		case b.first <= t.allLast && t.allFirst <= b.last && b.bytes > t.widest && b.offset+b.bytes > t.offset:
			b.offset = max(b.offset, t.end)
			continue
		}
		if t.place(b) {
			break
		}
	}
	s.insert(b)
}

// place moves b behind the buffers of the block that are in its way and reports whether it
// fits before one of them.
func (t *block) place(b *buffer) bool {
	for _, c := range t.buffers {
		if c.last < b.first || b.last < c.first {
			continue
		}
		if b.offset+b.bytes <= c.offset {
			return true
		}
		b.offset = max(b.offset, c.end())
	}
	return false
}

// insert puts b before the first buffer that has its offset or a larger one.
func (s *blocks) insert(b *buffer) {
	at, _ := slices.BinarySearchFunc(*s, b.offset, func(t block, offset int) int {
		if t.buffers[len(t.buffers)-1].offset < offset {
			return -1
		}
		return 1
	})
	if at == len(*s) {
		if at == 0 {
			*s = append(*s, block{})
		} else {
			at--
		}
	}
	t := &(*s)[at]
	k, _ := slices.BinarySearchFunc(t.buffers, b.offset, func(c *buffer, offset int) int { return c.offset - offset })
	t.buffers = slices.Insert(t.buffers, k, b)
	if n := len(t.buffers); n > maxBlock {
		second := block{buffers: slices.Clone(t.buffers[n/2:])}
		second.measure()
		t.buffers = slices.Delete(t.buffers, n/2, n)
		t.measure()
		*s = slices.Insert(*s, at+1, second)
		return
	}
	t.measure()
}

// measure sets what place needs to know of the buffers.
func (t *block) measure() {
	t.allFirst, t.allLast, t.anyFirst, t.anyLast = math.MinInt, math.MaxInt, math.MaxInt, math.MinInt
	t.offset, t.end, t.widest = t.buffers[0].offset, t.buffers[0].offset, 0
	for _, c := range t.buffers {
		t.allFirst, t.allLast = max(t.allFirst, c.first), min(t.allLast, c.last)
		t.anyFirst, t.anyLast = min(t.anyFirst, c.first), max(t.anyLast, c.last)
		t.widest = max(t.widest, c.offset-t.end)
		t.end = max(t.end, c.end())
	}
}
