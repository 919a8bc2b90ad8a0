// SPDX-License-Identifier: Apache-2.0

package distributed

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel"
)

// RowSum adds up matrices of which only some rows are given, such as the gradient of an embedding, in
// the order of the tree. All ranks receive the rows of all others.
type RowSum struct {
	g             *Group
	leaves, width int
	mine          []rows // leaves of this rank
	count         int    // of mine
	free          []*rows

	counts  []byte // rows of all leaves, 4 bytes each
	bounds  []int
	indices []int32
	values  []float32
	nodes   []node
	leaf    []*rows
}

// rows are some rows of a matrix, in ascending order.
type rows struct {
	index  []int32
	values []float32
}

// NewRowSum prepares sums of the given number of leaves of rows of the given width.
func (g *Group) NewRowSum(leaves, width int) (*RowSum, error) {
	if leaves < g.size || width < 1 {
		return nil, fmt.Errorf("distributed: %d leaves of rows of %d values for %d ranks, want at least one of each", leaves, width, g.size)
	}
	first, end := Part(leaves, g.rank, g.size)
	s := &RowSum{g: g, leaves: leaves, width: width, mine: make([]rows, end-first), counts: make([]byte, 4*leaves), bounds: make([]int, g.size+1)}
	for i := range leaves {
		s.nodes, s.leaf = append(s.nodes, node{0, i}), append(s.leaf, &rows{})
	}
	return s, nil
}

// Add adds the next leaf of this rank: factor times rows of the given ascending indices.
func (s *RowSum) Add(factor float32, index []int32, values []float32) {
	r := &s.mine[s.count]
	s.count++
	r.index, r.values = append(r.index[:0], index...), append(r.values[:0], values...)
	if factor != 1 {
		kernel.Scale(r.values, r.values, factor)
	}
}

// Reset discards the leaves added so far.
func (s *RowSum) Reset() { s.count = 0 }

// Total returns the sum of the leaves of all ranks: the rows that occur in any of them. It is valid until
// the next call of Total.
func (s *RowSum) Total() (index []int32, values []float32, err error) {
	if s.count != len(s.mine) {
		return nil, nil, fmt.Errorf("distributed: rank %d added %d leaves of rows, want %d", s.g.rank, s.count, len(s.mine))
	}
	defer s.Reset()
	if err := s.gather(); err != nil {
		return nil, nil, err
	}
	sumOver(s.nodes, s.leaves, func(a, b int) { s.leaf[a] = s.merge(s.leaf[a], s.leaf[b]) })
	sum := s.leaf[0]
	return sum.index, sum.values, nil
}

// gather sets leaf to the leaves of all ranks.
func (s *RowSum) gather() error {
	g := s.g
	first, _ := Part(s.leaves, g.rank, g.size)
	for i, r := range s.mine {
		binary.NativeEndian.PutUint32(s.counts[4*(first+i):], uint32(len(r.index)))
	}
	for r := range g.size {
		_, end := Part(s.leaves, r, g.size)
		s.bounds[r+1] = 4 * end
	}
	if err := g.Gather(s.counts, s.bounds); err != nil {
		return err
	}
	count := func(leaf int) int { return int(binary.NativeEndian.Uint32(s.counts[4*leaf:])) }
	total := 0
	for r := range g.size {
		lo, hi := Part(s.leaves, r, g.size)
		for i := lo; i < hi; i++ {
			total += count(i)
		}
		s.bounds[r+1] = 4 * total
	}
	s.indices, s.values = slices.Grow(s.indices[:0], total)[:total], slices.Grow(s.values[:0], total*s.width)[:total*s.width]
	at := s.bounds[g.rank] / 4
	for _, r := range s.mine {
		copy(s.indices[at:], r.index)
		copy(s.values[at*s.width:], r.values)
		at += len(r.index)
	}
	if err := g.Gather(bytesOfInts(s.indices), s.bounds); err != nil {
		return err
	}
	for r := range s.bounds {
		s.bounds[r] *= s.width
	}
	if err := g.Gather(bytesOf(s.values), s.bounds); err != nil {
		return err
	}
	at = 0
	for i := range s.leaves {
		n := count(i)
		s.keep(s.leaf[i])
		s.leaf[i] = s.take(n)
		copy(s.leaf[i].index, s.indices[at:at+n])
		copy(s.leaf[i].values, s.values[at*s.width:(at+n)*s.width])
		at += n
	}
	return nil
}

// take returns memory for n rows.
func (s *RowSum) take(n int) *rows {
	r := &rows{}
	if last := len(s.free) - 1; last >= 0 {
		r, s.free = s.free[last], s.free[:last]
	}
	r.index, r.values = slices.Grow(r.index[:0], n)[:n], slices.Grow(r.values[:0], n*s.width)[:n*s.width]
	return r
}

func (s *RowSum) keep(r *rows) { s.free = append(s.free, r) }

// merge returns a + b in new memory. That of a is free afterwards, that of b with its leaf.
func (s *RowSum) merge(a, b *rows) *rows {
	sum, w := s.take(len(a.index)+len(b.index)), s.width
	n, i, j := 0, 0, 0
	for i < len(a.index) || j < len(b.index) {
		to := sum.values[n*w : (n+1)*w]
		switch {
		case j == len(b.index) || i < len(a.index) && a.index[i] < b.index[j]:
			sum.index[n] = a.index[i]
			copy(to, a.values[i*w:])
			i++
		case i == len(a.index) || b.index[j] < a.index[i]:
			sum.index[n] = b.index[j]
			copy(to, b.values[j*w:])
			j++
		default:
			sum.index[n] = a.index[i]
			kernel.Add(to, a.values[i*w:(i+1)*w], b.values[j*w:(j+1)*w])
			i++
			j++
		}
		n++
	}
	sum.index, sum.values = sum.index[:n], sum.values[:n*w]
	s.keep(a)
	return sum
}

// bytesOfInts returns the memory of x.
func bytesOfInts(x []int32) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
