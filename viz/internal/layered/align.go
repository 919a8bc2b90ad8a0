// SPDX-License-Identifier: Apache-2.0

package layered

import "math"

// align chooses x such that Σ weight·(difference of x)² over all edges is as small as the
// distances allow; edges at bends weigh more, which keeps long edges straight (Gansner et
// al., "A technique for drawing directed graphs", 1993). Rank by rank, alternately
// downward and upward, it moves the vertices to where the sum is smallest while the
// others are fixed, until nothing moves.
func (l *layout) align() {
	for _, rank := range l.ranks {
		x := 0.0
		for p, i := range rank {
			if p > 0 {
				x += l.distance(rank[p-1], i)
			}
			l.vertices[i].x = x
		}
		for _, i := range rank {
			l.vertices[i].x -= x / 2
		}
	}
	for sweep, moved := 0, 1.0; sweep < l.sweeps(1000) && moved > 0.01; sweep++ {
		moved = 0
		for k := range l.ranks {
			r := k
			if sweep%2 == 1 {
				r = len(l.ranks) - 1 - k
			}
			moved = math.Max(moved, l.alignRank(l.ranks[r]))
		}
	}
}

// distance is how far the centers of two neighbors must be apart.
func (l *layout) distance(a, b int) float64 {
	va, vb := l.vertices[a], l.vertices[b]
	d := (va.width+vb.width)/2 + l.spacing.Column
	if va.cluster != vb.cluster {
		d += l.spacing.Cluster
	}
	return d
}

// alignRank solves: minimize Σ weight·(x − wish)² with neighbors at least their distance
// apart. After subtracting the distances it is an isotonic regression, which pooling
// neighbors that are out of order solves exactly. It returns the largest distance that a
// vertex moved.
func (l *layout) alignRank(rank []int) (moved float64) {
	type block struct {
		sum, weight float64
		size        int
	}
	var blocks []block
	offset := 0.0
	offsets := make([]float64, len(rank))
	for p, i := range rank {
		if p > 0 {
			offset += l.distance(rank[p-1], i)
		}
		offsets[p] = offset
		wish, weight := l.wish(i)
		b := block{weight * (wish - offset), weight, 1}
		for len(blocks) > 0 {
			before := blocks[len(blocks)-1]
			if before.sum/before.weight <= b.sum/b.weight {
				break
			}
			b = block{before.sum + b.sum, before.weight + b.weight, before.size + b.size}
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	p := 0
	for _, b := range blocks {
		for range b.size {
			x := b.sum/b.weight + offsets[p]
			moved = math.Max(moved, math.Abs(x-l.vertices[rank[p]].x))
			l.vertices[rank[p]].x = x
			p++
		}
	}
	return moved
}

// wish is the mean x of the neighbors above and below, weighted by the edges; a vertex
// without neighbors stays.
func (l *layout) wish(i int) (x, weight float64) {
	for _, near := range [][]int{l.vertices[i].in, l.vertices[i].out} {
		for _, j := range near {
			w := 1.0
			for _, end := range []int{i, j} {
				if l.vertices[end].node < 0 {
					w *= 3
				}
			}
			x += w * l.vertices[j].x
			weight += w
		}
	}
	if weight == 0 {
		return l.vertices[i].x, 1
	}
	return x / weight, weight
}
