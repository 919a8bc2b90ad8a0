// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// TestWeatherExcerpt: a file as the publisher's, of four weeks, is read, divided
// and forecast, and the article's figures are not shown beside it. The excerpt is the
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
			w, err := loadWeather(t.Context(), Options{Data: datasets.From{Source: dir}, Seed: 1}, 6)
			if err != nil {
				t.Fatal(err)
			}
			if w.series.Len() != 4000 || w.steps != 240 || w.train.Len() != 64_000 || w.validation.Len() < 100 || w.naive <= 0 || w.short {
				t.Errorf("%d rows, %d steps, %d and %d windows, naive error %g", w.series.Len(), w.steps, w.train.Len(), w.validation.Len(), w.naive)
			}
			if n := w.validation.Len(); w.hourly.Len() != (n+5)/6 || w.pictured.Len() < 40 {
				t.Errorf("of %d validation windows, %d are an hour apart and %d in the picture", n, w.hourly.Len(), w.pictured.Len())
			}
			if got := w.article(Figures{"best_val_loss": 0.26}); got != nil || w.test != nil {
				t.Errorf("the article's figures %v and a test %v stand beside an excerpt", got, w.test)
			}
			for variant, epochs := range map[string]int{"dense": 20, "jena_lstm": 5} {
				run := Temperature
				if variant == "jena_lstm" {
					run = Conv1D
				}
				ctx, cancel := context.WithCancel(t.Context())
				stop := k.CallbackFunc(func(e k.Event, _ *k.Training) error { cancel(); return nil })
				r, err := run(ctx, Options{Data: datasets.From{Source: dir}, Variant: variant, Seed: 1, Progress: stop})
				if !errors.Is(err, k.ErrInterrupted) || r == nil || r.Planned != epochs || r.Batch != 128 || len(r.Article) > 0 {
					t.Errorf("%s: report %+v, error %v, want one of %d planned epochs of batches of 128", variant, r, err, epochs)
				}
			}
			inputs, target := w.validation.Rows(0)
			if first := 4000*trainRows/jenaRows + 1; inputs[0] != first || target != first+lookback+delay {
				t.Errorf("the first validation window begins at row %d and predicts %d, want %d and %d", inputs[0], target, first, first+lookback+delay)
			}
		})
	}
}

// offline fails every request.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}

// TestWeatherWithoutTheFile: where the full data is asked for and not available,
// the models are trained as the article's on a generated series of its length, and say so.
func TestWeatherWithoutTheFile(t *testing.T) {
	t.Setenv("REEF_DATA", "")
	t.Setenv("REEF_CACHE", t.TempDir())
	t.Setenv("REEF_MIRROR", "")
	var lines string
	w, err := loadWeather(t.Context(), Options{
		Data: datasets.From{Source: datasets.Full, Client: &http.Client{Transport: offline{}}},
		Seed: 1, Say: func(line string) { lines += line },
	}, 6)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(lines, "no network") || w.origin.Kind != datasets.Generated || !strings.Contains(w.note, "generated") {
		t.Errorf("lines %q, origin %v, note %q", lines, w.origin, w.note)
	}
	// The article has 200,000 - 1440 windows to draw from, 98,559 that validate and 119,110 for the test.
	if w.series.Len() < 420_000 || w.steps != 240 || w.train.Len() != 64_000 || w.validation.Len() < 98_000 || w.hourly.Len() < 16_400 || w.test.Len() < 118_000 {
		t.Errorf("%d rows, %d steps, windows: %d, %d, %d, %d", w.series.Len(), w.steps, w.train.Len(), w.validation.Len(), w.hourly.Len(), w.test.Len())
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
	if _, err := loadWeather(t.Context(), Options{Data: datasets.From{Source: datasets.Full}}, 6); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a wrong file gives the error %v", err)
	}
	if got := w.article(Figures{"best_val_loss": 0.26}); got != nil || w.test == nil || w.short {
		t.Errorf("article %v, test %v, short %v", got, w.test, w.short)
	}
}

// TestWeatherArticle: the article's figures are shown beside the published series, and
// beside no other of its length.
func TestWeatherArticle(t *testing.T) {
	table, err := datasets.NewTable([]string{"T (degC)"}, make([]float64, jenaRows), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]float64{datasets.Full: 0.2897, "folder": 0.2897, datasets.Generated: 0, datasets.Sample: 0} {
		w := &weather{series: &datasets.Series{Table: table}, origin: datasets.Origin{Set: "jena", Kind: kind}}
		w.short = kind == datasets.Sample
		if got := w.article(Figures{"best_val_loss": 0.2627}); got["naive_mae"] != want || want > 0 && got["best_val_loss"] != 0.2627 {
			t.Errorf("%s: the article's figures are %v", kind, got)
		}
	}
}
