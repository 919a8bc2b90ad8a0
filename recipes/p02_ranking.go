// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
)

// ranked is a feature with its importance.
type ranked struct {
	column     int
	importance float64 // in thousands of dollars
}

// rank orders the features by permutation importance (Breiman, Random forests,
// 2001): how much a trained network's mean absolute error grows on rows it has
// not seen when the values of one feature are dealt out anew. It is the mean
// over the ten folds of the training rows; the test rows have no say.
func (b *boston) rank(ctx context.Context) ([]ranked, error) {
	if b.ranking != nil {
		return b.ranking, nil
	}
	folds, err := datasets.KFold{K: 10, Shuffle: true, Seed: 1}.Split(b.train.Len())
	if err != nil {
		return nil, err
	}
	b.o.say("ranking the features with %s", text.Count(len(folds), "network"))
	importance := make([]float64, len(b.train.Columns))
	quiet := Options{Seed: b.o.Seed, Epochs: b.o.Epochs, Batch: b.o.Batch}
	for i, f := range folds {
		t, err := b.prepare(parts{train: f.Train, test: f.Test}, b.train, nil, nil)
		if err != nil {
			return nil, err
		}
		quiet.Seed++
		r, _, err := b.alive(ctx, quiet, t, fmt.Sprintf("feature ranking, network %d of %d", i+1, len(folds)))
		if err != nil {
			return nil, err
		}
		if err := addImportance(importance, r.Model, t.test, rand.New(rand.NewPCG(b.o.Seed, uint64(i)))); err != nil {
			return nil, err
		}
	}
	for c, v := range importance {
		b.ranking = append(b.ranking, ranked{c, v / float64(len(folds))})
	}
	slices.SortStableFunc(b.ranking, func(x, y ranked) int { return cmp.Compare(y.importance, x.importance) })
	return b.ranking, nil
}

// tabulateRanking shows the order beside that of the article's forest.
func (b *boston) tabulateRanking(r *Report) {
	forest := []int{12, 5, 7, 0, 4, 6, 10, 9, 11, 8, 2, 3, 1} // columns, best first
	var lines [][]string
	for i, f := range b.ranking {
		lines = append(lines, []string{fmt.Sprint(i + 1), b.train.Columns[f.column], fmt.Sprintf("%.3f", f.importance), b.train.Columns[forest[i]]})
	}
	r.tabulate("How much the mean absolute error grows when a feature is shuffled, in thousands of dollars; the first nine features are kept. The last column is the ranking by the article’s random forest.",
		[]string{"rank", "feature", "importance", "forest"}, lines, 2)
}

// addImportance adds each column's growth of the error, over several deals.
func addImportance(importance []float64, m *keraslike.Model, unseen datasets.Source, rng *rand.Rand) error {
	const deals = 10
	n, columns := unseen.Len(), len(importance)
	x, y := make([]float32, n*columns), make([]float32, n)
	if err := unseen.Read(rows(0, n), [][]float32{x}, [][]float32{y}); err != nil {
		return err
	}
	mae := func(x []float32) (float64, error) {
		in, err := keraslike.NewArray(x, n, columns)
		if err != nil {
			return 0, err
		}
		out, err := m.Predict(in)
		if err != nil {
			return 0, err
		}
		var sum float64
		for i, p := range out.Values() {
			sum += math.Abs(float64(p - y[i]))
		}
		return sum / float64(n), nil
	}
	before, err := mae(x)
	if err != nil {
		return err
	}
	for c := range columns {
		for range deals {
			dealt := slices.Clone(x)
			for i, j := range rng.Perm(n) {
				dealt[i*columns+c] = x[j*columns+c]
			}
			after, err := mae(dealt)
			if err != nil {
				return err
			}
			importance[c] += (after - before) / deals
		}
	}
	return nil
}
