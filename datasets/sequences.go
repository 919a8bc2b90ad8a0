// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"

	"github.com/reef-dl/reef/datasets/internal/npz"
)

// The ids that are no words in IMDB and Reuters, and what is added to a word's
// rank (Keras's start_char, oov_char and index_from).
const (
	PadID      = 0
	StartID    = 1
	OOVID      = 2
	WordOffset = 3
)

// Words says how texts become ids. The zero value keeps every word.
type Words struct {
	// NumWords is one more than the largest id: rarer words become OOVID. 0 keeps all.
	NumWords int
	// SkipTop is the smallest id of a word: more frequent words become OOVID.
	SkipTop int
	// MaxLen drops texts of MaxLen ids or more. 0 keeps all.
	MaxLen int
}

// Sequences are texts as word ids with one class each.
type Sequences struct {
	IDs    [][]int32  // of every text; in IMDB and Reuters the start mark comes first
	Labels []int32    // class of every text
	Index  *WordIndex // of IMDB and Reuters; nil for texts that were encoded by a Tokenizer
	tok    *Tokenizer
	names  []string
	origin Origin
}

// Len is the number of texts.
func (s *Sequences) Len() int { return len(s.IDs) }

// Names gives the class names.
func (s *Sequences) Names() []string { return s.names }

// Origin says where the texts came from.
func (s *Sequences) Origin() Origin { return s.origin }

// Text decodes text i, "?" for what is no known word.
func (s *Sequences) Text(i int) string {
	if s.tok != nil {
		return s.tok.Texts(s.IDs[i : i+1])[0]
	}
	return s.Index.Decode(s.IDs[i])
}

// Counts counts the texts of every class.
func (s *Sequences) Counts() []int {
	counts := make([]int, len(s.names))
	for _, l := range s.Labels {
		counts[l]++
	}
	return counts
}

// target is the array of the classes: shape (1) for two of them, as the binary
// cross-entropy wants it, else an index.
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

// Padded is the source of the ids, cut and padded at the front to the given
// length, for an embedding.
//
// Input shape:  (length)
// Target shape: (1) for two classes, () the class index for more
func (s *Sequences) Padded(length int) (*Memory, error) {
	x, err := PadSequences(s.IDs, Padding{Length: length})
	if err != nil {
		return nil, err
	}
	y, err := s.target()
	if err != nil {
		return nil, err
	}
	m, err := InMemory([]Array{x}, []Array{y})
	if err != nil {
		return nil, err
	}
	m.names = s.names
	return m, nil
}

// MultiHot is the source of vectors that are one at every id that occurs in the
// text. The ids must be smaller than width.
//
// Input shape:  (width), sparse
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

// encode turns lists of ranks, in the order of the permutation, into Sequences.
func (w Words) encode(lists [][]int32, labels []int64, order []int, s Sequences) *Sequences {
	for _, i := range order {
		ids := make([]int32, 0, len(lists[i])+1)
		ids = append(ids, w.keep(StartID))
		for _, rank := range lists[i] {
			ids = append(ids, w.keep(rank+WordOffset))
		}
		if w.MaxLen > 0 && len(ids) >= w.MaxLen {
			continue
		}
		s.IDs = append(s.IDs, ids)
		s.Labels = append(s.Labels, int32(labels[i]))
	}
	return &s
}

func (w Words) keep(id int32) int32 {
	if int(id) < w.SkipTop || w.NumWords > 0 && int(id) >= w.NumWords {
		return OOVID
	}
	return id
}

// checkLists checks what an archive holds of one part.
func checkLists(name string, x, y *npz.Array, classes int) error {
	if x.Lists == nil || y.Int == nil || len(y.Shape) != 1 || len(x.Lists) != len(y.Int) {
		return fmt.Errorf("%s: texts %v and labels %v, want one axis of equal length, lists and integers", name, x.Shape, y.Shape)
	}
	for i, list := range x.Lists {
		for j, rank := range list {
			if rank < 1 || rank > maxRank {
				return fmt.Errorf("%s: text %d: word %d has rank %d, want 1 to %d", name, i, j, rank, maxRank)
			}
		}
	}
	for i, l := range y.Int {
		if l < 0 || l >= int64(classes) {
			return fmt.Errorf("%s: text %d: label %d, want 0 to %d", name, i, l, classes-1)
		}
	}
	return nil
}
