// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"slices"
)

// TextSchema says how texts become the input of a model:
//
//	train, test, err := texts.TrainTestSplit(0.2, 1)
//	encoder, err := datasets.TextSchema{Padding: datasets.Padding{Length: 200}}.Fit(train)
//	trainData, err := encoder.EncodeTexts(train) // Sources for Fit and Evaluate
//	testData, err := encoder.EncodeTexts(test)
type TextSchema struct {
	// Tokenizer has the settings of the vocabulary. Fit makes a new one with these settings,
	// whether this one has been fitted or not; nil means &Tokenizer{OOV: "<unknown>"}.
	Tokenizer *Tokenizer
	// Padding with a Length makes each text a sequence of so many word ids, for an Embedding
	// of Tokenizer.Len()+1 rows. Without, a text becomes a vector with a number for each id.
	Padding Padding
	// Mode is what the numbers of the vectors are, see Tokenizer.Matrix.
	Mode Mode
}

// TextEncoder turns texts into the numbers of a model: the vocabulary that TextSchema.Fit has
// learned. It may be used by several goroutines. Its Preprocessor is what is saved with a model.
type TextEncoder struct {
	tokenizer *Tokenizer
	padding   Padding
	mode      Mode
	names     []string
}

// Fit learns the vocabulary from the training texts. Texts that TrainTestSplit held out for
// testing are an error.
func (s TextSchema) Fit(train *Texts) (*TextEncoder, error) {
	if train.held {
		return nil, errors.New("fit: these texts are held out for testing; fit to the training part and encode these")
	}
	t := &Tokenizer{OOV: "<unknown>"}
	if o := s.Tokenizer; o != nil {
		t = &Tokenizer{NumWords: o.NumWords, OOV: o.OOV, KeepCase: o.KeepCase, Filters: o.Filters, NoFilters: o.NoFilters, Split: o.Split, CharLevel: o.CharLevel}
	}
	t.Fit(train.Texts)
	e := &TextEncoder{t, s.Padding, s.Mode, slices.Clone(train.names)}
	return e, e.check()
}

func (e *TextEncoder) check() error {
	if e.padding.Length < 0 || e.padding.Length > maxWidth || e.width() < 1 || e.width() > maxWidth {
		return fmt.Errorf("length %d, %d words, want 0 to %d and at least 1", e.padding.Length, e.tokenizer.Len(), maxWidth)
	}
	if e.padding.Length == 0 && e.padding != (Padding{}) {
		return errors.New("Padding without a Length")
	}
	if !exact(e.padding.Value) {
		return fmt.Errorf("padding value %d does not fit single precision", e.padding.Value)
	}
	if e.mode < Binary || e.mode > TFIDF || e.padding.Length > 0 && e.mode != Binary {
		return fmt.Errorf("mode %d, want Binary, Count, Freq or TFIDF, without a Padding", e.mode)
	}
	return nil
}

// width is the number of numbers of a text.
func (e *TextEncoder) width() int {
	switch {
	case e.padding.Length > 0:
		return e.padding.Length
	case e.tokenizer.NumWords > 0:
		return e.tokenizer.NumWords
	}
	return e.tokenizer.Len() + 1
}

// Tokenizer returns the fitted tokenizer, which must not be changed.
func (e *TextEncoder) Tokenizer() *Tokenizer { return e.tokenizer }

// Names returns the class names, by class index.
func (e *TextEncoder) Names() []string { return slices.Clone(e.names) }

// Shapes returns the shape of a text, (length) or (ids), and that of the class.
func (e *TextEncoder) Shapes() (inputs, targets [][]int) {
	if len(e.names) > 0 {
		targets = [][]int{classShape(len(e.names))}
	}
	return [][]int{{e.width()}}, targets
}

// Encode encodes texts for prediction.
//
// Shape of a sample: (length), or (ids) without a Padding
func (e *TextEncoder) Encode(texts ...string) (Array, error) {
	if len(texts) == 0 {
		return Array{}, errors.New("encode: no texts")
	}
	if e.padding.Length > 0 {
		return PadSequences(e.tokenizer.Sequences(texts), e.padding)
	}
	return e.tokenizer.Matrix(texts, e.mode)
}

// EncodeTexts returns a source of texts with their classes, which must be those of the
// training texts. Vectors of mode Binary are sparse.
func (e *TextEncoder) EncodeTexts(t *Texts) (Source, error) {
	if !slices.Equal(t.names, e.names) {
		return nil, fmt.Errorf("encode: texts of the classes %s, want %s, as in training", someOf(t.names), someOf(e.names))
	}
	s := t.Sequences(e.tokenizer)
	y, err := s.target()
	if err != nil {
		return nil, err
	}
	if e.padding.Length == 0 && e.mode == Binary {
		return s.MultiHot(e.width())
	}
	x, err := e.Encode(t.Texts...)
	if err != nil {
		return nil, err
	}
	m, err := newMemory([]Array{x}, []Array{y})
	if err != nil {
		return nil, err
	}
	m.names = e.Names()
	return m, nil
}

// Preprocessor returns the vocabulary, without the words that NumWords excludes, with the padding
// or the mode, to be saved with a model by SetPreprocessor: a TextSequences or a TextMatrix.
func (e *TextEncoder) Preprocessor() Preprocessor {
	if e.padding.Length > 0 {
		return TextSequences{e.tokenizer.Trimmed(), e.padding}
	}
	return TextMatrix{e.tokenizer.Trimmed(), e.mode}
}
