// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/internal/text"
)

// Preprocessor turns something raw into an array of a model's input, in the same way as the data
// that the model was trained on. It is an ImageOptions, TextSequences, TextMatrix, WordIDs, Columns
// or *TableEncoder.
// keraslike.Model.SetPreprocessor saves it with a model:
//
//	err := m.SetPreprocessor(0, datasets.TextSequences{Tokenizer: tok, Padding: datasets.Padding{Length: 200}})
//
// The program that uses the model reads it back:
//
//	p, err := datasets.ReadPreprocessor(m.Preprocessor(0))
//	switch p := p.(type) {
//	case datasets.TextPreprocessor:
//		x, err = p.Array(texts)
//	case datasets.ImageOptions:
//		x, err = datasets.DecodeImage(body, "body", p)
//	...
type Preprocessor interface {
	// Kind is "image", "text_sequences", "text_matrix", "word_ids", "columns" or "table".
	Kind() string
}

// TextPreprocessor is a preprocessor of texts: TextSequences, TextMatrix or WordIDs.
type TextPreprocessor interface {
	Preprocessor
	// Array encodes texts, one sample for each.
	Array(texts []string) (Array, error)
}

// Kind returns "image". Augment and Cache, which are for training, are not saved.
func (ImageOptions) Kind() string { return "image" }

// TextSequences turns texts into ids of words of one length, for an embedding.
type TextSequences struct {
	Tokenizer *Tokenizer `json:"tokenizer"`
	Padding   Padding    `json:"padding"` // a Length of 0 makes texts as long as the longest of a call
}

// Kind returns "text_sequences".
func (TextSequences) Kind() string { return "text_sequences" }

// Array encodes texts.
//
// Shape of a sample: (length)
func (p TextSequences) Array(texts []string) (Array, error) {
	if p.Tokenizer == nil {
		return Array{}, errNoTokenizer
	}
	return PadSequences(p.Tokenizer.Sequences(texts), p.Padding)
}

// TextMatrix turns texts into vectors with one column for each word, see Tokenizer.Matrix.
type TextMatrix struct {
	Tokenizer *Tokenizer `json:"tokenizer"`
	Mode      Mode       `json:"mode"`
}

// Kind returns "text_matrix".
func (TextMatrix) Kind() string { return "text_matrix" }

// Array encodes texts.
//
// Shape of a sample: (width)
func (p TextMatrix) Array(texts []string) (Array, error) {
	if p.Tokenizer == nil {
		return Array{}, errNoTokenizer
	}
	return p.Tokenizer.Matrix(texts, p.Mode)
}

var errNoTokenizer = errors.New("preprocessor of texts: it has no tokenizer")

// Columns turns rows of numbers into an array. Names are the columns in their order; a Scaler
// without columns leaves the numbers as they are. Steps is how many rows, the oldest first, make a
// sample of a series; 0 makes one of each row.
type Columns struct {
	Names  []string `json:"names"`
	Scaler Scaler   `json:"scaler,omitzero"`
	Steps  int      `json:"steps,omitempty"`
}

// Kind returns "columns".
func (Columns) Kind() string { return "columns" }

// Array scales rows of len(Names) numbers, one after another, as they were scaled for training.
// x is unchanged.
//
// Shape of a sample: (columns), or (steps, columns) with Steps
func (p Columns) Array(x []float64) (Array, error) {
	if err := p.check(); err != nil {
		return Array{}, err
	}
	if len(x)%len(p.Names) != 0 {
		return Array{}, fmt.Errorf("columns: %d numbers, want whole rows of %d columns", len(x), len(p.Names))
	}
	shape := []int{len(p.Names)}
	if rows := len(x) / len(p.Names); p.Steps > 0 {
		if shape = []int{p.Steps, len(p.Names)}; rows%p.Steps != 0 {
			return Array{}, fmt.Errorf("columns: %s, want samples of %d rows", text.Count(rows, "row"), p.Steps)
		}
	}
	x = slices.Clone(x)
	if len(p.Scaler.Shift) > 0 {
		if err := p.Scaler.Apply(x); err != nil {
			return Array{}, err
		}
	}
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return Array{shape, out}, nil
}

