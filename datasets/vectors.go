// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/reef-dl/reef/internal/inflate"
	"github.com/reef-dl/reef/internal/sniff"
)

// Limits of a file of word vectors; the published ones have up to 2.2 million words of 300
// numbers.
const (
	maxVectorWords   = 1 << 22
	maxVectorDim     = 1 << 12
	maxVectorNumbers = 1 << 28 // that are kept, 1 GB
	maxVectorLine    = 1 << 17
	maxVectorBytes   = int64(1 << 33) // glove.840B has 5.6 GB
)

// vectorsInflated limits the size of an uncompressed file; the published ones compress to
// two fifths. keptVectors limits the memory of the words and numbers that are kept, by the
// bytes of the text.
var (
	vectorsInflated = inflate.Limit{Base: 8 << 20, Ratio: 12}
	keptVectors     = inflate.Limit{Base: 40 << 20, Ratio: 2}
)

// ReadVectors decodes lines of a word and dim numbers, plain or gzip-compressed, as
// written by GloVe, fastText and word2vec. Spaces or tabs separate the fields; a word may
// contain spaces, as some of glove.840B do, unless what follows its first space ends in a
// number. A first line of two integers, the second of which is dim, is the header of
// word2vec and gives the number of words that follow. A byte order mark, CRLF and spaces at
// the ends of lines are ignored.
//
// keep selects the words to load; nil loads all. Other words are checked, but not loaded.
// Errors are a word that is loaded twice, a number that is NaN or Inf and a line of another
// width. They name the file, which is called name, and the line.
func ReadVectors(r io.Reader, name string, dim int, keep func(word string) bool) (*Vectors, error) {
	if dim < 1 || dim > maxVectorDim {
		return nil, fmt.Errorf("%s: %d numbers for each word, want 1 to %d", name, dim, maxVectorDim)
	}
	in, _, err := inflate.Gunzip(r, name, vectorsInflated)
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: in, N: maxVectorBytes}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 1<<14), maxVectorLine)
	v := &vectorReader{
		vectors: &Vectors{Dim: dim, index: map[string]int{}}, keep: keep, in: limited,
		row: make([]float32, dim), promised: -1,
	}
	for lines.Scan() && lines.Err() == nil { // an error comes after what was left
		v.line++
		if err := v.read(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, v.line, err)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s: line %d: longer than %d bytes", name, v.line+1, maxVectorLine)
	case err != nil:
		return nil, fmt.Errorf("%s: line %d: %w", name, v.line+1, err)
	case limited.N <= 0:
		return nil, fmt.Errorf("%s: line %d: more than %d bytes", name, v.line, maxVectorBytes)
	case v.promised >= 0 && v.words != v.promised:
		return nil, fmt.Errorf("%s: line 1: header of %d words, %d follow", name, v.promised, v.words)
	case v.words == 0:
		return nil, fmt.Errorf("%s: no lines", name)
	}
	return v.vectors, nil
}

// vectorReader is the state of ReadVectors between lines.
type vectorReader struct {
	vectors  *Vectors
	keep     func(word string) bool
	in       *io.LimitedReader
	row      []float32 // of the current line
	line     int
	empty    int // the last empty line, 0 if there was none
	words    int
	promised int   // words by the header, -1 without one
	kept     int64 // bytes of the words and numbers that are kept
}

// read takes one line.
func (v *vectorReader) read(line []byte) error {
	dim := len(v.row)
	if v.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
		if is := sniff.Name(line[:min(len(line), sniff.Len)]); is != "" && is != "a text file" && is != "an empty file" && is != "a JSON file" {
			return fmt.Errorf("%s, want lines of a word and %d numbers", is, dim)
		}
	}
	line = bytes.TrimRight(line, " \t\r")
	if len(line) == 0 {
		v.empty = v.line
		return nil
	}
	if v.empty > 0 { // empty lines are fine at the end only
		v.line = v.empty
		return fmt.Errorf("empty, want a word and %d numbers", dim)
	}
	if v.line == 1 {
		if promised, width, ok := word2vecHeader(line); ok && (dim > 1 || width == 1) {
			if width != dim {
				return fmt.Errorf("header of %d words of %d numbers, want %d", promised, width, dim)
			}
			v.promised = promised
			return nil
		}
	}
	word, err := parseVector(line, v.row)
	if err != nil {
		return err
	}
	return v.add(word)
}

// add takes the word of the current line if it is wanted and there is memory for it.
func (v *vectorReader) add(word string) error {
	const entry = 64 // bytes of a word in the index
	if v.words++; v.words > maxVectorWords {
		return fmt.Errorf("more than %d words", maxVectorWords)
	}
	if _, ok := v.vectors.index[word]; ok {
		return fmt.Errorf("duplicate word %.40q", word)
	}
	if wanted, err := keeps(v.keep, word); err != nil || !wanted {
		return err
	}
	v.kept += entry + int64(len(word)) + 4*int64(len(v.row))
	text := maxVectorBytes - v.in.N
	most := keptVectors.Base + keptVectors.Ratio*text
	if v.kept > most || len(v.vectors.data)+len(v.row) > maxVectorNumbers {
		return fmt.Errorf("%d bytes of words and numbers in %d bytes of text, want at most %d bytes and %d numbers", v.kept, text, most, maxVectorNumbers)
	}
	v.vectors.add(word, v.row)
	return nil
}

