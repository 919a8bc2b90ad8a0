// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// TestPreprocessorsTravelWithModels: a program that has only the file of a model turns texts and
// numbers into its inputs as the training program did.
func TestPreprocessorsTravelWithModels(t *testing.T) {
	texts := []string{"a good film", "a bad film", "good", "so bad"}
	tok := &datasets.Tokenizer{OOV: "?"}
	tok.Fit(texts)
	scaler, err := datasets.StandardScaler([]float64{1, 2, 3, 4}, 1)
	if err != nil {
		t.Fatal(err)
	}
	words := datasets.TextSequences{Tokenizer: tok, Padding: datasets.Padding{Length: 5}}
	stars := datasets.Columns{Names: []string{"stars"}, Scaler: scaler}

	text, number := k.Input(5), k.Input(1)
	x := k.GlobalAveragePooling1D().Apply(k.Embedding(tok.Len()+1, 4).Apply(text))
	m := k.NewModel("reviews", []*k.Tensor{text, number}, []*k.Tensor{k.Dense(1, k.Sigmoid).Apply(k.Concatenate().Apply(x, number))})
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.SetPreprocessor(0, words), m.SetPreprocessor(1, stars), m.SetClasses(0, "bad", "good")); err != nil {
		t.Fatal(err)
	}
	predict := func(m *k.Model, words, stars datasets.Preprocessor) []float32 {
		t.Helper()
		a, err := words.(datasets.TextSequences).Array(texts)
		if err != nil {
			t.Fatal(err)
		}
		b, err := stars.(datasets.Columns).Array([]float64{4, 1, 3, 2})
		if err != nil {
			t.Fatal(err)
		}
		ids, err := k.NewArray(a.Data, a.Len(), 5)
		if err != nil {
			t.Fatal(err)
		}
		numbers, err := k.NewArray(b.Data, b.Len(), 1)
		if err != nil {
			t.Fatal(err)
		}
		y, err := m.Predict(ids, numbers)
		if err != nil {
			t.Fatal(err)
		}
		return y.Values()
	}
	var file bytes.Buffer
	if err := m.SaveTo(&file); err != nil {
		t.Fatal(err)
	}
	served, err := k.LoadBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var read [2]datasets.Preprocessor
	for i := range read {
		if read[i], err = datasets.ReadPreprocessor(served.Preprocessor(i)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := predict(served, read[0], read[1]), predict(m, words, stars); !slices.Equal(got, want) {
		t.Errorf("the served model answers %v, the trained one %v", got, want)
	}
}
