// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"

	"github.com/reef-dl/reef/datasets/internal/mt19937"
)

// KFold divides samples into K parts of nearly equal size, each of which serves as the
// test part once. The folds are those of scikit-learn's KFold and StratifiedKFold with
// the same arguments (random_state = Seed).
type KFold struct {
	K       int
	Shuffle bool
	Seed    uint32 // used with Shuffle
}

// Fold is one division into training and test samples, both in ascending order.
type Fold struct{ Train, Test []int }

// Subsets returns the two parts of a source.
func (f Fold) Subsets(s Source) (train, test Source, err error) {
	if train, err = Subset(s, f.Train); err != nil {
		return nil, nil, err
	}
	test, err = Subset(s, f.Test)
	return train, test, err
}

// Split divides n samples: each part has n/K of them, and the first n%K parts one more.
func (k KFold) Split(n int) ([]Fold, error) {
	if k.K < 2 || k.K > n {
		return nil, fmt.Errorf("k-fold: %d folds of %d samples, want 2 to %d", k.K, n, n)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if k.Shuffle {
		mt19937.New(k.Seed).Shuffle(order)
	}
	fold := make([]int, n) // of every sample
	first := 0
	for i := range k.K {
		size := n / k.K
		if i < n%k.K {
			size++
		}
		for _, s := range order[first : first+size] {
			fold[s] = i
		}
		first += size
	}
	return k.gather(fold), nil
}

// Stratified divides len(classes) samples so that every part has nearly the same share of
// each class. A class with fewer than K samples is an error.
func (k KFold) Stratified(classes []int) ([]Fold, error) {
	n := len(classes)
	if k.K < 2 || k.K > n {
		return nil, fmt.Errorf("stratified k-fold: %d folds of %d samples, want 2 to %d", k.K, n, n)
	}
	// Number the classes by first appearance.
	number := map[int]int{}
	var counts []int
	code := make([]int, n)
	for i, c := range classes {
		j, ok := number[c]
		if !ok {
			j = len(counts)
			number[c] = j
			counts = append(counts, 0)
		}
		code[i] = j
		counts[j]++
	}
	for i, j := range code {
		if c := classes[i]; counts[j] < k.K {
			return nil, fmt.Errorf("stratified k-fold: class %d has %d samples, want at least %d, one for each fold", c, counts[j], k.K)
		}
	}
	// Deal the sorted classes to the folds in turn: fold f gets per[f][j] samples of
	// class j.
	sorted := slices.Sorted(slices.Values(code))
	per := make([][]int, k.K)
	for f := range per {
		per[f] = make([]int, len(counts))
		for i := f; i < n; i += k.K {
			per[f][sorted[i]]++
		}
	}
	rng := mt19937.New(k.Seed)
	fold := make([]int, n)
	for j := range counts {
		var of []int // folds of the samples of class j, in order
		for f := range per {
			of = append(of, slices.Repeat([]int{f}, per[f][j])...)
		}
		if k.Shuffle {
			rng.Shuffle(of)
		}
		next := 0
		for i, c := range code {
			if c == j {
				fold[i] = of[next]
				next++
			}
		}
	}
	return k.gather(fold), nil
}

// gather lists the samples inside and outside every fold.
func (k KFold) gather(fold []int) []Fold {
	folds := make([]Fold, k.K)
	for i, in := range fold {
		for f := range folds {
			if f == in {
				folds[f].Test = append(folds[f].Test, i)
			} else {
				folds[f].Train = append(folds[f].Train, i)
			}
		}
	}
	return folds
}
