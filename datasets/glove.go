// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/reef-dl/reef/internal/inflate"
)

var gloveSet = register(Set{
	Name:      "glove",
	Folder:    "glove",
	Title:     "GloVe 6B word vectors, 400,000 words of 50, 100, 200 and 300 numbers",
	Publisher: "https://nlp.stanford.edu/projects/glove/",
	License:   "PDDL 1.0; J. Pennington, R. Socher, C. D. Manning",
	Sample:    "generated, not GloVe: neighborhoods in the embedded movie reviews",
	files: []file{{
		Name:   "glove.6B.zip",
		Also:   gloveFiles(),
		URLs:   []string{"https://nlp.stanford.edu/data/glove.6B.zip", "https://downloads.cs.stanford.edu/nlp/data/glove.6B.zip"},
		SHA256: "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
		Size:   862182613,
	}},
	excerpt: "glove.6B.*d.*.txt*",
})

// gloveWidths are the published widths, the article's first.
var gloveWidths = []int{100, 50, 200, 300}

// GloVe loads word vectors of the given width (50, 100, 200 or 300), trained by the GloVe
// authors on six billion words of Wikipedia and newswire: 400,000 words, the most
// frequent first. Width 0 is 100, or the width of a file that is available if there is
// none of width 100. keep selects the words to load; nil loads all.
//
// The sample is not GloVe but computed by CoOccurrence from the embedded movie reviews,
// in any width.
//
// Source: Pennington, Socher, Manning: GloVe: Global vectors for word representation,
// EMNLP 2014. A folder holds glove.6B.zip or glove.6B.100d.txt (and so on), which may end
// in .gz, or an excerpt glove.6B.100d.*.txt. An excerpt of the width in $REEF_DATA/glove
// is preferred to a download.
func GloVe(ctx context.Context, from From, dim int, keep func(word string) bool) (*Vectors, error) {
	if dim < 0 || dim > maxVectorDim {
		return nil, fmt.Errorf("glove: %d numbers for each word, want 1 to %d", dim, maxVectorDim)
	}
	if dim == 0 {
		dim = gloveWidths[0]
		if at := slices.IndexFunc(gloveWidths, func(w int) bool { return from.has(gloveSet.ofWidth(w)) }); at > 0 {
			dim = gloveWidths[at]
		}
	}
	p, err := from.locate(ctx, gloveSet.ofWidth(dim))
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

// gloveFile is the file of one width in the archive, and gloveExcerpt the pattern for
// parts of it.
func gloveFile(dim int) string    { return fmt.Sprintf("glove.6B.%dd.txt", dim) }
func gloveExcerpt(dim int) string { return fmt.Sprintf("glove.6B.%dd.*.txt*", dim) }

// gloveFiles are the unpacked files of all widths, plain and compressed.
func gloveFiles() (names []string) {
	for _, dim := range gloveWidths {
		names = append(names, gloveFile(dim), gloveFile(dim)+".gz")
	}
	return names
}

// ofWidth is the set of word vectors for which files of other widths do not count.
func (s *Set) ofWidth(dim int) *Set {
	one := *s
	one.files = slices.Clone(s.files)
	one.files[0].Also = []string{gloveFile(dim), gloveFile(dim) + ".gz"}
	one.excerpt = gloveExcerpt(dim)
	return &one
}

func readGloVe(p dataDir, dim int, keep func(string) bool) (*Vectors, error) {
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
	r, err := inflate.Unzip(f, name, entry, vectorsInflated)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	return ReadVectors(r, name+": "+entry, dim, keep)
}

// sampleVectors computes vectors from the embedded movie reviews.
func sampleVectors(ctx context.Context, dim int, keep func(string) bool) (*Vectors, error) {
	train, test, err := IMDB(ctx, From{Source: Sample}, Words{NumWords: 10000})
	if err != nil {
		return nil, err
	}
	data, err := CoOccurrence(append(train.IDs, test.IDs...), 10000, dim, 1)
	if err != nil {
		return nil, err
	}
	v := &Vectors{Dim: dim, index: map[string]int{}}
	for id := WordOffset + 1; id < 10000; id++ {
		row := data[id*dim : (id+1)*dim]
		word, ok := train.Index.Word(id - WordOffset)
		if ok && row[0] != 0 && (keep == nil || keep(word)) {
			v.add(word, row)
		}
	}
	return v, nil
}
