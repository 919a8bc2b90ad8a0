// SPDX-License-Identifier: Apache-2.0

package distributed

import (
	"fmt"
	"unsafe"

	"github.com/reef-dl/reef/internal/kernel"
)

// Sum adds up vectors of all ranks in the order of the tree. It is reused: memory is allocated by NewSum.
type Sum struct {
	g          *Group
	leaves, n  int
	first, end int // leaves of this rank

	nodes   []node // of the leaves added so far
	values  [][]float32
	free    [][]float32
	next    int
	halving bool        // recursive halving and doubling is possible
	only    [][]float32 // the parts of the only leaf of this rank, which are not copied to its vector

	scratch []float32   // received values
	staged  []float32   // values to send, if they are in several parts
	every   []node      // of all ranks, in ascending order; nil if halving
	bounds  []int       // positions in every, by rank
	chunks  [][]float32 // by node of every: the part of the vector that this rank computes

	factor float32 // of the values up to scaled
	scaled int
}

// NewSum prepares sums of the given number of leaves, each a vector of n values.
func (g *Group) NewSum(leaves, n int) (*Sum, error) {
	if leaves < g.size {
		return nil, fmt.Errorf("distributed: leaves: %d, ranks: %d, want at least one leaf for each", leaves, g.size)
	}
	s := &Sum{g: g, leaves: leaves, n: n}
	s.first, s.end = Part(leaves, g.rank, g.size)
	s.halving = g.size&(g.size-1) == 0
	most := 0
	for r := range g.size {
		nodes := cover(leaves, first(Part(leaves, r, g.size)), second(Part(leaves, r, g.size)))
		s.bounds, s.every = append(s.bounds, len(s.every)), append(s.every, nodes...)
		most = max(most, len(nodes))
		s.halving = s.halving && len(nodes) == 1 && nodes[0].level == s.every[0].level
	}
	s.bounds = append(s.bounds, len(s.every))
	for range s.buffers() {
		s.free = append(s.free, kernel.Floats(n))
	}
	switch {
	case g.size == 1:
	case s.halving:
		s.scratch = kernel.Floats(min((n+1)/2, block))
		s.staged = kernel.Floats(len(s.scratch))
	default:
		lo, hi := Part(n, g.rank, g.size)
		s.chunks = make([][]float32, len(s.every))
		for i := range s.every {
			if i < s.bounds[g.rank] || i >= s.bounds[g.rank+1] {
				s.chunks[i] = kernel.Floats(hi - lo)
			}
		}
	}
	return s, nil
}

func first(a, _ int) int  { return a }
func second(_, b int) int { return b }

// buffers returns how many vectors are held at most: the nodes of the leaves so far and the next leaf.
func (s *Sum) buffers() int {
	most := 0
	for i := s.first; i < s.end; i++ {
		most = max(most, len(cover(i+1, s.first, i))+1)
	}
	return max(most, len(cover(s.leaves, s.first, s.end)))
}

// Leaves returns the range of leaves that this rank adds.
func (s *Sum) Leaves() (first, end int) { return s.first, s.end }

// Add adds the next leaf of this rank: a vector that begins with factor times the parts, one after
// another, and ends with the tail as it is, with zeros between them. The parts and the tail must keep
// their values until the next call of Add, Total or Reset.
func (s *Sum) Add(factor float32, parts [][]float32, tail []float32) {
	leaf := node{0, s.first + s.next}
	s.next++
	top := len(s.nodes) - 1
	if factor == 1 && leaf.index%2 == 1 && top >= 0 && s.nodes[top] == (node{0, leaf.index - 1}) { // without a copy
		x := s.values[top]
		for _, p := range parts {
			kernel.Add(x[:len(p)], x[:len(p)], p)
			x = x[len(p):]
		}
		x = x[len(x)-len(tail):]
		kernel.Add(x, x, tail)
		s.nodes[top] = leaf.parent()
		s.fold()
		return
	}
	last := len(s.free) - 1
	x := s.free[last]
	s.free, s.nodes, s.values = s.free[:last], append(s.nodes, leaf), append(s.values, x)
	s.only = s.only[:0]
	if factor == 1 && s.halving && s.end-s.first == 1 && s.g.size > 1 {
		s.only = append(append(s.only, parts...), tail)
		if length(s.only) == s.n {
			s.fold()
			return
		}
		s.only = s.only[:0]
	}
	for _, p := range parts {
		if factor == 1 {
			copy(x, p)
		} else {
			kernel.Scale(x[:len(p)], p, factor)
		}
		x = x[len(p):]
	}
	clear(x[:len(x)-len(tail)])
	copy(x[len(x)-len(tail):], tail)
	s.fold()
}

