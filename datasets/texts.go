// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
)

// Words selects how texts become ids. The zero value keeps every word.
type Words struct {
	// NumWords is one more than the largest id: rarer words become OOVID. 0 keeps all.
	NumWords int
	// SkipTop is the smallest id of a word: more frequent words become OOVID.
	SkipTop int
	// MaxLen drops texts of MaxLen ids or more. 0 keeps all.
	MaxLen int
}

// Sequences are texts as word ids, with one class each.
type Sequences struct {
	IDs    [][]int32  // of every text; in IMDB and Reuters the start mark comes first
	Labels []int32    // class of every text
	Index  *WordIndex // of IMDB and Reuters; nil for texts encoded by a Tokenizer
	tok    *Tokenizer
	words  Words
	rarer  bool // there are words that Index does not have
	names  []string
	origin Origin
}

// Len is the number of texts.
func (s *Sequences) Len() int { return len(s.IDs) }

// Names returns the class names.
func (s *Sequences) Names() []string { return s.names }

// Origin returns where the texts came from.
func (s *Sequences) Origin() Origin { return s.origin }

// Text decodes text i, with "?" for ids of unknown words.
func (s *Sequences) Text(i int) string {
	if s.tok != nil {
		return s.tok.Texts(s.IDs[i : i+1])[0]
	}
	return s.Index.Decode(s.IDs[i])
}

// ClassCounts counts the texts of every class.
func (s *Sequences) ClassCounts() []int {
	counts := make([]int, len(s.names))
	for _, l := range s.Labels {
		counts[l]++
	}
	return counts
}

// target is the array of the classes: of shape (1) if there are two, as binary
// cross-entropy expects, else an index.
func (s *Sequences) target() (Array, error) {
	var shape []int
	if len(s.names) == 2 {
		shape = []int{1}
	}
	y := make([]float32, len(s.Labels))
	for i, l := range s.Labels {
		if !exact(l) {
			return Array{}, fmt.Errorf("text %d: label %d does not fit single precision, want at most %d", i, l, maxExact)
		}
		y[i] = float32(l)
	}
	return Array{shape, y}, nil
}

// Padded returns a source of the ids, truncated and padded at the front to the given
// length, for an embedding.
//
// Input shape:  (length)
//
// Target shape: (1) for two classes, () the class index for more
func (s *Sequences) Padded(length int) (Source, error) {
	x, err := PadSequences(s.IDs, Padding{Length: length})
	if err != nil {
		return nil, err
	}
	y, err := s.target()
	if err != nil {
		return nil, err
	}
	m, err := newMemory([]Array{x}, []Array{y})
	if err != nil {
		return nil, err
	}
	m.names = s.names
	return m, nil
}

// MultiHot returns a source of vectors that are one at every id that occurs in the text.
// The ids must be smaller than width.
//
// Input shape:  (width), sparse
//
// Target shape: (1) for two classes, () the class index for more
func (s *Sequences) MultiHot(width int) (*MultiHot, error) {
	y, err := s.target()
	if err != nil {
		return nil, err
	}
	m, err := NewMultiHot(s.IDs, width, []Array{y})
	if err != nil {
		return nil, err
	}
	m.names = s.names
	return m, nil
}

// Preprocessor returns what turns raw texts into the same numbers as those of Padded with this
// length, or of MultiHot for a length of 0: to be saved with a model by SetPreprocessor. Vectors
// are as wide as the vocabulary: NumWords, if that was set.
func (s *Sequences) Preprocessor(length int) TextPreprocessor {
	padding := Padding{Length: length}
	switch {
	case s.tok == nil:
		return WordIDs{Index: s.Index, NumWords: s.words.NumWords, SkipTop: s.words.SkipTop, OOV: s.rarer, Padding: padding}
	case length > 0:
		return TextSequences{s.tok.Trimmed(), padding}
	}
	return TextMatrix{s.tok.Trimmed(), Binary}
}

// Texts are texts with one class each. ReadTexts reads them from lines, NewTextFolder from a
// folder for each class, and Frame.Texts from columns of a CSV file.
type Texts struct {
	Texts  []string
	Labels []int32
	names  []string
	origin Origin
	held   bool // held out for testing
}

// NewTexts returns texts with the given labels, which must be indices of the class names. It
// keeps the slices.
func NewTexts(texts []string, labels []int32, names []string) (*Texts, error) {
	if len(texts) != len(labels) {
		return nil, fmt.Errorf("texts: %d labels for %d texts", len(labels), len(texts))
	}
	if err := distinct(names); err != nil {
		return nil, fmt.Errorf("texts: class names: %w", err)
	}
	for i, l := range labels {
		if l < 0 || int(l) >= len(names) {
			return nil, fmt.Errorf("texts: text %d: label %d, want 0 to %d", i, l, len(names)-1)
		}
	}
	return &Texts{Texts: texts, Labels: labels, names: names}, nil
}

// Len is the number of texts.
func (t *Texts) Len() int { return len(t.Texts) }

// Names returns the class names.
func (t *Texts) Names() []string { return t.names }

// Origin returns where the texts came from.
func (t *Texts) Origin() Origin { return t.origin }

// Subset returns the texts at the indices.
func (t *Texts) Subset(indices []int) (*Texts, error) {
	out := &Texts{names: t.names, origin: t.origin, held: t.held}
	for j, i := range indices {
		if i < 0 || i >= t.Len() {
			return nil, fmt.Errorf("subset: index %d at position %d, there are %d texts", i, j, t.Len())
		}
		out.Texts, out.Labels = append(out.Texts, t.Texts[i]), append(out.Labels, t.Labels[i])
	}
	return out, nil
}

// TrainTestSplit shuffles the texts and splits them as the function TrainTestSplit does. The
// test part is held out: a TextSchema cannot be fitted to it.
func (t *Texts) TrainTestSplit(share float64, seed uint32) (train, test *Texts, err error) {
	first, last, err := trainTestIndices(t.Len(), share, seed)
	if err != nil {
		return nil, nil, err
	}
	if train, err = t.Subset(first); err != nil {
		return nil, nil, err
	}
	if test, err = t.Subset(last); err != nil {
		return nil, nil, err
	}
	test.held = true
	return train, test, nil
}

// Sequences encodes the texts; Padded or MultiHot make a source of the result.
func (t *Texts) Sequences(tok *Tokenizer) *Sequences {
	return &Sequences{IDs: tok.Sequences(t.Texts), Labels: t.Labels, tok: tok, names: t.names, origin: t.origin}
}