// keeps calls the caller's function.
func keeps(keep func(word string) bool, word string) (ok bool, err error) {
	if keep == nil {
		return true, nil
	}
	defer rescue(&err, "the function keep")
	return keep(word), nil
}

// word2vecHeader parses the first line of word2vec's text format: the number of words and
// the width.
func word2vecHeader(line []byte) (words, width int, ok bool) {
	fields := bytes.FieldsFunc(line, isSeparator) // other white space may be words
	if len(fields) != 2 {
		return 0, 0, false
	}
	words, err := strconv.Atoi(string(fields[0]))
	width, err2 := strconv.Atoi(string(fields[1]))
	return words, width, err == nil && err2 == nil && words >= 0 && width > 0
}

// isSeparator reports whether r separates a word from its numbers.
func isSeparator(r rune) bool { return r == ' ' || r == '\t' }

// parseVector takes the numbers off the end of a line; what is left is the word.
func parseVector(line []byte, row []float32) (word string, err error) {
	const separators = " \t"
	whole := line
	if bytes.IndexByte([]byte(separators), line[0]) >= 0 {
		return "", misfit(whole, row)
	}
	for j := len(row) - 1; j >= 0; j-- {
		cut := bytes.LastIndexAny(line, separators)
		field := line[cut+1:]
		f, err := strconv.ParseFloat(string(field), 32)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || cut < 0 {
			return "", misfit(whole, row)
		}
		row[j] = float32(f)
		line = bytes.TrimRight(line[:cut+1], separators)
	}
	if len(line) == 0 {
		return "", misfit(whole, row)
	}
	if cut := bytes.LastIndexAny(line, separators); cut >= 0 {
		if _, err := strconv.ParseFloat(string(line[cut+1:]), 64); err == nil {
			return "", misfit(whole, row)
		}
	}
	return string(line), nil
}

// misfit explains what is wrong with a line.
func misfit(line []byte, row []float32) error {
	fields := bytes.FieldsFunc(line, isSeparator)
	word, values := fields[0], fields[1:]
	if line[0] == ' ' || line[0] == '\t' {
		if len(fields) == len(row) {
			return fmt.Errorf("no word before the %d numbers", len(row))
		}
		return fmt.Errorf("no word: the line begins with a separator")
	}
	if len(values) > len(row) { // a word with spaces, or too many numbers
		if _, err := strconv.ParseFloat(string(values[len(values)-len(row)-1]), 64); err == nil {
			return fmt.Errorf("%.40q: %d numbers, want %d", word, len(values), len(row))
		}
		values = values[len(values)-len(row):]
	}
	for j, field := range values {
		if f, err := strconv.ParseFloat(string(field), 32); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%.40q: number %d of %d is %.40q", word, j+1, len(row), field)
		}
	}
	return fmt.Errorf("%.40q: %d numbers, want %d", word, len(values), len(row))
}

// Vectors are word vectors of one width.
type Vectors struct {
	Dim    int
	index  map[string]int
	words  []string
	data   []float32 // Dim numbers for each word
	origin Origin
}

func (v *Vectors) add(word string, row []float32) {
	v.index[word] = len(v.words)
	v.words = append(v.words, word)
	v.data = append(v.data, row...)
}

// Len is the number of words.
func (v *Vectors) Len() int { return len(v.words) }

// Word returns word i, in the order of the file.
func (v *Vectors) Word(i int) string { return v.words[i] }

// Origin returns where the vectors came from.
func (v *Vectors) Origin() Origin { return v.origin }

// Vector returns the vector of a word; it belongs to v.
func (v *Vectors) Vector(word string) ([]float32, bool) {
	i, ok := v.index[word]
	if !ok {
		return nil, false
	}
	return v.data[i*v.Dim : (i+1)*v.Dim : (i+1)*v.Dim], true
}

// Matrix returns the weights of an embedding: row id is the vector of word(id), or zero
// if word or v does not know it. With a Tokenizer, word is its Word method; id 0 is the
// padding. found counts the rows that have a vector. If word panics, or the rows do not
// fit memory, data is nil, which no embedding accepts.
//
// Shape: (rows, Dim), row-major
func (v *Vectors) Matrix(rows int, word func(id int) (string, bool)) (data []float32, found int) {
	defer func() {
		if recover() != nil {
			data, found = nil, 0
		}
	}()
	data = make([]float32, max(rows, 0)*v.Dim)
	for id := range rows {
		w, ok := word(id)
		if !ok {
			continue
		}
		if vec, ok := v.Vector(w); ok {
			copy(data[id*v.Dim:], vec)
			found++
		}
	}
	return data, found
}
