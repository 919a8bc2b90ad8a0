// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/reef-dl/reef/datasets/internal/mt19937"
)

// subset is a source in another order, with samples omitted or repeated.
type subset struct {
	view
	at      []int // sample i is sample at[i] of the source below
	repeats *repeats
	scratch sync.Pool
}

// repeats tells the uses of a sample apart that a subset has more than once, where the source below changes from epoch to
// epoch: its own count would depend on the order in which they are read. It is nil for other subsets.
type repeats struct {
	number []uint32 // of sample i among those that are the same sample below, from 0
	most   uint32
	reads  []atomic.Uint32 // how often each sample has been read
}

func newRepeats(s Source, at []int) *repeats {
	if _, changes := s.(interface{ StartEpoch(n int) }); !changes {
		return nil
	}
	uses, r := make(map[int]uint32, len(at)), &repeats{number: make([]uint32, len(at))}
	for j, i := range at {
		r.number[j] = uses[i]
		uses[i]++
		r.most = max(r.most, uses[i])
	}
	if r.most < 2 {
		return nil
	}
	r.reads = make([]atomic.Uint32, len(at))
	return r
}

// visit returns the visit of the source below for the given one of sample i.
func (r *repeats) visit(visit uint32, i int) uint32 { return (visit-1)*r.most + r.number[i] + 1 }

// subsetReading is the scratch memory of one Read.
type subsetReading struct {
	indices []int
	visits  []uint32
}

func newSubset(s Source, at []int) Source {
	if below, ok := s.(*weightedSubset); ok {
		s = below.subset
	}
	if below, ok := s.(*subset); ok { // flatten a subset of a subset
		for j, i := range at {
			at[j] = below.at[i]
		}
		s = below.Source
	}
	v := &subset{view: view{s}, at: at, repeats: newRepeats(s, at)}
	v.scratch.New = func() any { return new(subsetReading) }
	if w, ok := s.(weigher); ok {
		return &weightedSubset{v, w}
	}
	return v
}

// weightedSubset is a subset of a source with sample weights.
type weightedSubset struct {
	*subset
	below weigher
}

func (s *weightedSubset) Weights(indices []int, to []float32) error {
	at := make([]int, len(indices))
	for j, i := range indices {
		if i < 0 || i >= len(s.at) {
			return fmt.Errorf("weights: sample %d: the source has samples 0 to %d", i, len(s.at)-1)
		}
		at[j] = s.at[i]
	}
	return s.below.Weights(at, to)
}

func (s *subset) Len() int { return len(s.at) }

func (s *subset) Active(k, i int) []int32 { return s.view.Active(k, s.at[i]) }

func (s *subset) Read(indices []int, inputs, targets [][]float32) error {
	return s.readVisits(indices, nil, inputs, targets)
}

func (s *subset) readVisits(indices []int, visits []uint32, inputs, targets [][]float32) error {
	p := s.scratch.Get().(*subsetReading)
	defer s.scratch.Put(p)
	p.indices, p.visits = p.indices[:0], p.visits[:0]
	for j, i := range indices {
		if i < 0 || i >= len(s.at) {
			return fmt.Errorf("sample %d: the source has samples 0 to %d", i, len(s.at)-1)
		}
		p.indices = append(p.indices, s.at[i])
		if r := s.repeats; r != nil {
			p.visits = append(p.visits, r.visit(visitOf(r.reads, visits, j, i), i))
		}
	}
	if s.repeats != nil {
		visits = p.visits
	}
	return readVisits(s.Source, p.indices, visits, inputs, targets)
}

// StartEpoch makes a source that changes from epoch to epoch continue with epoch n.
func (s *subset) StartEpoch(n int) {
	if s.repeats != nil {
		setReads(s.repeats.reads, n-1)
	}
	s.view.StartEpoch(n)
}

// Subset returns the samples at the indices, in that order. An index may occur more than once; if s changes what it reads,
// as an Augment of an ImageFolder does, an epoch then has that many versions of the sample.
func Subset(s Source, indices []int) (Source, error) {
	n, err := length(s)
	if err != nil {
		return nil, fmt.Errorf("subset: %w", err)
	}
	for j, i := range indices {
		if i < 0 || i >= n {
			return nil, fmt.Errorf("subset: index %d at position %d, the source has samples 0 to %d", i, j, n-1)
		}
	}
	return newSubset(s, slices.Clone(indices)), nil
}

// Range returns the samples from first up to, but not including, end, as slicing does.
func Range(s Source, first, end int) (Source, error) {
	n, err := length(s)
	if err != nil {
		return nil, fmt.Errorf("range: %w", err)
	}
	if first < 0 || end < first || end > n {
		return nil, fmt.Errorf("range %d:%d of a source of %d samples", first, end, n)
	}
	return span(s, first, end), nil
}

// span is Range without its checks.
func span(s Source, first, end int) Source {
	at := make([]int, end-first)
	for j := range at {
		at[j] = first + j
	}
	return newSubset(s, at)
}

// Take returns the first n samples, or all of them if there are fewer. A panic of s
// becomes an error when the samples are read.
func Take(s Source, n int) Source {
	all, err := length(s)
	if err != nil {
		return breaks(s, fmt.Errorf("take: %w", err))
	}
	return span(s, 0, min(max(n, 0), all))
}

// Split cuts the source in two: the first part has the given share of the samples,
// rounded down. Keras's validation_split=0.2 is Split(s, 0.8): the last fifth.
func Split(s Source, share float64) (first, last Source, err error) {
	if !(share >= 0 && share <= 1) {
		return nil, nil, fmt.Errorf("split: share %v, want 0 to 1", share)
	}
	all, err := length(s)
	if err != nil {
		return nil, nil, fmt.Errorf("split: %w", err)
	}
	n := int(float64(all) * share)
	return span(s, 0, n), span(s, n, all), nil
}

// Permutation returns 0..n-1 in the order of
// numpy.random.RandomState(seed).permutation(n).
func Permutation(n int, seed uint32) []int { return mt19937.New(seed).Permutation(max(n, 0)) }

// Shuffle returns the samples in the order of Permutation(s.Len(), seed). A panic of s
// becomes an error when the samples are read.
func Shuffle(s Source, seed uint32) Source {
	n, err := length(s)
	if err != nil {
		return breaks(s, fmt.Errorf("shuffle: %w", err))
	}
	return newSubset(s, Permutation(n, seed))
}

// TrainTestSplit shuffles and splits: the test part has ceil(n·share) samples. The two
// parts are those of scikit-learn's train_test_split with random_state=seed. Table and
// Texts have a method of this name, whose parts are again tables and texts.
func TrainTestSplit(s Source, share float64, seed uint32) (train, test Source, err error) {
	n, err := length(s)
	if err != nil {
		return nil, nil, fmt.Errorf("train/test split: %w", err)
	}
	first, last, err := trainTestIndices(n, share, seed)
	if err != nil {
		return nil, nil, err
	}
	return newSubset(s, first), newSubset(s, last), nil
}

// trainTestIndices are the samples of the two parts of TrainTestSplit.
func trainTestIndices(n int, share float64, seed uint32) (train, test []int, err error) {
	k := int(share * float64(n))
	if float64(k) < share*float64(n) {
		k++
	}
	if !(share > 0 && share < 1) || k >= n {
		return nil, nil, fmt.Errorf("train/test split: share %v of %d samples leaves a part empty", share, n)
	}
	order := Permutation(n, seed)
	return order[k:], order[:k], nil
}
