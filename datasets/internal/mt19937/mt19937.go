// SPDX-License-Identifier: Apache-2.0

// Package mt19937 is the generator of numpy.random.RandomState: the Mersenne
// Twister MT19937 with its 32-bit seeding, and numpy's permutations. The Keras
// data sets are split with it, so reproducing their training and test parts
// takes the same random numbers.
//
// Source: M. Matsumoto, T. Nishimura: Mersenne Twister, ACM TOMACS 8 (1998).
package mt19937

const (
	size   = 624
	offset = 397
)

// Generator is the state; the zero value is not seeded, use New.
type Generator struct {
	state [size]uint32
	next  int // index of the next unused word
}

// New returns the generator of numpy.random.RandomState(seed).
func New(seed uint32) *Generator {
	g := &Generator{next: size}
	g.state[0] = seed
	for i := 1; i < size; i++ {
		prev := g.state[i-1]
		g.state[i] = 1812433253*(prev^prev>>30) + uint32(i)
	}
	return g
}

// Uint32 returns the next 32 random bits.
func (g *Generator) Uint32() uint32 {
	if g.next == size {
		g.twist()
	}
	y := g.state[g.next]
	g.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// twist generates the next 624 words.
func (g *Generator) twist() {
	for i := range size {
		y := g.state[i]&0x80000000 | g.state[(i+1)%size]&0x7fffffff
		v := g.state[(i+offset)%size] ^ y>>1
		if y&1 == 1 {
			v ^= 0x9908b0df
		}
		g.state[i] = v
	}
	g.next = 0
}

// upTo returns a number from 0 to limit: random bits under the smallest mask that covers
// limit, drawn again while they exceed it.
func (g *Generator) upTo(limit uint32) uint32 {
	mask := limit
	for shift := 1; shift < 32; shift *= 2 {
		mask |= mask >> shift
	}
	for {
		if v := g.Uint32() & mask; v <= limit {
			return v
		}
	}
}

// Permutation returns 0..n-1 in the order of RandomState.permutation(n): exchanges from
// the last index down (Fisher and Yates).
func (g *Generator) Permutation(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	g.Shuffle(p)
	return p
}

// Shuffle reorders p as RandomState.shuffle does.
func (g *Generator) Shuffle(p []int) {
	for i := len(p) - 1; i > 0; i-- {
		j := g.upTo(uint32(i))
		p[i], p[j] = p[j], p[i]
	}
}