func (p Columns) check() error {
	n := len(p.Names)
	switch shift, scale := len(p.Scaler.Shift), len(p.Scaler.Scale); {
	case n == 0:
		return errors.New("columns: there are none")
	case shift != scale || shift != 0 && shift != n:
		return fmt.Errorf("columns: a scaler of %d shifts and %d scales for %d columns", shift, scale, n)
	case slices.Contains(p.Scaler.Scale, 0):
		return errors.New("columns: a scale is 0")
	case p.Steps < 0 || p.Steps > maxWidth:
		return fmt.Errorf("columns: samples of %d rows, want 0 to %d", p.Steps, maxWidth)
	}
	return nil
}

// ReadPreprocessor reads a preprocessor that was saved with a model: its kind and its settings, as
// keraslike.Model.Preprocessor returns them.
func ReadPreprocessor(kind string, settings []byte) (Preprocessor, error) {
	fail := func(err error) (Preprocessor, error) {
		return nil, fmt.Errorf("preprocessor %q: %w", kind, err)
	}
	switch kind {
	case "image":
		var p ImageOptions
		if err := decodeStrict(settings, &p); err != nil {
			return fail(err)
		}
		if p.Height != 0 || p.Width != 0 {
			if err := p.check(); err != nil {
				return fail(err)
			}
		}
		return p, nil
	case "text_sequences":
		var p TextSequences
		if err := decodeStrict(settings, &p); err != nil {
			return fail(err)
		}
		if p.Tokenizer == nil {
			return fail(errNoTokenizer)
		}
		if _, err := PadSequences([][]int32{{0}}, p.Padding); err != nil {
			return fail(err)
		}
		return p, nil
	case "text_matrix":
		var p TextMatrix
		if err := decodeStrict(settings, &p); err != nil {
			return fail(err)
		}
		if p.Tokenizer == nil {
			return fail(errNoTokenizer)
		}
		return p, nil
	case "word_ids":
		var p WordIDs
		if err := decodeStrict(settings, &p); err != nil {
			return fail(err)
		}
		if err := p.check(); err != nil {
			return fail(err)
		}
		return p, nil
	case "columns":
		var p Columns
		if err := decodeStrict(settings, &p); err != nil {
			return fail(err)
		}
		if err := p.check(); err != nil {
			return fail(err)
		}
		return p, nil
	case "table":
		p := new(TableEncoder)
		if err := p.UnmarshalJSON(settings); err != nil {
			return fail(err)
		}
		return p, nil
	case "":
		return nil, errors.New("preprocessor: the input has none")
	}
	return nil, fmt.Errorf(`preprocessor %.60q is unknown, want "image", "text_sequences", "text_matrix", "word_ids", "columns" or "table"`, kind)
}

// MarshalJSON writes the tokenizer as Save does.
func (t *Tokenizer) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := t.Save(&b)
	return b.Bytes(), err
}

// UnmarshalJSON reads what MarshalJSON, Save or Keras's Tokenizer.to_json wrote.
func (t *Tokenizer) UnmarshalJSON(text []byte) error {
	read, err := LoadTokenizer(bytes.NewReader(text), "settings")
	if err == nil {
		*t = *read
	}
	return err
}

var (
	pixelNames  = choices[Pixels]{Unit: "unit", Bytes: "bytes", VGG16: "vgg16", SqueezeNet: "squeezenet"}
	filterNames = choices[Filter]{Nearest: "nearest", Bilinear: "bilinear", CatmullRom: "catmull_rom"}
	modeNames   = choices[Mode]{Binary: "binary", Count: "count", Freq: "freq", TFIDF: "tfidf"}
)

// MarshalText returns "unit", "bytes", "vgg16" or "squeezenet".
func (p Pixels) MarshalText() ([]byte, error) { return pixelNames.marshal("pixels", p) }

// UnmarshalText reads what MarshalText returns.
func (p *Pixels) UnmarshalText(text []byte) error { return pixelNames.unmarshal("pixels", text, p) }

// MarshalText returns "nearest", "bilinear" or "catmull_rom".
func (f Filter) MarshalText() ([]byte, error) { return filterNames.marshal("filter", f) }

// UnmarshalText reads what MarshalText returns.
func (f *Filter) UnmarshalText(text []byte) error { return filterNames.unmarshal("filter", text, f) }

// MarshalText returns "binary", "count", "freq" or "tfidf".
func (m Mode) MarshalText() ([]byte, error) { return modeNames.marshal("mode", m) }

// UnmarshalText reads what MarshalText returns.
func (m *Mode) UnmarshalText(text []byte) error { return modeNames.unmarshal("mode", text, m) }
