// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// TestSavedModelsTakeRawData: a program that has only the file of a model reaches, on raw test
// data, the figure that the recipe has measured. truth returns the target of each sample: a
// number, or the name of a class.
func TestSavedModelsTakeRawData(t *testing.T) {
	words := func(s *datasets.Sequences, err error) ([]string, []string) {
		if err != nil {
			t.Fatal(err)
		}
		var texts, names []string
		for i, ids := range s.IDs {
			var words []string
			for _, id := range ids[1:] { // without the start mark
				word, ok := s.Index.Word(int(id) - datasets.WordOffset)
				if !ok {
					word = "nosuchword"
					if _, known := s.Index.Rank(word); known {
						t.Fatalf("the word %q exists", word)
					}
				}
				words = append(words, word)
			}
			texts, names = append(texts, strings.Join(words, " ")), append(names, s.Names()[s.Labels[i]])
		}
		return texts, names
	}
	sample := datasets.From{Source: datasets.Sample}
	digits := func(t *testing.T, p datasets.Preprocessor) (x []datasets.Array, names []string, _ []float64) {
		_, test, err := datasets.MNIST(t.Context(), sample)
		if err != nil {
			t.Fatal(err)
		}
		for i := range test.Len() {
			var file bytes.Buffer
			if err := png.Encode(&file, &image.Gray{Pix: test.Image(i), Stride: 28, Rect: image.Rect(0, 0, 28, 28)}); err != nil {
				t.Fatal(err)
			}
			a, err := datasets.DecodeImage(&file, "digit", p.(datasets.ImageOptions))
			if err != nil {
				t.Fatal(err)
			}
			x, names = append(x, a), append(names, test.Names()[test.Label(i)])
		}
		return x, names, nil
	}
	reviews := func(t *testing.T, p datasets.Preprocessor) ([]datasets.Array, []string, []float64) {
		_, test, err := datasets.IMDB(t.Context(), sample, datasets.Words{NumWords: 10_000})
		texts, names := words(test, err)
		a, err := p.(datasets.TextPreprocessor).Array(texts)
		if err != nil {
			t.Fatal(err)
		}
		return []datasets.Array{a}, names, nil
	}
	for _, c := range []struct {
		name, variant, figure, takes string
		run                          func(Options) (*Report, error)
		raw                          func(t *testing.T, p datasets.Preprocessor) ([]datasets.Array, []string, []float64)
	}{
		{"mnist", "", "test_accuracy", "a picture of a digit", func(o Options) (*Report, error) { return MNIST(t.Context(), o) }, digits},
		{"mnistcnn", "", "test_accuracy", "a picture of a digit", func(o Options) (*Report, error) { return MNISTCNN(t.Context(), o) }, digits},
		{"imdb", "plain", "test_accuracy", "a film review", func(o Options) (*Report, error) { return IMDB(t.Context(), o) }, reviews},
		{"embeddings", "learned", "test_accuracy", "a film review", func(o Options) (*Report, error) { return Embeddings(t.Context(), o) }, reviews},
		{"conv1d", "imdb", "test_accuracy", "a film review", func(o Options) (*Report, error) { return Conv1D(t.Context(), o) }, reviews},
		{"reuters", "sparse", "test_accuracy", "a newswire", func(o Options) (*Report, error) { return Reuters(t.Context(), o) },
			func(t *testing.T, p datasets.Preprocessor) ([]datasets.Array, []string, []float64) {
				_, test, err := datasets.Reuters(t.Context(), sample, datasets.Words{NumWords: 10_000})
				texts, names := words(test, err)
				a, err := p.(datasets.TextPreprocessor).Array(texts)
				if err != nil {
					t.Fatal(err)
				}
				return []datasets.Array{a}, names, nil
			}},
		{"embeddings", "glove", "test_accuracy", "a film review", func(o Options) (*Report, error) { return Embeddings(t.Context(), o) },
			func(t *testing.T, p datasets.Preprocessor) ([]datasets.Array, []string, []float64) {
				_, test, err := datasets.Reviews(t.Context(), sample)
				if err != nil {
					t.Fatal(err)
				}
				a, err := p.(datasets.TextPreprocessor).Array(test.Texts)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, l := range test.Labels {
					names = append(names, test.Names()[l])
				}
				return []datasets.Array{a}, names, nil
			}},
		{"boston", "holdout", "test_mae", "a district", func(o Options) (*Report, error) { return Boston(t.Context(), o) },
			func(t *testing.T, p datasets.Preprocessor) ([]datasets.Array, []string, []float64) {
				_, test, err := datasets.Boston(t.Context(), sample)
				if err != nil {
					t.Fatal(err)
				}
				a, err := p.(datasets.Columns).Array(test.X)
				if err != nil {
					t.Fatal(err)
				}
				return []datasets.Array{a}, nil, test.Y
			}},
		{"temperature", "dense", "best_val_celsius", "minutes apart", func(o Options) (*Report, error) { return Temperature(t.Context(), o) },
			func(t *testing.T, p datasets.Preprocessor) (x []datasets.Array, _ []string, y []float64) {
				w, err := loadWeather(t.Context(), Options{Data: sample}, 6)
				if err != nil {
					t.Fatal(err)
				}
				columns := len(w.series.Columns)
				for i := range w.validation.Len() {
					var window []float64
					rows, target := w.validation.Rows(i)
					for _, row := range rows {
						window = append(window, w.series.X[row*columns:(row+1)*columns]...)
					}
					a, err := p.(datasets.Columns).Array(window)
					if err != nil {
						t.Fatal(err)
					}
					x, y = append(x, a), append(y, w.temperature(target))
				}
				return x, nil, y
			}},
	} {
		t.Run(c.name+" "+c.variant, func(t *testing.T) {
			r, err := c.run(Options{Data: sample, Variant: c.variant, Epochs: 1, Seed: 3})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if _, err := r.Save(dir); err != nil {
				t.Fatal(err)
			}
			m, err := k.Load(filepath.Join(dir, "model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := datasets.ReadPreprocessor(m.Preprocessor(0))
			if err != nil {
				t.Fatal(err)
			}
			arrays, names, numbers := c.raw(t, p)
			var x []float32
			for _, a := range arrays {
				x = append(x, a.Data...)
			}
			shape := arrays[0].Shape
			in, err := k.NewArray(x, append([]int{len(x) / k.Shape(shape).Size()}, shape...)...)
			if err != nil {
				t.Fatal(err)
			}
			out, err := m.Predict(in) // an error if the preprocessor's shape is not the model's
			if err != nil {
				t.Fatal(err)
			}
			var got float64
			n, each := in.Shape()[0], len(out.Values())/in.Shape()[0]
			for i := range n {
				y := out.Values()[i*each : (i+1)*each]
				switch {
				case names == nil:
					var q Quantity
					if found, err := m.Metadata("output", &q); err != nil || !found || q.Name == "" || q.Unit == "" {
						t.Fatalf("output %+v (%v)", q, err)
					}
					got += math.Abs(float64(y[0])*q.Scale+q.Shift-numbers[i]) / float64(n)
				case each == 1:
					if m.Classes(0)[classOf(y[0])] == names[i] {
						got += 1 / float64(n)
					}
				default:
					if m.Classes(0)[slices.Index(y, slices.Max(y))] == names[i] {
						got += 1 / float64(n)
					}
				}
			}
			var figures Figures
			if _, err := m.Metadata("figures", &figures); err != nil || math.Abs(got-figures[c.figure]) > 1e-5*math.Abs(got) || figures[c.figure] != r.Metrics[c.figure] {
				t.Errorf("%s is %g of raw data, the file says %g (%v), the report %g", c.figure, got, figures[c.figure], err, r.Metrics[c.figure])
			}
			for key, want := range map[string]string{"recipe": c.name, "variant": c.variant, "data": "sample"} {
				var value string
				if _, err := m.Metadata(key, &value); err != nil || value != want {
					t.Errorf("metadata %s is %q (%v), want %q", key, value, err, want)
				}
			}
			var takes string
			var seed uint64
			if _, err := m.Metadata("input", &takes); err != nil || !strings.Contains(takes, c.takes) {
				t.Errorf("input %q (%v)", takes, err)
			}
			if _, err := m.Metadata("seed", &seed); err != nil || seed != 3 {
				t.Errorf("seed %d (%v)", seed, err)
			}
		})
	}
}
