// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"fmt"
	"strings"

	"github.com/reef-dl/reef/datasets/internal/mt19937"
	"github.com/reef-dl/reef/internal/npz"
)

var reutersSet = register(Set{
	Name:      "reuters",
	Folder:    "reuters",
	Title:     "Reuters newswires as word ids, 8,982 training and 2,246 test wires of 46 topics",
	Publisher: "http://www.daviddlewis.com/resources/testcollections/reuters21578/",
	License:   "Reuters-21578, Reuters Ltd and D. D. Lewis: free for research",
	Sample:    "1,600 training and 400 test wires",
	files: []file{
		kerasFile("reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916", 2110848),
		kerasFile("reuters_word_index.json", "9b56000edc4b34a32e89fd5a23b2605594682c74efcf7d8f4e2a5514b771e633", 550378),
	},
})

// reutersTopics are the 46 topics in the order of their class index.
var reutersTopics = strings.Fields(`cocoa grain veg-oil earn acq wheat copper housing money-supply coffee
	sugar trade reserves ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed
	gold tin strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr
	gas silver wpi hog lead`)

// Reuters loads newswires of 1987 as word ids with one of 46 topics: 8,982 for training
// and 2,246 for testing; the sample has 1,600 and 400. Order, start mark, rare words and
// offset are those of Keras's reuters.load_data.
//
// Source: Lewis: Reuters-21578 text categorization test collection, 1997.
func Reuters(ctx context.Context, from From, w Words) (train, test *Sequences, err error) {
	p, err := from.locate(ctx, reutersSet)
	if err != nil {
		return nil, nil, err
	}
	var x, y *npz.Array
	name, err := p.openNPZ("reuters.npz", func(a *npz.Archive) error {
		if x, err = a.Read("x", textLimit); err != nil {
			return err
		}
		y, err = a.Read("y", textLimit)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reuters: %w", err)
	}
	if err := checkLists(name, x, y, len(reutersTopics)); err != nil {
		return nil, nil, fmt.Errorf("reuters: %w", err)
	}
	common := Sequences{names: reutersTopics, origin: p.origin}
	if common.Index, err = p.wordIndex("reuters_word_index.json"); err != nil {
		return nil, nil, fmt.Errorf("reuters: %w", err)
	}
	all := w.encode(x.Lists, y.Int, mt19937.New(kerasSeed).Permutation(len(y.Int)), common)
	k := int(0.8 * float64(all.Len()))
	first, last := *all, *all
	first.IDs, first.Labels = all.IDs[:k], all.Labels[:k]
	last.IDs, last.Labels = all.IDs[k:], all.Labels[k:]
	return &first, &last, nil
}
