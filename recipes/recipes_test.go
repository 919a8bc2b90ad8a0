// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
)

// learned is what a model must have learned from the sample with seed 1: a figure
// and its bound. The bounds allow for the rounding of other processors.
type learned struct {
	variant, figure string
	most            bool // the bound is an upper one
	bound           float64
}

// overfitted are the models whose curves on the sample show that they memorize: the one that is
// trained too long, and those with more parameters than the sample can feed.
var overfitted = []string{"imdb/overfit", "embeddings/glove200", "embeddings/glove", "conv1d/imdb_lstm"}

// TestRecipes runs the recipes on their samples. Each must learn: classifiers far
// more than chance, Boston better than the best constant (a mean absolute error
// of 6.5), the GRU better than the naive prediction by as much as the article's,
// which the dense network does not reach. The averages of the batch normalization
// have only begun to follow in the sample's 200 updates.
func TestRecipes(t *testing.T) {
	for _, c := range []struct {
		name     string
		run      func(context.Context, Options) (*Report, error)
		variants []string // to run; nil for all
		pictures []string // that it shows
		want     []learned
	}{
		{"boston", Boston, nil, []string{"correlation", "predictions"}, []learned{
			{"holdout", "test_mae", true, 3.3},
			{"kfold10", "test_mae", true, 2.9},
			{"kfold5", "test_mae", true, 2.65},
			{"repeats13", "test_mae", true, 2.85},
			{"repeats9", "test_mae", true, 2.75},
		}},
		{"imdb", IMDB, nil, []string{"overfitting"}, []learned{
			{"overfit", "loss", true, 0.02}, {"overfit", "val_loss", false, 0.5}, // memorized
			{"plain", "test_accuracy", false, 0.7}, {"l2", "test_accuracy", false, 0.7}, {"dropout", "test_accuracy", false, 0.7},
		}},
		{"reuters", Reuters, nil, []string{"confusion"}, []learned{ // the largest topic has 36 % of the wires
			{"long", "test_accuracy", false, 0.7}, {"onehot", "test_accuracy", false, 0.7}, {"sparse", "test_accuracy", false, 0.7}, {"dropout", "test_accuracy", false, 0.7},
		}},
		{"mnistcnn", MNISTCNN, []string{""}, []string{"confusion", "samples", "mistakes"}, []learned{{"", "test_accuracy", false, 0.93}}},
		{"embeddings", Embeddings, nil, []string{"words"}, []learned{ // 300 raw reviews teach no more than themselves
			{"learned", "test_accuracy", false, 0.54}, {"glove200", "accuracy", false, 0.9}, {"glove", "accuracy", false, 0.9},
		}},
		{"temperature", Temperature, nil, []string{"prediction", "series", "tendays", "correlation"}, []learned{ // the naive errors are 0.29 and 0.31
			{"gru", "gain_over_naive", false, 0.093},
			{"gru", "test_mae", true, 0.3},
			{"dense", "gain_over_naive", true, 0},
			{"dense", "mae", true, 0.7},
			{"gru_norm", "best_val_mae", true, 0.4},
			{"gru_stacked", "gain_over_naive", false, 0.05},
		}},
		{"conv1d", Conv1D, nil, []string{"prediction"}, []learned{
			{"imdb", "test_accuracy", false, 0.65}, {"imdb_lstm", "test_accuracy", false, 0.58}, {"jena_lstm", "gain_over_naive", false, 0},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			variants := c.variants
			if variants == nil {
				variants = []string{""}
			}
			figures, shown := Figures{}, []string{}
			for _, v := range variants {
				r, err := c.run(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Variant: v, Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				if r.Recipe != c.name || r.Seconds <= 0 || r.SamplesPerSecond <= 0 {
					t.Errorf("report %+v", r)
				}
				for _, m := range append(slices.Clone(r.Variants), r) {
					if m.Model == nil {
						continue // of all variants
					}
					advice := m.Advice()
					if len(advice) != 1 {
						t.Errorf("%s: advice %q, want a line", m.Variant, advice)
					} else if overfit := strings.Contains(advice[0], "Overfitting since epoch"); overfit != slices.Contains(overfitted, c.name+"/"+m.Variant) {
						t.Errorf("%s: advice %q", m.Variant, advice[0])
					}
					for name, value := range m.Metrics {
						figures[m.Variant+"/"+name] = value
					}
				}
				for name := range r.Article {
					if _, neutral := direction(name); neutral {
						t.Errorf("it is unknown which way %s is better", name)
					}
				}
				for _, m := range append(slices.Clone(r.Variants), r) {
					for _, p := range m.Pictures {
						if p.Caption == "" || p.Figure.Alt == "" {
							t.Errorf("picture %q has no caption or no alt text", p.Name)
						}
						shown = append(shown, p.Name)
					}
				}
			}
			for _, w := range c.want {
				value, ok := figures[w.variant+"/"+w.figure]
				if !ok || w.most && value > w.bound || !w.most && value < w.bound {
					t.Errorf("%s: %s is %g (measured: %v), bound %g", w.variant, w.figure, value, ok, w.bound)
				}
			}
			for _, p := range c.pictures {
				if !slices.Contains(shown, p) {
					t.Errorf("no picture %q among %q", p, shown)
				}
			}
		})
	}
}