func length(parts [][]float32) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// fold adds up the last nodes as far as the tree has sums of them.
func (s *Sum) fold() {
	for {
		top := len(s.nodes) - 1
		n := s.nodes[top]
		switch {
		case n == root(s.leaves):
			return
		case n.index%2 == 1 && top > 0 && s.nodes[top-1] == node{n.level, n.index - 1}:
			kernel.Add(s.values[top-1], s.values[top-1], s.values[top])
			s.free = append(s.free, s.values[top])
			s.nodes, s.values = s.nodes[:top], s.values[:top]
			s.nodes[top-1] = n.parent()
		case n.index%2 == 0 && n.end() >= s.leaves: // there is nothing to add
			s.nodes[top] = n.parent()
		default:
			return
		}
	}
}

// Reset discards the leaves added so far.
func (s *Sum) Reset() {
	s.free = append(s.free, s.values...)
	s.nodes, s.values, s.next, s.only = s.nodes[:0], s.values[:0], 0, s.only[:0]
}

// Total returns the sum of the leaves of all ranks, with all but the last tail values multiplied by factor. It is
// valid until the next call of Add. It is an error if a leaf of this rank is missing or another rank cannot be reached.
func (s *Sum) Total(factor float32, tail int) ([]float32, error) {
	if s.next != s.end-s.first {
		return nil, fmt.Errorf("distributed: rank %d added %d leaves, want %d", s.g.rank, s.next, s.end-s.first)
	}
	defer s.Reset()
	x := s.values[0]
	s.factor, s.scaled = factor, s.n-tail
	switch {
	case s.g.size == 1:
		s.scale(x, 0, s.n)
		return x, nil
	case s.halving:
		return x, s.halve(x)
	}
	return x, s.exchangeParts(x)
}

// scale multiplies the values from lo to hi of the sum x by the factor.
func (s *Sum) scale(x []float32, lo, hi int) {
	if hi = min(hi, s.scaled); s.factor != 1 && lo < hi {
		kernel.Scale(x[lo:hi], x[lo:hi], s.factor)
	}
}

// block is the number of values that are received at a time: few enough to be in the cache when they are added, and
// many enough for a network, which waits for both ranks between two blocks.
const block = 1 << 18

// halve completes the sum x by recursive halving and doubling.
func (s *Sum) halve(x []float32) error {
	g, lo, hi := s.g, 0, len(x)
	for step := 1; step < g.size; step *= 2 {
		mid := lo + (hi-lo)/2
		keepLo, keepHi, sendLo, sendHi := lo, mid, mid, hi
		if g.rank&step != 0 {
			keepLo, keepHi, sendLo, sendHi = mid, hi, lo, mid
		}
		for keepLo < keepHi || sendLo < sendHi {
			keepEnd, sendEnd := min(keepLo+block, keepHi), min(sendLo+block, sendHi)
			received := s.scratch[:keepEnd-keepLo]
			if err := g.exchange(g.rank^step, bytesOf(s.own(x, sendLo, sendEnd)), g.rank^step, bytesOf(received)); err != nil {
				return err
			}
			s.addTo(x, keepLo, received) // a+b = b+a, so both ranks may add to their own
			if 2*step == g.size {
				s.scale(x, keepLo, keepEnd)
			}
			keepLo, sendLo = keepEnd, sendEnd
		}
		s.only = s.only[:0]
		lo, hi = s.part(g.rank, step)
	}
	return s.double(x)
}

