// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/reef-dl/reef/keraslike/distributed"
)

// batchIterator iterates over a range of a source's samples in batches, in a given order. Where
// samples differ in length, the batches are of samples of one group each.
type batchIterator struct {
	source   Source
	order    []int // indices of samples
	size     int
	position int

	first  int   // the sample with which the range begins
	groups []int // of the samples of the range; nil if all are of one
	ends   []int // the positions at which the batches end; nil if all but the last have the size

	leaves *leafRange // of a rank, whose next returns its leaves of the batches; nil for whole batches
	turn   *turn      // of a rank, whose next returns its batches; nil for all
}

// leafRange are the leaves of one rank in a distributed training.
type leafRange struct {
	of, first, end int
	batch          []int // whose leaves are being returned
	next           int   // leaf
}

// turn is that of one rank in a distributed evaluation, where ranks have batches in turn.
type turn struct{ rank, ranks, batch int }

// newBatchIterator iterates over samples lo to hi-1 of a source in their order.
func newBatchIterator(source Source, lo, hi, size int) *batchIterator {
	b := &batchIterator{source: source, size: size, order: make([]int, hi-lo), first: lo}
	for i := range b.order {
		b.order[i] = lo + i
	}
	return b
}

// group sets the groups of the samples, numbers from 0.
func (b *batchIterator) group(groups []int) {
	b.groups = groups
	b.arrange(nil)
}

// begin starts over, in a random order (Fisher-Yates) that depends only on the generator, not on
// the order of the previous epoch; without a generator in the order of the samples.
func (b *batchIterator) begin(rng *rand.Rand) {
	b.position = 0
	if b.leaves != nil {
		b.leaves.next = b.leaves.end
	}
	if rng != nil || b.groups != nil {
		slices.Sort(b.order)
	}
	if rng != nil {
		rng.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
	}
	if b.groups != nil {
		b.arrange(rng)
	}
}

// arrange makes batches of samples of one group, in the order of the samples, and shuffles the
// batches.
func (b *batchIterator) arrange(rng *rand.Rand) {
	open := make([][]int, 1+slices.Max(b.groups))
	var batches [][]int
	for _, i := range b.order {
		g := b.groups[i-b.first]
		if open[g] = append(open[g], i); len(open[g]) == b.size {
			batches = append(batches, open[g])
			open[g] = nil
		}
	}
	for _, rest := range open {
		if len(rest) > 0 {
			batches = append(batches, rest)
		}
	}
	if rng != nil {
		rng.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	}
	b.order, b.ends = b.order[:0], b.ends[:0]
	for _, one := range batches {
		b.order = append(b.order, one...)
		b.ends = append(b.ends, len(b.order))
	}
}

// count returns the number of batches.
func (b *batchIterator) count() int { return b.from(0, len(b.order)) }

// samples returns how many samples the first n batches have.
func (b *batchIterator) samples(n int) int {
	switch {
	case b.groups == nil:
		return min(len(b.order), saturatingProduct(n, b.size))
	case n > len(b.ends):
		return len(b.order)
	case n < 1:
		return 0
	}
	return b.ends[n-1]
}

// before returns the number of batches that begin before a position.
func (b *batchIterator) before(position int) int {
	if b.groups == nil {
		return ceilDiv(position, b.size)
	}
	if position == 0 {
		return 0
	}
	i, _ := slices.BinarySearch(b.ends, position)
	return i + 1
}

// from returns the number of batches from a position to another one; the first may be the rest of
// one.
func (b *batchIterator) from(position, end int) int {
	if b.groups == nil {
		return ceilDiv(max(0, end-position), b.size)
	}
	if position >= end {
		return 0
	}
	i, whole := slices.BinarySearch(b.ends, position)
	if whole {
		i++
	}
	j, _ := slices.BinarySearch(b.ends, end)
	return j + 1 - i
}

// at returns the indices of the batch that begins at a position, none at the end.
func (b *batchIterator) at(position int) []int {
	end := min(len(b.order), position+b.size)
	if b.groups != nil && position < len(b.order) {
		i, whole := slices.BinarySearch(b.ends, position)
		if whole {
			i++
		}
		end = b.ends[i]
	}
	return b.order[position:end]
}

// next returns the indices of the next batch, or of what a rank has of it, none at the end.
func (b *batchIterator) next() []int {
	switch {
	case b.leaves != nil:
		return b.nextLeaf()
	case b.turn != nil:
		for b.turn.batch%b.turn.ranks != b.turn.rank && len(b.nextBatch()) > 0 {
			b.turn.batch++
		}
		b.turn.batch++
	}
	return b.nextBatch()
}

func (b *batchIterator) nextBatch() []int {
	batch := b.at(b.position)
	b.position += len(batch)
	return batch
}

// nextLeaf returns the next leaf that has samples.
func (b *batchIterator) nextLeaf() []int {
	l := b.leaves
	for {
		if l.next == l.end {
			if l.batch, l.next = b.nextBatch(), l.first; len(l.batch) == 0 {
				l.next = l.end
				return nil
			}
		}
		lo, hi := distributed.Part(len(l.batch), l.next, l.of)
		if l.next++; hi > lo {
			return l.batch[lo:hi]
		}
	}
}

// countLeaves returns how many leaves with samples a rank has in the next n batches.
func (b *batchIterator) countLeaves(n int) (count int) {
	position := b.position
	for range n {
		size := len(b.at(position))
		for i := b.leaves.first; i < b.leaves.end; i++ {
			if lo, hi := distributed.Part(size, i, b.leaves.of); hi > lo {
				count++
			}
		}
		position += size
	}
	return count
}

// ceilDiv returns a/b, rounded up.
func ceilDiv(a, b int) int {
	if a%b > 0 {
		return a/b + 1
	}
	return a / b
}

// saturatingProduct returns a·b, or math.MaxInt on overflow.
func saturatingProduct(a, b int) int {
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}
