// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Vectors are word vectors of one width.
type Vectors struct {
	Dim    int
	index  map[string]int
	words  []string
	data   []float32 // Dim numbers for each word
	origin Origin
}

// Limits of a file of word vectors; the published ones have 400,000 words and 300
// numbers each.
const (
	maxVectorWords   = 1 << 22
	maxVectorDim     = 1 << 12
	maxVectorNumbers = 1 << 28 // that are kept, 1 GB
	maxVectorLine    = 1 << 17
	maxVectorBytes   = int64(1 << 31) // the largest published file has 1.0 GB
)

// gloveWidths are the published widths, the article's first.
var gloveWidths = []int{100, 50, 200, 300}

// GloVe loads word vectors of the given width (50, 100, 200 or 300), trained by the
// GloVe authors on six billion words of Wikipedia and newswire: 400,000 words, the
// most frequent first. Width 0 is 100 or, where no file of that width is at hand, the
// width of one that is. Only words for which keep says yes are kept; nil keeps all.
//
// The sample is not GloVe but made by CoOccurrence from the embedded film reviews,
// of any width.
//
// Source: Pennington, Socher, Manning: GloVe: Global vectors for word
// representation, EMNLP 2014. A folder holds glove.6B.zip or glove.6B.100d.txt
// (and so on), which may end in .gz, or an excerpt glove.6B.100d.*.txt. An excerpt
// of the width in $REEF_DATA/glove is taken before anything is downloaded.
func GloVe(ctx context.Context, from From, dim int, keep func(word string) bool) (*Vectors, error) {
	if dim < 0 || dim > maxVectorDim {
		return nil, fmt.Errorf("glove: %d numbers for each word, want 1 to %d", dim, maxVectorDim)
	}
	all, err := lookup("glove")
	if err != nil {
		return nil, err
	}
	if dim == 0 {
		dim = gloveWidths[0]
		if at := slices.IndexFunc(gloveWidths, func(w int) bool { return from.has(all.ofWidth(w)) }); at > 0 {
			dim = gloveWidths[at]
		}
	}
	p, err := from.place(ctx, all.ofWidth(dim))
	if err != nil {
		return nil, err
	}
	var v *Vectors
	if p.origin.Kind == Sample {
		v, err = sampleVectors(ctx, dim, keep)
	} else {
		v, err = readGloVe(p, dim, keep)
	}
	if err != nil {
		return nil, fmt.Errorf("glove: %w", err)
	}
	v.origin = p.origin
	return v, nil
}

// gloveFile is the file of one width in the archive, gloveExcerpt the pattern of parts
// of it.
func gloveFile(dim int) string    { return fmt.Sprintf("glove.6B.%dd.txt", dim) }
func gloveExcerpt(dim int) string { return fmt.Sprintf("glove.6B.%dd.*.txt*", dim) }

// gloveFiles are the unpacked files of all widths, plain and compressed.
func gloveFiles() (names []string) {
	for _, dim := range gloveWidths {
		names = append(names, gloveFile(dim), gloveFile(dim)+".gz")
	}
	return names
}

// ofWidth is the set of word vectors for which files of another width do not count.
func (s *Set) ofWidth(dim int) *Set {
	one := *s
	one.Files = slices.Clone(s.Files)
	one.Files[0].Also = []string{gloveFile(dim), gloveFile(dim) + ".gz"}
	one.Excerpt = gloveExcerpt(dim)
	return &one
}

func readGloVe(p place, dim int, keep func(string) bool) (*Vectors, error) {
	entry := gloveFile(dim)
	f, file, err := p.openLike(gloveExcerpt(dim), entry, entry+".gz", "glove.6B.zip")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	name := p.name(file)
	if path.Ext(file) != ".zip" {
		return ReadVectors(f, name, dim, keep)
	}
	r, err := unzip(f, name, entry)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	return ReadVectors(r, name+": "+entry, dim, keep)
}

// ReadVectors decodes lines of a word and dim numbers, separated by blanks, plain
// or gzip-compressed. The name is used in errors, which also give the line. Words
// for which keep says no are checked but not kept.
func ReadVectors(r io.Reader, name string, dim int, keep func(word string) bool) (*Vectors, error) {
	if dim < 1 || dim > maxVectorDim {
		return nil, fmt.Errorf("%s: %d numbers for each word, want 1 to %d", name, dim, maxVectorDim)
	}
	in, err := gunzip(r, name)
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: in, N: maxVectorBytes}
	v := &Vectors{Dim: dim, index: map[string]int{}}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 1<<14), maxVectorLine)
	row := make([]float32, dim)
	n := 0
	for lines.Scan() {
		n++
		text := lines.Text()
		word, rest, _ := strings.Cut(text, " ")
		if word == "" {
			return nil, fmt.Errorf("%s: line %d: no word", name, n)
		}
		for j := range row {
			var field string
			field, rest, _ = strings.Cut(rest, " ")
			f, err := strconv.ParseFloat(field, 32)
			if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
				return nil, fmt.Errorf("%s: line %d: %.40q: number %d of %d is %.40q", name, n, word, j+1, dim, field)
			}
			row[j] = float32(f)
		}
		if rest != "" {
			return nil, fmt.Errorf("%s: line %d: %.40q: more than %d numbers", name, n, word, dim)
		}
		if _, ok := v.index[word]; ok {
			return nil, fmt.Errorf("%s: line %d: %.40q stands there twice", name, n, word)
		}
		if n > maxVectorWords {
			return nil, fmt.Errorf("%s: line %d: more than %d words", name, n, maxVectorWords)
		}
		if keep == nil || keep(word) {
			if len(v.data)+dim > maxVectorNumbers {
				return nil, fmt.Errorf("%s: line %d: more than %d numbers to keep", name, n, maxVectorNumbers)
			}
			v.add(strings.Clone(word), row)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: line %d: %w", name, n+1, err)
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("%s: line %d: more than %d bytes", name, n, maxVectorBytes)
	}
	if n == 0 {
		return nil, fmt.Errorf("%s: no lines", name)
	}
	return v, nil
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
// method; id 0 is the padding. found counts the rows that have a vector.
//
// Shape: (rows, Dim), row-major
func (v *Vectors) Matrix(rows int, word func(id int) (string, bool)) (data []float32, found int) {
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
