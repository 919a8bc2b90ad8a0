// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"sync"
)

// part is sample j of a buffer, nil if there is no buffer.
func part(b []float32, j, size int) []float32 {
	if b == nil {
		return nil
	}
	return b[j*size : (j+1)*size]
}

// Map applies f to every sample after it is read. f gets the index in s and the numbers
// of that one sample, which it changes in place; inputs and targets that are not wanted
// are nil. f must give the same result for the same index and may be called from several
// goroutines. A panic of s or f becomes an error when the samples are read.
func Map(s Source, f func(i int, inputs, targets [][]float32) error) Source {
	l, err := outline(s)
	if err != nil {
		return &broken{err: fmt.Errorf("map: %w", err)}
	}
	m := &mapped{view: view{s}, layout: l, f: f}
	m.scratch.New = func() any {
		return &sample{make([][]float32, len(m.inputs)), make([][]float32, len(m.targets))}
	}
	if w, ok := s.(weigher); ok {
		return &weightedMap{m, w}
	}
	return m
}

// weightedMap is a mapped source with sample weights.
type weightedMap struct {
	*mapped
	weigher
}

type mapped struct {
	view
	layout
	f       func(i int, inputs, targets [][]float32) error
	scratch sync.Pool
}

// sample points to the numbers of one sample.
type sample struct{ inputs, targets [][]float32 }

// SparseInput is false: f may put the ones anywhere.
func (s *mapped) SparseInput(int) bool { return false }

func (s *mapped) Read(indices []int, inputs, targets [][]float32) error {
	return s.readVisits(indices, nil, inputs, targets)
}

func (s *mapped) readVisits(indices []int, visits []uint32, inputs, targets [][]float32) error {
	if err := readVisits(s.Source, indices, visits, inputs, targets); err != nil {
		return err
	}
	one := s.scratch.Get().(*sample)
	defer s.scratch.Put(one)
	in, out := one.inputs[:len(inputs)], one.targets[:len(targets)]
	for j, i := range indices {
		for k, b := range inputs {
			in[k] = part(b, j, s.inputSizes[k])
		}
		for k, b := range targets {
			out[k] = part(b, j, s.targetSizes[k])
		}
		if err := s.change(i, in, out); err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
	}
	return nil
}

// change calls the caller's function.
func (s *mapped) change(i int, inputs, targets [][]float32) (err error) {
	defer rescue(&err, "the function of Map")
	return s.f(i, inputs, targets)
}
