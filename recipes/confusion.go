// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
)

// prediction is the likeliest class of one sample.
type prediction struct {
	class       int
	probability float64
}

// classify predicts the classes of all samples.
func classify(ctx context.Context, m *k.Model, samples k.Source) ([]prediction, error) {
	out, err := m.PredictSource(ctx, samples)
	if err != nil {
		return nil, err
	}
	list := make([]prediction, samples.Len())
	for i, class := range out[0].ArgMax() {
		list[i] = prediction{class, float64(out[0].Row(i)[class])}
	}
	return list, nil
}

// confusion draws the confusion matrix of the largest classes, all others merged into
// one, and lists the most frequent mistakes among all classes.
func (r *Report) confusion(names []string, labels []int, predicted []prediction, largest int) error {
	sizes, order := make([]int, len(names)), make([]int, len(names))
	for c := range order {
		order[c] = c
	}
	for _, c := range labels {
		sizes[c]++
	}
	shown := slices.Clone(names)
	at := order // index of each class in the matrix
	if len(names) > largest {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
		shown, at = nil, make([]int, len(names))
		for i, c := range order {
			at[c] = min(i, largest)
			if i < largest {
				shown = append(shown, names[c])
			}
		}
		shown = append(shown, "other")
	}
	counts := make([][]int, len(shown))
	for i := range counts {
		counts[i] = make([]int, len(shown))
	}
	mistakes := map[[2]int]int{}
	right := 0
	for i, c := range labels {
		counts[at[c]][at[predicted[i].class]]++
		if c == predicted[i].class {
			right++
		} else {
			mistakes[[2]int{c, predicted[i].class}]++
		}
	}
	caption := fmt.Sprintf("%s of %s are classified correctly.", text.Thousands(right), text.Count(len(labels), "test sample"))
	if len(shown) < len(names) {
		caption += fmt.Sprintf(" The %d largest of %d classes; “other” is all the rest, which may be mistaken for one another.", largest, len(names))
	}
	f, err := viz.Confusion("Confusion matrix", shown, counts)
	if err := r.picture("confusion", caption, f, err); err != nil {
		return err
	}
	var pairs [][2]int
	for p := range mistakes {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b [2]int) int {
		return cmp.Or(cmp.Compare(mistakes[b], mistakes[a]), slices.Compare(a[:], b[:]))
	})
	var lines [][]string
	for _, p := range pairs[:min(10, len(pairs))] {
		lines = append(lines, []string{names[p[0]], names[p[1]], fmt.Sprint(mistakes[p]), fmt.Sprint(sizes[p[0]])})
	}
	if len(lines) > 0 {
		r.table("The most frequent mistakes.", []string{"true class", "predicted as", "times", "of"}, lines, 2, 3)
	}
	return nil
}
