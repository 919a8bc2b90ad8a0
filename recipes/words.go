// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/reef-dl/reef/viz"
)

// filmReview is what the models of film reviews take.
const filmReview = "a film review in English"

// wordTable holds words with their vectors, the most frequent first.
type wordTable struct {
	words []string
	rows  [][]float64
}

// newWordTable takes the rows of an embedding whose ids have a word and whose
// vector is not all zeros.
func newWordTable(table []float32, dim int, word func(id int) (string, bool)) *wordTable {
	t := &wordTable{}
	for id := range len(table) / dim {
		w, ok := word(id)
		if !ok {
			continue
		}
		row, length := make([]float64, dim), 0.0
		for i, v := range table[id*dim : (id+1)*dim] {
			row[i] = float64(v)
			length += row[i] * row[i]
		}
		if length > 0 {
			t.words, t.rows = append(t.words, w), append(t.rows, row)
		}
	}
	return t
}

// vector returns that of a word, nil for an unknown word.
func (t *wordTable) vector(word string) []float64 {
	if i := slices.Index(t.words, word); i >= 0 {
		return t.rows[i]
	}
	return nil
}

// nearest lists the k words whose vectors have the smallest angle to v, with its
// cosine, except the given words.
func (t *wordTable) nearest(v []float64, k int, but ...string) (text string) {
	type near struct {
		word   string
		cosine float64
	}
	var all []near
	for i, w := range t.words {
		if !slices.Contains(but, w) {
			all = append(all, near{w, cosine(v, t.rows[i])})
		}
	}
	slices.SortStableFunc(all, func(a, b near) int { return cmp.Compare(b.cosine, a.cosine) })
	var parts []string
	for _, n := range all[:min(k, len(all))] {
		parts = append(parts, fmt.Sprintf("%s %.2f", n.word, n.cosine))
	}
	return strings.Join(parts, ", ")
}

func cosine(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	return ab / math.Sqrt(aa*bb)
}

// tabulateNearest lists the neighbors of the words that are known.
func (t *wordTable) tabulateNearest(r *Report, words ...string) {
	var lines [][]string
	for _, w := range words {
		if v := t.vector(w); v != nil {
			lines = append(lines, []string{w, t.nearest(v, 5, w)})
		}
	}
	if len(lines) > 0 {
		r.table("The nearest words, with the cosine similarity of their vectors.", []string{"word", "nearest"}, lines)
	}
}

// tabulateAnalogies answers "a is to b as c is to ...": the words nearest to
// b − a + c (Mikolov, Yih, Zweig: Linguistic regularities in continuous space word
// representations, NAACL 2013).
func (t *wordTable) tabulateAnalogies(r *Report, asked ...[3]string) {
	var lines [][]string
	for _, q := range asked {
		a, b, c := t.vector(q[0]), t.vector(q[1]), t.vector(q[2])
		if a == nil || b == nil || c == nil {
			continue
		}
		v := make([]float64, len(a))
		for i := range v {
			v[i] = b[i] - a[i] + c[i]
		}
		lines = append(lines, []string{fmt.Sprintf("%s is to %s as %s is to", q[0], q[1], q[2]), t.nearest(v, 3, q[:]...)})
	}
	if len(lines) > 0 {
		r.table("Differences of vectors carry meaning: second minus first plus third.", []string{"analogy", "nearest"}, lines)
	}
}

// neighborhoods draws some of the words so that those with similar vectors are close
// together.
func (t *wordTable) neighborhoods(from, to int, seed uint64) (*viz.Figure, error) {
	from, to = min(from, len(t.words)), min(to, len(t.words))
	positions, err := viz.TSNE(t.rows[from:to], viz.TSNEOptions{Perplexity: 12, Seed: seed})
	if err != nil {
		return nil, err
	}
	var points []viz.Point
	for i, at := range positions {
		points = append(points, viz.Point{X: at[0], Y: at[1], Group: 0, Label: t.words[from+i]})
	}
	return viz.EmbeddingMap("Nearby words", "", "", points, nil)
}
