// SPDX-License-Identifier: Apache-2.0

package layered

import (
	"cmp"
	"slices"
)

// order sorts every rank by the mean position of its neighbors, alternately downward and
// upward, and keeps the order with the fewest crossings. Vertices of one cluster stay
// together.
func (l *layout) order() {
	best, fewest := l.copyRanks(), l.crossings()
	for sweep := 0; sweep < l.sweeps(24) && fewest > 0; sweep++ {
		if sweep%2 == 0 {
			for r := 1; r < len(l.ranks); r++ {
				l.sortRank(r, func(v vertex) []int { return v.in })
			}
		} else {
			for r := len(l.ranks) - 2; r >= 0; r-- {
				l.sortRank(r, func(v vertex) []int { return v.out })
			}
		}
		if n := l.crossings(); n < fewest {
			best, fewest = l.copyRanks(), n
		}
	}
	l.ranks = best
	for _, rank := range l.ranks {
		for i, v := range rank {
			l.vertices[v].position = i
		}
	}
}

func (l *layout) copyRanks() [][]int {
	ranks := make([][]int, len(l.ranks))
	for r := range ranks {
		ranks[r] = slices.Clone(l.ranks[r])
	}
	return ranks
}

func (l *layout) sortRank(r int, neighbors func(vertex) []int) {
	type key struct{ group, own float64 }
	keys := make(map[int]key, len(l.ranks[r]))
	sums, counts := map[int]float64{}, map[int]float64{}
	for _, i := range l.ranks[r] {
		v := l.vertices[i]
		mean := float64(v.position)
		if near := neighbors(v); len(near) > 0 {
			mean = 0
			for _, j := range near {
				mean += float64(l.vertices[j].position) / float64(len(near))
			}
		}
		keys[i] = key{mean, mean}
		sums[v.cluster] += mean
		counts[v.cluster]++
	}
	for i, k := range keys {
		if c := l.vertices[i].cluster; c >= 0 {
			keys[i] = key{sums[c] / counts[c], k.own}
		}
	}
	slices.SortStableFunc(l.ranks[r], func(a, b int) int {
		return cmp.Or(cmp.Compare(keys[a].group, keys[b].group),
			cmp.Compare(l.vertices[a].cluster, l.vertices[b].cluster),
			cmp.Compare(keys[a].own, keys[b].own))
	})
	for p, i := range l.ranks[r] {
		l.vertices[i].position = p
	}
}

// crossings counts the pairs of edges between adjacent ranks that cross: with the edges
// of a rank sorted by where they begin, those that end in another order. A binary indexed
// tree (Fenwick 1994) counts them in E·log V.
func (l *layout) crossings() int {
	type pair struct{ from, to int }
	count := 0
	for _, rank := range l.ranks {
		var pairs []pair
		most := 0
		for _, i := range rank {
			for _, j := range l.vertices[i].out {
				pairs = append(pairs, pair{l.vertices[i].position, l.vertices[j].position})
				most = max(most, l.vertices[j].position)
			}
		}
		slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
		ends := make([]int, most+2) // ends[k] sums the edges that end in a stretch before k
		for n, p := range pairs {
			count += n
			for k := p.to + 1; k > 0; k -= k & -k {
				count -= ends[k]
			}
			for k := p.to + 1; k < len(ends); k += k & -k {
				ends[k]++
			}
		}
	}
	return count
}
