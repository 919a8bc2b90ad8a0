// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// plainOffsets compares each buffer with all that were placed before.
func plainOffsets(buffers []buffer) (total int) {
	order := make([]int, len(buffers))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return buffers[b].bytes - buffers[a].bytes })
	var placed []int // sorted by offset
	for _, i := range order {
		s := &buffers[i]
		for _, j := range placed {
			t := buffers[j]
			if t.last < s.first || s.last < t.first {
				continue
			}
			if s.offset+s.bytes <= t.offset {
				break
			}
			s.offset = max(s.offset, t.end())
		}
		at, _ := slices.BinarySearchFunc(placed, s.offset, func(j, offset int) int { return buffers[j].offset - offset })
		placed = slices.Insert(placed, at, i)
		total = max(total, s.offset+s.bytes)
	}
	return total
}

// TestOffsetsEqualPlain: blocks change no offset, whether lifetimes are short, nested as those of
// activations that wait for their gradients, or arbitrary.
func TestOffsetsEqualPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		n := []int{0, 1, 50, 300, 2000}[round%5]
		sizes := []int{1, 4, 30, 1000}[rng.IntN(4)]
		var got []buffer
		for i := range n {
			b := buffer{bytes: rng.IntN(sizes) * 16, first: i}
			switch kind := rng.IntN(3); {
			case round%3 == 0 || kind == 0:
				b.last = i + rng.IntN(3)
			case round%3 == 1 || kind == 1:
				b.last = max(i, 2*n-i)
			default:
				b.last = i + rng.IntN(n)
			}
			got = append(got, b)
		}
		want := slices.Clone(got)
		if a, b := assignOffsets(got), plainOffsets(want); a != b {
			t.Fatalf("round %d: %d buffers take %d bytes, want %d", round, n, a, b)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: offsets of %d buffers differ from those of the plain way", round, n)
		}
	}
}
