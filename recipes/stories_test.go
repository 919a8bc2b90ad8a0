// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
)

// learned is what a model must have learned from the sample with seed 1: a figure
// and its bound. The bounds leave room for another processor's rounding.
type learned struct {
	variant, figure string
	most            bool // the bound is an upper one
	bound           float64
}

// TestStories runs the recipes on their samples. Each must learn: classifiers far
// more than chance, Boston better than the best constant (a mean absolute error
// of 6.5), the GRU better than the naive forecast by as much as the article's,
// which the dense network does not reach. The averages of the batch normalisation
// have only begun to follow in the sample's 200 updates.
func TestStories(t *testing.T) {
	for _, c := range []struct {
		name     string
		run      func(context.Context, Options) (*Report, error)
		variants []string // to run; nil for the story
		pictures []string // that it shows
		want     []learned
	}{
		{"boston", Boston, nil, []string{"correlation"}, []learned{
			{"holdout", "test_mae", true, 3.3},
			{"kfold10", "test_mae", true, 2.9},
			{"kfold5", "test_mae", true, 2.65},
			{"repeats13", "test_mae", true, 2.85},
			{"repeats9", "test_mae", true, 2.75},
		}},
		{"imdb", IMDB, nil, []string{"overfitting"}, []learned{
			{"overfit", "loss", true, 0.02}, {"overfit", "val_loss", false, 0.5}, // learned by heart
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
						continue // the story
					}
					for name, value := range m.Metrics {
						figures[m.Variant+"/"+name] = value
					}
				}
				for name := range r.Article {
					if _, neutral := direction(name); neutral {
						t.Errorf("nobody knows which way %s is better", name)
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

// TestSparseLabelsAreTheSame: class numbers and vectors of classes teach the same
// model, to rounding.
func TestSparseLabelsAreTheSame(t *testing.T) {
	var losses [][]float64
	for _, v := range []string{"onehot", "sparse"} {
		r, err := Reuters(t.Context(), Options{Data: datasets.From{Source: datasets.Sample}, Variant: v, Epochs: 2, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, r.History.Get("loss"))
	}
	for i := range losses[0] {
		if d := losses[0][i] - losses[1][i]; d > 1e-4 || d < -1e-4 {
			t.Errorf("epoch %d: losses %g and %g", i+1, losses[0][i], losses[1][i])
		}
	}
}

// TestAlternate: any even number of the first reviews is half of each class, all
// are there, and another seed gives another order.
func TestAlternate(t *testing.T) {
	labels := make([]int32, 60)
	for i := 30; i < 60; i++ {
		labels[i] = 1
	}
	order := alternate(labels, 1)
	good := 0
	for n, i := range order {
		good += int(labels[i])
		if n%2 == 1 && good != (n+1)/2 {
			t.Fatalf("%d good ones among the first %d", good, n+1)
		}
	}
	if slices.Equal(order, alternate(labels, 2)) {
		t.Error("two seeds give one order")
	}
	slices.Sort(order)
	for i, at := range order {
		if i != at {
			t.Fatalf("index %d is missing", i)
		}
	}
}

// TestWeatherExcerpt: a file as the publisher's, of four weeks, is read, divided
// and forecast, and no figure of the article stands beside it. The excerpt is the
// measured one where $REEF_DATA has it, which lacks the wind.
func TestWeatherExcerpt(t *testing.T) {
	made := t.TempDir()
	s := datasets.JenaLike(1, 3)
	var csv strings.Builder
	csv.WriteString(`"Date Time","` + strings.Join(s.Columns, `","`) + "\"\n")
	for i := range 4000 {
		csv.WriteString(s.Times[i].Format("02.01.2006 15:04:05"))
		for _, v := range s.X[i*14 : i*14+14] {
			fmt.Fprintf(&csv, ",%g", v)
		}
		csv.WriteString("\n")
	}
	if err := os.WriteFile(filepath.Join(made, "jena_climate_excerpt.csv"), []byte(csv.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"generated": made}
	if root := os.Getenv("REEF_DATA"); root != "" {
		if measured, _ := filepath.Glob(filepath.Join(root, "jena", "jena_climate_excerpt*.csv")); len(measured) > 0 {
			folders["measured"] = filepath.Join(root, "jena")
		}
	}
	for name, dir := range folders {
		t.Run(name, func(t *testing.T) {
			w, err := weather(t.Context(), Options{Data: datasets.From{Source: dir}, Seed: 1}, 6)
			if err != nil {
				t.Fatal(err)
			}
			if w.series.Len() != 4000 || w.steps != 240 || w.drawn.Len() != 64_000 || w.validation.Len() < 100 || w.naive <= 0 || w.short {
				t.Errorf("%d rows, %d steps, %d and %d windows, naive error %g", w.series.Len(), w.steps, w.drawn.Len(), w.validation.Len(), w.naive)
			}
			if n := w.validation.Len(); w.hourly.Len() != (n+5)/6 || w.pictured.Len() < 40 {
				t.Errorf("of %d validation windows, %d are an hour apart and %d in the picture", n, w.hourly.Len(), w.pictured.Len())
			}
			if got := w.training(Figures{"best_val_loss": 0.26}); got.article != nil || got.test != nil || got.epochs != 20 {
				t.Errorf("the article's figures %v and a test %v stand beside an excerpt; %d epochs", got.article, got.test, got.epochs)
			}
			inputs, target := w.validation.Rows(0)
			if first := 4000*trainRows/jenaRows + 1; inputs[0] != first || target != first+lookback+delay {
				t.Errorf("the first validation window begins at row %d and predicts %d, want %d and %d", inputs[0], target, first, first+lookback+delay)
			}
		})
	}
}

// offline is a network that is not there.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}

// TestWeatherWithoutTheFile: where the full data is asked for and cannot be had, the
// models are trained as the article's on a generated series of its length, and say so.
func TestWeatherWithoutTheFile(t *testing.T) {
	t.Setenv("REEF_DATA", "")
	t.Setenv("REEF_CACHE", t.TempDir())
	t.Setenv("REEF_MIRROR", "")
	var said string
	w, err := weather(t.Context(), Options{
		Data: datasets.From{Source: datasets.Full, Client: &http.Client{Transport: offline{}}},
		Seed: 1, Say: func(line string) { said += line },
	}, 6)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, "no network") || w.origin.Kind != datasets.Generated || !strings.Contains(w.note, "generated") {
		t.Errorf("said %q, origin %v, note %q", said, w.origin, w.note)
	}
	// The article has 200,000 - 1440 windows to draw from, 98,559 that validate and 119,110 for the test.
	if w.series.Len() < 420_000 || w.steps != 240 || w.drawn.Len() != 64_000 || w.validation.Len() < 98_000 || w.hourly.Len() < 16_400 || w.test.Len() < 118_000 {
		t.Errorf("%d rows, %d steps, windows: %d, %d, %d, %d", w.series.Len(), w.steps, w.drawn.Len(), w.validation.Len(), w.hourly.Len(), w.test.Len())
	}
	root := t.TempDir()
	file := filepath.Join(root, "jena", "jena_climate_2009_2016.csv")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("time,T\nyesterday,8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REEF_DATA", root)
	if _, err := weather(t.Context(), Options{Data: datasets.From{Source: datasets.Full}}, 6); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a wrong file gives the error %v", err)
	}
	got := w.training(Figures{"best_val_loss": 0.26})
	if got.article != nil || got.test == nil || got.epochs != 20 || got.batch != 128 {
		t.Errorf("article %v, test %v, %d epochs of batches of %d", got.article, got.test, got.epochs, got.batch)
	}
}

// TestWeatherArticle: the article's figures stand beside the published series, and
// beside no other of its length.
func TestWeatherArticle(t *testing.T) {
	table, err := datasets.NewTable([]string{"T (degC)"}, make([]float64, jenaRows), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]float64{datasets.Full: 0.2897, "folder": 0.2897, datasets.Generated: 0, datasets.Sample: 0} {
		w := &forecast{series: &datasets.Series{Table: table}, origin: datasets.Origin{Set: "jena", Kind: kind}}
		w.short = kind == datasets.Sample
		if got := w.training(Figures{"best_val_loss": 0.2627}).article; got["naive_mae"] != want || want > 0 && got["best_val_loss"] != 0.2627 {
			t.Errorf("%s: the article's figures are %v", kind, got)
		}
	}
}
