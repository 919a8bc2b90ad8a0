// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokenizer turns texts into word ids as Keras's Tokenizer does: lower case, punctuation
// replaced by spaces, ids by frequency from 1, equally frequent words in the order of
// their first appearance. Set the options before Fit.
type Tokenizer struct {
	// NumWords keeps the ids below it when texts are encoded; 0 keeps all.
	NumWords int
	// OOV, if set, is a word that replaces all unknown and too rare ones. Its id is 1. If
	// it also occurs in the texts then, as in Keras, its id follows from its frequency,
	// counted from 2, and no word has the id 1.
	OOV string
	// KeepCase keeps capital letters. Otherwise texts, but not the OOV word, are converted
	// to lower case as by Python's str.lower.
	KeepCase bool
	// Filters are the characters that separate words as Split does; empty means
	// DefaultFilters.
	Filters string
	// NoFilters makes Split the only separator and ignores Filters.
	NoFilters bool
	// Split separates words; empty means a space. Other white space separates words only
	// if it is among the filters.
	Split string
	// CharLevel makes every character a word. Filters and Split do not apply.
	CharLevel bool

	documents int              // number of fitted texts
	words     []string         // by id - 1; "" if an id has no word
	ids       map[string]int   // of words
	stats     map[string]*stat // of the words of all texts
	order     []string         // words by first appearance
}

// stat counts a word.
type stat struct {
	count int // occurrences
	texts int // texts that contain it
	last  int // number of the last of them
}

// DefaultFilters are the separators of Keras's Tokenizer: ASCII punctuation except the
// apostrophe, tab and newline.
const DefaultFilters = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n"

// separators returns the characters that are replaced by split, which is never empty.
func (t *Tokenizer) separators() (filters, split string) {
	filters, split = t.Filters, t.Split
	if filters == "" {
		filters = DefaultFilters
	}
	if t.NoFilters {
		filters = ""
	}
	if split == "" {
		split = " "
	}
	return filters, split
}

// split returns the words of a text.
func (t *Tokenizer) split(text string) []string {
	text = strings.ToValidUTF8(text, "\uFFFD") // as in a file written by Save
	if !t.KeepCase {
		text = lower(text)
	}
	if t.CharLevel {
		return strings.Split(text, "")
	}
	filters, split := t.separators()
	var ascii [utf8.RuneSelf]bool
	for _, r := range filters {
		if r < utf8.RuneSelf {
			ascii[r] = true
		}
	}
	filtered := func(r rune) bool {
		return r < utf8.RuneSelf && ascii[r] || r >= utf8.RuneSelf && strings.ContainsRune(filters, r)
	}
	if one, n := utf8.DecodeRuneInString(split); n == len(split) {
		return strings.FieldsFunc(text, func(r rune) bool { return r == one || filtered(r) })
	}
	// Inserted separators may combine with adjacent characters to further ones.
	var b strings.Builder
	for _, r := range text {
		if filtered(r) {
			b.WriteString(split)
		} else {
			b.WriteRune(r)
		}
	}
	return slices.DeleteFunc(strings.Split(b.String(), split), func(w string) bool { return w == "" })
}

// Fit counts the words of the texts and assigns the ids. It may be called again with more
// texts.
func (t *Tokenizer) Fit(texts []string) {
	if t.stats == nil {
		t.stats = map[string]*stat{}
	}
	for _, text := range texts {
		t.documents++
		for _, w := range t.split(text) {
			s := t.stats[w]
			if s == nil {
				w = strings.Clone(w) // does not retain the whole text
				s = &stat{}
				t.stats[w] = s
				t.order = append(t.order, w)
			}
			if s.count++; s.last != t.documents {
				s.last = t.documents
				s.texts++
			}
		}
	}
	t.number()
}

// number assigns the ids.
func (t *Tokenizer) number() {
	t.words = t.words[:0]
	if t.OOV != "" {
		t.words = append(t.words, t.OOV)
	}
	byCount := slices.Clone(t.order)
	slices.SortStableFunc(byCount, func(a, b string) int { return cmp.Compare(t.stats[b].count, t.stats[a].count) })
	t.words = append(t.words, byCount...)
	t.index()
}

// index fills in the ids of the words; if a word occurs twice the last id counts.
func (t *Tokenizer) index() {
	t.ids = make(map[string]int, len(t.words))
	for i, w := range t.words {
		if w == "" {
			continue
		}
		if first, ok := t.ids[w]; ok {
			t.words[first-1] = ""
		}
		t.ids[w] = i + 1
	}
}

