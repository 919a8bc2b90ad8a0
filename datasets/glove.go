// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"fmt"
	"path"
	"slices"
)

// Vectors are word vectors of one width.
type Vectors struct {
	Dim    int
	index  map[string]int
	words  []string
	data   []float32 // Dim numbers for each word
	origin Origin
}

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
	r, err := unzip(f, name, entry, vectorsInflated)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	return ReadVectors(r, name+": "+entry, dim, keep)
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
