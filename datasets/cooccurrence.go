// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Constants of CoOccurrence.
const (
	contextReach  = 5  // words on each side that count as neighbors
	contextRarest = 30 // occurrences below which a word is no context
	vectorLength  = 5
)

// CoOccurrence makes word vectors from the neighbors of words in texts, which are given as
// ids below words. With n(w,c) the number of times that c occurs at most five words from w,
// the association of the two is
//
//	a(w,c) = max(0, ln(n(w,c) · N / (n(w) · n(c))))
//
// (positive pointwise mutual information). Every c that occurs 30 times or more has a random
// direction; the vector of w is the sum of these directions weighted by a(w,c), scaled to
// length 5. Words with similar neighbors get similar vectors, and the same seed gives the
// same vectors. The vector of a word that does not occur is zero.
//
// Shape: (words, dim), row-major
//
// Source: Kanerva, Kristoferson, Holst: Random indexing of text samples for latent
// semantic analysis, CogSci 2000; the weighting is that of Church, Hanks 1990.
func CoOccurrence(texts [][]int32, words, dim int, seed uint64) ([]float32, error) {
	if words < 1 || dim < 1 || words > maxNumbers/dim {
		return nil, fmt.Errorf("co-occurrence: %d words of %d numbers, want at least 1 of each and at most %d numbers", words, dim, maxNumbers)
	}
	c, err := newCorpus(texts, words)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 0x676c6f7665))
	directions := make([]float32, words*dim)
	for i := range directions {
		directions[i] = float32(rng.NormFloat64())
	}
	out := make([]float32, words*dim)
	for w := range words {
		row := out[w*dim : (w+1)*dim]
		for _, context := range c.contexts(w) {
			a, positive := c.association(w, context)
			if !positive {
				continue
			}
			for j, v := range directions[int(context)*dim : (int(context)+1)*dim] {
				row[j] += a * v
			}
		}
		scaleToLength(row, vectorLength)
	}
	return out, nil
}

// corpus is a list of texts with an index of where each word occurs.
type corpus struct {
	ids       []int32   // of all texts, separated by more than contextReach times -1
	positions [][]int32 // of every word in ids
	total     float64   // N: all pairs of neighbors
	counts    []int32   // n(w,c) of the word that contexts was last called for, by c
	seen      []int32   // the words whose count is not zero
}

func newCorpus(texts [][]int32, words int) (*corpus, error) {
	c := &corpus{positions: make([][]int32, words), counts: make([]int32, words)}
	var gap [contextReach]int32
	for i := range gap {
		gap[i] = -1
	}
	c.ids = append(c.ids, gap[:]...)
	for i, text := range texts {
		for j, id := range text {
			if id < 0 || int(id) >= words {
				return nil, fmt.Errorf("co-occurrence: text %d: word %d has id %d, want 0 to %d", i, j, id, words-1)
			}
			c.positions[id] = append(c.positions[id], int32(len(c.ids)))
			c.ids = append(c.ids, id)
		}
		c.ids = append(c.ids, gap[:]...)
	}
	// The frequency of a word stands in for the sum of its neighbors, which is
	// 2·contextReach times as large except near the ends.
	c.total = float64(2 * contextReach * len(c.ids))
	return c, nil
}

// contexts counts the neighbors of a word that are not too rare and lists them by first
// appearance. The result is valid until the next call.
func (c *corpus) contexts(word int) []int32 {
	for _, context := range c.seen {
		c.counts[context] = 0
	}
	c.seen = c.seen[:0]
	for _, at := range c.positions[word] {
		first, last := at-contextReach, at+contextReach
		for p := first; p <= last; p++ {
			context := c.ids[p]
			if p == at || context < 0 || len(c.positions[context]) < contextRarest {
				continue
			}
			if c.counts[context] == 0 {
				c.seen = append(c.seen, context)
			}
			c.counts[context]++
		}
	}
	return c.seen
}

// association is a(w,c) for a context of the word, if it is positive.
func (c *corpus) association(word int, context int32) (a float32, positive bool) {
	pairs := func(w int) float64 { return float64(2 * contextReach * len(c.positions[w])) }
	ratio := float64(c.counts[context]) * c.total / (pairs(word) * pairs(int(context)))
	if ratio <= 1 {
		return 0, false
	}
	return float32(math.Log(ratio)), true
}

// scaleToLength scales a vector to a Euclidean length; zero stays zero.
func scaleToLength(v []float32, length float64) {
	var squares float64
	for _, x := range v {
		squares += float64(x) * float64(x)
	}
	if squares == 0 {
		return
	}
	scale := float32(length / math.Sqrt(squares))
	for j := range v {
		v[j] *= scale
	}
}
