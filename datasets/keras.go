// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"

	"github.com/reef-dl/reef/internal/npz"
)

// kerasSeed is the seed of the shuffle with which Keras splits Boston, IMDB and Reuters.
const kerasSeed = 113

// textLimit limits the number of texts in an array.
const textLimit = 1 << 20

// kerasFile is a file that the Keras project publishes.
func kerasFile(name, sum string, size int64) file {
	return file{
		Name:   name,
		URLs:   []string{"https://storage.googleapis.com/tensorflow/tf-keras-datasets/" + name},
		SHA256: sum,
		Size:   size,
	}
}

// encode turns lists of ranks, in the order of the permutation, into Sequences.
func (w Words) encode(lists [][]int32, labels []int64, order []int, s Sequences) *Sequences {
	s.words = w
	for _, i := range order {
		ids := make([]int32, 0, len(lists[i])+1)
		ids = append(ids, w.keep(StartID))
		for _, rank := range lists[i] {
			ids = append(ids, w.keep(rank+WordOffset))
			s.rarer = s.rarer || int(rank) >= len(s.Index.words)
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

// checkLists validates the texts and labels of an archive.
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
