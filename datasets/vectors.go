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

	"github.com/reef-dl/reef/datasets/internal/inflate"
	"github.com/reef-dl/reef/datasets/internal/sniff"
)

// Limits of a file of word vectors; the published ones have up to 2.2 million words and 300
// numbers each.
const (
	maxVectorWords   = 1 << 22
	maxVectorDim     = 1 << 12
	maxVectorNumbers = 1 << 28 // that are kept, 1 GB
	maxVectorLine    = 1 << 17
	maxVectorBytes   = int64(1 << 33) // glove.840B has 5.6 GB
)

// vectorsInflated is what a compressed file may become; the published ones have two fifths
// of their size when they are compressed. keptVectors is what the words and numbers that are
// kept may take, by the bytes of the text.
var (
	vectorsInflated = inflate.Limit{Base: 8 << 20, Ratio: 12}
	keptVectors     = inflate.Limit{Base: 40 << 20, Ratio: 2}
)

// ReadVectors decodes lines of a word and dim numbers, plain or gzip-compressed, as GloVe,
// fastText and word2vec write them. Blanks or tabs separate them; a word may have blanks
// inside, as some of glove.840B do, unless what follows its first blank ends in a number.
// A first line of two whole numbers, the second of them dim, is the header of word2vec: as
// many words must follow. A byte order mark, CRLF and blanks at the ends of lines are
// ignored. A word that is kept and stands there twice, a number that is not finite and a line of
// another width are errors. The name is used in errors, which also give the line. Words
// for which keep says no are checked but not kept.
func ReadVectors(r io.Reader, name string, dim int, keep func(word string) bool) (_ *Vectors, err error) {
	if dim < 1 || dim > maxVectorDim {
		return nil, fmt.Errorf("%s: %d numbers for each word, want 1 to %d", name, dim, maxVectorDim)
	}
	in, _, err := inflate.Gunzip(r, name, vectorsInflated)
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: in, N: maxVectorBytes}
	v := &Vectors{Dim: dim, index: map[string]int{}}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 1<<14), maxVectorLine)
	row := make([]float32, dim)
	n, words, header, empty, kept := 0, 0, -1, 0, int64(0)
	fail := func(format string, args ...any) (*Vectors, error) {
		return nil, fmt.Errorf("%s: line %d: %w", name, n, fmt.Errorf(format, args...))
	}
	for lines.Scan() && lines.Err() == nil { // before an error comes what was left
		n++
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
			if is := sniff.Name(line[:min(len(line), sniff.Len)]); is != "" && is != "a text file" && is != "an empty file" && is != "a JSON file" {
				return fail("%s, want lines of a word and %d numbers", is, dim)
			}
		}
		line = bytes.TrimRight(line, " \t\r")
		if len(line) == 0 {
			empty = n
			continue
		}
		if empty > 0 {
			n = empty
			return fail("empty, want a word and %d numbers", dim)
		}
		if n == 1 {
			if promised, width, ok := word2vecHeader(line); ok && (dim > 1 || width == 1) {
				if width != dim {
					return fail("header of %d words of %d numbers, want %d", promised, width, dim)
				}
				header = promised
				continue
			}
		}
		word, err := parseVector(line, row)
		if err != nil {
			return fail("%w", err)
		}
		if words++; words > maxVectorWords {
			return fail("more than %d words", maxVectorWords)
		}
		if _, ok := v.index[word]; ok {
			return fail("%.40q stands there twice", word)
		}
		if wanted, err := keeps(keep, word); err != nil {
			return fail("%w", err)
		} else if !wanted {
			continue
		}
		const entry = 64 // of a word in the index
		kept += entry + int64(len(word)) + 4*int64(dim)
		if text := maxVectorBytes - limited.N; kept > keptVectors.Base+keptVectors.Ratio*text || len(v.data)+dim > maxVectorNumbers {
			return fail("%d bytes of words and numbers in %d bytes of text, want at most %d bytes and %d numbers", kept, text, keptVectors.Base+keptVectors.Ratio*text, maxVectorNumbers)
		}
		v.add(word, row)
	}
	if err := lines.Err(); err != nil {
		n++
		if errors.Is(err, bufio.ErrTooLong) {
			return fail("longer than %d bytes", maxVectorLine)
		}
		return fail("%w", err)
	}
	if limited.N <= 0 {
		return fail("more than %d bytes", maxVectorBytes)
	}
	if header >= 0 && words != header {
		return nil, fmt.Errorf("%s: line 1: header of %d words, %d follow", name, header, words)
	} else if words == 0 {
		return nil, fmt.Errorf("%s: no lines", name)
	}
	return v, nil
}

// keeps asks the user's function.
func keeps(keep func(word string) bool, word string) (ok bool, err error) {
	if keep == nil {
		return true, nil
	}
	defer rescue(&err, "the function that chooses words")
	return keep(word), nil
}

// word2vecHeader tells the first line of word2vec's text format: the numbers of words and
// of numbers for each.
func word2vecHeader(line []byte) (words, width int, ok bool) {
	fields := bytes.FieldsFunc(line, isSeparator) // other blanks may be words
	if len(fields) != 2 {
		return 0, 0, false
	}
	words, err := strconv.Atoi(string(fields[0]))
	width, err2 := strconv.Atoi(string(fields[1]))
	return words, width, err == nil && err2 == nil && words >= 0 && width > 0
}

// isSeparator tells what stands between a word and its numbers.
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

// misfit says what is wrong with a line.
func misfit(line []byte, row []float32) error {
	fields := bytes.FieldsFunc(line, isSeparator)
	word, values := fields[0], fields[1:]
	if line[0] == ' ' || line[0] == '\t' {
		if len(fields) == len(row) {
			return fmt.Errorf("no word before the %d numbers", len(row))
		}
		return fmt.Errorf("no word: the line begins with a separator")
	}
	if len(values) > len(row) { // a word with blanks, or too many numbers
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

// Word gives word i, in the order of the file.
func (v *Vectors) Word(i int) string { return v.words[i] }

// Origin says where the vectors came from.
func (v *Vectors) Origin() Origin { return v.origin }

// Vector gives the numbers of a word; they belong to v.
func (v *Vectors) Vector(word string) ([]float32, bool) {
	i, ok := v.index[word]
	if !ok {
		return nil, false
	}
	return v.data[i*v.Dim : (i+1)*v.Dim : (i+1)*v.Dim], true
}

// Matrix makes the weights of an embedding: row id has the vector of word(id), and
// zeros where word or v does not know one. With a Tokenizer, word is its Word
// method; id 0 is the padding. found counts the rows that have a vector. Where word panics,
// or the rows fit no memory, there is no data, which no embedding takes.
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
