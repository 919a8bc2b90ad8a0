// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/viz"
)

// common is how many of the most frequent words the pictures choose from.
const common = 3000

// showLearned maps the words that speak most for a good and for a bad film. A
// word's say is its vector times the weights of the last layer, the mean over the
// places where it can stand.
func showLearned(r *Report, length int, word func(id int) (string, bool)) error {
	embedding, err := r.Model.Weight("words/embeddings")
	if err != nil {
		return err
	}
	verdict, err := r.Model.Weight("verdict/kernel")
	if err != nil {
		return err
	}
	table, weights := embedding.Value(), verdict.Value()
	dim := len(weights) / length
	mean := make([]float64, dim)
	for i, v := range weights {
		mean[i%dim] += float64(v) / float64(length)
	}
	t := newWordTable(table[:common*dim], dim, word)
	say := make([]float64, len(t.rows))
	order := make([]int, len(t.rows))
	for i, row := range t.rows {
		order[i] = i
		for j, v := range row {
			say[i] += v * mean[j]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(say[b], say[a]) })
	n := min(50, len(order)/2)
	var rows [][]float64
	var points []viz.Point
	for group, ids := range [][]int{order[:n], order[len(order)-n:]} {
		if group == 1 {
			slices.Reverse(ids) // the strongest first, whose labels are placed first
		}
		for _, i := range ids {
			rows = append(rows, t.rows[i])
			points = append(points, viz.Point{Group: group, Label: t.words[i]})
		}
	}
	places, shares, err := viz.PCA(rows, 2)
	if err != nil {
		return err
	}
	apart := 0 // words on the first group's side of the first component
	for i, at := range places {
		points[i].X, points[i].Y = at[0], at[1]
		if (at[0] > 0) == (points[i].Group == 0) {
			apart++
		}
	}
	apart = max(apart, len(points)-apart)
	axis := func(which string, k int) string {
		return fmt.Sprintf("%s component (%.0f%% of the variance)", which, 100*shares[k])
	}
	f, err := viz.EmbeddingMap("Words that matter", axis("first", 0), axis("second", 1), points, []string{"for a good film", "for a bad film"})
	if err := r.show("words", fmt.Sprintf("Of the %s most frequent words, the most telling ones. Nobody told the network which words are kind; along the first component, %d of %d are on the side of their group.", text.Thousands(common), apart, len(points)), f, err); err != nil {
		return err
	}
	t.tabulateNearest(r, "great", "bad", "man", "king", "woman", "queen")
	return nil
}

// show maps words by GloVe's vectors and asks for their neighbours.
func (g *gloveTask) show(r *Report) error {
	f, err := g.words.neighbourhoods(100, 320, 1)
	if err := r.show("words", "Words of the reviews, placed by t-SNE so that words with similar vectors are close together; the axes have no meaning. The vectors come from which words occur side by side.", f, err); err != nil {
		return err
	}
	g.words.tabulateNearest(r, "man", "king", "woman", "queen", "film", "good")
	g.words.tabulateAnalogies(r, [3]string{"man", "king", "woman"}, [3]string{"woman", "queen", "man"}, [3]string{"man", "actor", "woman"}, [3]string{"good", "better", "bad"})
	return nil
}
