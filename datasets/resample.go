// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Resample returns a source of n samples, each drawn from s at random with replacement,
// anew every time it is read: an epoch of n/batch steps over data that has more or fewer
// samples. Project 9 trains on Resample(windows, 500*128, seed). What is drawn depends on
// the seed, the index and how often it has been read, and not on the order of the
// indices. The source has a method StartEpoch(n int) like ImageFolder's. If s changes what it reads, as an Augment of
// an ImageFolder does, each draw of a sample is another one; a source of the caller's own counts its reads itself, in
// their order.
func Resample(s Source, n int, seed uint64) (Source, error) {
	from, err := length(s)
	if err != nil {
		return nil, fmt.Errorf("resample: %w", err)
	}
	if n < 1 || from < 1 {
		return nil, fmt.Errorf("resample: %d samples drawn from %d, want at least 1 of each", n, from)
	}
	if n > maxNumbers {
		return nil, fmt.Errorf("resample: %d samples, want at most %d", n, maxNumbers)
	}
	if _, ok := s.(weigher); ok {
		return nil, errors.New("resample: the source has sample weights, which samples drawn anew each time cannot keep")
	}
	r := &resampled{view: view{s}, seed: seed, reads: make([]atomic.Uint32, n)}
	r.scratch.New = func() any { return &drawing{rng: rand.NewPCG(0, 0)} }
	return r, nil
}

type resampled struct {
	view
	seed    uint64
	reads   []atomic.Uint32 // how often each sample has been read
	scratch sync.Pool
}

// drawing is the scratch memory of one Read.
type drawing struct {
	rng     *rand.PCG
	indices []int
	visits  []uint32 // of the source below
}

func (r *resampled) Len() int { return len(r.reads) }

// StartEpoch makes the source continue with epoch n, counted from 1, as if every sample had
// been read n-1 times, so that an interrupted training can be resumed in another process.
func (r *resampled) StartEpoch(n int) { setReads(r.reads, n-1) }

// setReads sets how often each sample has been read.
func setReads(reads []atomic.Uint32, times int) {
	for i := range reads {
		reads[i].Store(uint32(times))
	}
}

// SparseInput is false: Active could not know which sample Read draws.
func (r *resampled) SparseInput(int) bool { return false }

func (r *resampled) Read(indices []int, inputs, targets [][]float32) error {
	return r.readVisits(indices, nil, inputs, targets)
}

func (r *resampled) readVisits(indices []int, visits []uint32, inputs, targets [][]float32) error {
	d := r.scratch.Get().(*drawing)
	defer r.scratch.Put(d)
	d.indices, d.visits = d.indices[:0], d.visits[:0]
	from, err := length(r.Source)
	if err != nil {
		return err
	}
	for j, i := range indices {
		if i < 0 || i >= len(r.reads) {
			return fmt.Errorf("sample %d: the source has samples 0 to %d", i, len(r.reads)-1)
		}
		d.rng.Seed(r.seed, uint64(i)<<32|uint64(visitOf(r.reads, visits, j, i)))
		at, _ := bits.Mul64(d.rng.Uint64(), uint64(from)) // uniform up to 2^-64 of the length
		d.indices, d.visits = append(d.indices, int(at)), append(d.visits, uint32(d.rng.Uint64()))
	}
	// The source below does not count these reads: a sample may be drawn twice, and the order would decide which of them
	// comes first. Each draw is a visit of its own.
	return readVisits(r.Source, d.indices, d.visits, inputs, targets)
}
