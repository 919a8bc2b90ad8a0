// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// Models whose outputs are exact on any processor.

// iris has four inputs and three classes: 0.5 and 0.25 and 0.25 times the first, second and third value.
func iris(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("iris", k.Input(4), k.Dense(3, k.NoBias))
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 0.5, 0, 0, 0, 0.25, 0, 0, 0, 0.25, 0, 0, 0)
	check(t, m.SetClasses(0, "setosa", "versicolor", "virginica"))
	return m
}

// pair has two inputs and two outputs, the sum of a times 2 and 3, and b.
func pair(t testing.TB) *k.Model {
	t.Helper()
	a, b := k.NamedInput("a", 2), k.NamedInput("b", 1)
	sum := k.Dense(1, k.NoBias, k.Name("sum")).Apply(a)
	m := k.NewModel("pair", []*k.Tensor{a, b}, []*k.Tensor{sum, k.Activation(k.Linear, k.Name("same")).Apply(b)})
	check(t, m.Build(1))
	set(t, m, "sum/kernel", 2, 3)
	return m
}

// steps takes sequences of any length and adds up the largest value of each feature.
func steps(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("steps", k.Input(k.Any, 2), k.GlobalMaxPooling1D(), k.Dense(1, k.NoBias))
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 1, 1)
	return m
}

// same takes sequences of any length and returns them.
func same(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("same", k.Input(k.Any), k.Reshape([]int{k.Any, 1}))
	check(t, m.Build(1))
	return m
}

// reviews takes texts: the numbers of the last two words.
func reviews(t testing.TB) *k.Model {
	t.Helper()
	tok := &datasets.Tokenizer{}
	tok.Fit([]string{"good good good bad bad film"})
	m := k.Sequential("reviews", k.Input(2), k.Dense(1, k.NoBias))
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 10, 1)
	check(t, m.SetPreprocessor(0, datasets.TextSequences{Tokenizer: tok, Padding: datasets.Padding{Length: 2}}))
	check(t, m.SetClasses(0, "bad", "good"))
	return m
}

// photos takes pictures of 2 x 2 pixels as bytes and adds their red values.
func photos(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("photos", k.Input(2, 2, 3), k.Flatten(), k.Dense(1, k.NoBias))
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0)
	check(t, m.SetPreprocessor(0, datasets.ImageOptions{Height: 2, Width: 2, Pixels: datasets.Bytes}))
	return m
}

// penguins takes rows of a table: a number and a category.
func penguins(t testing.TB) *k.Model {
	t.Helper()
	frame, err := datasets.ReadCSV(strings.NewReader("mass,island,species\n1,a,x\n3,b,y\n5,a,x\n7,b,y\n"), "penguins.csv", datasets.CSVOptions{})
	check(t, err)
	schema, err := frame.Schema("species")
	check(t, err)
	schema.Feature("mass").Scale = datasets.Unscaled
	schema.Feature("mass").Missing = datasets.MissingMean
	encoder, err := schema.Fit(frame)
	check(t, err)
	shapes, _ := encoder.Shapes()
	m := k.Sequential("penguins", k.Input(shapes[0]...), k.Dense(1, k.NoBias))
	check(t, m.Build(1))
	ones := make([]float32, shapes[0][0])
	for i := range ones {
		ones[i] = float32(int(1) << i)
	}
	set(t, m, "dense/kernel", ones...)
	check(t, m.SetPreprocessor(0, encoder))
	check(t, m.SetClasses(0, encoder.Names()...))
	return m
}

// houses takes rows of named numbers, which are halved.
func houses(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("houses", k.Input(2), k.Dense(1, k.NoBias))
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 1, 10)
	check(t, m.SetPreprocessor(0, datasets.Columns{Names: []string{"rooms", "area"}, Scaler: datasets.Scaler{Shift: []float64{0, 0}, Scale: []float64{2, 2}}}))
	return m
}

func set(t testing.TB, m *k.Model, path string, values ...float32) {
	t.Helper()
	w, err := m.Weight(path)
	check(t, err)
	check(t, w.Set(values))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var quiet = Logger(slog.New(slog.DiscardHandler))

// handler returns a handler that is closed at the end of the test.
func handler(t testing.TB, options ...Option) *Handler {
	t.Helper()
	h, err := New(append([]Option{quiet}, options...)...)
	check(t, err)
	t.Cleanup(h.Close)
	return h
}

// post asks a handler.
func post(h http.Handler, path, contentType, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func bodyOf(w *httptest.ResponseRecorder) string {
	b, _ := io.ReadAll(w.Result().Body)
	return string(b)
}
