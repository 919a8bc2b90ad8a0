// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// CoOccurrence makes word vectors from the neighbourhoods in texts given as ids
// below words. With n(w,c) the number of times that c stands at most five places
// from w, the association of the two is
//
//	a(w,c) = max(0, ln(n(w,c) · N / (n(w) · n(c))))
//
// (positive pointwise mutual information); every c that occurs 30 times or more has
// a direction drawn at random, and the vector of w is the sum of the directions weighted with a(w,c), brought to
// length 5. Words with like neighbours get like vectors. The same seed gives the
// same vectors. A word that does not occur has zeros.
//
// Shape: (words, dim), row-major
//
// Source: Kanerva, Kristoferson, Holst: Random indexing of text samples for latent
// semantic analysis, CogSci 2000; the weighting is that of Church, Hanks 1990.
func CoOccurrence(texts [][]int32, words, dim int, seed uint64) ([]float32, error) {
	const reach, length, rare = 5, 5, 30
	if words < 1 || dim < 1 || words > maxNumbers/dim {
		return nil, fmt.Errorf("co-occurrence: %d words of %d numbers, want at least 1 of each and at most %d numbers", words, dim, maxNumbers)
	}
	var all []int32 // the texts one after another, apart by more than reach
	gap := make([]int32, reach)
	for i := range gap {
		gap[i] = -1
	}
	places := make([][]int32, words) // of every word in all
	all = append(all, gap...)
	for i, text := range texts {
		for j, id := range text {
			if id < 0 || int(id) >= words {
				return nil, fmt.Errorf("co-occurrence: text %d: id %d at place %d, want 0 to %d", i, id, j, words-1)
			}
			places[id] = append(places[id], int32(len(all)))
			all = append(all, id)
		}
		all = append(all, gap...)
	}
	// The frequency of a word stands for the sum of its neighbourhoods, which is
	// 2·reach times as large for all but the words near the ends.
	total := float64(2 * reach * len(all))
	rng := rand.New(rand.NewPCG(seed, 0x676c6f7665))
	direction := make([]float32, words*dim)
	for i := range direction {
		direction[i] = float32(rng.NormFloat64())
	}
	out := make([]float32, words*dim)
	counts := make([]int32, words)
	var seen []int32
	for w, at := range places {
		seen = seen[:0]
		for _, p := range at {
			for d := -reach; d <= reach; d++ {
				c := all[int(p)+d]
				if d == 0 || c < 0 || len(places[c]) < rare {
					continue
				}
				if counts[c] == 0 {
					seen = append(seen, c)
				}
				counts[c]++
			}
		}
		row := out[w*dim : (w+1)*dim]
		for _, c := range seen {
			n := float64(counts[c]) * total / (float64(2*reach*len(at)) * float64(2*reach*len(places[c])))
			counts[c] = 0
			if n <= 1 {
				continue
			}
			a := float32(math.Log(n))
			for j, v := range direction[int(c)*dim : (int(c)+1)*dim] {
				row[j] += a * v
			}
		}
		var squares float64
		for _, v := range row {
			squares += float64(v) * float64(v)
		}
		if squares > 0 {
			scale := float32(length / math.Sqrt(squares))
			for j := range row {
				row[j] *= scale
			}
		}
	}
	return out, nil
}
