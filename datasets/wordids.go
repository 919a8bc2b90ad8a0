// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
)

// WordIDs turns texts into the input of a model that was trained on IMDB or Reuters, with the ids
// that these have there:
//
//	datasets.WordIDs{Index: reviews.Index, NumWords: 10_000, Padding: datasets.Padding{Length: 500}}
//
// Sequences.Preprocessor returns that of a data set. A vocabulary of your own is fitted by a Tokenizer or a TextSchema.
type WordIDs struct {
	Index *WordIndex `json:"index"`
	// NumWords and SkipTop are those of Words.
	NumWords int `json:"num_words,omitempty"`
	SkipTop  int `json:"skip_top,omitempty"`
	// OOV gives words that the index does not have the id OOVID. Otherwise they are left out, as
	// they were when the data sets were made: set it if the index has only the most frequent words
	// of these, as that of a sample.
	OOV bool `json:"oov,omitempty"`
	// Padding with a Length makes each text a sequence of so many ids, as Sequences.Padded does.
	// Without, a text becomes a vector that is one at every id that occurs, as by
	// Sequences.MultiHot: of NumWords numbers, or of as many as the index has ids if that is 0.
	Padding Padding `json:"padding,omitzero"`
}

// Kind returns "word_ids".
func (WordIDs) Kind() string { return "word_ids" }

// Array encodes texts.
//
// Shape of a sample: (length), or (ids) without a Padding
func (p WordIDs) Array(texts []string) (Array, error) {
	if err := p.check(); err != nil {
		return Array{}, err
	}
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		ids[i] = p.Index.encode(text, Words{NumWords: p.NumWords, SkipTop: p.SkipTop}, p.OOV)
	}
	if p.Padding.Length > 0 {
		return PadSequences(ids, p.Padding)
	}
	width := p.width()
	if len(texts) > maxNumbers/width {
		return Array{}, fmt.Errorf("word ids: %d texts and %d ids, want at most %d numbers", len(texts), width, maxNumbers)
	}
	out := make([]float32, len(texts)*width)
	for i, list := range ids {
		row := out[i*width : (i+1)*width]
		for _, id := range list {
			row[id] = 1
		}
	}
	return Array{[]int{width}, out}, nil
}

// width is the number of numbers of a vector.
func (p WordIDs) width() int {
	if p.NumWords > 0 {
		return p.NumWords
	}
	return max(len(p.Index.words), 1) + WordOffset
}

func (p WordIDs) check() error {
	switch {
	case p.Index == nil:
		return errors.New("word ids: there is no index")
	case p.NumWords < 0 || p.NumWords > maxWidth || p.NumWords > 0 && p.NumWords <= OOVID:
		return fmt.Errorf("word ids: %d words, want 0 for all or %d to %d", p.NumWords, OOVID+1, maxWidth)
	case p.SkipTop < 0:
		return fmt.Errorf("word ids: SkipTop is %d, want 0 or more", p.SkipTop)
	case p.Padding.Length == 0 && p.Padding != (Padding{}):
		return errors.New("word ids: Padding without a Length")
	}
	_, err := PadSequences([][]int32{{0}}, p.Padding)
	return err
}

// Encode turns a text into ids as the texts of IMDB and Reuters were: only the letters A to Z
// are converted to lower case; words are what stands between spaces, tabs, newlines and
// punctuation, see DefaultFilters, so that an apostrophe is part of a word. StartID comes first. A
// word of the index has its rank plus WordOffset as id, or OOVID if w excludes that id; words that
// the index does not have are left out. w.MaxLen does not apply.
//
// All 50,000 texts of [Reviews] get the ids that [IMDB] has for them.
func (x *WordIndex) Encode(text string, w Words) []int32 { return x.encode(text, w, false) }

// encode is Encode; with oov, words that the index does not have become OOVID.
func (x *WordIndex) encode(text string, w Words, oov bool) []int32 {
	split := Tokenizer{KeepCase: true}
	ids := []int32{w.keep(StartID)}
	for _, word := range split.split(lowerASCII(text)) {
		if rank, ok := x.rank[word]; ok {
			ids = append(ids, w.keep(int32(rank)+WordOffset))
		} else if oov {
			ids = append(ids, OOVID)
		}
	}
	return ids
}

// lowerASCII is Python 2's str.lower, with which the published files were made.
func lowerASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// MarshalJSON writes the words in the order of their ranks, from 1 on, null where a rank has none.
func (x *WordIndex) MarshalJSON() ([]byte, error) {
	list := make([]*string, max(len(x.words)-1, 0))
	for i := range list {
		if word, ok := x.Word(i + 1); ok {
			list[i] = &word
		}
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (x *WordIndex) UnmarshalJSON(text []byte) error {
	var list []*string
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	if len(list) > maxRank {
		return fmt.Errorf("index of %d words, want at most %d", len(list), maxRank)
	}
	read := WordIndex{rank: make(map[string]int, len(list)), words: make([]string, len(list)+1)}
	for i, word := range list {
		if word == nil {
			continue
		}
		if other, ok := read.rank[*word]; ok {
			return fmt.Errorf("index: word %.40q has the ranks %d and %d", *word, other, i+1)
		}
		if read.rank[*word], read.words[i+1] = i+1, *word; *word == "" {
			read.none = i + 1
		}
	}
	*x = read
	return nil
}
