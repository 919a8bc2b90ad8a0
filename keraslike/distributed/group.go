// SPDX-License-Identifier: Apache-2.0

package distributed

import (
	"errors"
	"fmt"
)

// Group is what a rank knows of its group. Its methods are called by one goroutine at a time, and by all
// ranks in the same order.
type Group struct {
	comm       Comm
	rank, size int
	sequence   uint64 // calls of Agree so far
	out, in    [headerSize]byte
}

// NewGroup returns the group that a Comm connects.
func NewGroup(c Comm) (*Group, error) {
	if c == nil {
		return nil, errors.New("distributed: there is no Comm")
	}
	rank, size := c.Rank(), c.Size()
	if size < 1 || rank < 0 || rank >= size {
		return nil, fmt.Errorf("distributed: %T is rank %d of %d", c, rank, size)
	}
	return &Group{comm: c, rank: rank, size: size}, nil
}

// Rank returns the number of this rank, from 0 to Size()-1.
func (g *Group) Rank() int { return g.rank }

// Size returns the number of ranks.
func (g *Group) Size() int { return g.size }

// exchange is Exchange with the ranks in its errors.
func (g *Group) exchange(to int, send []byte, from int, receive []byte) error {
	if len(send) == 0 && len(receive) == 0 {
		return nil
	}
	if err := g.comm.Exchange(to, send, from, receive); err != nil {
		with := fmt.Sprintf("sending to rank %d and receiving from rank %d", to, from)
		switch {
		case to == from:
			with = fmt.Sprintf("exchanging data with rank %d", to)
		case len(receive) == 0:
			with = fmt.Sprintf("sending to rank %d", to)
		case len(send) == 0:
			with = fmt.Sprintf("receiving from rank %d", from)
		}
		return fmt.Errorf("rank %d of %d: %s: %w", g.rank, g.size, with, err)
	}
	return nil
}

// Broadcast copies the data of the first rank to all others, which pass slices of the same length, in
// ⌈log2(n)⌉ rounds along a binomial tree.
func (g *Group) Broadcast(data []byte) error { return g.broadcast(0, data) }

func (g *Group) broadcast(from int, data []byte) error {
	me := (g.rank - from + g.size) % g.size // as if from were rank 0
	name := func(r int) int { return (r + from) % g.size }
	step := 1
	for ; step <= me; step *= 2 {
		if me < 2*step {
			if err := g.exchange(0, nil, name(me-step), data); err != nil {
				return err
			}
		}
	}
	for ; me+step < g.size; step *= 2 {
		if err := g.exchange(name(me+step), data, 0, nil); err != nil {
			return err
		}
	}
	return nil
}

// Gather completes all, of which rank r has set the bytes from bounds[r] up to bounds[r+1]: by
// recursive doubling if the number of ranks is a power of two, otherwise around a ring.
func (g *Group) Gather(all []byte, bounds []int) error {
	if len(bounds) != g.size+1 || bounds[0] != 0 || bounds[g.size] != len(all) {
		return fmt.Errorf("distributed: Gather got bounds %v for %d bytes and %d ranks", bounds, len(all), g.size)
	}
	part := func(first, end int) []byte { return all[bounds[first]:bounds[end]] }
	if g.size&(g.size-1) == 0 {
		for step := 1; step < g.size; step *= 2 {
			mine := g.rank &^ (step - 1)
			theirs := mine ^ step
			if err := g.exchange(g.rank^step, part(mine, mine+step), g.rank^step, part(theirs, theirs+step)); err != nil {
				return err
			}
		}
		return nil
	}
	to, from := (g.rank+1)%g.size, (g.rank-1+g.size)%g.size
	for k := range g.size - 1 {
		send, receive := (g.rank-k+g.size)%g.size, (g.rank-k-1+g.size)%g.size
		if err := g.exchange(to, part(send, send+1), from, part(receive, receive+1)); err != nil {
			return err
		}
	}
	return nil
}
