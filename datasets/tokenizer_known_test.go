// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"strings"
	"testing"
)

// kerasTokenizer is what Keras's Tokenizer made under one setting.
type kerasTokenizer struct {
	Kw struct {
		NumWords  int     `json:"num_words"`
		OOV       string  `json:"oov_token"`
		Lower     *bool   `json:"lower"`
		Filters   *string `json:"filters"`
		Split     string  `json:"split"`
		CharLevel bool    `json:"char_level"`
	}
	Index     map[string]int `json:"word_index"`
	Sequences [][]int32
	Decoded   []string
	Matrix    map[string][][]float64
	Saved     string
}

// TestTokenizerKnown compares ids, texts, matrices and saved files with those of Keras's
// Tokenizer (testdata/make_tokenizer.py).
func TestTokenizerKnown(t *testing.T) {
	raw, err := os.ReadFile("testdata/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		Texts, Probe []string
		Cases        []kerasTokenizer
	}
	if err := json.Unmarshal(raw, &known); err != nil {
		t.Fatal(err)
	}
	if len(known.Cases) < 20 {
		t.Fatalf("%d cases", len(known.Cases))
	}
	for _, c := range known.Cases {
		tok := &Tokenizer{NumWords: c.Kw.NumWords, OOV: c.Kw.OOV, Split: c.Kw.Split, CharLevel: c.Kw.CharLevel}
		tok.KeepCase = c.Kw.Lower != nil && !*c.Kw.Lower
		if f := c.Kw.Filters; f != nil {
			tok.Filters, tok.NoFilters = *f, *f == ""
		}
		tok.Fit(known.Texts[:4])
		tok.Fit(known.Texts[4:])
		var saved bytes.Buffer
		if err := tok.Save(&saved); err != nil {
			t.Fatal(err)
		}
		fromOwn, err := LoadTokenizer(&saved, "own")
		if err != nil {
			t.Errorf("%+v: %v", c.Kw, err)
			continue
		}
		fromKeras, err := LoadTokenizer(strings.NewReader(c.Saved), "keras")
		if err != nil {
			t.Errorf("%+v: %v", c.Kw, err)
			continue
		}
		for name, tok := range map[string]*Tokenizer{"fitted": tok, "saved and loaded": fromOwn, "loaded from Keras": fromKeras} {
			c.compare(t, fmt.Sprintf("%s, %+v", name, c.Kw), tok, known.Probe)
		}
	}
}

func (c kerasTokenizer) compare(t *testing.T, name string, tok *Tokenizer, probe []string) {
	t.Helper()
	if !maps.Equal(tok.ids, c.Index) || tok.Len() != len(c.Index) {
		t.Errorf("%s: ids %v, want %v", name, tok.ids, c.Index)
	}
	sequences := tok.Sequences(probe)
	if got, want := fmt.Sprint(sequences), fmt.Sprint(c.Sequences); got != want {
		t.Errorf("%s: sequences %s, want %s", name, got, want)
	}
	decoded := tok.Texts(append([][]int32{{0, 1, 2, 3, 4, 9, 99}}, sequences...))
	if got, want := fmt.Sprintf("%q", decoded), fmt.Sprintf("%q", c.Decoded); got != want {
		t.Errorf("%s: texts %s, want %s", name, got, want)
	}
	modes := map[string]Mode{"binary": Binary, "count": Count, "freq": Freq, "tfidf": TFIDF}
	texts := append(append([]string{}, probe[:3]...), probe[len(probe)-2:]...)
	for mode, want := range c.Matrix {
		m, err := tok.Matrix(texts, modes[mode])
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range want {
			for j, v := range row {
				if m.Shape[0] != len(row) || math.Abs(float64(m.Data[i*len(row)+j])-v) > 1e-6 {
					t.Errorf("%s: %s of text %d: %v, want %v", name, mode, i, m.Data[i*m.Shape[0]:(i+1)*m.Shape[0]], row)
					break
				}
			}
		}
	}
}
