// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/reef-dl/reef/internal/inflate"
)

// WordIndex gives every word of a corpus its rank by frequency, 1 for the most frequent,
// like get_word_index of Keras's data sets.
type WordIndex struct {
	rank  map[string]int
	words []string // by rank, "" where a rank has no word
	none  int      // the rank of the word "", 0 when there is none
}

// maxRank limits the ranks, and so the number of words; the largest published index has
// 88,584.
const maxRank = 1 << 20

// maxIndexBytes limits a file of words; the largest published index has 1.6 MB, which
// compress to a third.
const maxIndexBytes = 1 << 26

var indexInflated = inflate.Limit{Base: 4 << 20, Ratio: 12}

// ReadWordIndex decodes a JSON object of words and ranks, gzip-compressed or plain. Two
// words with the same rank are an error. Errors name the file, which is called name.
func ReadWordIndex(r io.Reader, name string) (*WordIndex, error) {
	in, _, err := inflate.Gunzip(r, name, indexInflated)
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: in, N: maxIndexBytes}
	d := json.NewDecoder(withoutMark(limited))
	fail := func(format string, args ...any) error {
		if limited.N <= 0 {
			format, args = "more than %d bytes", []any{maxIndexBytes}
		}
		return fmt.Errorf("%s: offset %d: %w", name, d.InputOffset(), fmt.Errorf(format, args...))
	}
	token, err := d.Token()
	if err != nil {
		return nil, fail("%w", unexpected(err))
	}
	if token != json.Delim('{') {
		return nil, fail("%v, want a JSON object of words and ranks", token)
	}
	w := &WordIndex{rank: map[string]int{}}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fail("%w", unexpected(err))
		}
		word, _ := token.(string) // keys are strings
		var rank int
		if err := d.Decode(&rank); err != nil {
			return nil, fail("rank of %.40q: %w", word, unexpected(err))
		}
		if rank < 1 || rank > maxRank {
			return nil, fail("rank %d of %.40q, want 1 to %d", rank, word, maxRank)
		}
		if other, ok := w.Word(rank); ok {
			return nil, fail("rank %d of %.40q already belongs to %.40q", rank, word, other)
		}
		if _, ok := w.rank[word]; ok {
			return nil, fail("%.40q has two ranks", word)
		}
		if rank >= len(w.words) {
			w.words = append(w.words, make([]string, rank+1-len(w.words))...)
		}
		if w.rank[word], w.words[rank] = rank, word; word == "" {
			w.none = rank
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, fail("%w", unexpected(err))
	}
	switch _, err := d.Token(); {
	case err == nil:
		return nil, fail("more data after the object")
	case err != io.EOF:
		return nil, fail("after the object: %w", err)
	}
	return w, nil
}

// Len is the number of words.
func (w *WordIndex) Len() int { return len(w.rank) }

// Rank returns the rank of a word.
func (w *WordIndex) Rank(word string) (rank int, ok bool) {
	rank, ok = w.rank[word]
	return rank, ok
}

// Word returns the word of a rank.
func (w *WordIndex) Word(rank int) (word string, ok bool) {
	if w == nil || rank < 1 || rank >= len(w.words) { // a nil index knows no word
		return "", false
	}
	return w.words[rank], w.words[rank] != "" || rank == w.none
}

// Decode turns the ids of a text back into words. It omits padding; the start mark, the
// mark for rare words and unknown ids become "?".
func (w *WordIndex) Decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		if id == PadID {
			continue
		}
		word, ok := w.Word(int(id) - WordOffset)
		if !ok {
			word = "?"
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String()
}

// wordIndex reads the word index of a set.
func (p dataDir) wordIndex(file string) (*WordIndex, error) {
	in, file, err := p.open(file, file+".gz")
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read
	return ReadWordIndex(in, p.name(file))
}

// The ids in IMDB and Reuters that are not words, and what is added to a word's rank
// (Keras's start_char, oov_char and index_from).
const (
	PadID      = 0
	StartID    = 1
	OOVID      = 2
	WordOffset = 3
)
