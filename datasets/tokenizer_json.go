// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// tokenizerFile is what Keras's Tokenizer.to_json writes; four of the values are JSON
// objects encoded as strings.
type tokenizerFile struct {
	ClassName string          `json:"class_name"`
	Config    tokenizerConfig `json:"config"`
}

type tokenizerConfig struct {
	NumWords      *int    `json:"num_words"`
	Filters       string  `json:"filters"`
	Lower         bool    `json:"lower"`
	Split         string  `json:"split"`
	CharLevel     bool    `json:"char_level"`
	OOV           *string `json:"oov_token"`
	DocumentCount int     `json:"document_count"`
	WordCounts    string  `json:"word_counts"`
	WordDocs      string  `json:"word_docs"`
	IndexDocs     string  `json:"index_docs"`
	IndexWord     string  `json:"index_word"`
	WordIndex     string  `json:"word_index"`
}

// Save writes the tokenizer in the format of Keras's Tokenizer.to_json.
func (t *Tokenizer) Save(w io.Writer) error {
	filters, split := t.separators()
	c := tokenizerConfig{Filters: filters, Lower: !t.KeepCase, Split: split, CharLevel: t.CharLevel, DocumentCount: t.documents}
	if t.NumWords != 0 {
		c.NumWords = &t.NumWords
	}
	if t.OOV != "" {
		c.OOV = &t.OOV
	}
	number := func(id int) string { return fmt.Sprint(id) }
	word := func(id int) string { return t.words[id-1] }
	ids := make([]int, 0, len(t.words))
	for i, w := range t.words {
		if w != "" {
			ids = append(ids, i+1)
		}
	}
	var counted []int // ids of the words of all texts, by first appearance
	for _, w := range t.order {
		counted = append(counted, t.ids[w])
	}
	c.WordCounts = object(counted, word, func(id int) any { return t.stats[word(id)].count })
	c.WordDocs = object(counted, word, func(id int) any { return t.stats[word(id)].texts })
	c.IndexDocs = object(counted, number, func(id int) any { return t.stats[word(id)].texts })
	c.IndexWord = object(ids, number, func(id int) any { return word(id) })
	c.WordIndex = object(ids, word, func(id int) any { return id })
	return json.NewEncoder(w).Encode(tokenizerFile{"Tokenizer", c})
}

// object encodes a JSON object with its keys in the given order, which decides between
// equally frequent words.
func object(ids []int, key func(int) string, value func(int) any) string {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, id := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		k, _ := json.Marshal(key(id)) // strings and integers always marshal
		v, _ := json.Marshal(value(id))
		b.Write(k)
		b.WriteString(": ")
		b.Write(v)
	}
	b.WriteByte('}')
	return b.String()
}

// LoadTokenizer reads what Save or Keras's Tokenizer.to_json wrote. Errors name the file,
// which is called name.
func LoadTokenizer(r io.Reader, name string) (*Tokenizer, error) {
	fail := func(format string, args ...any) (*Tokenizer, error) {
		return nil, fmt.Errorf("%s: tokenizer: %w", name, fmt.Errorf(format, args...))
	}
	var f tokenizerFile
	limited := &io.LimitedReader{R: r, N: maxIndexBytes}
	d := json.NewDecoder(withoutMark(limited))
	if err := d.Decode(&f); err != nil {
		if limited.N <= 0 {
			return fail("more than %d bytes", maxIndexBytes)
		}
		return fail("offset %d: %w", d.InputOffset(), unexpected(err))
	}
	c := f.Config
	if f.ClassName != "Tokenizer" {
		return fail("class %q, want \"Tokenizer\"", f.ClassName)
	}
	if c.Split == "" {
		return fail("split \"\", want a separator")
	}
	if c.OOV != nil && *c.OOV == "" {
		return fail("oov_token \"\", want a word or null")
	}
	if c.DocumentCount < 0 || c.NumWords != nil && *c.NumWords < 0 {
		return fail("negative document_count or num_words")
	}
	t := &Tokenizer{
		KeepCase: !c.Lower, Filters: c.Filters, NoFilters: c.Filters == "", Split: c.Split,
		CharLevel: c.CharLevel, documents: c.DocumentCount,
	}
	if c.NumWords != nil {
		t.NumWords = *c.NumWords
	}
	if c.OOV != nil {
		t.OOV = *c.OOV
	}
	order, occurrences, err := counts(c.WordCounts)
	if err != nil {
		return fail("word_counts: %w", err)
	}
	_, texts, err := counts(c.WordDocs)
	if err != nil {
		return fail("word_docs: %w", err)
	}
	t.order, t.stats = order, make(map[string]*stat, len(order))
	for _, w := range order {
		if texts[w] < 1 || texts[w] > t.documents {
			return fail("word_docs: %.40q is in %d of %d texts", w, texts[w], t.documents)
		}
		t.stats[w] = &stat{count: occurrences[w], texts: texts[w], last: t.documents}
	}
	_, index, err := counts(c.WordIndex)
	if err != nil {
		return fail("word_index: %w", err)
	}
	if err := t.take(index); err != nil {
		return fail("word_index: %w", err)
	}
	return t, nil
}

// take assigns the ids of a file: every word that was counted, and the OOV word, has its
// own id from 1 on.
func (t *Tokenizer) take(index map[string]int) error {
	most := len(t.order)
	if t.OOV != "" {
		most++
		if _, ok := index[t.OOV]; !ok && len(index) > 0 {
			return fmt.Errorf("no id for the oov_token %.40q", t.OOV)
		}
	}
	t.ids, t.words = make(map[string]int, len(index)), make([]string, most)
	for w, id := range index {
		if id > most || t.stats[w] == nil && w != t.OOV {
			return fmt.Errorf("id %d of %.40q, want 1 to %d for a word of word_counts", id, w, most)
		}
		if other := t.words[id-1]; other != "" {
			return fmt.Errorf("id %d belongs to %.40q and %.40q", id, min(w, other), max(w, other))
		}
		t.words[id-1], t.ids[w] = w, id
	}
	for _, w := range t.order {
		if t.ids[w] == 0 {
			return fmt.Errorf("no id for %.40q of word_counts", w)
		}
	}
	return nil
}

// counts decodes an object of words and positive numbers, with the order of its keys.
func counts(text string) (order []string, values map[string]int, err error) {
	d := json.NewDecoder(bytes.NewBufferString(text))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, nil, fmt.Errorf("%v, want an object of words and numbers", token)
	}
	values = map[string]int{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("offset %d: %w", d.InputOffset(), unexpected(err))
		}
		word, _ := token.(string)
		var n int
		if err := d.Decode(&n); err != nil {
			return nil, nil, fmt.Errorf("offset %d: value of %.40q: %w", d.InputOffset(), word, unexpected(err))
		}
		if _, ok := values[word]; ok || n < 1 || word == "" {
			return nil, nil, fmt.Errorf("offset %d: value %d of %.40q, want one positive number for every word", d.InputOffset(), n, word)
		}
		order, values[word] = append(order, word), n
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("offset %d: %w", d.InputOffset(), unexpected(err))
	}
	return order, values, nil
}
