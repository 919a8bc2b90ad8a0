// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/reef-dl/reef/datasets/internal/mt19937"
	"github.com/reef-dl/reef/internal/npz"
)

var imdbSet = register(Set{
	Name:      "imdb",
	Folder:    "imdb",
	Title:     "IMDB movie reviews as word ids, 25,000 training and 25,000 test reviews, good or bad",
	Publisher: "https://ai.stanford.edu/~amaas/data/sentiment/",
	License:   "free for research, cite Maas et al., ACL 2011",
	Sample:    "800 training and 400 test reviews",
	files: []file{
		kerasFile("imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f", 17464789),
		kerasFile("imdb_word_index.json", "027313fe9a320280f3bf0fac5baf58c4a683cf39a7ed9c3d3d3912bde4284cf6", 1641221),
	},
})

// IMDB loads movie reviews as word ids with a sentiment, 0 for negative and 1 for
// positive: 25,000 for training and 25,000 for testing, half of them of each kind; the
// sample has 800 and 400. Order, start mark, rare words and offset are those of Keras's
// imdb.load_data.
//
// Source: Maas, Daly, Pham, Huang, Ng, Potts: Learning word vectors for sentiment
// analysis, ACL 2011.
func IMDB(ctx context.Context, from From, w Words) (train, test *Sequences, err error) {
	p, err := from.locate(ctx, imdbSet)
	if err != nil {
		return nil, nil, err
	}
	var parts [4]*npz.Array
	name, err := p.openNPZ("imdb.npz", func(a *npz.Archive) error {
		var wg sync.WaitGroup // reads the two large parts in parallel
		var errs [4]error
		for k, array := range [4]string{"x_train", "y_train", "x_test", "y_test"} {
			wg.Go(func() { parts[k], errs[k] = a.Read(array, textLimit) })
		}
		wg.Wait()
		return errors.Join(errs[:]...)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("imdb: %w", err)
	}
	common := Sequences{names: []string{"neg", "pos"}, origin: p.origin}
	if common.Index, err = p.wordIndex("imdb_word_index.json"); err != nil {
		return nil, nil, fmt.Errorf("imdb: %w", err)
	}
	rng := mt19937.New(kerasSeed) // the test part continues with the same generator
	var out [2]*Sequences
	for k, part := range [2]string{"train", "test"} {
		x, y := parts[2*k], parts[2*k+1]
		if err := checkLists(name+": "+part, x, y, 2); err != nil {
			return nil, nil, fmt.Errorf("imdb: %w", err)
		}
		out[k] = w.encode(x.Lists, y.Int, rng.Permutation(len(y.Int)), common)
	}
	return out[0], out[1], nil
}