// own returns the values from lo to hi of this rank's sum so far, which are in x or in the parts of its only leaf.
func (s *Sum) own(x []float32, lo, hi int) []float32 {
	if len(s.only) == 0 {
		return x[lo:hi]
	}
	staged := s.staged[:0]
	for _, p := range s.only {
		if lo < len(p) && lo < hi {
			p := p[lo:min(hi, len(p))]
			if len(p) == hi-lo && len(staged) == 0 {
				return p
			}
			staged = append(staged, p...)
			lo += len(p)
		}
		lo, hi = lo-len(p), hi-len(p)
	}
	return staged
}

// addTo adds received values to those of this rank's sum so far and writes the result to x from position lo on.
func (s *Sum) addTo(x []float32, lo int, received []float32) {
	x = x[lo:]
	if len(s.only) == 0 {
		kernel.Add(x[:len(received)], x[:len(received)], received)
		return
	}
	for _, p := range s.only {
		if lo < len(p) && len(received) > 0 {
			p := p[lo:min(lo+len(received), len(p))]
			kernel.Add(x[:len(p)], p, received[:len(p)])
			x, received = x[len(p):], received[len(p):]
			lo += len(p)
		}
		lo -= len(p)
	}
}

// double returns the parts that halve computed, in the reverse order of its rounds.
func (s *Sum) double(x []float32) error {
	g := s.g
	for step := g.size / 2; step > 0; step /= 2 {
		lo, hi := s.part(g.rank, step)
		theirLo, theirHi := s.part(g.rank^step, step)
		if err := g.exchange(g.rank^step, bytesOf(x[lo:hi]), g.rank^step, bytesOf(x[theirLo:theirHi])); err != nil {
			return err
		}
	}
	return nil
}

// part returns the part of the vector that a rank holds after the rounds of halving up to step.
func (s *Sum) part(rank, step int) (lo, hi int) {
	hi = s.n
	for d := 1; d <= step; d *= 2 {
		mid := lo + (hi-lo)/2
		if rank&d == 0 {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo, hi
}

// exchangeParts completes the sum for any number of ranks: each computes one part of the vector from
// the nodes of all ranks and returns it to them, the result in x.
func (s *Sum) exchangeParts(x []float32) error {
	g := s.g
	mine := s.bounds[g.rank]
	for k := 1; k < g.size; k++ {
		to, from := (g.rank+k)%g.size, (g.rank-k+g.size)%g.size
		lo, hi := Part(s.n, to, g.size)
		send, receive := s.values, s.chunks[s.bounds[from]:s.bounds[from+1]]
		for i := range max(len(send), len(receive)) {
			var out, in []byte
			if i < len(send) {
				out = bytesOf(send[i][lo:hi])
			}
			if i < len(receive) {
				in = bytesOf(receive[i])
			}
			if err := g.exchange(to, out, from, in); err != nil {
				return err
			}
		}
	}
	lo, hi := Part(s.n, g.rank, g.size)
	for i, v := range s.values {
		s.chunks[mine+i] = v[lo:hi]
	}
	sumOver(s.every, s.leaves, func(a, b int) { kernel.Add(s.chunks[a], s.chunks[a], s.chunks[b]) })
	copy(x[lo:hi], s.chunks[0])
	s.scale(x, lo, hi)
	for k := 1; k < g.size; k++ {
		to, from := (g.rank+k)%g.size, (g.rank-k+g.size)%g.size
		theirLo, theirHi := Part(s.n, from, g.size)
		if err := g.exchange(to, bytesOf(x[lo:hi]), from, bytesOf(x[theirLo:theirHi])); err != nil {
			return err
		}
	}
	return nil
}

// bytesOf returns the memory of x.
func bytesOf(x []float32) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