// Trimmed returns a copy without the words that NumWords excludes, which encodes all texts alike
// and is smaller in a file: of the 88,000 words of IMDB's reviews often a tenth is used. Fit it no
// further, since it has forgotten how often the others occurred.
func (t *Tokenizer) Trimmed() *Tokenizer {
	oov, hasOOV := t.oov()
	if t.NumWords <= 0 || t.NumWords > len(t.words) || hasOOV && oov >= t.NumWords {
		return t
	}
	c := *t
	c.words, c.order, c.stats = slices.Clone(t.words[:t.NumWords-1]), nil, map[string]*stat{}
	for _, w := range t.order {
		if t.ids[w] < t.NumWords {
			c.order, c.stats[w] = append(c.order, w), t.stats[w]
		}
	}
	c.index()
	return &c
}

// Len is the number of words, including the OOV word. Ids go from 0, the padding, to Len, so
// that an embedding needs Len()+1 rows.
func (t *Tokenizer) Len() int { return len(t.ids) }

// ID returns the id of a word, whatever NumWords is.
func (t *Tokenizer) ID(word string) (id int, ok bool) {
	id, ok = t.ids[word]
	return id, ok
}

// Word returns the word of an id.
func (t *Tokenizer) Word(id int) (word string, ok bool) {
	if id < 1 || id > len(t.words) || t.words[id-1] == "" {
		return "", false
	}
	return t.words[id-1], true
}

// oov is the id of the OOV word, if there is one.
func (t *Tokenizer) oov() (id int, ok bool) {
	if t.OOV == "" {
		return 0, false
	}
	if id, ok = t.ids[t.OOV]; !ok {
		id = 1 // before Fit
	}
	return id, true
}

// Sequences encodes texts. Unknown words and those whose id is not below NumWords become
// the OOV word, or are omitted if there is none.
func (t *Tokenizer) Sequences(texts []string) [][]int32 {
	oov, hasOOV := t.oov()
	out := make([][]int32, len(texts))
	for i, text := range texts {
		ids := []int32{}
		for _, w := range t.split(text) {
			id, ok := t.ids[w]
			if !ok || t.NumWords != 0 && id >= t.NumWords {
				if !hasOOV {
					continue
				}
				id = oov
			}
			ids = append(ids, int32(id))
		}
		out[i] = ids
	}
	return out
}

// Texts decodes sequences into words separated by spaces. Unknown ids and those not below
// NumWords become the OOV word, or are omitted if there is none.
func (t *Tokenizer) Texts(sequences [][]int32) []string {
	_, hasOOV := t.oov()
	out := make([]string, len(sequences))
	for i, ids := range sequences {
		var words []string
		for _, id := range ids {
			w, ok := t.Word(int(id))
			if !ok || t.NumWords != 0 && int(id) >= t.NumWords {
				if !hasOOV {
					continue
				}
				w = t.OOV
			}
			words = append(words, w)
		}
		out[i] = strings.Join(words, " ")
	}
	return out
}

// Mode selects what Matrix puts into column j of a text in which word j occurs c times out
// of n; d of N fitted texts contain it.
type Mode int

// The modes of Matrix.
const (
	Binary Mode = iota // 1
	Count              // c
	Freq               // c / n
	TFIDF              // (1 + ln c) · ln(1 + N / (1 + d))
)

// Matrix encodes texts as vectors with one column for each id; column 0 is unused. The
// width is NumWords, or the number of words plus one. Ids that are not below it are
// omitted, but count in n.
//
// Shape of a sample: (width)
func (t *Tokenizer) Matrix(texts []string, mode Mode) (Array, error) {
	if mode < Binary || mode > TFIDF {
		return Array{}, fmt.Errorf("tokenizer: mode %d, want Binary, Count, Freq or TFIDF", mode)
	}
	if t.ids == nil {
		return Array{}, errors.New("tokenizer: Matrix before Fit")
	}
	width := t.NumWords
	if width == 0 {
		width = t.Len() + 1
	}
	if width < 1 || len(texts) > maxNumbers/width {
		return Array{}, fmt.Errorf("tokenizer: matrix of %d texts and %d ids, want at least 1 id and at most %d numbers", len(texts), width, maxNumbers)
	}
	out := make([]float32, len(texts)*width)
	for i, ids := range t.Sequences(texts) {
		row := out[i*width : (i+1)*width]
		for _, id := range ids {
			if int(id) < width {
				row[id]++
			}
		}
		for j, c := range row {
			if c == 0 {
				continue
			}
			switch mode {
			case Count:
			case Binary:
				row[j] = 1
			case Freq:
				row[j] = c / float32(len(ids))
			case TFIDF:
				d := 0
				if s := t.stats[t.words[j-1]]; s != nil { // nil for an OOV word that never occurs
					d = s.texts
				}
				row[j] = float32((1 + math.Log(float64(c))) * math.Log(1+float64(t.documents)/float64(1+d)))
			}
		}
	}
	return Array{[]int{width}, out}, nil
}
